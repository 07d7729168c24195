//! The plug is pulled while people are deactivated, masked, restricted and erased.

use std::cell::Cell;

use super::*;
use crate::store::faults::{Call, Fault, Faults};

/// The plug is pulled at each call of each device: whatever was answered is so, and whatever was not is done or is as if
/// nothing had happened; the next start finds its way, and what was asked for can be asked for again.
#[test]
fn the_plug_is_pulled_at_every_call() {
    let (before, after) = (Cell::new([0; 4]), Cell::new([0; 4]));
    story(|disks| before.set(counts(disks)), |_| (), |disks| after.set(counts(disks)));
    let calls: [u64; 4] = std::array::from_fn(|device| after.get()[device] - before.get()[device]);
    let mut struck = 0_usize;
    for (device, calls) in calls.into_iter().enumerate() {
        assert!(calls > 0, "device {device} has a part in it");
        for at in 0..calls {
            // Of what is committed either may be true; of a file's two slots one may be torn.
            let faults = match (device, at % 2) {
                (KEYRING, 0) => [Fault::Torn(40), Fault::AppliedThenFailed],
                (KEYRING, _) => [Fault::Lost, Fault::Torn(70_000)],
                _ => [Fault::Lost, Fault::AppliedThenFailed],
            };
            for fault in faults {
                let about = format!("device {device}, call {at} of {calls}, {fault:?}");
                let plan =
                    |disks: &Disks| DEVICES[device].0(disks, &mut |faults| faults.plan(DEVICES[device].1, at, fault));
                // Every second time the start that finishes it is stopped, too, wherever.
                let again = |disks: &Disks| {
                    if at % 2 == 0 {
                        let look = DEVICES[(device + struck) % 3];
                        look.0(disks, &mut |faults| faults.plan(look.1, struck as u64 % 4, Fault::Lost));
                    }
                };
                let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(plan, again, |_| ())));
                assert!(told.is_ok(), "{about}: see above");
                struck += 1;
            }
        }
    }
    assert!(struck > 50, "{struck}");
}

type Look = fn(&Disks, &mut dyn FnMut(&mut Faults));

const KEYRING: usize = 2;
const DEVICES: [(Look, Call); 4] = [
    (|disks, look| disks.db.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.vault.faults(|faults| look(faults)), Call::Commit),
    (|disks, look| disks.keyring.faults(|faults| look(faults)), Call::Overwrite),
    (|disks, look| disks.index.faults(|faults| look(faults)), Call::Derive),
];

/// How often each device was called.
fn counts(disks: &Disks) -> [u64; 4] {
    DEVICES.map(|(device, call)| {
        let mut seen = 0;
        device(disks, &mut |faults| seen = faults.calls().get(&call).copied().unwrap_or_default());
        seen
    })
}

fn pull(disks: &Disks) {
    for disk in [&disks.db, &disks.vault, &disks.index] {
        disk.crash(0);
    }
    disks.keyring.crash();
    disks.guard.crash();
}

/// What becomes of people, over however many starts it takes: each step is tried until it is answered. `before` hears when
/// they are there, `again` when the plug was first pulled, `after` when all is over.
fn story(before: impl FnOnce(&Disks), again: impl FnOnce(&Disks), after: impl FnOnce(&Disks)) {
    let mut rig = told_story();
    rig.report(50, &[Access { actor: "guardian:jan@example.org", subjects: &["pupil:p-1"], ..READ }]);
    assert!(rig.agree(7, "staff:t-1"));
    rig.indexer.flush().unwrap();
    rig.indexer.settle().unwrap();
    let own = rig.record_at(3).contents.actor.unwrap().pseudonym;
    let mail = rig.record_at(11).contents.actor.unwrap().pseudonym;
    let disks = rig.disks.clone();
    before(&disks);
    let mut again = Some(again);
    let today = Zone::default().date(now());
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
    let mut step = |rig: Rig, work: &mut dyn FnMut(&mut Rig) -> bool| -> Rig {
        let mut rig = rig;
        for _ in 0..3 {
            let at = rig.base.now();
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut rig)));
            if done.unwrap_or(false) {
                // What was answered holds, whatever comes now.
                return rig;
            }
            drop(rig);
            pull(&disks);
            again.take().into_iter().for_each(|again| again(&disks));
            rig = start(at);
            // What was stopped is finished before anything is read: nothing is half done.
            let findings = rig.findings();
            assert_eq!(findings, [""; 0]);
            assert_eq!(rig.base.keyring.fresh_buckets(), [] as [u16; 0]);
            for seq in 2..12 {
                if let Some(bytes) = rig.record_at(seq).contents.actor.map(|actor| actor.pseudonym) {
                    let gone = rig.led(&bytes).is_none();
                    assert!(!gone || bytes == own || bytes == mail, "nobody else is lost");
                }
            }
        }
        panic!("a step is never done");
    };
    let told = |done: &Result<Noted, ChangeError>| matches!(done, Ok(Noted { receipt: Some(_), .. }));
    let deactivate = |rig: &mut Rig, who| rig.deactivate(who, Some(today.plus_days(1))).is_ok();
    rig = step(rig, &mut |rig| deactivate(rig, "staff:t-1"));
    rig = step(rig, &mut |rig| deactivate(rig, "guardian:jan@example.org"));
    rig = step(rig, &mut |rig| told(&rig.restrict("pupil:p-1", true)));
    // The day comes: some are masked while it runs, or at whatever start.
    rig.at(now().plus(DAY));
    rig = step(rig, &mut |rig| {
        let done = rig.writer.mask_due();
        done.is_ok_and(|step| {
            step.publish();
            rig.indexer.absorb(step.entries).is_ok()
        })
    });
    assert!(rig.standing_of("staff:t-1").unwrap().masked);
    assert_eq!((rig.led(&mail), rig.standing_of("pupil:p-1").unwrap().restricted), (None, true));
    rig = step(rig, &mut |rig| {
        let done = rig.erase(7, "staff:t-1");
        matches!(done, Ok(Erasure { receipt: Some(_), .. }))
    });
    assert_eq!(rig.led(&own), None);
    rig = step(rig, &mut |rig| matches!(rig.restrict("pupil:p-1", false), Ok(Noted { .. })));
    rig = step(rig, &mut |rig| {
        rig.finish_removals();
        rig.indexer.flush().is_ok()
    });
    for (seq, parts) in ALONE {
        assert_eq!(rig.record_at(seq).erased.len(), parts);
    }
    assert_eq!(rig.findings(), [""; 0]);
    assert_eq!(rig.about("pupil:p-2", Include::default()), [2, 9]);
    let everybody = everybody::Everybody::of(&rig.base).unwrap();
    let left = everybody.removals(&rig.base, &[]).unwrap();
    assert!(
        left.iter().all(|(_, removal)| everybody::Kind::of(removal) == everybody::Kind::Done),
        "nothing is left to be done"
    );
    drop(rig);
    after(&disks);
}
