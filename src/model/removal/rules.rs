//! What notices of people may say where they stand in a trail.

use std::collections::BTreeMap;

use super::RemovalId;
use crate::model::date::{Date, Timestamp, Zone};
use crate::model::notice::Says;
use crate::model::permission::acts::Acts;
use crate::model::permission::approval::Deed;
use crate::model::policy::Class;
use crate::model::stored::{ErasedClass, ErasureGround, ErasureKept, IdentityErased};

/// Most days from a deactivation to the day on which names and e-mail addresses go.
pub const MASK_DAYS_MAX: u32 = 90;

/// What the notices of people so far say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removals {
    deactivated: BTreeMap<RemovalId, Deactivated>,
    /// Whether it is lifted.
    restricted: BTreeMap<RemovalId, bool>,
    /// The ordinal of its last notice.
    erased: BTreeMap<RemovalId, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Deactivated {
    mask_on: Date,
    masked: bool,
}

impl Removals {
    /// Whether that was told.
    pub fn tell(&self, says: &Says) -> bool {
        let Some(id) = super::told::id(says).and_then(|id| RemovalId::try_from(id).ok()) else { return false };
        match says {
            Says::IdentityDeactivated(told) => {
                self.deactivated.get(&id).is_some_and(|known| known.mask_on.days() <= told.mask_on)
            }
            Says::IdentityMasked(_) => self.deactivated.get(&id).is_some_and(|known| known.masked),
            Says::IdentityErased(_) => self.erased.contains_key(&id),
            Says::IdentityRestricted(_) => self.restricted.contains_key(&id),
            Says::RestrictionLifted(_) => self.restricted.get(&id) == Some(&true),
            _ => false,
        }
    }

    /// Takes the next one; what does not tell of people changes nothing.
    ///
    /// # Errors
    ///
    /// It does not follow from those before it, in words.
    pub fn follow(
        &mut self,
        says: &Says,
        ordinal: u64,
        (at, zone): (Timestamp, &Zone),
        acts: &Acts,
    ) -> Result<(), &'static str> {
        let Some(id) = super::told::id(says) else { return Ok(()) };
        let id = RemovalId::try_from(id).map_err(|_| "it names an id that is not 16 bytes")?;
        let today = zone.date(at);
        match says {
            Says::IdentityDeactivated(told) => {
                let mask_on = Date::from_days(told.mask_on);
                // What a stop kept from being told may be told after its day.
                if mask_on == Date::NEVER || mask_on > today.plus_days(MASK_DAYS_MAX) {
                    return Err("it names no day, or one that is more than 90 days ahead");
                }
                match self.deactivated.get(&id) {
                    Some(known) if known.masked => return Err("it names somebody who is masked already"),
                    Some(known) if known.mask_on <= mask_on => {
                        return Err("it names no earlier day than one before it");
                    }
                    Some(_) | None => {}
                }
                self.deactivated.insert(id, Deactivated { mask_on, masked: false });
            }
            Says::IdentityMasked(_) => match self.deactivated.get_mut(&id) {
                None => return Err("it masks somebody whom no notice before it deactivates"),
                Some(known) if known.masked => return Err("it masks somebody a second time"),
                Some(known) if today < known.mask_on => return Err("it masks somebody before the day that was told"),
                Some(known) => known.masked = true,
            },
            Says::IdentityErased(told) => {
                let before = self.erased.insert(id, ordinal);
                if before.is_some_and(|before| before + 1 != ordinal) {
                    return Err("it erases somebody a second time by one request");
                }
                erased(told, before.is_some(), &id, acts)?;
            }
            Says::IdentityRestricted(_) => match self.restricted.insert(id, false) {
                None => {}
                Some(_) => return Err("it has the id of a restriction before it"),
            },
            Says::RestrictionLifted(_) => match self.restricted.insert(id, true) {
                Some(false) => {}
                Some(true) => return Err("it lifts a restriction a second time"),
                None => return Err("it lifts a restriction that no notice before it tells of"),
            },
            _ => {}
        }
        Ok(())
    }
}

