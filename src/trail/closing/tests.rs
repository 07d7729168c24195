//! A controller's end: nothing of it opens any more, nothing of others changes, and what is left still proves.
#![allow(clippy::unwrap_used)]

mod plug;

use super::super::change::Made;
use super::super::meta;
use super::super::rig::*;
use super::super::submission::Submission;
use super::super::verify;
use super::*;
use crate::model::event::{Event, Fields, Subject};
use crate::model::identity::Identity;
use crate::model::permission::acts::Refusal;
use crate::model::permission::approval::Deed;
use crate::model::permission::change::Change;
use crate::model::permission::policy::Staff;
use crate::model::policy::Class;
use crate::model::profile::Profile;
use crate::model::seal::Use;
use crate::model::stored::{Action, Core, DetailPart, Outcome, Purpose};
use crate::store::Batch;
use crate::trail::expiry::told_through;

/// A controller's end, to the last byte.
pub(in crate::trail) fn end(rig: &mut Rig, of: &Controller) {
    rig.agreed(of, 99);
    rig.close(of, Some(id(99))).unwrap();
    rig.finish_endings();
}

fn event(number: u8, action: Action) -> Event {
    let core = Core {
        event_id: vec![number; 16],
        action: action.into(),
        outcome: Outcome::Success.into(),
        purpose: Purpose::Teaching.into(),
        subject_count: 1,
        ..Core::default()
    };
    let subject = Subject { identity: Identity::new("pupil", &format!("p-{number}")), child: 0 };
    Event::own(Fields {
        core,
        actor: Some(Identity::new("staff", "t-1")),
        subjects: vec![subject],
        detail: Some(DetailPart { resource_id: format!("card-{number}"), ..DetailPart::default() }),
        ..Fields::default()
    })
}

const EXPORTED: Export = Export { sha256: [8; 32], size: 5 };

impl Rig {
    fn happens(&mut self, of: &Controller, number: u8, action: Action) -> Result<u64, RecordError> {
        let submission = Submission { controller: of.clone(), events: vec![event(number, action)], may_open: false };
        let mut step = self.writer.step(vec![submission]);
        step.publish();
        self.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
        step.results.remove(0).map(|recorded| recorded[0].receipt.seq)
    }

    /// Somebody asks, and another agrees, to that request.
    fn agreed(&mut self, of: &Controller, number: u8) {
        let concerning = format!("controller:{of}");
        let ask = Change::Ask { id: id(number), deed: Deed::Erasure, concerning, staff: Staff::Controller };
        self.change(of, ask, "anna").unwrap();
        self.change(of, answer(number, true), "jan").unwrap();
    }

    fn tell(
        &mut self,
        of: &Controller,
        approval: Option<ActId>,
        export: Option<Export>,
    ) -> Result<Closed, ChangeError> {
        let asked = Asked { approval, export };
        let ending = Ending { of: of.clone(), asked, counts: Counts::default(), decided: decided("anna") };
        let Made { answer, step } = self.writer.tell_end(ending);
        step.publish();
        self.indexer.absorb(step.entries).unwrap();
        answer
    }

    /// All that a controller's end takes, but for the bytes.
    fn close(&mut self, of: &Controller, approval: Option<ActId>) -> Result<Closed, ChangeError> {
        let closed = self.tell(of, approval, None)?;
        let (answer, mut answered) = oneshot::channel();
        let mut closer = Closer::default();
        closer.begin(&self.base, of.clone(), (answer, closed));
        while !closer.is_idle() {
            closer.slice(&mut self.writer);
            if self.writer.is_stopped() {
                return Err(RecordError::Uncertain.into());
            }
        }
        answered.try_recv().unwrap_or(Err(RecordError::Uncertain.into()))
    }

    /// What is then left, to the last byte.
    fn finish_endings(&mut self) {
        for job in pending(&self.base).unwrap() {
            self.indexer.forget_controller(&job).unwrap();
            assert!(reclaim(&self.base, &job, || true).unwrap());
            self.writer.ended(&job).unwrap();
        }
    }

    fn trail_of(&self, of: &Controller) -> Arc<Info> {
        self.base.trail(of).unwrap().unwrap()
    }

    /// Rows that may be a trail's alone, by family; people among them who open under this key.
    fn rows_of(&self, info: &Info) -> usize {
        let trail = info.number.to_be_bytes();
        let own = |family, key: &[u8], value: &[u8]| match family {
            Family::Part | Family::Posting => key[6..10] == trail,
            Family::EventId => key[4..8] == trail,
            Family::Counter | Family::Held => key[..4] == trail,
            Family::Row => {
                let of = crate::trail::vault::Of { controller: &info.controller, key: &info.key };
                self.base.vault.examine(of, key, value).is_some()
            }
            _ => false,
        };
        let disks = [&self.disks.db, &self.disks.vault, &self.disks.index];
        disks.iter().flat_map(|disk| disk.rows()).filter(|(family, key, value)| own(*family, key, value)).count()
    }
}

