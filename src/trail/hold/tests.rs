//! Holds against the calendar: what is held is there after its date, what is not is gone, and what is released is gone
//! too, wherever somebody pulls the plug.
#![allow(clippy::unwrap_used)]

mod plug;

use std::collections::BTreeMap;

use super::super::reader::Reader;
use super::super::rig::*;
use super::super::submission::{RecordError, Submission};
use super::super::{search, verify};
use super::*;
use crate::model::date::{Date, Timestamp};
use crate::model::event::{Event, Fields, Session, Subject};
use crate::model::facts::Facts;
use crate::model::hold::selection::Selection;
use crate::model::hold::{HOLDS_MAX, Parts};
use crate::model::identity::Identity;
use crate::model::part::PartId;
use crate::model::permission::acts::Refusal;
use crate::model::permission::change::Change;
use crate::model::profile::Profile;
use crate::model::record::Verdict;
use crate::model::stored::{Action, AuthMethod, Core, DetailPart, HoldKind, Outcome, Purpose};
use crate::trail::acts::{ChangeError, Noted};

/// Who acted, whose data, which object.
type Access = (u8, &'static [u8], &'static str);

const ACCESSES: [Access; 6] = [
    (1, &[1, 2], "card-1"),
    (1, &[2], "card-2"),
    (2, &[1], "card-1"),
    (2, &[3, 1, 2], "card-3"),
    (3, &[], ""),
    (3, &[3], "card-3"),
];

fn teacher(number: u8) -> Identity {
    Identity::new("staff", &format!("t-{number}"))
}

fn pupil(number: u8) -> Identity {
    Identity::new("pupil", &format!("p-{number}"))
}

fn event(number: u8, (actor, subjects, resource): Access) -> Event {
    let core = Core {
        event_id: vec![number; 16],
        action: Action::Read.into(),
        outcome: Outcome::Success.into(),
        purpose: Purpose::Teaching.into(),
        subject_count: u32::try_from(subjects.len()).unwrap(),
        ..Core::default()
    };
    let subject = |number: &u8| Subject { identity: pupil(*number), child: 0 };
    Event::own(Fields {
        core,
        actor: Some(teacher(actor)),
        subjects: subjects.iter().map(subject).collect(),
        session: Some(Session { id: vec![number; 8], auth_method: AuthMethod::Password.into(), mfa: false }),
        detail: Some(DetailPart { resource_id: resource.to_owned(), ..DetailPart::default() }),
        ..Fields::default()
    })
}

impl Rig {
    fn record(&mut self, from: u8) -> Vec<Result<u64, RecordError>> {
        let mut seqs = Vec::new();
        for (number, access) in (from..).zip(ACCESSES) {
            let events = vec![event(number, access)];
            let mut step = self.writer.step(vec![Submission { controller: school(1), events, may_open: false }]);
            step.publish();
            self.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
            seqs.extend(step.results.into_iter().map(|done| done.map(|recorded| recorded[0].receipt.seq)));
        }
        seqs
    }

    fn place(&mut self, number: u8, hold: &Hold) -> Result<Noted, ChangeError> {
        let now = self.base.now();
        let placing = Placing {
            id: id(number),
            hold: hold.clone(),
            review_on: Zone::default().date(now).plus_days(100),
            records: 3,
        };
        let made = self.writer.place_hold(&school(1), &placing, &decided("anna"));
        self.taken(made)
    }

    fn release(&mut self, number: u8) -> Result<Noted, ChangeError> {
        let made = self.writer.release_hold(&school(1), &id(number), &decided("anna"));
        self.taken(made)
    }

    fn taken<T>(&mut self, made: crate::trail::change::Made<T>) -> Result<T, ChangeError> {
        made.step.publish();
        self.indexer.absorb(made.step.entries).unwrap();
        made.answer
    }

    fn info(&self) -> Arc<Info> {
        self.base.trail(&school(1)).unwrap().unwrap()
    }

    /// What is readable of a record, by part, with or without what is held: numbers of subjects in its place.
    fn read(&self, seq: u64, held: bool) -> (Vec<Verdict>, BTreeMap<PartId, usize>) {
        let info = self.info();
        let reader = Reader::new(&self.base, &info, self.base.today(&info.zone)).with_openings(true);
        let mut reader = if held { reader.with_held() } else { reader };
        let record = reader.record(seq).unwrap();
        let mut parts = BTreeMap::new();
        for opening in &record.openings {
            *parts.entry(opening.key.id).or_default() += 1;
        }
        (record.verdicts, parts)
    }

    /// Expires all that is past.
    fn expire_all(&mut self) {
        self.expire(Some(Zone::default().date(self.base.now()))).unwrap();
    }
}

