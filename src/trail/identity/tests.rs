//! People who are deactivated, restricted and erased: what goes, what stays, and what the trail proves of it.
#![allow(clippy::unwrap_used)]

mod people;
mod plug;
mod proof;
mod residue;
mod restored;

use super::super::hold::Placing;
use super::super::reader::Reader;
use super::super::rig::*;
use super::super::search;
use super::super::submission::Submission;
use super::super::trails::Info;
use super::super::vault::Of;
use super::*;
use crate::model::date::{Timestamp, Zone};
use crate::model::event::{Event, Fields, Session, Subject};
use crate::model::facts::Facts;
use crate::model::hold::selection::Selection;
use crate::model::hold::{Hold, Parts};
use crate::model::identity::Pseudonym;
use crate::model::notice::Says;
use crate::model::part::{self, PartHash, PartId, PartKey};
use crate::model::permission::approval::{Deed, Standing};
use crate::model::permission::change::Change;
use crate::model::permission::policy::Staff;
use crate::model::profile::Profile;
use crate::model::query::{Cursor, Filter, Include, Order};
use crate::model::record::{Record, Verdict};
use crate::model::stored::{Action, AuthMethod, Core, DetailPart, HoldKind, NetPart, Outcome, Purpose, RetentionClass};
use crate::store::Family;

fn person(text: &str) -> Identity {
    let (namespace, id) = text.split_once(':').unwrap();
    Identity::new(namespace, id)
}

/// An access: who, in whose name, whose data, and of which class.
#[derive(Clone, Copy)]
struct Access {
    actor: &'static str,
    on_behalf_of: &'static str,
    subjects: &'static [&'static str],
    action: Action,
    class: RetentionClass,
}

const READ: Access = Access {
    actor: "staff:t-1",
    on_behalf_of: "",
    subjects: &[],
    action: Action::Read,
    class: RetentionClass::Unspecified,
};

/// The teacher acts, is a subject, one of two, and stands behind another; some of it is hers alone.
const STORY: [Access; 9] = [
    Access { subjects: &["pupil:p-1", "pupil:p-2"], ..READ },
    Access { action: Action::Login, ..READ },
    Access { actor: "staff:t-2", subjects: &["staff:t-1"], ..READ },
    Access { actor: "staff:t-2", subjects: &["staff:t-1", "pupil:p-1"], ..READ },
    Access { actor: "staff:t-2", on_behalf_of: "staff:t-1", subjects: &["pupil:p-1"], ..READ },
    Access { subjects: &["staff:t-1"], ..READ },
    Access { subjects: &["pupil:p-1"], action: Action::Update, class: RetentionClass::Register, ..READ },
    Access { actor: "staff:t-2", subjects: &["pupil:p-2"], ..READ },
    Access { action: Action::Export, subjects: &["staff:t-1"], ..READ },
];
/// Those of it that are hers alone, with the number of parts that go.
const ALONE: [(u64, usize); 3] = [(3, 3), (7, 3), (10, 3)];

fn event(number: u8, access: Access) -> Event {
    let core = Core {
        event_id: vec![number; 16],
        action: access.action.into(),
        outcome: Outcome::Success.into(),
        purpose: Purpose::Teaching.into(),
        subject_count: u32::try_from(access.subjects.len()).unwrap(),
        ..Core::default()
    };
    let named = |text: &str| {
        let display_name = format!("Name of {text}");
        (!text.is_empty()).then(|| Identity { display_name, ..person(text) })
    };
    let subject = |text: &&str| Subject { identity: named(text).unwrap(), child: 0 };
    Event::own(Fields {
        core,
        actor: named(access.actor),
        on_behalf_of: named(access.on_behalf_of),
        subjects: access.subjects.iter().map(subject).collect(),
        net: Some(NetPart { ip: vec![192, 0, 2, number], ..NetPart::default() }),
        session: Some(Session { id: vec![number; 8], auth_method: AuthMethod::Password.into(), mfa: false }),
        detail: Some(DetailPart { resource_id: format!("card-{number}"), ..DetailPart::default() }),
        choice: access.class,
        ..Fields::default()
    })
}