fn opened() -> Rig {
    let mut rig = Rig::new();
    for number in 1..=2 {
        rig.open(&school(number), None, Profile::default()).unwrap();
        for event in 1..=3 {
            rig.happens(&school(number), event, if event == 3 { Action::Export } else { Action::Read }).unwrap();
        }
    }
    rig.indexer.flush().unwrap();
    rig
}

#[test]
fn nothing_of_it_opens_and_nothing_of_others_changes() {
    let mut rig = opened();
    rig.agreed(&school(1), 7);
    let before = rig.trail_of(&school(1));
    let other = rig.trail_of(&school(2));
    let others = rig.rows_of(&other);
    assert!(rig.rows_of(&before) > 10 && others > 10);
    let keys: Vec<_> = (0..3_000u32)
        .filter_map(|day| {
            before.date_key(&rig.base.keyring, Use::Seal, crate::model::date::Date::from_days(20_000 + day))
        })
        .collect();
    let copy: Vec<_> = rig.disks.db.rows();

    let closed = rig.close(&school(1), Some(id(7))).unwrap();
    assert!(closed.now && closed.receipt.origin == before.origin);
    assert_eq!(rig.close(&school(1), None).unwrap(), Closed { now: false, ..closed.clone() });
    rig.finish_endings();
    assert_eq!(meta::closed(rig.base.db.as_ref()).unwrap(), [(school(1), 1)]);
    assert_eq!(rig.findings(), [""; 0]);
    assert_eq!((rig.rows_of(&before), rig.rows_of(&other)), (0, others));
    assert!(!rig.disks.vault.residue().iter().any(|(family, ..)| *family == Family::Row));
    assert!(!rig.disks.db.residue().iter().any(|(family, ..)| *family == Family::Part));

    // Whatever the keyring still has, an older copy of the history does not open by it.
    assert!(rig.trail_of(&school(1)).destroyed);
    let mut frames = 0;
    for (family, key, value) in copy {
        if family != Family::Part || key[6..10] != before.number.to_be_bytes() {
            continue;
        }
        frames += 1;
        let date = keys::date_of(&key).unwrap();
        let first = keys::seq_of(&key).unwrap();
        assert!(keys.iter().any(|key| crate::model::frame::open(key, &before.link, date, first, &value).is_ok()));
        for slot in 0..64 {
            let Some(controller) = rig.base.keyring.controller_key(slot) else { continue };
            let date_key = rig.base.keyring.date_key(before.zone_number, date).unwrap();
            let key = crate::model::seal::date_key(Use::Seal, &controller, &date_key, &before.link);
            assert!(crate::model::frame::open(&key, &before.link, date, first, &value).is_err());
        }
    }
    assert!(frames > 1);

    // Others go on, and so does the node, after a restart too.
    for _ in 0..2 {
        assert!(matches!(rig.happens(&school(1), 9, Action::Read), Err(RecordError::Closed { .. })));
        let again = rig.open(&school(1), None, Profile::default());
        assert!(matches!(again, Err(ChangeError::Record(RecordError::Closed { .. }))), "{again:?}");
        let decides = rig.change(&school(1), Change::LoneApproval(true), "anna");
        assert!(matches!(decides, Err(ChangeError::Record(RecordError::Closed { .. }))), "{decides:?}");
        rig = rig.restart(now().plus(HOUR));
        rig.happens(&school(2), 4, Action::Read).unwrap();
        assert_eq!(rig.findings(), [""; 0]);
        assert_eq!(rig.trail_of(&school(1)).size(), closed.receipt.seq + 1);
    }
    // An index that is built anew has nothing of it either.
    for (family, key, _) in rig.disks.index.rows() {
        let mut batch = Batch::default();
        batch.remove(family, key);
        rig.base.index.commit(batch).unwrap();
    }
    rig = rig.restart(now().plus(HOUR * 2));
    assert_eq!((rig.findings(), rig.rows_of(&before)), (vec![], 0));
    // Expiry years later tells nothing there; a new signing key does.
    let far = now().plus(DAY * 4_000);
    rig.at(far);
    rig.expire(Some(crate::model::date::Zone::default().date(far))).unwrap();
    assert_eq!(told_through(&rig.base, &rig.trail_of(&school(1))).unwrap(), None);
    let step = rig.writer.rotate_signing_key().unwrap();
    step.publish();
    rig.indexer.absorb(step.entries).unwrap();
    assert_eq!((rig.findings(), rig.trail_of(&school(1)).size()), (vec![], closed.receipt.seq + 2));
    let told = told(&rig.base, &rig.trail_of(&school(1))).unwrap().unwrap();
    assert_eq!(told.closing.events, [(Class::Access, 2), (Class::Disclosure, 1)].into());
    assert_eq!((told.seq, told.closing.request), (closed.receipt.seq, Some(id(7))));
}

