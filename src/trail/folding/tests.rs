//! Starts: what is folded, what damage does, and how long ten thousand notices take.
#![allow(clippy::unwrap_used)]

use super::super::rig::*;
use super::super::submission::RecordError;
use super::*;
use crate::model::permission::change::Change;
use crate::model::permission::policy::Staff;
use crate::model::profile::Profile;
use crate::store::{Batch, Store};

/// A node with two schools that have decided something.
fn two() -> Rig {
    let mut rig = Rig::new();
    for number in [1, 2] {
        rig.open(&school(number), None, Profile::default()).unwrap();
        rig.change(&school(number), grant(1, now(), 300), "anna").unwrap();
        rig.change(&school(number), ask(2, Staff::Controller), "anna").unwrap();
        rig.change(&school(number), Change::LoneApproval(true), "anna").unwrap();
    }
    rig
}

/// Damages of the first school's notices: its trail has the number 1.
#[test]
fn damaged_notices_let_nobody_in_and_keep_nobody_from_starting() {
    type Damage = fn(&Rig, &mut Batch);
    let damages: [(&str, Damage); 5] = [
        ("a core that is not what was recorded", |rig, batch| {
            let key = keys::trail_seq(1, 1);
            let core = rig.base.db.get(Family::Notice, &key).unwrap().unwrap();
            let mut core = NoticeCore::decode(core.as_slice()).unwrap();
            if let Some(Kind::Granted(granted)) = &mut core.kind {
                granted.until += 1;
            }
            batch.put(Family::Notice, key, core.encode_to_vec());
        }),
        ("no message", |_, batch| batch.put(Family::Notice, keys::trail_seq(1, 2), [0xff; 3])),
        ("one is missing", |_, batch| batch.remove(Family::Notice, keys::trail_seq(1, 1))),
        ("one of another trail", |rig, batch| {
            let core = rig.base.db.get(Family::Notice, &keys::trail_seq(2, 2)).unwrap().unwrap();
            batch.put(Family::Notice, keys::trail_seq(1, 3), core);
        }),
        ("a frame of slices", |rig, batch| {
            for (_, key, mut value) in rig
                .disks
                .db
                .rows()
                .into_iter()
                .filter(|(family, key, _)| *family == Family::Part && key[6..10] == 1_u32.to_be_bytes())
            {
                *value.last_mut().unwrap() ^= 1;
                batch.put(Family::Part, key, value);
            }
        }),
    ];
    for (what, damage) in damages {
        let mut rig = two();
        // The index has everything: the trail need not be opened at start.
        rig.indexer.flush().unwrap();
        rig.indexer.settle().unwrap();
        let whole = rig.base.acts.of(&school(2));
        let mut batch = Batch::default();
        damage(&rig, &mut batch);
        rig.disks.db.open().commit(batch).unwrap();
        let mut rig = rig.restart(now().plus(HOUR));
        assert_eq!(*rig.base.acts.of(&school(1)), Acts::default(), "{what}");
        assert_eq!(rig.base.acts.of(&school(2)), whole, "{what}: the others are as they were");
        let refused = rig.change(&school(1), Change::LoneApproval(true), "anna");
        assert_eq!(refused, Err(RecordError::Damaged.into()), "{what}");
        rig.change(&school(2), Change::LoneApproval(false), "anna").unwrap();
        assert!(!rig.findings().is_empty(), "{what}");
    }
}

/// What nobody looks at any more is not opened, nor missed.
#[test]
fn what_is_over_for_long_is_let_go() {
    let rig = two();
    let days = |days: u32| now().plus(DAY * days);
    // The request lapses after 30 days, the grant ends after 300; both are shown for 366 more.
    for (time, grants, requests) in [(1, 1, 1), (395, 1, 1), (397, 1, 0), (665, 1, 0), (667, 0, 0), (3_000, 0, 0)] {
        let rig = Rig::start(rig.disks.clone(), days(time));
        let acts = rig.base.acts.of(&school(1));
        assert_eq!((acts.grants().len(), acts.requests().len()), (grants, requests), "{time} days on");
        assert_ne!(acts.lone(), crate::model::permission::approval::LoneApprover::Refused, "holds until it is changed");
    }
}

/// 1,000 controllers with ten notices each. The figure is printed: `cargo test --lib ten_thousand -- --nocapture`.
#[test]
fn ten_thousand_notices_are_folded_at_start() {
    let mut rig = Rig::new();
    for number in 0..1_000 {
        rig.open(&school(number), None, Profile::default()).unwrap();
        let of = school(number);
        let changes =
            (1..10).map(|n| (of.clone(), if n < 6 { grant(n, now(), 300) } else { ask(n, Staff::Controller) }));
        rig.changes(changes.collect(), "anna").unwrap();
    }
    let started = std::time::Instant::now();
    let rig = rig.restart(now().plus(HOUR));
    let whole = started.elapsed();
    let started = std::time::Instant::now();
    fill(&rig.base).unwrap();
    println!("1,000 x 10 notices: folded in {} ms, started in {} ms", started.elapsed().as_millis(), whole.as_millis());
    for number in [0, 999] {
        let acts = rig.base.acts.of(&school(number));
        assert_eq!((acts.grants().len(), acts.requests().len()), (5, 4));
    }
}