impl Rig {
    fn report(&mut self, from: u8, accesses: &[Access]) -> Vec<u64> {
        let mut seqs = Vec::new();
        for (number, access) in (from..).zip(accesses) {
            let events = vec![event(number, *access)];
            let mut step = self.writer.step(vec![Submission { controller: school(1), events, may_open: false }]);
            step.publish();
            self.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
            seqs.extend(step.results.into_iter().flatten().map(|recorded| recorded[0].receipt.seq));
        }
        seqs
    }

    fn info_of(&self) -> Arc<Info> {
        self.base.trail(&school(1)).unwrap().unwrap()
    }

    fn agree(&mut self, number: u8, concerning: &str) -> bool {
        let ask = Change::Ask {
            id: id(number),
            deed: Deed::Erasure,
            concerning: self.concerning(concerning),
            staff: Staff::Controller,
        };
        self.change(&school(1), ask, "anna").is_ok()
            && matches!(
                self.change(&school(1), answer(number, true), "jan"),
                Ok(_) | Err(ChangeError::Refused { refusal: Refusal::Stands(Standing::Used), .. })
            )
    }

    /// How a request names somebody, if anybody is known by that.
    fn concerning(&self, who: &str) -> String {
        let info = self.info_of();
        let known = self.base.vault.known(everybody::of(&info), &person(who)).unwrap();
        known.as_ref().and_then(named::text).unwrap_or_else(|| who.to_owned())
    }

    fn doom_of(&self, who: &str) -> Option<Doomed> {
        let info = self.info_of();
        let known = self.base.vault.known(everybody::of(&info), &person(who)).unwrap()?;
        Some(Doomed::of(&self.base, &info, known, info.size()).unwrap())
    }

    fn erase(&mut self, number: u8, who: &str) -> Result<Erasure, ChangeError> {
        let doomed = self.doom_of(who);
        self.erase_doomed(number, who, doomed)
    }

    fn erase_doomed(&mut self, number: u8, who: &str, doomed: Option<Doomed>) -> Result<Erasure, ChangeError> {
        let erasing = Erasing { who: person(who), ground: ErasureGround::Objection, approval: id(number), doomed };
        let made = self.writer.erase(&school(1), erasing, &decided("anna"));
        self.take(made)
    }

    fn deactivate(&mut self, who: &str, mask_on: Option<Date>) -> Result<(Noted, Date), ChangeError> {
        let made = self.writer.deactivate(&school(1), &person(who), mask_on, &decided("anna"));
        self.take(made)
    }

    fn restrict(&mut self, who: &str, on: bool) -> Result<Noted, ChangeError> {
        let (school, decided) = (school(1), decided("anna"));
        let made = match on {
            true => self.writer.restrict(&school, &person(who), &decided),
            false => self.writer.lift(&school, &person(who), &decided),
        };
        self.take(made)
    }

    fn found(&self, wanted: &Wanted) -> Found {
        find::find(&self.base, &self.info_of(), wanted).unwrap()
    }

    fn standing_of(&self, who: &str) -> Option<PersonStanding> {
        self.found(&Wanted::Exact(person(who))).people.first().map(|person| person.standing)
    }

    fn record_at(&self, seq: u64) -> Record {
        let info = self.info_of();
        Reader::new(&self.base, &info, self.base.today(&info.zone)).with_openings(true).record(seq).unwrap()
    }

    /// Positions that a search for somebody's data finds.
    fn about(&mut self, who: &str, include: Include) -> Vec<u64> {
        self.indexer.flush().unwrap();
        let info = self.info_of();
        let subject = Some(search::pseudonyms(&self.base, &info, &person(who)).unwrap());
        let filter = Filter { subject, ..Filter::default() };
        self.matching(&filter, include)
    }

    fn matching(&mut self, filter: &Filter, include: Include) -> Vec<u64> {
        self.indexer.flush().unwrap();
        let info = self.info_of();
        let start = Cursor { size: info.size(), next: 0, question: [0; 8] };
        let page =
            search::search_including(&self.base, &info, filter, include, Order::OldestFirst, start, 1_000).unwrap();
        page.records.iter().map(|record| record.header.seq).collect()
    }

