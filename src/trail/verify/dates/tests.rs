//! Events under policies that change, and events that name other dates than their policy gives.
#![allow(clippy::unwrap_used)]

use super::super::super::group::{Group, Staged};
use super::super::super::indexer::Entry;
use super::super::super::reader::Reader;
use super::super::super::rig::*;
use super::super::super::submission::Submission;
use crate::model::date::{Date, Lifetime, Timestamp};
use crate::model::event::{Event, Fields, Session};
use crate::model::permission::change::Change;
use crate::model::policy::{Class, Dates, Lifetimes};
use crate::model::profile::Profile;
use crate::model::record::{Contents, People};
use crate::model::retention::choice::Choice;
use crate::model::stored::{
    Action, ActorKind, Core, DetailPart, NetPart, Outcome, Purpose, RetentionClass, SourceAssurance,
};

/// An event with every part that lives by itself, about nobody, at a time of its own.
fn event(number: u8, action: Action, outcome: Outcome, occurred_at: Timestamp, assurance: SourceAssurance) -> Event {
    Event::own(Fields {
        core: Core {
            event_id: vec![number; 16],
            occurred_at: occurred_at.nanos(),
            action: action.into(),
            outcome: outcome.into(),
            purpose: Purpose::Security.into(),
            actor_kind: ActorKind::Anonymous.into(),
            source_service: "register".to_owned(),
            source_assurance: assurance.into(),
            ..Core::default()
        },
        occurred_at_given: true,
        net: Some(NetPart { ip: vec![192, 0, 2, 7], ..NetPart::default() }),
        session: Some(Session { id: b"s".to_vec(), ..Session::default() }),
        detail: Some(DetailPart { resource_id: "r".to_owned(), ..DetailPart::default() }),
        choice: RetentionClass::Unspecified,
        ..Fields::default()
    })
}

/// What a record shows of its dates: the policy that it names, and the date of each group.
fn record(rig: &mut Rig, event: Event) -> Result<(String, Vec<String>), String> {
    let submission = Submission { controller: school(1), events: vec![event], may_open: false };
    let mut step = rig.writer.step(vec![submission]);
    rig.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
    step.publish();
    let recorded = step.results.remove(0).map_err(|error| error.to_string())?;
    let info = rig.base.trail(&school(1)).unwrap().unwrap();
    let record = Reader::new(&rig.base, &info, Date::NEVER).record(recorded[0].receipt.seq).unwrap();
    let dates = record.header.groups.iter().map(|group| group.date.to_string()).collect();
    Ok((record.contents.core.unwrap().policy_version, dates))
}

fn year() -> Change {
    let (core, detail) = (Lifetime::Months(12), Some(Lifetime::Months(12)));
    let lifetimes = Lifetimes { core, net: Some(Lifetime::Months(6)), session: Some(Lifetime::Days(3)), detail };
    Change::Retention { number: 0, choice: Choice::new([(Class::Access, lifetimes)]) }
}

#[test]
fn a_choice_holds_for_what_comes_after_it_also_after_a_restart() {
    use Action as A;
    use Outcome as O;
    let native = SourceAssurance::Native;
    let mut rig = Rig::new();
    rig.open(&school(1), None, Profile::default()).unwrap();
    let version = |number: u32| if number == 0 { "default-1".to_owned() } else { format!("default-1+{number}") };
    let expect = |rig: &mut Rig, number: u8, (action, outcome), (policy, dates): (u32, &[&str])| {
        let found = record(rig, event(number, action, outcome, now(), native)).unwrap();
        assert_eq!(found, (version(policy), dates.iter().map(|date| (*date).to_owned()).collect()), "{number}");
    };
    let shipped: &[&str] = &["2026-11-29", "2028-11-22"];
    expect(&mut rig, 1, (A::Read, O::Success), (0, shipped));
    rig.change(&school(1), year(), "stefan").unwrap();
    let chosen: &[&str] = &["2026-11-25", "2027-05-22", "2027-11-22"];
    expect(&mut rig, 2, (A::Read, O::Success), (1, chosen));
    // Denied, it is of another class; so is a login.
    expect(&mut rig, 3, (A::Read, O::Denied), (1, shipped));
    expect(&mut rig, 4, (A::Login, O::Success), (1, shipped));
    assert_eq!(rig.findings(), [""; 0]);
    let mut rig = rig.restart(now());
    expect(&mut rig, 5, (A::Read, O::Success), (1, chosen));
    // What is over by the choice is not taken in any more, though the policy itself would.
    let old = now().minus(DAY * 400);
    let import = |number, at| event(number, A::Read, O::Success, at, SourceAssurance::Import);
    let refused = record(&mut rig, import(6, old)).unwrap_err();
    assert!(refused.contains("already have expired"), "{refused}");
    // Of what is half a year old, the address is past.
    let (_, dates) = record(&mut rig, import(7, now().minus(DAY * 200))).unwrap();
    assert_eq!(dates, ["2027-05-06"]);
    rig.change(&school(1), Change::Retention { number: 0, choice: Choice::default() }, "stefan").unwrap();
    expect(&mut rig, 8, (A::Read, O::Success), (2, shipped));
    assert_eq!(rig.findings(), [""; 0]);
    for days in [1, 4, 190, 370, 740] {
        let mut later = Rig::start(rig.disks.clone(), now().plus(DAY * days));
        assert_eq!(later.findings(), [""; 0], "{days} days on");
    }
}