#[test]
fn what_speaks_against_it_is_named_and_nothing_is_done() {
    let mut rig = opened();
    let refused = |made: Result<Closed, ChangeError>| match made {
        Err(ChangeError::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(rig.close(&school(1), Some(id(7)))), Refusal::Unknown(_)), "nobody asked");
    rig.change(&school(1), ask(6, Staff::Controller), "anna").unwrap();
    rig.change(&school(1), answer(6, true), "jan").unwrap();
    assert!(matches!(refused(rig.close(&school(1), Some(id(6)))), Refusal::Unknown(_)), "for somebody else's erasure");
    rig.agreed(&school(2), 8);
    assert!(matches!(refused(rig.close(&school(1), Some(id(8)))), Refusal::Unknown(_)), "for another's end");
    rig.agreed(&school(1), 7);
    let size = rig.trail_of(&school(1)).size();
    for bad in [0, size + 1] {
        let export = Some(Export { size: bad, ..EXPORTED });
        let refusal = refused(rig.tell(&school(1), Some(id(7)), export));
        assert!(matches!(refusal, Refusal::Field { field: "export.size", .. }), "{refusal:?}");
    }
    // Up to its last event, but one.
    let refusal = refused(rig.tell(&school(1), Some(id(7)), Some(Export { size: 3, ..EXPORTED })));
    assert_eq!(refusal, Refusal::Unexported(1));
    let missing = rig.close(&school(9), Some(id(7)));
    assert!(matches!(missing, Err(ChangeError::Record(RecordError::NoController))), "{missing:?}");
    assert!(rig.close(&Controller::node(), None).is_err());
    let hold = Change::PlaceHold {
        id: id(5),
        kind: crate::model::stored::HoldKind::Case,
        records: 1,
        review_on: crate::model::date::Date::of_utc(now()).plus_days(9),
        owner: "legal".to_owned(),
        selection: vec![("subject".to_owned(), "pupil:p-1".to_owned())],
    };
    rig.change(&school(1), hold, "anna").unwrap();
    assert_eq!(refused(rig.close(&school(1), Some(id(7)))), Refusal::Held(vec![id(5)]));
    rig.change(&school(1), Change::ReleaseHold(id(5)), "anna").unwrap();
    assert!(meta::closed(rig.base.db.as_ref()).unwrap().is_empty());
    assert_eq!(rig.findings(), [""; 0]);
    rig.happens(&school(1), 9, Action::Read).unwrap();
    rig.close(&school(1), Some(id(7))).unwrap();
}

/// What is left, or is there though it must not be, and a notice that says what is not so.
#[test]
fn what_does_not_agree_is_named() {
    let closing = |rig: &Rig| Closing {
        origin: rig.trail_of(&school(1)).origin.clone(),
        size: rig.trail_of(&school(1)).size(),
        export: None,
        request: None,
        events: [(Class::Access, 2), (Class::Disclosure, 1)].into(),
    };
    let told = |rig: &mut Rig, change: fn(&mut Closing)| {
        let mut closing = closing(rig);
        change(&mut closing);
        rig.forge(&school(1), Says::ControllerClosed(closing.told()));
        rig.findings()
    };
    for (change, says) in [
        ((|told| told.size += 1) as fn(&mut Closing), "another size"),
        (|told| told.events.clear(), "other events"),
        (|told| told.request = Some(id(9)), "does not follow"),
    ] {
        let found = told(&mut opened(), change);
        assert!(found.iter().any(|what| what.contains(says)), "{says}: {found:?}");
    }
    // Told, and nothing else was done.
    let found = told(&mut opened(), |_| ());
    for says in ["is missing, though its trail", "does not tell of the end", "still in the keyring", "there are parts"]
    {
        assert!(found.iter().any(|what| what.contains(says)), "{says}: {found:?}");
    }
    // Destroyed, and not told.
    let mut rig = opened();
    let slot = meta::description(rig.base.db.as_ref(), &school(1)).unwrap().unwrap().controller_slot;
    rig.base.keyring.destroy_controller(slot, rig.base.world.entropy.as_ref()).unwrap();
    let found = rig.findings();
    assert!(found.iter().any(|what| what.contains("does not end with a notice")), "{found:?}");
    let damaged = verify::verify(&rig.base, |_, _, _| ()).findings.into_iter().any(|finding| finding.seq == Some(1));
    assert!(damaged, "its records are missing: {found:?}");
    // Something follows.
    let mut rig = opened();
    rig.close(&school(1), None).unwrap();
    rig.finish_endings();
    assert_eq!(rig.findings(), [""; 0]);
    rig.forge(&school(1), crate::model::notice::expired(crate::model::date::Date::from_days(20_000)));
    let found = rig.findings();
    assert!(found.iter().any(|what| what.contains("follows the notice")), "{found:?}");
}
