//! Runs: what they tell and destroy, what needs a word, what a stop or damage leaves.
#![allow(clippy::unwrap_used)]

use super::super::super::reader::Reader;
use super::super::super::rig::*;
use super::super::reclaim::{self, reclaim};
use super::super::told_through;
use super::*;
use crate::model::date::Timestamp;
use crate::model::permission::change::Change;
use crate::model::profile::Profile;
use crate::model::record::Verdict;
use crate::store::faults::{Call, Fault};
use crate::trail::indexer::dates;

fn day(text: &str) -> Date {
    Date::of_utc(Timestamp::parse(text).unwrap())
}

fn noon(text: &str) -> Timestamp {
    day(text).start().plus(HOUR * 12)
}

/// A node with so many schools. Slices of each expire on 2028-11-22; of the first one, one more on 2028-12-03.
fn schools(count: u32) -> Rig {
    let mut rig = Rig::new();
    for number in 1..=count {
        rig.open(&school(number), None, Profile::default()).unwrap();
        rig.change(&school(number), Change::LoneApproval(true), "anna").unwrap();
    }
    rig.change(&school(1), grant(5, now().plus(DAY), 10), "anna").unwrap();
    rig
}

/// Of the trails of the first schools: up to which date they tell, and the dates of their frames.
fn told(rig: &Rig, count: u32) -> Vec<(Option<Date>, Vec<Date>)> {
    let of = |number| {
        let info = rig.base.trail(&school(number)).unwrap().unwrap();
        (told_through(&rig.base, &info).unwrap(), dates(rig.base.db.as_ref(), Family::Part, &info).unwrap())
    };
    (1..=count).map(of).collect()
}

#[test]
fn every_day_takes_its_own_and_nothing_else() {
    let mut rig = schools(2);
    let zone = rig.base.settings.zone.name().to_owned();
    let (grants, slices) = (day("2028-12-03"), day("2028-11-22"));
    rig.at(noon("2028-11-21"));
    // Two years at once: nobody does that but by mistake.
    let due = rig.base.due();
    let days = day("2028-11-21").days() - day("2026-11-22").days();
    assert_eq!((due.len(), due[0].last, due[0].through, due[0].days), (1, None, day("2028-11-21"), days));
    let refused = rig.expire(None).unwrap_err();
    assert!(matches!(&refused, ExpireError::Confirm { days: of, .. } if *of == days), "{refused}");
    for other in ["2028-11-19", "2028-11-23", "2026-11-22"] {
        assert!(matches!(rig.expire(Some(day(other))).unwrap_err(), ExpireError::ConfirmedOther { .. }), "{other}");
    }
    assert_eq!(rig.base.expiry_lag(), u64::from(days) * 86_400 - 86_400 + 12 * 3_600 + 3_600);
    let none = (None, vec![slices]);
    assert_eq!(told(&rig, 2), [(None, vec![slices, grants]), none.clone()], "nothing was done");

    let done = rig.expire(Some(day("2028-11-21"))).unwrap();
    let expected = ZoneDone {
        zone: zone.clone(),
        last: None,
        through: day("2028-11-21"),
        trails: 0,
        damaged: 0,
        keys: u64::from(days) + 1,
        dates: 0,
    };
    assert_eq!(done.zones, [expected]);
    assert_eq!((rig.base.due(), rig.base.expiry_lag()), (vec![], 0));
    assert_eq!(told(&rig, 2), [(None, vec![slices, grants]), none], "no part was of these dates");
    assert_eq!(rig.findings(), [""; 0]);

    // From then on day by day.
    let mut at = noon("2028-11-22");
    while at < noon("2028-12-05") {
        rig.at(at);
        let today = Date::of_utc(at);
        let frames = |all: &[Date]| all.iter().copied().filter(|date| *date > today).collect::<Vec<_>>();
        let first = if today >= grants { grants } else { slices };
        let done = rig.expire(None).unwrap();
        let trails = if today == slices { 2 } else { u64::from(today == grants) };
        assert_eq!((done.zones[0].trails, done.zones[0].keys), (trails, 1), "{today}");
        let now = [(Some(first), frames(&[slices, grants])), (Some(slices), frames(&[slices]))];
        assert_eq!(told(&rig, 2), now, "{today}");
        assert_eq!(rig.expire(None).unwrap(), Expired::default(), "the same again");
        assert_eq!(rig.base.keyring.destroyed_through(&zone), Some(today));
        assert_eq!(rig.findings(), [""; 0], "{today}");
        at = at.plus(DAY);
    }
    // What is left says what it is, now and after a restart, with an index or another one.
    for lost in [false, true] {
        if lost {
            rig.disks.index = crate::store::memory::Disk::new();
        }
        rig = rig.restart(at);
        let info = rig.base.trail(&school(1)).unwrap().unwrap();
        let mut reader = Reader::new(&rig.base, &info, rig.base.today(&info.zone));
        assert_eq!(reader.record(1).unwrap().verdicts, [Verdict::Intact, Verdict::Expired]);
        assert_eq!(rig.findings(), [""; 0]);
    }
    // And a clock that is set back brings nothing back.
    rig.at(noon("2028-12-01"));
    assert_eq!(rig.base.due(), vec![]);
    let info = rig.base.trail(&school(1)).unwrap().unwrap();
    assert_eq!(rig.base.today(&info.zone), day("2028-12-05"));
}

