//! Decisions on their way to the disk: what is recorded, what is refused, what a failed commit leaves.
#![allow(clippy::unwrap_used)]

use super::super::reader::Reader;
use super::super::rig::*;
use super::*;
use crate::model::date::Timestamp;
use crate::model::permission::approval::{LoneApprover, Standing};
use crate::model::permission::policy::Staff;
use crate::model::profile::Profile;
use crate::model::record::Verdict;
use crate::store::faults::{Call, Fault};

fn seq(noted: &Noted) -> Option<u64> {
    noted.receipt.as_ref().map(|receipt| receipt.seq)
}

/// Tells the story; what is decided then.
fn tell(rig: &mut Rig, of: &Controller) -> Timestamp {
    let mut at = now();
    for (change, by) in story() {
        at = at.plus(HOUR);
        rig.at(at);
        rig.change(of, change, by).unwrap();
    }
    at
}

#[test]
fn what_is_decided_is_recorded_holds_and_is_there_after_a_restart() {
    let mut rig = Rig::new();
    let of = school(1);
    assert!(rig.open(&of, None, Profile::default()).unwrap());
    let at = tell(&mut rig, &of);
    let before = rig.base.acts.of(&of);
    assert_eq!(before.profile(), &public_body());
    assert_eq!(before.lone(), LoneApprover::Refused);
    assert_eq!(before.retention().version(), "default-1+1");
    assert_eq!((before.grants().len(), before.incidents().len(), before.requests().len()), (2, 1, 2));
    assert_eq!(before.request(&id(3)).unwrap().standing(before.lone(), at), Standing::Used);
    assert!(before.grants()[1].act().span.is_over(at) && !before.grants()[0].act().span.is_over(at));
    assert_eq!(rig.findings(), [""; 0]);
    let mut rig = rig.restart(at.plus(HOUR));
    assert_eq!(rig.base.acts.of(&of), before);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn who_and_why_stand_in_slices_until_their_date() {
    let mut rig = Rig::new();
    let of = school(1);
    rig.open(&of, None, Profile::default()).unwrap();
    let at = tell(&mut rig, &of);
    let info = rig.base.trail(&of).unwrap().unwrap();
    // Two years after the end of what is told: a request's is 30 days on, a grant's its last day.
    let dates = [
        "2028-11-22",
        "2028-11-22",
        "2028-11-22",
        "2029-11-23",
        "2028-11-25",
        "2028-11-22",
        "2028-12-22",
        "2028-12-22",
        "2028-12-22",
        "2028-12-22",
        "2028-12-22",
        "2028-11-22",
        "2028-12-03",
        "2028-11-22",
    ];
    let mut reader = Reader::new(&rig.base, &info, rig.base.today(&info.zone)).with_openings(true);
    let words = |slice: &crate::model::stored::DetailPart| -> Vec<(String, String)> {
        slice.attributes.iter().map(|said| (said.key.clone(), said.value.clone())).collect()
    };
    for ((place, (change, by)), date) in (1..).zip(story()).zip(dates) {
        let record = reader.record(place).unwrap();
        assert_eq!(record.header.groups[1].date.to_string(), date, "{change:?}");
        assert_eq!(record.verdicts, [Verdict::Intact; 2]);
        let told: Vec<_> = record.contents.slices.iter().map(|(index, slice)| (*index, words(slice))).collect();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(told[0], (0, vec![pair("by", by), pair("ground", "ticket 4711")]));
        let about = match &change {
            Change::Grant { holder, .. } => Some(pair("holder", &holder.to_string())),
            Change::Ask { concerning, .. } => Some(pair("concerning", concerning)),
            _ => None,
        };
        let about: Vec<_> = about.map(|about| (1, vec![about])).into_iter().collect();
        assert_eq!(told[1..], about[..], "{change:?}");
        // Each can be shown alone: it has a salt of its own.
        let salts: std::collections::BTreeSet<_> = record.openings.iter().map(|opening| opening.salt).collect();
        assert_eq!(salts.len(), 1 + told.len());
    }
    assert_eq!(reader.record(0).unwrap().verdicts, [Verdict::Intact]);
    // Nobody finds them: they have no terms, and are counted.
    assert!(rig.base.index.scan(crate::store::Scan::all(crate::store::Family::Posting)).next().is_none());

    // Then it is past, date by date, and what is left still follows.
    for days in [0, 728, 731, 735, 760, 800, 1_095, 1_200] {
        let mut rig = Rig::start(rig.disks.clone(), at.plus(DAY * days));
        let today = rig.base.today(&rig.base.settings.zone);
        rig.expire(Some(today)).unwrap();
        assert_eq!(rig.findings(), [""; 0], "{days} days on");
        let sealed = crate::trail::verify::verify(&rig.base, |_, _, _| ()).trails.remove(1);
        assert_eq!(sealed.groups_expired > 0, days > 728, "{days}: {sealed:?}");
        drop(rig.restart(at.plus(DAY * days)));
    }
}

#[test]
fn all_of_a_call_or_nothing() {
    let mut rig = Rig::new();
    let schools = [school(1), school(2), school(3)];
    for of in &schools[..2] {
        rig.open(of, None, Profile::default()).unwrap();
    }
    let to = |of: &[Controller]| of.iter().map(|of| (of.clone(), incident(1, now()))).collect::<Vec<_>>();
    // One of them has no trail.
    assert_eq!(rig.changes(to(&schools), "piotr"), Err(RecordError::NoController.into()));
    let nothing = rig.base.acts.of(&schools[0]);
    assert_eq!(*nothing, Acts::default());
    // Durable together, also with another change of the same trail.
    let mut both = to(&schools[..2]);
    both.push((schools[0].clone(), Change::LoneApproval(true)));
    let noted = rig.changes(both.clone(), "piotr").unwrap();
    assert_eq!(noted.iter().map(seq).collect::<Vec<_>>(), [Some(1), Some(1), Some(2)]);
    // Sent again, nothing is recorded; with another school, that one is.
    assert_eq!(rig.changes(both, "piotr").unwrap().iter().filter_map(seq).count(), 0);
    rig.open(&schools[2], None, Profile::default()).unwrap();
    let noted = rig.changes(to(&schools), "piotr").unwrap();
    assert_eq!(noted.iter().map(seq).collect::<Vec<_>>(), [None, None, Some(1)]);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn what_does_not_follow_is_refused_and_leaves_nothing() {
    let mut rig = Rig::new();
    let of = school(1);
    rig.open(&of, None, Profile::default()).unwrap();
    rig.change(&of, grant(1, now(), 30), "anna").unwrap();
    rig.change(&of, ask(2, Staff::Processor), "piotr").unwrap();
    let size = rig.base.trail(&of).unwrap().unwrap().size();
    let deed = crate::model::permission::approval::Deed::Erasure;
    let odd = Change::Ask { id: "5F1C".into(), deed, concerning: "pupil:p-204".into(), staff: Staff::Controller };
    let rows = [
        (grant(1, now(), 31), "anna", "the id is taken"),
        (incident(2, now()), "anna", "the id is taken"),
        (Change::End(id(7)), "anna", "no such grant or incident"),
        (answer(7, true), "jan", "no such request"),
        (answer(2, true), "piotr", "whoever asked cannot agree"),
        (used(2, false), "piotr", "needs another"),
        (used(2, false), "anna", "only who asked"),
        (odd, "anna", "id: must be a UUID"),
        (Change::LoneApproval(true), "", "by: is required"),
    ];
    for (change, by, says) in rows {
        let refused = rig.change(&of, change.clone(), by).unwrap_err().to_string();
        assert!(refused.contains(says), "{change:?}: {refused}");
    }
    let own = rig.change(&Controller::node(), Change::LoneApproval(true), "anna").unwrap_err().to_string();
    assert!(own.starts_with("controller: is the node itself"), "{own}");
    assert_eq!(rig.base.trail(&of).unwrap().unwrap().size(), size);
    // A request is used once.
    rig.change(&of, answer(2, true), "anna").unwrap();
    rig.change(&of, used(2, false), "piotr").unwrap();
    let again = rig.change(&of, used(2, false), "piotr").unwrap_err().to_string();
    assert!(again.ends_with("used"), "{again}");
}

#[test]
fn a_commit_that_fails_changes_nothing_here_and_reopening_decides() {
    for (fault, there) in [(Fault::Lost, false), (Fault::AppliedThenFailed, true)] {
        let mut rig = Rig::new();
        let of = school(1);
        rig.open(&of, None, Profile::default()).unwrap();
        rig.disks.db.faults(|faults| faults.plan(Call::Commit, 0, fault));
        assert_eq!(rig.change(&of, Change::LoneApproval(true), "anna"), Err(RecordError::Uncertain.into()));
        assert_eq!(rig.base.acts.of(&of).lone(), LoneApprover::Refused, "not before it is durable");
        let stopped = rig.change(&of, Change::LoneApproval(true), "anna").unwrap_err().to_string();
        assert!(stopped.contains("the writer has stopped"), "{stopped}");
        let mut rig = rig.restart(now().plus(HOUR));
        assert_eq!(rig.base.acts.of(&of).lone() != LoneApprover::Refused, there, "{fault:?}");
        assert_eq!(rig.findings(), [""; 0]);
    }
}

#[test]
fn a_controller_is_opened_in_its_zone_with_its_profile() {
    let mut rig = Rig::new();
    let of = school(1);
    assert!(rig.open(&of, Some("America/Sao_Paulo"), public_body()).unwrap());
    let info = rig.base.trail(&of).unwrap().unwrap();
    assert_eq!((info.zone.name(), info.size()), ("America/Sao_Paulo", 2));
    assert_eq!(rig.base.acts.of(&of).profile(), &public_body());
    // Sent again, or without a zone, or with another profile: it is open.
    for zone in [Some("America/Sao_Paulo"), None] {
        assert!(!rig.open(&of, zone, Profile::default()).unwrap());
    }
    let other = rig.open(&of, Some("Europe/Warsaw"), Profile::default()).unwrap_err();
    assert!(matches!(&other, ChangeError::Zone { zone, .. } if zone == "America/Sao_Paulo"), "{other}");
    assert!(
        rig.open(&Controller::node(), None, Profile::default()).unwrap_err().to_string().starts_with("controller: ")
    );
    let bad = Profile { group_only_sources: [String::new()].into(), ..Profile::default() };
    assert!(rig.open(&school(2), None, bad).unwrap_err().to_string().starts_with("profile: "));
    // Eight zones: the node's own trail has one, this one another.
    let zones = ["UTC", "Europe/Berlin", "Europe/Paris", "Europe/Rome", "Europe/Madrid", "Asia/Tokyo", "Europe/Kyiv"];
    let opened: Vec<_> =
        (10..).zip(zones).map(|(n, zone)| rig.open(&school(n), Some(zone), Profile::default())).collect();
    assert!(opened[..6].iter().all(|opened| *opened == Ok(true)), "{opened:?}");
    let ninth = opened[6].clone().unwrap_err().to_string();
    assert!(ninth.starts_with("zone: a node counts in at most 8 time zones: give one of Europe/Warsaw, "), "{ninth}");
    assert!(rig.open(&school(20), Some("Asia/Tokyo"), Profile::default()).unwrap(), "a zone that is there");
    let mut rig = rig.restart(now().plus(HOUR));
    assert_eq!(rig.base.acts.of(&of).profile(), &public_body());
    assert_eq!(rig.findings(), [""; 0]);
}

/// Wherever the opening is cut off, the controller is open with its profile or not at all.
#[test]
fn an_opening_is_whole_or_not_there() {
    for fault in [Fault::Lost, Fault::AppliedThenFailed] {
        let mut rig = Rig::new();
        rig.disks.db.faults(|faults| faults.plan(Call::Commit, 0, fault));
        rig.open(&school(1), None, public_body()).unwrap_err();
        let mut rig = rig.restart(now().plus(HOUR));
        let opened = rig.open(&school(1), None, public_body()).unwrap();
        assert_eq!(opened, fault == Fault::Lost);
        assert_eq!(rig.base.acts.of(&school(1)).profile(), &public_body());
        assert_eq!(rig.findings(), [""; 0]);
    }
}
