//! Holds, as far as notices tell of them in clear: which there are, until when each must be looked at, which are over.

use super::acts::Refusal;
use super::change::{ActId, Change};
use crate::model::date::{Date, Timestamp};
use crate::model::hold::{HOLDS_MAX, OWNER_BYTES_MAX, REVIEW_DAYS_MAX};
use crate::model::stored::HoldKind;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldAct {
    /// Its id.
    pub id: ActId,
    /// For a case, or as long as a contract runs.
    pub kind: HoldKind,
    /// Records that it covered when it was placed.
    pub records: u64,
    /// When it was placed: what was past by then, it does not keep.
    pub placed_at: Timestamp,
    /// The day by which somebody must look whether it is still needed.
    pub review_on: Date,
    /// When somebody last did.
    pub reviewed_at: Option<Timestamp>,
    /// When it was released.
    pub released_at: Option<Timestamp>,
}

/// The holds of one controller, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HoldActs(Vec<HoldAct>);

impl HoldActs {
    /// Those that are not released, and those released for less than a year.
    pub fn all(&self) -> &[HoldAct] {
        &self.0
    }

    /// Those that are not released.
    pub fn standing(&self) -> impl Iterator<Item = &HoldAct> {
        self.0.iter().filter(|hold| hold.released_at.is_none())
    }

    /// The one with that id.
    pub fn find(&self, id: &str) -> Option<&HoldAct> {
        self.0.iter().find(|hold| *hold.id == *id)
    }

