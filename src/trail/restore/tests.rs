//! An older copy of the history beside the newest keyring and vault: nothing comes back, nothing is signed twice, and what
//! is there is found and proved as before.
#![allow(clippy::unwrap_used)]

mod plug;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::closing;
use super::super::hold::Placing;
use super::super::reader::Reader;
use super::super::rig::*;
use super::super::submission::{Receipt, RecordError, Submission};
use super::super::trails::Info;
use super::*;
use crate::env::SeededEntropy;
use crate::model::date::Zone;
use crate::model::event::{Event, Fields, Session, Subject};
use crate::model::hold::selection::Selection;
use crate::model::hold::{Hold, Parts};
use crate::model::identity::Identity;
use crate::model::part::PartId;
use crate::model::permission::approval::LoneApprover;
use crate::model::permission::change::Change;
use crate::model::policy::Class;
use crate::model::profile::Profile;
use crate::model::record::Verdict;
use crate::model::stored::{Action, AuthMethod, Core, HoldKind, Outcome, Purpose};

fn event(number: u8) -> Event {
    let core = Core {
        event_id: vec![number; 16],
        action: Action::Read.into(),
        outcome: Outcome::Success.into(),
        purpose: Purpose::Teaching.into(),
        subject_count: 1,
        ..Core::default()
    };
    Event::own(Fields {
        core,
        actor: Some(Identity::new("staff", "t-1")),
        subjects: vec![Subject { identity: Identity::new("pupil", &format!("p-{}", number % 3)), child: 0 }],
        session: Some(Session { id: vec![number; 8], auth_method: AuthMethod::Password.into(), mfa: false }),
        ..Fields::default()
    })
}

fn hold() -> Hold {
    let text = str::to_owned;
    Hold {
        kind: HoldKind::Case,
        owner: text("legal office"),
        ground: text("ticket 4711"),
        by: text("anna"),
        selection: Selection { subject: Some(Identity::new("pupil", "p-1")), ..Selection::default() },
        parts: Parts::ALL,
    }
}

impl Rig {
    fn reports(&mut self, of: &Controller, number: u8) -> Result<Receipt, RecordError> {
        let submission = Submission { controller: of.clone(), events: vec![event(number)], may_open: false };
        let mut step = self.writer.step(vec![submission]);
        step.publish();
        self.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
        step.results.remove(0).map(|recorded| recorded[0].receipt.clone())
    }

    fn places(&mut self, of: &Controller, number: u8) {
        let review_on = Zone::default().date(self.base.now()).plus_days(100);
        let placing = Placing { id: id(number), hold: hold(), review_on, records: 3 };
        let made = self.writer.place_hold(of, &placing, &decided("anna"));
        self.take(made).unwrap();
    }

    fn last(&self, of: &Controller) -> Arc<Info> {
        self.base.trail(of).unwrap().unwrap()
    }

    /// The guard remembers how far each trail is.
    fn guarded(&self) {
        self.base.guard.as_ref().unwrap().tick(&self.base).unwrap();
    }

    fn verdicts(&self, info: &Info, seq: u64, held: bool) -> BTreeMap<PartId, Verdict> {
        let reader = Reader::new(&self.base, info, self.base.today(&info.zone));
        let mut reader = if held { reader.with_held() } else { reader };
        let record = reader.record(seq).unwrap();
        PartId::ALL.into_iter().filter_map(|id| Some((id, record.verdict(id)?))).collect()
    }
}

/// Three schools, of which one has decided this and that.
fn begun() -> Rig {
    let mut rig = Rig::new();
    for number in 1..=3 {
        rig.open(&school(number), None, Profile::default()).unwrap();
        for event in 0..4 {
            rig.reports(&school(number), 10 * u8::try_from(number).unwrap() + event).unwrap();
        }
    }
    rig.change(&school(1), Change::Profile(public_body()), "stefan").unwrap();
    rig.change(&school(1), lifetimes(Class::Disclosure, 36), "stefan").unwrap();
    rig.change(&school(1), Change::LoneApproval(true), "anna").unwrap();
    rig.change(&school(1), grant(1, now(), 366), "anna").unwrap();
    rig.places(&school(1), 5);
    rig.places(&school(1), 6);
    rig.guarded();
    rig
}

/// What a copy of the history lacks: events, a school, an expiry, holds that came and went, a school's end.
fn goes_on(rig: &mut Rig) {
    rig.reports(&school(1), 50).unwrap();
    rig.open(&school(4), None, Profile::default()).unwrap();
    rig.reports(&school(4), 51).unwrap();
    let made = rig.writer.release_hold(&school(1), &id(5), &decided("anna"));
    rig.take(made).unwrap();
    rig.places(&school(1), 7);
    rig.places(&school(4), 8);
    rig.at(now().plus(DAY * 9));
    rig.expire(None).unwrap();
    rig.reports(&school(1), 52).unwrap();
    closing::tests::end(rig, &school(3));
    rig.guarded();
}

/// An older history beside everything else as it is now.
fn restored(newest: &Disks, history: &crate::store::memory::Disk) -> Disks {
    // Another writer each time.
    static SEED: AtomicU64 = AtomicU64::new(77);
    let disks = Disks { db: history.copy(), index: crate::store::memory::Disk::new(), ..newest.copy() };
    freeze(&disks.db.open(), &SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed))).unwrap();
    disks
}

