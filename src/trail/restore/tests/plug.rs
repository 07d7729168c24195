//! The plug is pulled while a copy is restored.

use super::*;
use crate::store::faults::{Call, Fault, Faults};

type Look = fn(&Disks, &mut dyn FnMut(&mut Faults));

const DEVICES: [(Look, Call); 3] = [
    (|disks, look| disks.db.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.vault.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.keyring.faults(|faults| look(faults)), Call::Overwrite),
];

/// At each call of each device: the next start goes on, and comes to the same.
#[test]
fn the_plug_is_pulled_at_every_call() {
    let mut rig = begun();
    let history = rig.disks.db.copy();
    goes_on(&mut rig);
    let newest = rig.disks.clone();
    drop(rig);
    let calls = DEVICES.map(|(device, call)| {
        let disks = restored(&newest, &history);
        drop(Rig::start(disks.clone(), now().plus(DAY * 9)));
        let mut seen = 0;
        device(&disks, &mut |faults| seen = faults.calls().get(&call).copied().unwrap_or_default());
        seen
    });
    assert!(calls[0] > 5 && calls[1] > 2 && calls[2] > 1, "{calls:?}");
    for (device, calls) in calls.into_iter().enumerate() {
        for at in 0..calls {
            for fault in [Fault::Lost, Fault::AppliedThenFailed] {
                let about = format!("device {device}, call {at} of {calls}, {fault:?}");
                let disks = restored(&newest, &history);
                DEVICES[device].0(&disks, &mut |faults| faults.plan(DEVICES[device].1, at, fault));
                let mut rig = start(&disks);
                assert_eq!(rig.findings(), [""; 0], "{about}");
                assert!(!under_way(rig.base.db.as_ref()).unwrap(), "{about}");
                let last = rig.last(&school(1));
                assert_eq!(
                    (last.past.len(), rig.base.acts.of(&school(1)).holds().standing().count()),
                    (1, 2),
                    "{about}"
                );
                let told = told(&rig.base, rig.last(&Controller::node()).number).unwrap().unwrap();
                assert_eq!((told.lost.len(), told.ended.len()), (1, 1), "{about}");
            }
        }
    }
}

fn start(disks: &Disks) -> Rig {
    for _ in 0..4 {
        for disk in [&disks.db, &disks.vault, &disks.index] {
            disk.crash(0);
        }
        disks.keyring.crash();
        disks.guard.crash();
        let opened = || Rig::start(disks.clone(), now().plus(DAY * 9));
        if let Ok(rig) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(opened)) {
            return rig;
        }
    }
    panic!("it does not start");
}