    pub(super) fn check(&self, change: &Change, now: Timestamp) -> Result<(), Refusal> {
        match change {
            Change::PlaceHold { kind, review_on, owner, selection, .. } => {
                review_is_good(*review_on, now)?;
                if *kind == HoldKind::Unspecified {
                    return Err(Refusal::field("kind", "is required: CASE or STANDING"));
                }
                if owner.is_empty() || owner.len() > OWNER_BYTES_MAX {
                    return Err(Refusal::field("owner", format!("is required: give 1 to {OWNER_BYTES_MAX} bytes")));
                }
                if selection.is_empty() {
                    return Err(Refusal::field("filter", "selects everything: say what is to be kept"));
                }
                match self.standing().count() {
                    HOLDS_MAX.. => Err(Refusal::TooMany { what: "holds", limit: HOLDS_MAX }),
                    _ => Ok(()),
                }
            }
            Change::ReviewHold { id, review_on } => {
                review_is_good(*review_on, now)?;
                match self.standing().find(|hold| hold.id == *id) {
                    None => Err(Refusal::Unknown("hold")),
                    Some(hold) if hold.review_on == *review_on => Err(Refusal::Already),
                    Some(_) => Ok(()),
                }
            }
            Change::ReleaseHold(id) => match self.find(id) {
                None => Err(Refusal::Unknown("hold")),
                Some(hold) if hold.released_at.is_some() => Err(Refusal::Already),
                Some(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    pub(super) fn apply(&mut self, change: &Change, at: Timestamp) {
        match change {
            Change::PlaceHold { id, kind, records, review_on, .. } => self.0.push(HoldAct {
                id: id.clone(),
                kind: *kind,
                records: *records,
                placed_at: at,
                review_on: *review_on,
                reviewed_at: None,
                released_at: None,
            }),
            Change::ReviewHold { id, review_on } => self.0.iter_mut().filter(|hold| hold.id == *id).for_each(|hold| {
                hold.review_on = *review_on;
                hold.reviewed_at = Some(at);
            }),
            Change::ReleaseHold(id) => {
                self.0.iter_mut().filter(|hold| hold.id == *id).for_each(|hold| hold.released_at = Some(at));
            }
            _ => {}
        }
    }

    pub(super) fn forget(&mut self, old: Timestamp) {
        self.0.retain(|hold| hold.released_at.is_none_or(|at| at > old));
    }
}

/// By UTC days, which are at most one off from those of any zone.
fn review_is_good(review_on: Date, now: Timestamp) -> Result<(), Refusal> {
    let today = Date::of_utc(now);
    if review_on.plus_days(1) < today {
        return Err(Refusal::field("review_on", "is past: give a day to come"));
    }
    if review_on > today.plus_days(REVIEW_DAYS_MAX + 1) {
        return Err(Refusal::field(
            "review_on",
            "is more than 6 months ahead: give it nearer, and review the hold then",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T08:00:00Z").expect("a time")
    }

    fn place(id: &str, days: u32) -> Change {
        Change::PlaceHold {
            id: id.into(),
            kind: HoldKind::Case,
            records: 3,
            review_on: Date::of_utc(now()).plus_days(days),
            owner: "legal".to_owned(),
            selection: vec![("subject".to_owned(), "pupil:p-204".to_owned())],
        }
    }

    fn refused(change: &Change, acts: &HoldActs) -> String {
        acts.check(change, now()).map_or_else(|refusal| refusal.to_string(), |()| String::new())
    }

    #[test]
    fn holds_are_placed_reviewed_and_released() {
        let mut acts = HoldActs::default();
        for days in [0, 184] {
            assert_eq!(refused(&place("a", days), &acts), "");
        }
        let broken = |change: fn(&mut HoldKind, &mut String, &mut Vec<(String, String)>)| {
            let mut placed = place("a", 1);
            if let Change::PlaceHold { kind, owner, selection, .. } = &mut placed {
                change(kind, owner, selection);
            }
            placed
        };
        for (change, says) in [
            (place("a", 186), "more than 6 months"),
            (broken(|kind, _, _| *kind = HoldKind::Unspecified), "kind"),
            (broken(|_, owner, _| owner.clear()), "owner"),
            (broken(|_, owner, _| *owner = "x".repeat(257)), "owner"),
            (broken(|_, _, selection| selection.clear()), "everything"),
        ] {
            assert!(refused(&change, &acts).contains(says), "{says}");
        }
        let past = Change::ReviewHold { id: "a".into(), review_on: Date::from_days(20_000) };
        assert!(refused(&past, &acts).contains("past"));
        acts.apply(&place("a", 10), now());
        let review = |days| Change::ReviewHold { id: "a".into(), review_on: Date::of_utc(now()).plus_days(days) };
        assert_eq!(acts.check(&review(10), now()), Err(Refusal::Already));
        assert_eq!(acts.check(&review(11), now()), Ok(()));
        acts.apply(&review(11), now());
        let held = acts.find("a").expect("was placed");
        assert_eq!((held.review_on, held.reviewed_at), (Date::of_utc(now()).plus_days(11), Some(now())));
        let release = |id: &str| Change::ReleaseHold(id.into());
        assert_eq!(acts.check(&release("b"), now()), Err(Refusal::Unknown("hold")));
        assert_eq!(acts.check(&release("a"), now()), Ok(()));
        acts.apply(&release("a"), now());
        assert_eq!(acts.check(&release("a"), now()), Err(Refusal::Already));
        assert_eq!(acts.check(&review(12), now()), Err(Refusal::Unknown("hold")));
        assert_eq!((acts.standing().count(), acts.all().len()), (0, 1));
        acts.forget(now());
        assert!(acts.all().is_empty());
    }

    #[test]
    fn there_are_at_most_so_many() {
        let mut acts = HoldActs::default();
        for number in 0..HOLDS_MAX {
            assert_eq!(acts.check(&place(&number.to_string(), 1), now()), Ok(()));
            acts.apply(&place(&number.to_string(), 1), now());
        }
        assert!(matches!(acts.check(&place("more", 1), now()), Err(Refusal::TooMany { .. })));
        acts.apply(&Change::ReleaseHold("7".into()), now());
        assert_eq!(acts.check(&place("more", 1), now()), Ok(()));
    }
}