#[test]
fn each_controller_goes_on_in_a_successor() {
    let mut rig = begun();
    let history = rig.disks.db.copy();
    goes_on(&mut rig);
    let lost = rig.last(&school(1)).head();
    let acts = rig.base.acts.of(&school(1));
    let (newest, at) = (rig.disks.clone(), now().plus(DAY * 9));
    drop(rig);
    let mut rig = Rig::start(restored(&newest, &history), at);
    assert_eq!(rig.findings(), [""; 0]);

    let (last, node) = (rig.last(&school(1)), rig.last(&Controller::node()));
    let [before] = last.past.as_slice() else { panic!("one trail before it") };
    assert!(before.frozen && !last.frozen && before.origin != last.origin);
    assert_eq!(before.key.bytes(), last.key.bytes());
    let told = told(&rig.base, last.number).unwrap().unwrap();
    assert_eq!(
        (told.predecessor.clone(), told.size, told.root),
        (before.origin.clone(), before.size(), before.head().root)
    );
    let guarded = told.guarded.clone().unwrap();
    assert_eq!((guarded.size, guarded.root), (lost.size, lost.root), "what was guarded and is lost");
    assert_eq!(told.released, [[5; 16]]);
    assert!(told.lost.is_empty() && told.ended.is_empty());
    let told = super::told(&rig.base, node.number).unwrap().unwrap();
    let names = |origins: Vec<String>| -> Vec<String> {
        origins.iter().map(|origin| origin.split('/').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(names(told.lost.iter().map(|lost| lost.origin.to_string()).collect()), ["school-4"]);
    assert_eq!(names(told.ended.iter().map(|ended| ended.origin.to_string()).collect()), ["school-3"]);

    // What was decided holds, but for whom is let in.
    let now_acts = rig.base.acts.of(&school(1));
    assert_eq!((now_acts.profile(), now_acts.lone()), (acts.profile(), LoneApprover::Since(at)));
    assert_eq!(now_acts.retention().choice(), acts.retention().choice());
    assert!(now_acts.grants().is_empty() && !acts.grants().is_empty());
    let standing: Vec<_> = now_acts.holds().standing().map(|hold| hold.id.clone()).collect();
    assert_eq!(standing, [id(6), id(7)], "also one that was placed after the copy was made");
    let keys = rig.base.keyring.hold_ids();
    assert_eq!(keys.len(), 2, "that of a school that is lost goes: {keys:?}");

    // What expired stays so, told once; what holds keep is there.
    assert_eq!(rig.verdicts(before, 1, false)[&PartId::Session], Verdict::Expired);
    assert_eq!(rig.verdicts(before, 1, false)[&PartId::Core], Verdict::Intact);

    // An event of the copy is known, one that came after it is not, and is recorded anew; so is a school that is lost.
    let first = rig.reports(&school(1), 10).unwrap();
    assert_eq!((first.origin, first.seq), (before.origin.clone(), 1));
    let anew = rig.reports(&school(1), 52).unwrap();
    assert_eq!(anew.origin, last.origin);
    assert_eq!(rig.reports(&school(4), 51), Err(RecordError::NoController));
    assert!(matches!(rig.reports(&school(3), 53), Err(RecordError::Closed { .. })));
    rig.open(&school(4), None, Profile::default()).unwrap();
    rig.reports(&school(4), 51).unwrap();
    rig.guarded();
    assert_eq!(rig.findings(), [""; 0]);

    // The old trail grows no more, though its parts expire; later ones of both are told once.
    let size = before.size();
    let mut rig = rig.restart(at.plus(DAY * 20));
    let last = rig.last(&school(1));
    assert_eq!((last.past.len(), last.past[0].size()), (1, size));
    rig.at(at.plus(DAY * 740)).expire(Some(Zone::default().date(at.plus(DAY * 740)))).unwrap();
    assert_eq!(rig.verdicts(&last.past[0], 1, false)[&PartId::Core], Verdict::Expired);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn a_copy_is_restored_again_and_again() {
    let mut rig = begun();
    let first = rig.disks.db.copy();
    goes_on(&mut rig);
    let (newest, at) = (rig.disks.clone(), now().plus(DAY * 9));
    drop(rig);
    let mut rig = Rig::start(restored(&newest, &first), at);
    rig.reports(&school(1), 60).unwrap();
    rig.guarded();
    let (second, newest) = (rig.disks.db.copy(), rig.disks.clone());
    rig.reports(&school(1), 61).unwrap();
    rig.guarded();
    drop(rig);
    // The second copy, then the first again.
    for (history, past) in [(second, 2), (first, 1)] {
        let mut rig = Rig::start(restored(&newest, &history), at);
        assert_eq!(rig.findings(), [""; 0]);
        assert_eq!(rig.last(&school(1)).past.len(), past);
        rig.reports(&school(1), 62).unwrap();
        rig.guarded();
        let mut rig = rig.restart(at.plus(HOUR));
        assert_eq!(rig.findings(), [""; 0]);
    }
}

#[test]
fn frozen_trails_are_as_they_are_told() {
    let mut rig = begun();
    let history = rig.disks.db.copy();
    goes_on(&mut rig);
    let newest = rig.disks.clone();
    drop(rig);
    let disks = restored(&newest, &history);
    let at = now().plus(DAY * 9);
    drop(Rig::start(disks.clone(), at));
    // Something is added to the frozen trail, by whoever has the keys and takes away the mark.
    let mut rig = Rig::start(disks, at);
    let before = rig.last(&school(1)).past[0].clone();
    let mut group = crate::trail::group::Group::new(&rig.base);
    group.tell(&before, crate::model::notice::expired(Zone::default().date(at)), at);
    rig.writer.commit(group).unwrap().publish();
    assert!(!rig.findings().is_empty());
}
