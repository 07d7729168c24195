//! The plug is pulled while holds are placed, kept and released.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::*;
use crate::store::faults::{Call, Fault, Faults};

/// The plug is pulled at each call of each device: what was promised is kept, what was released is gone, and the next start finds
/// its way.
#[test]
fn the_plug_is_pulled_at_every_call() {
    let (before, after) = (Cell::new([0; 3]), Cell::new([0; 3]));
    story(|disks| before.set(counts(disks)), |disks| after.set(counts(disks)));
    let calls: [u64; 3] = std::array::from_fn(|device| after.get()[device] - before.get()[device]);
    let mut struck = 0;
    for (device, calls) in calls.into_iter().enumerate() {
        for at in 0..calls {
            // Of what is committed either may be true; of a file's two slots one may be torn.
            let faults = match (device, at % 2) {
                (KEYRING, 0) => [Fault::Torn(40), Fault::AppliedThenFailed],
                (KEYRING, _) => [Fault::Lost, Fault::Torn(70_000)],
                _ => [Fault::Lost, Fault::AppliedThenFailed],
            };
            // Of those that holds are no matter of, one will do.
            for fault in faults.into_iter().take(if device == DB { 1 } else { 2 }) {
                let about = format!("device {device}, call {at} of {calls}, {fault:?}");
                let plan =
                    |disks: &Disks| DEVICES[device].0(disks, &mut |faults| faults.plan(DEVICES[device].1, at, fault));
                let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(plan, |_| ())));
                assert!(told.is_ok(), "{about}: see above");
                struck += 1;
            }
        }
    }
    assert!(struck > 40, "{struck}");
}

type Look = fn(&Disks, &mut dyn FnMut(&mut Faults));

const DB: usize = 0;
const KEYRING: usize = 2;
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

/// A hold's life, over however many starts it takes: each step is tried until it is answered. `before` hears when something was
/// recorded that can be held, `after` when all is over.
fn story(before: impl FnOnce(&Disks), after: impl FnOnce(&Disks)) {
    let mut rig = opened();
    assert!(rig.record(1).iter().all(Result::is_ok));
    let disks = rig.disks.clone();
    before(&disks);
    let start = |at: Timestamp| -> Rig {
        for _ in 0..4 {
            let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Rig::start(disks.clone(), at)));
            match opened {
                Ok(rig) => return rig,
                Err(_) => pull(&disks),
            }
        }
        panic!("it does not start");
    };
    let step = |rig: Rig, at: Timestamp, work: &mut dyn FnMut(&mut Rig) -> bool| -> Rig {
        let mut rig = rig;
        rig.at(at);
        for _ in 0..3 {
            if work(&mut rig) {
                return rig;
            }
            drop(rig);
            pull(&disks);
            rig = start(at);
        }
        panic!("a step is never done");
    };
    let placed = |done: &Result<Noted, ChangeError>| matches!(done, Ok(Noted { receipt: Some(_), .. }));
    rig = step(rig, now(), &mut |rig| placed(&rig.place(1, &of_pupil())));
    rig = step(rig, now(), &mut |rig| placed(&rig.place(2, &of_teacher())));
    rig = step(rig, now().plus(DAY * YEARS), &mut |rig| rig.expire(Some(Zone::default().date(rig.base.now()))).is_ok());
    // Whatever happened, it is held, and nothing else is.
    let kept: Vec<usize> = (1..=6).map(|seq| rig.read(seq, true).1.values().sum()).collect();
    assert_eq!(kept, [5, 0, 5, 5, 0, 0]);
    assert_eq!(rig.findings(), [""; 0]);
    rig = step(rig, now().plus(DAY * YEARS), &mut |rig| placed(&rig.release(1)));
    let kept: Vec<usize> = (1..=6).map(|seq| rig.read(seq, true).1.values().sum()).collect();
    assert_eq!(kept, [0, 0, 2, 2, 0, 0]);
    rig = step(rig, now().plus(DAY * YEARS), &mut |rig| placed(&rig.release(2)));
    assert!((1..=6).all(|seq| rig.read(seq, true).1.is_empty()));
    assert_eq!(rig.findings(), [""; 0]);
    assert_eq!(
        (
            rig.base.keyring.hold_ids(),
            rig.disks.vault.rows().iter().filter(|(family, ..)| *family == Family::Held).count()
        ),
        (vec![], 0)
    );
    drop(rig);
    after(&disks);
}

fn pull(disks: &Disks) {
    for disk in [&disks.db, &disks.vault, &disks.index] {
        disk.crash(0);
    }
    disks.keyring.crash();
    disks.guard.crash();
}