fn hold(selection: Selection, parts: Parts) -> Hold {
    let text = str::to_owned;
    let (owner, ground, by) = (text("legal office"), text("ticket 4711"), text("anna"));
    Hold { kind: HoldKind::Case, owner, ground, by, selection, parts }
}

/// Of pupil 1 everything.
fn of_pupil() -> Hold {
    hold(Selection { subject: Some(pupil(1)), ..Selection::default() }, Parts::ALL)
}

/// Of teacher 2 what happened and who did it.
fn of_teacher() -> Hold {
    let parts = Parts::of([PartId::Core, PartId::Actor]).unwrap();
    hold(Selection { actor: Some(teacher(2)), ..Selection::default() }, parts)
}

fn opened() -> Rig {
    let mut rig = Rig::new();
    assert!(rig.open(&school(1), None, Profile::default()).unwrap());
    rig
}

/// Two years on: everything recorded before is past.
const YEARS: u32 = 735;

#[test]
fn what_is_held_is_there_after_its_date_and_gone_once_released() {
    let mut rig = opened();
    let first: Vec<u64> = rig.record(1).into_iter().map(Result::unwrap).collect();
    rig.place(1, &of_pupil()).unwrap();
    rig.place(2, &of_teacher()).unwrap();
    // What comes later is held as well.
    let later: Vec<u64> = rig.record(20).into_iter().map(Result::unwrap).collect();
    assert_eq!(rig.findings(), [""; 0]);

    // A week on, sessions are past; expired at start.
    let mut rig = rig.restart(now().plus(DAY * 8));
    let sessions = |rig: &Rig, seqs: &[u64]| -> Vec<bool> {
        seqs.iter().map(|seq| rig.read(*seq, true).1.contains_key(&PartId::Session)).collect()
    };
    for seqs in [&first, &later] {
        assert_eq!(sessions(&rig, seqs), [true, false, true, true, false, false]);
    }
    assert!(!rig.read(first[0], false).1.contains_key(&PartId::Session), "without the hold it is expired");
    assert_eq!(rig.findings(), [""; 0]);

    let mut rig = rig.restart(now().plus(DAY * YEARS));
    rig.expire_all();
    let verdicts = |rig: &Rig, seq: u64| rig.read(seq, true).0;
    for seqs in [&first, &later] {
        let part = |seq: u64| rig.read(seq, true).1;
        use PartId as P;
        // Pupil 1 alone, of those in the record; all parts that there are.
        let whole = BTreeMap::from([(P::Core, 1), (P::Actor, 1), (P::Subject, 1), (P::Session, 1), (P::Detail, 1)]);
        assert_eq!([part(seqs[0]), part(seqs[2]), part(seqs[3])], [whole.clone(), whole.clone(), whole]);
        for other in [1, 4, 5] {
            assert_eq!(part(seqs[other]), BTreeMap::new(), "{other}");
            assert_eq!(verdicts(&rig, seqs[other]), [Verdict::Expired; 2]);
        }
        assert_eq!(verdicts(&rig, seqs[0]), [Verdict::Held; 2]);
        assert!(rig.read(seqs[0], false).1.is_empty(), "whoever only searches finds nothing");
    }
    assert_eq!(rig.findings(), [""; 0]);
    let held = verify::verify(&rig.base, |_, _, _| ()).trails.remove(1).groups_held;
    assert_eq!(held, 12);

    // Each hold keeps its own: what both kept, the other still has.
    rig.release(1).unwrap();
    for round in 0..2 {
        for seqs in [&first, &later] {
            let only = BTreeMap::from([(PartId::Core, 1), (PartId::Actor, 1)]);
            assert_eq!([2, 3].map(|at| rig.read(seqs[at], true).1), [only.clone(), only]);
            assert_eq!(rig.read(seqs[0], true).1, BTreeMap::new());
            // Of the session there is a row that keeps none of it.
            assert_eq!(verdicts(&rig, seqs[2]), [Verdict::Expired, Verdict::Held]);
        }
        assert_eq!(rig.findings(), [""; 0]);
        assert_eq!(rig.base.keyring.hold_ids(), [hold_id(&id(2)).unwrap()]);
        if round == 0 {
            rig = rig.restart(now().plus(DAY * YEARS).plus(HOUR));
        }
    }
    rig.release(2).unwrap();
    assert_eq!(rig.read(first[2], true).1, BTreeMap::new());
    assert!(!rig.disks.vault.rows().iter().any(|(family, ..)| *family == Family::Held));
    assert_eq!((rig.findings(), rig.base.keyring.hold_ids()), (vec![], vec![]));
}