#[test]
fn a_start_catches_up_with_what_needs_no_word() {
    let mut rig = schools(1);
    rig.at(noon("2028-11-20"));
    rig.expire(Some(day("2028-11-20"))).unwrap();
    let mut rig = rig.restart(noon("2028-12-04"));
    assert_eq!(told(&rig, 1), [(Some(day("2028-12-04")), vec![])]);
    assert_eq!(rig.findings(), [""; 0]);
    // 46 days later it waits for somebody's word, and refuses what is past.
    let mut rig = rig.restart(noon("2029-01-19"));
    assert!(rig.base.due()[0].needs_confirmation);
    assert_eq!(rig.base.zones.expired("Europe/Warsaw"), Some(day("2028-12-04")));
    assert_eq!(rig.findings(), [""; 0]);
    rig.expire(Some(day("2029-01-20"))).unwrap();
    assert_eq!(rig.base.zones.expired("Europe/Warsaw"), Some(day("2029-01-19")));
}

/// More trails than tell in one batch, and a stop at each call of the run: the next start finishes it, also by a clock that was set back.
#[test]
fn a_stop_at_every_call_is_finished_by_the_next_start() {
    const SCHOOLS: u32 = 300;
    let rig = schools(SCHOOLS);
    let before = rig.restart(noon("2028-11-19"));
    let mut before = before;
    before.expire(Some(day("2028-11-19"))).unwrap();
    let start = before.disks.copy();
    drop(before);
    // Which device, its call, and how it fails.
    let mut rows: Vec<(bool, Call, u64, Fault)> = Vec::new();
    for after in 0..3 {
        rows.extend([Fault::Lost, Fault::AppliedThenFailed].map(|fault| (true, Call::Commit, after, fault)));
    }
    for (after, bytes) in [(0, 4_000), (1, 0)] {
        rows.push((false, Call::Overwrite, after, Fault::Torn(bytes)));
        rows.push((false, Call::Overwrite, after, Fault::AppliedThenFailed));
    }
    for (db, call, after, fault) in rows {
        let disks = start.copy();
        let mut rig = Rig::start(disks, noon("2028-11-19"));
        rig.at(noon("2028-11-22"));
        match db {
            true => rig.disks.db.faults(|faults| faults.plan(call, after, fault)),
            false => rig.disks.keyring.faults(|faults| faults.plan(call, after, fault)),
        }
        let about = format!("{call:?} {after} {fault:?}");
        let begun = rig.base.zones.marks("Europe/Warsaw");
        let died = rig.expire(None);
        assert!(matches!(died, Err(ExpireError::Write(_))), "{about}: {died:?}, from {begun:?}");
        assert!(rig.writer.is_stopped());
        // An hour before midnight of the day before.
        let mut rig = rig.restart(noon("2028-11-21").plus(HOUR * 10));
        // Where nothing of it was durable, the next day's run does it.
        rig.at(noon("2028-11-22"));
        rig.expire(None).unwrap();
        let all = told(&rig, SCHOOLS);
        assert!(all.iter().all(|(told, _)| *told == Some(day("2028-11-22"))), "{about}: {all:?}");
        assert!(all[1..].iter().all(|(_, frames)| frames.is_empty()), "{about}");
        assert_eq!(rig.findings(), [""; 0], "{about}");
    }
}