/// Records an event of class ACCESS that nothing planned.
fn forge(rig: &mut Rig, class: Class, version: &str, alter: impl FnOnce(&mut Dates)) {
    let base = rig.base.clone();
    let mut group = Group::new(&base);
    let at = base.now();
    let retention = base.acts.retention(&school(1));
    group.stage(base.trail(&school(1)).unwrap(), &school(1), at).unwrap();
    let Staged { info, sequencer } = group.staged.get_mut(&school(1)).unwrap();
    let mut dates = retention.dates(class, at, &info.zone).unwrap();
    alter(&mut dates);
    let event = event(9, Action::Read, Outcome::Success, at, SourceAssurance::Native).planned(at, version, []);
    let contents = Contents::of_event(event, &People::default(), Some(vec![1; 16]), &dates, Date::NEVER, at);
    let placed = sequencer.event(&contents, class, &dates, at);
    let digest = Some(info.lasting.request_digest(&[0; 32]));
    group.entries.push(Entry::of(info, &placed.header, &contents, digest));
    let step = rig.writer.commit(group).unwrap();
    step.publish();
    rig.indexer.absorb(step.entries).unwrap();
}

#[test]
fn an_event_with_other_dates_than_its_policy_gives_is_tampering() {
    type Row = (&'static str, fn(&mut Dates), &'static str);
    let rows: [Row; 9] = [
        ("default-1+1", |_| (), ""),
        (
            "default-1+1",
            |dates| dates.core = dates.core.plus_days(1),
            "its core has the date 2027-11-23, the policy gives 2027-11-22",
        ),
        ("default-1+1", |dates| dates.net = Some(dates.core), "its net has the date"),
        ("default-1+1", |dates| dates.net = dates.net.map(|date| date.plus_days(1)), "its net has the date"),
        (
            "default-1+1",
            |dates| dates.session = dates.session.map(|date| date.plus_days(1)),
            "its session has the date",
        ),
        ("default-1+1", |dates| dates.detail = dates.net, "its detail has the date"),
        ("default-1", |_| (), "its core names another policy, not default-1+1"),
        ("default-1+2", |_| (), "its core names another policy, not default-1+1"),
        ("default-2", |_| (), "its core names no policy, not default-1+1"),
    ];
    for (version, alter, says) in rows {
        let mut rig = Rig::new();
        rig.open(&school(1), None, Profile::default()).unwrap();
        rig.change(&school(1), year(), "stefan").unwrap();
        forge(&mut rig, Class::Access, version, alter);
        let found = rig.findings();
        assert!(found.len() == usize::from(!says.is_empty()), "{says}: {found:?}");
        assert!(found.iter().all(|found| found.contains(says)), "{says}: {found:?}");
    }
    // Under the policy that is shipped it is no other.
    let mut rig = Rig::new();
    rig.open(&school(1), None, Profile::default()).unwrap();
    forge(&mut rig, Class::Access, "default-1", |dates| dates.core = dates.core.plus_days(30));
    assert!(rig.findings()[0].contains("its core has the date"), "{:?}", rig.findings());
}
