//! The plug is pulled while holds are placed, kept and released.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::store::faults::{Call, Fault, Faults};

/// The plug is pulled at each call of each device: what was promised is kept, what was released is gone, and the next start finds
/// its way.
#[test]
fn the_plug_is_pulled_at_every_call() {
    let devices: [fn(&Disks, &mut dyn FnMut(&mut Faults)); 3] = [
        |disks, look| disks.db.faults(|faults| look(faults)),
        |disks, look| disks.vault.faults(|faults| look(faults)),
        |disks, look| disks.keyring.faults(|faults| look(faults)),
    ];
    let count = |disks: &Disks| -> Vec<u64> {
        let calls = [(0, Call::Commit), (1, Call::Commit), (2, Call::Overwrite)];
        calls
            .iter()
            .map(|(device, call)| {
                let mut seen = 0;
                devices[*device](disks, &mut |faults| seen = faults.calls().get(call).copied().unwrap_or_default());
                seen
            })
            .collect()
    };
    let calm = story(None);
    let mut struck = 0;
    for (device, call) in [(0, Call::Commit), (1, Call::Commit), (2, Call::Overwrite)] {
        for at in 0..count(&calm)[device] {
            let faults: &[Fault] = match call {
                Call::Overwrite => &[Fault::Lost, Fault::AppliedThenFailed, Fault::Torn(40)],
                _ => &[Fault::Lost, Fault::AppliedThenFailed],
            };
            for fault in faults {
                let disks = Disks::new();
                devices[device](&disks, &mut |faults| faults.plan(call, at, *fault));
                let about = format!("device {device}, {call:?} {at}, {fault:?}");
                let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(Some(disks))));
                assert!(told.is_ok(), "{about}: see above");
                struck += 1;
            }
        }
    }
    assert!(struck > 60, "{struck}");
}

/// A hold's life, over however many starts it takes: each step is tried until it is answered.
fn story(disks: Option<Disks>) -> Disks {
    let disks = disks.unwrap_or_else(Disks::new);
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
    let mut rig = start(now());
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
    rig = step(rig, now(), &mut |rig| rig.open(&school(1), None, Profile::default()).is_ok());
    rig = step(rig, now(), &mut |rig| rig.record(1).iter().all(Result::is_ok));
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
    disks
}

fn pull(disks: &Disks) {
    for disk in [&disks.db, &disks.vault, &disks.index] {
        disk.crash(0);
    }
    disks.keyring.crash();
    disks.guard.crash();
}