#[test]
fn what_was_past_when_a_hold_was_placed_is_not_brought_back() {
    let mut rig = opened();
    let seqs: Vec<u64> = rig.record(1).into_iter().map(Result::unwrap).collect();
    // The day of the date, before anything is expired: readers refuse it already.
    let day = now().plus(DAY * 7);
    rig.at(day).place(1, &of_pupil()).unwrap();
    let info = rig.info();
    let mut stager = stage::Stager::new(&rig.base, info.clone(), rig.base.today(&info.zone)).unwrap();
    while stager.slice(&rig.base).unwrap() {}
    assert!(rig.base.keyring.date_key(info.zone_number, rig.base.today(&info.zone)).is_some());
    assert!(!rig.read(seqs[0], true).1.contains_key(&PartId::Session));
}

#[test]
fn what_is_selected_by_is_remembered_once_it_is_past() {
    // By the session's way, of which nothing is kept: it is past after a week, the rest two years later.
    let mut rig = opened();
    let seqs: Vec<u64> = rig.record(1).into_iter().map(Result::unwrap).collect();
    let by_object = Selection { resource_id: Some("card-1".to_owned()), ..Selection::default() };
    rig.place(1, &hold(by_object, Parts::of([PartId::Core]).unwrap())).unwrap();
    let mut rig = rig.restart(now().plus(DAY * 8)).restart(now().plus(DAY * YEARS));
    rig.expire_all();
    let kept: Vec<usize> = seqs.iter().map(|seq| rig.read(*seq, true).1.len()).collect();
    assert_eq!(kept, [1, 0, 1, 0, 0, 0]);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn a_hold_is_placed_once_and_refused_with_a_reason() {
    let mut rig = opened();
    rig.record(1);
    let first = rig.place(1, &of_pupil()).unwrap();
    assert_eq!(rig.place(1, &of_pupil()).unwrap(), first, "the same again");
    let refused = |refusal| Err(ChangeError::Refused { controller: school(1), refusal });
    assert_eq!(rig.place(1, &of_teacher()), refused(Refusal::Taken));
    assert_eq!(rig.release(2), refused(Refusal::Unknown("hold")));
    for (number, days, good) in [(50, 0, true), (51, 181, true), (52, 182, false), (53, -1, false)] {
        let today = Zone::default().date(now()).days();
        let review_on = Date::from_days(today.checked_add_signed(days).unwrap());
        let placing = Placing { id: id(number), hold: of_pupil(), review_on, records: 0 };
        let made = rig.writer.place_hold(&school(1), &placing, &decided("anna"));
        assert_eq!(rig.taken(made).is_ok(), good, "{days}");
        if good {
            rig.release(number).unwrap();
            // An id is new again after a year; until then it is another's.
            assert_eq!(rig.place(number, &of_pupil()), refused(Refusal::Taken));
        }
    }
    let released = rig.release(1).unwrap();
    assert_eq!(rig.release(1).unwrap(), released, "the same again");
    assert_eq!(rig.place(1, &of_pupil()), refused(Refusal::Taken));
}

#[test]
fn holds_are_as_many_as_there_may_be() {
    let mut rig = opened();
    for number in 0..u8::try_from(HOLDS_MAX).unwrap() {
        rig.place(number, &of_pupil()).unwrap();
    }
    let more = rig.place(200, &of_pupil());
    assert!(matches!(more, Err(ChangeError::Refused { refusal: Refusal::TooMany { .. }, .. })), "{more:?}");
    assert_eq!(rig.base.keyring.hold_ids().len(), HOLDS_MAX, "nothing was made for what is refused");
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn whoever_erases_is_told_what_is_held() {
    let mut rig = opened();
    let seqs: Vec<u64> = rig.record(1).into_iter().map(Result::unwrap).collect();
    rig.place(1, &of_pupil()).unwrap();
    rig.place(2, &of_teacher()).unwrap();
    let info = rig.info();
    let covering = Covering::of(&rig.base, &info).unwrap();
    let mut reader = Reader::new(&rig.base, &info, rig.base.today(&info.zone)).with_openings(true);
    let ids = [1, 2].map(|number| hold_id(&id(number)).unwrap());
    for (seq, holds) in [(seqs[0], 1), (seqs[1], 0), (seqs[2], 2), (seqs[3], 2), (seqs[4], 0)] {
        let record = reader.record(seq).unwrap();
        assert_eq!(covering.cover(&rig.base, &info, &record).unwrap().len(), holds, "{seq}");
        for opening in &record.openings {
            let keep = covering.keep(&rig.base, &info, &record, (opening.key, &opening.content)).unwrap();
            let (first, second) = (keep.contains(&ids[0]), keep.contains(&ids[1]));
            let named = matches!(opening.key.id, PartId::Core | PartId::Actor);
            assert_eq!(second, holds == 2 && named, "{seq} {:?}", opening.key);
            assert!(!first || holds > 0);
        }
    }
    // Of three pupils in a record one is held.
    let record = reader.record(seqs[3]).unwrap();
    let subjects = record.openings.iter().filter(|opening| opening.key.id == PartId::Subject);
    let held: Vec<bool> = subjects
        .map(|opening| !covering.keep(&rig.base, &info, &record, (opening.key, &opening.content)).unwrap().is_empty())
        .collect();
    assert_eq!(held, [false, true, false]);
    // Two years on: pupil 1 and who looked at her records are kept, by both holds teacher 2; nobody else.
    let of = crate::trail::vault::Of { controller: &info.controller, key: &info.key };
    let access = crate::model::identity::Domain::Access;
    let who = |who: &Identity| rig.base.vault.find(of, who, access).unwrap().unwrap();
    let people = [pupil(1), pupil(2), pupil(3), teacher(1), teacher(2), teacher(3)].map(|one| who(&one));
    assert!(covering.name(&rig.base, &info, |_| true).unwrap().is_empty(), "nothing is kept yet");
    let mut rig = rig.restart(now().plus(DAY * YEARS));
    rig.expire_all();
    let info = rig.info();
    let covering = Covering::of(&rig.base, &info).unwrap();
    let holds = people.map(|one| covering.name(&rig.base, &info, |who| *who == one).unwrap().len());
    assert_eq!(holds, [1, 0, 0, 1, 2, 0]);
}

#[test]
fn reviews_are_announced_and_never_lapse_silently() {
    let mut rig = opened();
    rig.record(1);
    rig.place(1, &of_pupil()).unwrap();
    rig.place(2, &of_teacher()).unwrap();
    let reminder = |rig: &Rig, days: u32| remind::remind(&rig.base, now().plus(DAY * days), true);
    let counts = |rig: &Rig| {
        [0, 85, 86, 100, 101].map(|days| reminder(rig, days)).map(|now| (now.standing, now.due, now.overdue))
    };
    assert_eq!(counts(&rig), [(2, 0, 0), (2, 0, 0), (2, 2, 0), (2, 2, 0), (2, 0, 2)]);
    let review_on = Zone::default().date(now()).plus_days(150);
    rig.change(&school(1), Change::ReviewHold { id: id(1), review_on }, "jan").unwrap();
    assert_eq!(counts(&rig), [(2, 0, 0), (2, 0, 0), (2, 1, 0), (2, 1, 0), (2, 0, 1)]);
    let mut rig = rig.restart(now().plus(HOUR));
    assert_eq!(counts(&rig)[4], (2, 0, 1), "as before the restart");
    rig.release(2).unwrap();
    assert_eq!(counts(&rig)[4], (1, 0, 0));
    assert_eq!(rig.findings(), [""; 0]);
}

/// What is damaged is named, and what nobody can read keeps its dates from expiring.
#[test]
fn damage_is_named_and_destroys_nothing() {
    type Damage = fn(&Rig, &mut crate::store::Batch, &[(Vec<u8>, Vec<u8>)]);
    let rows: [(&str, Damage, &str); 7] = [
        (
            "a kept group is taken away",
            |_, batch, rows| {
                let (key, _) = rows.iter().find(|(key, _)| key.len() == keys::HELD_BYTES).cloned().unwrap();
                batch.remove(Family::Held, key);
            },
            "of which",
        ),
        (
            "a kept group is changed",
            |_, batch, rows| {
                let (key, mut value) = rows.iter().find(|(key, _)| key.len() == keys::HELD_BYTES).cloned().unwrap();
                *value.last_mut().unwrap() ^= 1;
                batch.put(Family::Held, key, value);
            },
            "does not match its header",
        ),
        (
            "a kept group is another record's",
            |_, batch, rows| {
                let mut kept = rows.iter().filter(|(key, _)| key.len() == keys::HELD_BYTES);
                let (key, _) = kept.next().cloned().unwrap();
                batch.put(Family::Held, key, kept.next().cloned().unwrap().1);
            },
            "does not match its header",
        ),
        (
            "a date that the record does not have",
            |_, batch, rows| {
                let (mut key, value) = rows.iter().find(|(key, _)| key.len() == keys::HELD_BYTES).cloned().unwrap();
                *key.last_mut().unwrap() ^= 1;
                batch.put(Family::Held, key, value);
            },
            "but it has none",
        ),
        (
            "a hold that was never placed",
            |_, batch, rows| {
                let (mut key, value) = rows.iter().find(|(key, _)| key.len() == keys::HELD_BYTES).cloned().unwrap();
                key[4] ^= 1;
                batch.put(Family::Held, key, value);
            },
            "that is not placed",
        ),
        ("a key that is none", |_, batch, _| batch.put(Family::Held, [0, 0, 0, 1, 7], [1]), "has a bad key"),
        (
            "the hold itself is gone",
            |_, batch, rows| {
                let (key, _) = rows.iter().find(|(key, _)| key.len() == keys::HOLD_BYTES).cloned().unwrap();
                batch.remove(Family::Held, key);
            },
            "has no row",
        ),
    ];
    for (what, damage, says) in rows {
        let mut rig = opened();
        rig.record(1);
        rig.place(1, &of_pupil()).unwrap();
        let mut rig = rig.restart(now().plus(DAY * 8));
        let held = rig.disks.vault.rows().into_iter().filter(|(family, ..)| *family == Family::Held);
        let held: Vec<(Vec<u8>, Vec<u8>)> = held.map(|(_, key, value)| (key, value)).collect();
        let mut batch = crate::store::Batch::default();
        damage(&rig, &mut batch, &held);
        rig.base.vault.store().commit(batch).unwrap();
        let found = rig.findings();
        assert!(found.len() == 1 && found[0].contains(says), "{what}: {found:?}");
    }
    // A hold that cannot be read: nothing of its zone expires, until it is released.
    let mut rig = opened();
    let seqs: Vec<u64> = rig.record(1).into_iter().map(Result::unwrap).collect();
    rig.place(1, &of_pupil()).unwrap();
    let info = rig.info();
    let mut batch = crate::store::Batch::default();
    batch.remove(Family::Held, keys::hold(info.number, &hold_id(&id(1)).unwrap()));
    rig.base.vault.store().commit(batch).unwrap();
    let mut rig = rig.restart(now().plus(DAY * 8));
    let info = rig.info();
    let week = Zone::default().date(now()).plus_days(7);
    assert!(rig.base.keyring.date_key(info.zone_number, week).is_some(), "its key stays");
    assert!(Covering::of(&rig.base, &info).is_err(), "nor is anybody erased");
    rig.release(1).unwrap();
    rig.expire_all();
    assert!(rig.base.keyring.date_key(info.zone_number, week).is_none());
    assert!(rig.read(seqs[0], true).0.contains(&Verdict::Expired));
    assert_eq!(rig.findings(), [""; 0]);
}

/// What a hold covers is what a plain look at every record finds, with the index or without.
#[test]
fn what_is_covered_is_what_a_plain_look_finds() {
    let mut rig = opened();
    rig.record(1);
    rig.record(20);
    let info = rig.info();
    let selections = [
        Selection { subject: Some(pupil(1)), ..Selection::default() },
        Selection { subject: Some(pupil(9)), ..Selection::default() },
        Selection { actor: Some(teacher(2)), subject: Some(pupil(2)), ..Selection::default() },
        Selection { resource_id: Some("card-3".to_owned()), ..Selection::default() },
        Selection { facts: Facts { actions: vec![Action::Read.into()], ..Facts::default() }, ..Selection::default() },
        Selection { facts: Facts { since: Some(now()), ..Facts::default() }, ..Selection::default() },
        Selection { facts: Facts { until: Some(now()), ..Facts::default() }, ..Selection::default() },
    ];
    let today = rig.base.today(&info.zone);
    for indexed in [false, true] {
        if indexed {
            rig.indexer.flush().unwrap();
        }
        for selection in &selections {
            let hold = hold(selection.clone(), Parts::ALL);
            let cover = cover(&rig.base, &info, &hold).unwrap();
            let mut reader = Reader::new(&rig.base, &info, today);
            let mut found = |seqs: &mut dyn Iterator<Item = u64>| -> Vec<u64> {
                let covered = |seq: &u64| {
                    let record = reader.record(*seq).unwrap();
                    cover.covers(&record.header, &record.contents)
                };
                seqs.filter(covered).collect()
            };
            let plain = found(&mut (0..info.size()));
            let among = search::among(&rig.base, &info, cover.filter(), 0..info.size(), today).unwrap();
            let narrowed = among.map_or_else(|| plain.clone(), |seqs| found(&mut seqs.into_iter()));
            assert_eq!(narrowed, plain, "{selection:?}");
            assert!(selection.facts.until.is_some() || selection.subject == Some(pupil(9)) || !plain.is_empty());
        }
    }
}