#[test]
fn a_damaged_trail_keeps_no_other_alive_and_tells_once_it_is_mended() {
    let mut rig = schools(3);
    rig.at(noon("2028-11-21"));
    rig.expire(Some(day("2028-11-21"))).unwrap();
    let info = rig.base.trail(&school(2)).unwrap().unwrap();
    let row = keys::trail_seq(info.number, 1);
    let value = rig.base.db.get(Family::Header, &row).unwrap().unwrap();
    drop(info);
    // Nobody uses it: it is opened anew.
    let put = |rig: &mut Rig, value: &[u8]| {
        rig.indexer.flush().unwrap();
        rig.base.guard.as_ref().unwrap().tick(&rig.base).unwrap();
        rig.base.trails.close_unused();
        let mut batch = Batch::default();
        batch.put(Family::Header, row, value);
        rig.base.db.commit(batch).unwrap();
    };
    put(&mut rig, b"\x07");
    assert!(rig.base.trail(&school(2)).is_err());
    let expired = day("2028-11-22");
    let done = rig.at(noon("2028-11-22")).expire(None).unwrap();
    assert_eq!((done.zones[0].trails, done.zones[0].damaged, done.zones[0].keys), (2, 1, 1));
    assert_eq!((told_of(&rig, 1), told_of(&rig, 3)), (Some(expired), Some(expired)));
    assert!(!rig.findings().is_empty(), "it is named");
    put(&mut rig, &value);
    let found = rig.findings();
    assert!(found.len() == 1 && found[0].contains("no key of 2028-11-22"), "{found:?}");
    assert_eq!(told(&rig, 2)[1], (None, vec![expired]));
    // The hour after, or once all else is reclaimed the day after.
    let done = rig.at(noon("2028-11-22").plus(HOUR)).expire(None).unwrap();
    assert_eq!((done.zones[0].trails, done.zones[0].damaged, done.zones[0].keys), (1, 0, 0));
    assert_eq!(told(&rig, 2)[1], (Some(expired), vec![]));
    assert_eq!(rig.findings(), [""; 0]);
}

fn told_of(rig: &Rig, number: u32) -> Option<Date> {
    let info = rig.base.trail(&school(number)).unwrap().unwrap();
    told_through(&rig.base, &info).unwrap()
}

#[test]
fn zones_expire_each_on_its_own_day() {
    let mut rig = Rig::new();
    for (number, zone) in [(1, "Europe/Warsaw"), (2, "Pacific/Auckland"), (3, "America/Los_Angeles")] {
        rig.open(&school(number), Some(zone), Profile::default()).unwrap();
        rig.change(&school(number), Change::LoneApproval(true), "anna").unwrap();
    }
    let confirm = rig.at(noon("2028-11-20")).expire(Some(day("2028-11-20"))).unwrap();
    assert_eq!(confirm.zones.len(), 3);
    // 12:00 UTC on the 21st is the 22nd in Auckland, and the parts are of the 22nd in two zones, of the 23rd in one.
    let expired = |rig: &Rig| [1, 2, 3].map(|number| told_of(rig, number).is_some());
    for (at, want) in [
        (noon("2028-11-21").minus(HOUR * 2), [false; 3]),
        (noon("2028-11-21"), [false, true, false]),
        (noon("2028-11-22").minus(HOUR * 5), [true, true, false]),
        (noon("2028-11-22"), [true, true, true]),
    ] {
        rig.at(at);
        rig.expire(None).unwrap();
        assert_eq!(expired(&rig), want, "{at}");
        assert_eq!(rig.findings(), [""; 0], "{at}");
    }
}

/// A zone of which nothing is past yet keeps no other from being reclaimed in one piece.
#[test]
fn a_new_zone_makes_no_work_of_dates_before_it() {
    let mut rig = schools(1);
    rig.at(noon("2026-12-01"));
    rig.expire(None).unwrap();
    rig.open(&school(2), Some("America/New_York"), Profile::default()).unwrap();
    let jobs = reclaim::expired(&rig.base);
    assert_eq!(jobs.iter().map(|job| job.through).collect::<Vec<_>>(), [day("2026-12-01")]);
    assert!(reclaim::ranges(&rig.base, &jobs[0]).len() <= 2);
}

#[test]
fn bytes_are_reclaimed_and_what_comes_back_is_found() {
    let mut rig = schools(2);
    rig.at(noon("2028-12-05"));
    let frames: Vec<_> = rig.base.db.scan(Scan::all(Family::Part)).map(Result::unwrap).collect();
    assert_eq!(frames.len(), 3);
    rig.expire(Some(day("2028-12-05"))).unwrap();
    assert_eq!(rig.base.db.scan(Scan::all(Family::Part)).count(), 0);
    let left = |rig: &Rig| rig.disks.db.residue().iter().filter(|(family, ..)| *family == Family::Part).count();
    assert_eq!((left(&rig), rig.base.reclaim_lag() > 0), (3, true));
    let jobs = reclaim::pending(&rig.base);
    assert_eq!(jobs.len(), 1);
    rig.indexer.forget(&jobs[0]).unwrap();
    assert!(!reclaim(&rig.base, &jobs[0], || false).unwrap(), "it can be stopped");
    assert_eq!(left(&rig), 3);
    assert!(reclaim(&rig.base, &jobs[0], || true).unwrap());
    rig.writer.reclaimed(&jobs[0]).unwrap();
    assert_eq!((left(&rig), rig.base.reclaim_lag(), reclaim::pending(&rig.base).len()), (0, 0, 0));
    assert_eq!(rig.findings(), [""; 0]);
    let mut batch = Batch::default();
    let (key, value) = frames[0].clone();
    batch.put(Family::Part, key, value);
    rig.base.db.commit(batch).unwrap();
    let found = rig.findings();
    assert!(found.len() == 1 && found[0].contains("were reclaimed"), "{found:?}");
}