    fn led(&self, pseudonym: &[u8]) -> Option<Identity> {
        let info = self.info_of();
        let of = Of { controller: &info.controller, key: &info.key };
        self.base.vault.identity(of, &Pseudonym::from_slice(pseudonym).unwrap()).unwrap()
    }
}

/// One that has the story from position 2 on.
fn told_story() -> Rig {
    let mut rig = Rig::new();
    tell(&mut rig);
    rig
}

fn tell(rig: &mut Rig) {
    assert!(rig.open(&school(1), None, Profile { register_keeper: true, ..Profile::default() }).unwrap());
    assert!(rig.open(&school(2), None, Profile::default()).unwrap());
    assert_eq!(rig.report(1, &STORY), (2..11).collect::<Vec<_>>());
    // Others share her bucket by chance alone; of another school somebody has the same id.
    let events = vec![event(99, STORY[0])];
    let step = rig.writer.step(vec![Submission { controller: school(2), events, may_open: false }]);
    step.publish();
    rig.indexer.absorb(step.entries).unwrap();
}

fn gone_of(record: &Record) -> Vec<PartId> {
    record.erased.iter().map(|key| key.id).collect()
}

#[test]
fn a_teacher_who_is_actor_subject_and_co_subject_is_erased() {
    let mut rig = told_story();
    let before: Vec<Record> = (2..11).map(|seq| rig.record_at(seq)).collect();
    let theirs = ["pupil:p-1", "pupil:p-2", "staff:t-2"].map(|who| (who, rig.about(who, Include::default())));
    let teacher = rig.found(&Wanted::Exact(person("staff:t-1")));
    assert_eq!(teacher.people[0].domains, [Domain::Access, Domain::Register]);
    let old = rig.info_of();
    let own = rig.base.vault.known(everybody::of(&old), &person("staff:t-1")).unwrap().unwrap();
    assert!(rig.agree(7, "staff:t-1"));

    let preview = rig.doom_of("staff:t-1").unwrap().erasure();
    let done = rig.erase(7, "staff:t-1").unwrap();
    assert_eq!((&preview.fates, preview.receipt), (&done.fates, None));
    let fate = |class, what, records, parts| Fate { class, what, records, parts };
    let expected = [
        fate(Class::Session, What::Pseudonymised, 1, 0),
        fate(Class::Session, What::Erased, 1, 3),
        fate(Class::Access, What::Pseudonymised, 5, 0),
        fate(Class::Access, What::Erased, 1, 3),
        fate(Class::Register, What::Refused(Kept::Register), 1, 0),
        fate(Class::Disclosure, What::Pseudonymised, 1, 0),
        fate(Class::Disclosure, What::Erased, 1, 3),
    ];
    assert_eq!(done.fates, expected);
    let receipt = done.receipt.clone().unwrap();

    // Led back no more, but for the register; found as nobody else.
    assert_eq!(rig.led(&own.pseudonyms[0].1.0), None);
    assert_eq!(rig.led(&own.pseudonyms[1].1.0).unwrap().id, "t-1");
    let left = rig.found(&Wanted::Exact(person("staff:t-1")));
    assert_eq!(left.people[0].domains, [Domain::Register]);
    assert_eq!(rig.about("staff:t-1", Include::default()), [] as [u64; 0]);

    // Parts go with the job, and with nothing else; every header stands.
    rig.finish_removals();
    for (seq, was) in (2..).zip(&before) {
        let is = rig.record_at(seq);
        let gone = ALONE.iter().find(|(alone, _)| *alone == seq).map_or(0, |(_, parts)| *parts);
        assert_eq!((is.erased.len(), &is.header, &is.link), (gone, &was.header, &was.link), "record {seq}");
        assert!(gone_of(&is).iter().all(|id| [PartId::Net, PartId::Session, PartId::Detail].contains(id)));
        for id in gone_of(&is) {
            assert_eq!(is.verdict(id), Some(Verdict::Erased));
        }
        assert_eq!(is.verdict(PartId::Core), Some(Verdict::Intact));
        let kept: Vec<_> = was.openings.iter().filter(|opening| !is.erased.contains(&opening.key)).cloned().collect();
        assert_eq!(is.openings, kept, "salts and contents of the rest, record {seq}");
        // What was handed out before still opens to the same header, and so does what is left.
        let hash = |opening: &crate::model::record::Opening| {
            (opening.key, part::part_hash(&opening.salt, opening.key, &opening.content))
        };
        for record in [was, &is] {
            for group in &record.header.groups {
                let mut hashes: Vec<(PartKey, PartHash)> =
                    record.openings.iter().map(hash).chain(record.closed.iter().copied()).collect();
                hashes.retain(|(key, _)| group.has(key.id));
                hashes.sort_unstable_by_key(|(key, _)| *key);
                assert_eq!(part::group_hash(hashes), group.commitment, "record {seq}");
            }
        }
    }
    for (who, seqs) in theirs {
        assert_eq!(rig.about(who, Include::default()), seqs, "{who}");
    }
    assert_eq!(rig.findings(), [""; 0]);
    // Addresses of what is gone are found no more, others are.
    let by_ip = |rig: &mut Rig, last: u8| {
        let facts = Facts { ip: Some(vec![192, 0, 2, last]), ..Facts::default() };
        rig.matching(&Filter { facts, ..Filter::default() }, Include::default())
    };
    assert_eq!([1, 2, 3].map(|last| by_ip(&mut rig, last).len()), [1, 0, 1]);

    // The same request again, and once more after a start; another request is for nobody but the register's author.
    for _ in 0..2 {
        let again = rig.erase(7, "staff:t-1").unwrap();
        assert_eq!((again.receipt.as_ref(), &again.fates), (Some(&receipt), &done.fates));
        let at = now().plus(HOUR);
        rig = rig.restart(at);
    }
    // Whoever comes back is somebody new.
    rig.report(20, &STORY[..1]);
    let info = rig.info_of();
    let back = rig.base.vault.known(everybody::of(&info), &person("staff:t-1")).unwrap().unwrap();
    assert_eq!(back.pseudonyms.len(), 2);
    assert!(back.pseudonyms[0].1 != own.pseudonyms[0].1 && back.pseudonyms[1].1 == own.pseudonyms[1].1);
    assert_eq!(rig.about("staff:t-1", Include::default()), [] as [u64; 0], "nothing of before is theirs");
    assert_eq!(rig.findings(), [""; 0]);
    // Of the other school nothing is changed.
    let other = rig.base.trail(&school(2)).unwrap().unwrap();
    assert!(rig.base.vault.known(everybody::of(&other), &person("staff:t-1")).unwrap().is_some());
    // Built anew, the index has none of it either.
    let disks = rig.disks.clone();
    disks.index.crash(0);
    for (family, key, _) in disks.index.rows() {
        let mut batch = crate::store::Batch::default();
        batch.remove(family, key);
        crate::store::Store::commit(&disks.index.open(), batch).unwrap();
    }
    let mut rig = rig.restart(now().plus(HOUR * 2));
    assert_eq!([1, 2, 3].map(|last| by_ip(&mut rig, last).len()), [1, 0, 1]);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn what_is_in_flight_while_somebody_is_erased_does_not_escape() {
    let mut rig = told_story();
    assert!(rig.agree(7, "staff:t-1"));
    let doomed = rig.doom_of("staff:t-1");
    let later = rig.report(30, &[STORY[1], STORY[5], STORY[7]]);
    rig.erase_doomed(7, "staff:t-1", doomed).unwrap();
    rig.finish_removals();
    let gone: Vec<usize> = later.iter().map(|seq| rig.record_at(*seq).erased.len()).collect();
    assert_eq!(gone, [3, 3, 0]);
    assert_eq!(rig.findings(), [""; 0]);
    // A request about somebody who was not known yet names the id: by it nobody is erased, for it would lead back.
    assert!(rig.agree(8, "staff:t-9"));
    let nobody = rig.doom_of("staff:t-9");
    assert!(nobody.is_none());
    rig.report(40, &[Access { actor: "staff:t-9", ..STORY[1] }]);
    assert!(matches!(rig.erase_doomed(8, "staff:t-9", nobody), Err(ChangeError::Refused { .. })));
    assert!(rig.agree(9, "staff:t-9"));
    assert_eq!(rig.erase_doomed(9, "staff:t-9", None).unwrap().fates.len(), 2);
    rig.finish_removals();
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn an_erasure_needs_a_request_that_was_agreed_to_and_somebody_who_is_known() {
    let mut rig = told_story();
    let size = rig.info_of().size();
    let refused = |done: Result<Erasure, ChangeError>| match done {
        Err(ChangeError::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    };
    let asked = Refusal::Unknown("request for the erasure of this person");
    assert_eq!(refused(rig.erase(7, "staff:t-1")), asked);
    let her = rig.concerning("staff:t-1");
    let ask = |number, deed| Change::Ask { id: id(number), deed, concerning: her.clone(), staff: Staff::Controller };
    rig.change(&school(1), ask(7, Deed::Erasure), "anna").unwrap();
    assert_eq!(refused(rig.erase(7, "staff:t-1")), Refusal::Stands(Standing::NeedsAnother));
    assert_eq!(refused(rig.erase(7, "staff:t-2")), asked, "of somebody else");
    rig.change(&school(1), ask(8, Deed::Reidentification), "anna").unwrap();
    rig.change(&school(1), answer(8, true), "jan").unwrap();
    assert_eq!(refused(rig.erase(8, "staff:t-1")), asked, "another deed");
    rig.change(&school(1), ask(9, Deed::Erasure), "ewa").unwrap();
    rig.change(&school(1), answer(9, true), "jan").unwrap();
    assert_eq!(refused(rig.erase(9, "staff:t-1")), Refusal::NotTheirs);
    assert!(rig.agree(10, "staff:nobody"));
    assert_eq!(refused(rig.erase(10, "staff:nobody")), Refusal::Nobody);
    let none = Erasing {
        who: person("staff:t-1"),
        ground: ErasureGround::Unspecified,
        approval: id(7),
        doomed: rig.doom_of("staff:t-1"),
    };
    let made = rig.writer.erase(&school(1), none, &decided("anna"));
    assert!(matches!(refused(rig.take(made)), Refusal::Field { field: "ground_code", .. }));
    // Nothing but the requests was told, and nobody's request was used up.
    assert_eq!(rig.info_of().size(), size + 7);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn what_a_hold_keeps_stays_and_is_told() {
    let about = |subject: &str, parts: &[PartId]| {
        let text = str::to_owned;
        let selection = Selection { subject: Some(person(subject)), ..Selection::default() };
        let parts = Parts::of(parts.iter().copied()).unwrap();
        let (owner, ground, by) = (text("legal office"), text("ticket 4711"), text("anna"));
        Hold { kind: HoldKind::Case, owner, ground, by, selection, parts }
    };
    // What is held; whether she is led back still; how many parts go of the record that is hers alone.
    let rows: [(&str, Hold, bool, usize); 4] = [
        ("of herself", about("staff:t-1", &[PartId::Core]), true, 3),
        ("who acted on a pupil's data", about("pupil:p-1", &[PartId::Core, PartId::Actor]), true, 3),
        ("what happened to a pupil's data", about("pupil:p-1", &[PartId::Core]), false, 3),
        ("her addresses", about("staff:t-1", &[PartId::Net]), true, 2),
    ];
    for (what, hold, led, gone) in rows {
        let mut rig = told_story();
        let review_on = Zone::default().date(now()).plus_days(100);
        let placing = Placing { id: id(3), hold, review_on, records: 3 };
        let made = rig.writer.place_hold(&school(1), &placing, &decided("anna"));
        rig.take(made).unwrap();
        assert!(rig.agree(7, "staff:t-1"));
        let done = rig.erase(7, "staff:t-1").unwrap();
        let held = done.fates.iter().filter(|fate| fate.what == What::Refused(Kept::Held(vec![[3; 16]]))).count();
        assert_eq!(held > 0, led, "{what}: {:?}", done.fates);
        rig.finish_removals();
        let known = rig.found(&Wanted::Exact(person("staff:t-1"))).people[0].domains.clone();
        assert_eq!(known.contains(&Domain::Access), led, "{what}");
        assert_eq!(rig.record_at(7).erased.len(), gone, "{what}");
        assert_eq!(rig.findings(), [""; 0], "{what}");
        // What goes on of it is as it was.
        let again = rig.erase(7, "staff:t-1").unwrap();
        assert_eq!((again.fates, again.receipt), (done.fates, done.receipt), "{what}");
    }
}
