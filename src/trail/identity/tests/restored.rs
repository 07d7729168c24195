//! An older copy of the history is restored: whoever was masked, restricted or erased meanwhile is so there, too.

use super::*;
use crate::env::SeededEntropy;
use crate::store::memory;
use crate::trail::restore::{freeze, told};

/// An older history beside everything else as it is now.
fn restored(newest: &Disks, history: &memory::Disk, seed: u64) -> Disks {
    let disks = Disks { db: history.copy(), index: memory::Disk::new(), ..newest.copy() };
    freeze(&disks.db.open(), &SeededEntropy::new(seed)).unwrap();
    disks
}

/// The number of parts that are erased of each of hers alone, in the first trail.
fn erased_before(rig: &Rig) -> Vec<usize> {
    let before = rig.info_of().past[0].clone();
    let mut reader = Reader::new(&rig.base, &before, rig.base.today(&before.zone)).with_openings(true);
    ALONE.iter().map(|(seq, _)| reader.record(*seq).unwrap().erased.len()).collect()
}

#[test]
fn whatever_was_decided_about_people_since_the_copy_holds() {
    let by_mail = "guardian:jan@example.org";
    let mut rig = told_story();
    rig.report(50, &[Access { actor: "guardian:jan@example.org", subjects: &["pupil:p-1"], ..READ }]);
    let info = rig.info_of();
    let own = rig.base.vault.known(everybody::of(&info), &person("staff:t-1")).unwrap().unwrap();
    let history = rig.disks.db.copy();

    // What the copy lacks. Of her records some come after it.
    rig.report(60, &STORY);
    assert!(rig.agree(7, "staff:t-1"));
    rig.erase(7, "staff:t-1").unwrap();
    let today = Zone::default().date(now());
    rig.deactivate(by_mail, Some(today)).unwrap();
    assert!(rig.standing_of(by_mail).is_none(), "an id of that form goes with the contact data");
    rig.deactivate("staff:t-2", Some(today.plus_days(10))).unwrap();
    rig.restrict("pupil:p-1", true).unwrap();
    rig.finish_removals();
    rig.base.guard.as_ref().unwrap().tick(&rig.base).unwrap();
    assert_eq!(rig.findings(), [""; 0]);
    let newest = rig.disks.clone();
    drop(rig);

    for seed in [77, 78] {
        let mut rig = Rig::start(restored(&newest, &history, seed), now().plus(HOUR));
        assert_eq!(rig.findings(), [""; 0]);
        assert_eq!(told(&rig.base, rig.info_of().number).unwrap().unwrap().predecessor, info.origin);
        assert_eq!(rig.led(&own.pseudonyms[0].1.0), None);
        assert_eq!(erased_before(&rig), ALONE.map(|(_, parts)| parts), "before anything is read");
        assert!(rig.standing_of("pupil:p-1").unwrap().restricted);
        assert!(!rig.standing_of("staff:t-2").unwrap().masked);
        rig.finish_removals();
        assert_eq!(rig.findings(), [""; 0]);
        // Built anew, the index has nothing of what is gone.
        let before = rig.info_of().past[0].clone();
        let facts = Facts { ip: Some(vec![192, 0, 2, 2]), ..Facts::default() };
        let start = Cursor { size: before.size(), next: 0, question: [0; 8] };
        let filter = Filter { facts, ..Filter::default() };
        let page = search::search(&rig.base, &before, &filter, Order::OldestFirst, start, 10).unwrap();
        assert_eq!(page.records, []);

        // What was to come comes in the trail that goes on, and reaches into the one before it.
        rig.restrict("pupil:p-1", false).unwrap();
        let mut rig = rig.restart(now().plus(DAY * 10));
        assert!(rig.standing_of("staff:t-2").unwrap().masked);
        assert!(rig.agree(8, "staff:t-2"));
        let done = rig.erase(8, "staff:t-2").unwrap();
        assert_eq!(done.receipt.unwrap().origin, rig.info_of().origin);
        rig.finish_removals();
        assert_eq!(rig.findings(), [""; 0]);
        let rig = &mut rig.restart(now().plus(DAY * 11));
        assert_eq!(rig.findings(), [""; 0]);
        assert!(rig.found(&Wanted::Exact(person("staff:t-2"))).people.is_empty());
    }
}

#[test]
fn whoever_is_erased_later_is_erased_in_every_trail() {
    let mut rig = told_story();
    rig.base.guard.as_ref().unwrap().tick(&rig.base).unwrap();
    let (history, newest) = (rig.disks.db.copy(), rig.disks.clone());
    rig.indexer.flush().unwrap();
    drop(rig);
    let mut rig = Rig::start(restored(&newest, &history, 77), now().plus(HOUR));
    rig.report(60, &STORY);
    assert!(rig.agree(7, "staff:t-1"));
    let done = rig.erase(7, "staff:t-1").unwrap();
    let session = done.fates.iter().filter(|fate| fate.class == Class::Session);
    assert_eq!(session.map(|fate| (fate.records, fate.parts)).collect::<Vec<_>>(), [(2, 0), (2, 6)], "of both trails");
    rig.finish_removals();
    assert_eq!(erased_before(&rig), ALONE.map(|(_, parts)| parts));
    assert_eq!(rig.findings(), [""; 0]);
    // The copy from before the first restore once more: what was erased in its trail is told again.
    let later = rig.disks.clone();
    drop(rig);
    let rig = &mut Rig::start(restored(&later, &history, 79), now().plus(HOUR * 2));
    assert_eq!(erased_before(rig), ALONE.map(|(_, parts)| parts));
    rig.finish_removals();
    assert_eq!(rig.findings(), [""; 0]);
}