#[test]
fn what_was_not_done_in_order_is_found() {
    type Act = fn(&mut Rig);
    let rows: [(Act, &str); 8] = [
        // A key is gone that no notice tells of.
        (
            |rig| {
                let entropy = crate::env::SeededEntropy::new(1);
                rig.base.keyring.destroy_dates("Europe/Warsaw", day("2028-11-22"), &entropy).map(drop).unwrap();
            },
            "no key of 2028-11-22",
        ),
        // Notices tell, and the key is there.
        (|rig| rig.forge(&school(1), notice::expired(day("2028-11-22"))), "says dates up to 2028-11-21, a trail tells"),
        (
            |rig| {
                rig.forge(&school(1), notice::expired(day("2028-11-22")));
                let mut batch = Batch::default();
                let row = Marks::expired_row(Some(day("2028-11-22")), day("2028-11-22"));
                batch.put(Family::Meta, keys::expired("Europe/Warsaw"), row);
                rig.base.db.commit(batch).unwrap();
                rig.base.zones.set_expired("Europe/Warsaw", Some(day("2028-11-22")), day("2028-11-22"));
            },
            "start akta, it destroys the others",
        ),
        // It tells of days to come.
        (
            |rig| rig.forge(&school(1), notice::expired(day("2028-11-23"))),
            "2028-11-23 are expired, on the day 2028-11-22",
        ),
        // It takes back what was told.
        (
            |rig| {
                rig.expire(None).unwrap();
                rig.forge(&school(1), notice::expired(day("2028-11-20")));
            },
            // All before the last notice of the kind counts as it says.
            "its frame of 2028-11-22 is missing",
        ),
        (|rig| rig.forge(&school(1), notice::expired(Date::NEVER)), "1970-01-01 are expired"),
        // Parts are gone that nobody told of.
        (
            |rig| {
                let mut batch = Batch::default();
                batch.remove_range(Family::Part, [], [0xff; 20]);
                rig.base.db.commit(batch).unwrap();
            },
            "its frame of 2028-11-22 is missing",
        ),
        // The row of meta goes ahead.
        (
            |rig| {
                let mut batch = Batch::default();
                let row = Marks::expired_row(Some(day("2029-11-22")), day("2029-11-22"));
                batch.put(Family::Meta, keys::expired("Europe/Warsaw"), row);
                rig.base.db.commit(batch).unwrap();
                rig.base.zones.set_expired("Europe/Warsaw", Some(day("2029-11-22")), day("2029-11-22"));
            },
            "which is still to come",
        ),
    ];
    for (act, says) in rows {
        let mut rig = schools(1);
        rig.at(noon("2028-11-21"));
        rig.expire(Some(day("2028-11-21"))).unwrap();
        rig.at(noon("2028-11-22"));
        act(&mut rig);
        let found = rig.findings();
        assert!(found.iter().any(|what| what.contains(says)), "{says}: {found:?}");
    }
}

/// Where the day begins before that of UTC, a header could still name a date that has expired. Its key cannot be had.
#[test]
fn nothing_is_recorded_again_of_a_date_that_expired() {
    let mut rig = schools(1);
    let zone = rig.base.settings.zone.clone();
    let (expired, late) = (day("2028-11-21"), Timestamp::parse("2028-11-20T23:30:00Z").unwrap());
    rig.at(late).expire(Some(expired)).unwrap();
    assert_eq!(rig.base.zones.expired(zone.name()), Some(expired));
    let told = crate::model::permission::told::tell(&Change::LoneApproval(false), &decided("jan"), now(), &zone);
    let dated = crate::model::notice::Told { date: expired, ..told.unwrap() };
    let base = rig.base.clone();
    let info = base.trail(&school(1)).unwrap().unwrap();
    let mut group = Group::new(&base);
    group.stage(Some(info), &school(1), late).unwrap();
    group.staged.get_mut(&school(1)).unwrap().sequencer.notice(dated, late);
    assert!(matches!(rig.writer.commit(group), Err(WriteError::NoKey(date)) if date == expired));
    // Had it been recorded, it would be found.
    let mut rig = schools(1);
    rig.at(late);
    let told = crate::model::permission::told::tell(&Change::LoneApproval(false), &decided("jan"), now(), &zone);
    rig.forge(&school(1), notice::expired(expired));
    rig.forge(&school(1), crate::model::notice::Told { date: expired, ..told.unwrap() });
    let found = rig.findings();
    assert!(found[0].contains("of a date up to 2028-11-21, which had expired before"), "{found:?}");
}
