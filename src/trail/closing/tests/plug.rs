//! The plug is pulled while a controller comes to its end.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::*;
use crate::model::date::Timestamp;
use crate::store::faults::{Call, Fault, Faults};

/// At each call of each device: the end is told or it is not, and once it is, the next start goes on with it, and nothing is left.
#[test]
fn the_plug_is_pulled_at_every_call() {
    let (before, after) = (Cell::new([0; 3]), Cell::new([0; 3]));
    story(|disks| before.set(counts(disks)), |disks| after.set(counts(disks)));
    let calls: [u64; 3] = std::array::from_fn(|device| after.get()[device] - before.get()[device]);
    let mut struck = 0;
    for (device, calls) in calls.into_iter().enumerate() {
        for at in 0..calls {
            let faults = match DEVICES[device].1 {
                Call::Overwrite => {
                    [Fault::Lost, Fault::Torn(40), Fault::Torn(70_000), Fault::AppliedThenFailed].to_vec()
                }
                _ => [Fault::Lost, Fault::AppliedThenFailed].to_vec(),
            };
            for fault in faults {
                let about = format!("device {device}, call {at} of {calls}, {fault:?}");
                let plan =
                    |disks: &Disks| DEVICES[device].0(disks, &mut |faults| faults.plan(DEVICES[device].1, at, fault));
                let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(plan, |_| ())));
                assert!(told.is_ok(), "{about}: see above");
                struck += 1;
            }
        }
    }
    assert!(struck > 12, "{struck}");
}

type Look = fn(&Disks, &mut dyn FnMut(&mut Faults));

const DEVICES: [(Look, Call); 3] = [
    (|disks, look| disks.db.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.vault.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.keyring.faults(|faults| look(faults)), Call::Overwrite),
];

/// How often each device was called.
fn counts(disks: &Disks) -> [u64; 3] {
    DEVICES.map(|(device, call)| {
        let mut seen = 0;
        device(disks, &mut |faults| seen = faults.calls().get(&call).copied().unwrap_or_default());
        seen
    })
}

/// A controller's end, over however many starts it takes.
fn story(before: impl FnOnce(&Disks), after: impl FnOnce(&Disks)) {
    let mut rig = opened();
    rig.agreed(&school(1), 7);
    let key = rig.trail_of(&school(1));
    let others = rig.rows_of(&rig.trail_of(&school(2)));
    let disks = rig.disks.clone();
    before(&disks);
    for _ in 0..4 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // What a start finds it has finished before anybody reads.
            let told = rig.base.acts.of(&school(1)).closed().is_some();
            assert_eq!(told, rig.trail_of(&school(1)).destroyed, "told and not finished");
            if told {
                assert_eq!(rig.rows_of(&key), 0, "finished, and something is left");
            }
            let closed = rig.close(&school(1), Some(id(7))).is_ok();
            if closed {
                rig.finish_endings();
            }
            closed
        }));
        if done.unwrap_or(false) {
            break;
        }
        drop(rig);
        rig = start(&disks, now());
    }
    assert!(rig.trail_of(&school(1)).destroyed, "it is never done");
    assert_eq!(rig.findings(), [""; 0]);
    assert_eq!(meta::closed(rig.base.db.as_ref()).unwrap(), [(school(1), 1)]);
    assert_eq!((rig.rows_of(&key), rig.rows_of(&rig.trail_of(&school(2)))), (0, others));
    after(&disks);
    rig.happens(&school(2), 9, Action::Read).unwrap();
}

fn start(disks: &Disks, at: Timestamp) -> Rig {
    for _ in 0..4 {
        for disk in [&disks.db, &disks.vault, &disks.index] {
            disk.crash(0);
        }
        disks.keyring.crash();
        disks.guard.crash();
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Rig::start(disks.clone(), at)));
        if let Ok(rig) = opened {
            return rig;
        }
    }
    panic!("it does not start");
}