/// What the clear part of an erasure says.
fn erased(told: &IdentityErased, goes_on: bool, id: &RemovalId, acts: &Acts) -> Result<(), &'static str> {
    if ErasureGround::try_from(told.ground).unwrap_or_default() == ErasureGround::Unspecified {
        return Err("it gives no ground that is known");
    }
    let name = uuid::Uuid::from_bytes(*id).to_string();
    // Whoever reads it later than a year after has forgotten what was asked.
    let asked = acts.request(&name);
    // Told again after a restore, the request is lost.
    let by_request = asked.is_some_and(|request| request.deed == Deed::Erasure && request.used.is_some());
    if !by_request && !told.restated {
        return Err("it is not by a request for an erasure that was agreed to and used before it");
    }
    if !told.holds.is_sorted_by(|a, b| a < b) || told.holds.iter().any(|id| id.len() != 16) {
        return Err("its holds do not ascend");
    }
    if !told.classes.is_sorted_by(|a, b| a.retention_class < b.retention_class) {
        return Err("its classes do not ascend");
    }
    if told.classes.iter().all(|class| class_is_good(class, goes_on)) {
        return Ok(());
    }
    Err("what it says of a class cannot be")
}

fn class_is_good(told: &ErasedClass, goes_on: bool) -> bool {
    let Some(class) = u8::try_from(told.retention_class).ok().and_then(Class::from_number) else { return false };
    let kept = match class {
        Class::Register => told.kept == ErasureKept::Register as i32,
        Class::Evidence => told.kept == ErasureKept::Evidence as i32,
        Class::Accounting => told.kept == ErasureKept::Accounting as i32,
        Class::Ledger => false,
        _ => [ErasureKept::Unspecified as i32, ErasureKept::Held as i32].contains(&told.kept),
    };
    let lawful = [Class::Register, Class::Evidence, Class::Accounting].contains(&class);
    let most = told.stripped.saturating_mul(3);
    let counts = told.parts >= told.stripped && told.parts <= most && (goes_on || told.stripped <= told.records);
    kept && counts && !(lawful && told.parts > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::change::{Change, Decided};
    use crate::model::permission::policy::Staff;
    use crate::model::stored::{IdentityDeactivated, IdentityMasked, IdentityRestricted, RestrictionLifted};

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T08:00:00Z").expect("a time")
    }

    fn acts() -> Acts {
        let mut acts = Acts::default();
        let id = |number: u8| uuid::Uuid::from_bytes([number; 16]).to_string().into();
        let by = |name: &str| Decided { by: name.to_owned(), ground: "ticket".to_owned() };
        let (concerning, staff) = ("pupil:p-1".to_owned(), Staff::Controller);
        for number in [1, 2] {
            let deed = if number == 1 { Deed::Erasure } else { Deed::Reidentification };
            acts.apply(Change::Ask { id: id(number), deed, concerning: concerning.clone(), staff }, by("anna"), now());
            acts.apply(Change::Answer { id: id(number), agrees: true }, by("jan"), now());
            acts.apply(Change::Use { id: id(number), alone: false }, by("anna"), now());
        }
        acts.apply(Change::Ask { id: id(3), deed: Deed::Erasure, concerning, staff }, by("anna"), now());
        acts
    }

    #[test]
    fn notices_of_people_follow_each_other() {
        let zone = Zone::default();
        let today = zone.date(now());
        let day = |days: i32| today.days().checked_add_signed(days).expect("a day");
        let id = |number: u8| vec![number; 16];
        let deactivated =
            |number, days| Says::IdentityDeactivated(IdentityDeactivated { id: id(number), mask_on: day(days) });
        let masked = |number| Says::IdentityMasked(IdentityMasked { id: id(number) });
        let restricted = |number| Says::IdentityRestricted(IdentityRestricted { id: id(number) });
        let lifted = |number| Says::RestrictionLifted(RestrictionLifted { id: id(number) });
        let class = |retention_class, records, stripped, parts, kept: ErasureKept| ErasedClass {
            retention_class,
            records,
            stripped,
            parts,
            held: 0,
            kept: kept.into(),
        };
        let erased = |number, classes: &[ErasedClass]| {
            let ground = ErasureGround::Objection.into();
            Says::IdentityErased(IdentityErased {
                id: id(number),
                ground,
                classes: classes.to_vec(),
                ..IdentityErased::default()
            })
        };
        let restated = |says| match says {
            Says::IdentityErased(told) => Says::IdentityErased(IdentityErased { restated: true, ..told }),
            other => other,
        };
        let gone = ErasureKept::Unspecified;
        // What was told before, each following; what comes next; whether it follows.
        let rows: Vec<(&str, Vec<Says>, Says, bool)> = vec![
            ("on a day", vec![], deactivated(5, 30), true),
            ("today", vec![], deactivated(5, 0), true),
            ("told late", vec![], deactivated(5, -1), true),
            ("too far ahead", vec![], deactivated(5, 91), false),
            ("earlier", vec![deactivated(5, 30)], deactivated(5, 29), true),
            ("later", vec![deactivated(5, 30)], deactivated(5, 31), false),
            ("masked on its day", vec![deactivated(5, 0)], masked(5), true),
            ("masked before", vec![deactivated(5, 1)], masked(5), false),
            ("masked twice", vec![deactivated(5, 0), masked(5)], masked(5), false),
            ("masked out of nothing", vec![], masked(5), false),
            ("deactivated when masked", vec![deactivated(5, 0), masked(5)], deactivated(5, 0), false),
            ("restricted", vec![], restricted(5), true),
            ("restricted twice", vec![restricted(5)], restricted(5), false),
            ("lifted", vec![restricted(5)], lifted(5), true),
            ("lifted twice", vec![restricted(5), lifted(5)], lifted(5), false),
            ("lifted out of nothing", vec![], lifted(5), false),
            ("erased", vec![], erased(1, &[class(3, 5, 2, 6, gone)]), true),
            ("goes on", vec![erased(1, &[])], erased(1, &[class(3, 0, 2, 6, gone)]), true),
            ("goes on later", vec![erased(1, &[]), restricted(5)], erased(1, &[]), false),
            ("by another deed", vec![], erased(2, &[]), false),
            ("not used", vec![], erased(3, &[]), false),
            ("not asked", vec![], erased(4, &[]), false),
            ("not asked, but told again", vec![], restated(erased(4, &[])), true),
            ("more parts than there are", vec![], erased(1, &[class(3, 5, 2, 7, gone)]), false),
            ("more stripped than there are", vec![], erased(1, &[class(3, 1, 2, 2, gone)]), false),
            ("held", vec![], erased(1, &[class(3, 5, 0, 0, ErasureKept::Held)]), true),
            ("of the register", vec![], erased(1, &[class(4, 5, 0, 0, ErasureKept::Register)]), true),
            ("the register gone", vec![], erased(1, &[class(4, 5, 0, 0, gone)]), false),
            ("parts of the register", vec![], erased(1, &[class(4, 5, 1, 1, ErasureKept::Register)]), false),
            ("descending", vec![], erased(1, &[class(3, 1, 0, 0, gone), class(2, 1, 0, 0, gone)]), false),
            ("of notices", vec![], erased(1, &[class(9, 1, 0, 0, gone)]), false),
        ];
        for (what, before, next, good) in rows {
            let mut removals = Removals::default();
            let mut ordinal = 0..;
            let mut follow =
                |says: &Says| removals.follow(says, ordinal.next().expect("endless"), (now(), &zone), &acts());
            assert!(before.iter().all(|says| follow(says).is_ok()), "{what}");
            assert_eq!(follow(&next).is_ok(), good, "{what}");
            assert!(!good || removals.tell(&next), "{what}");
        }
    }
}
