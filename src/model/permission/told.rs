//! How a notice tells of a change: its core in clear, who and why in slices. And back.
//!
//! ```text
//! slice 0   by · ground                    all of them
//! slice 1   holder · concerning · owner    of a grant · of a request · of a hold
//! slice 2   what it keeps                  of a hold, an attribute for each condition
//! date      24 months after the day of: until (grant, incident) · 30 days on (requests) · recorded_at (else)
//! ```

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Permission;
use super::acts::Refusal;
use super::approval::{Deed, REQUEST_STANDS};
use super::change::{ActId, Change, Decided};
use super::grants::{GRANT_MAX, INCIDENT_MAX, Span};
use super::holder::Holder;
use super::policy::Staff;
use crate::model::closing::Closing;
use crate::model::date::{Date, Lifetime, Timestamp, Zone};
use crate::model::notice::{Says, Told};
use crate::model::policy::{Class, Lifetimes};
use crate::model::profile::{ForeignPurposes, Profile};
use crate::model::removal;
use crate::model::retention::choice::Choice;
use crate::model::retention::in_force;
use crate::model::retention::table::Table;
use crate::model::stored::{
    self, ActEnded, ApprovalAnswered, ApprovalAsked, ApprovalUsed, Attribute, ChosenLifetimes, ControllerSet,
    DetailPart, Granted, HoldKind, HoldPlaced, HoldReleased, HoldReviewed, IncidentDeclared, LoneApprovalSet,
    NoticeCore, RetentionChosen, chosen_lifetime,
};

const BY: &str = "by";
const GROUND: &str = "ground";
const HOLDER: &str = "holder";
const CONCERNING: &str = "concerning";
const OWNER: &str = "owner";
/// Longest text of an attribute, in bytes.
const TEXT_BYTES_MAX: usize = 512;
/// Slices live so long after the end of what they tell.
const KEPT: Lifetime = Lifetime::Months(24);
/// Stands for a text that is not at hand. No name, no ground is like it.
const UNREAD: &str = "\u{0}";

/// The notice of a change that is recorded at `at` in a trail of that zone.
///
/// # Errors
///
/// An id is no UUID, or somebody has no name.
pub fn tell(change: &Change, decided: &Decided, at: Timestamp, zone: &Zone) -> Result<Told, Refusal> {
    let text = |field: &'static str, value: &str| {
        let good = (1..=TEXT_BYTES_MAX).contains(&value.len());
        let why = || format!("is required: give 1 to {TEXT_BYTES_MAX} bytes");
        if good { Ok(attribute(field, value)) } else { Err(Refusal::Field { field, why: why() }) }
    };
    let mut who = vec![text(BY, &decided.by)?];
    if !decided.ground.is_empty() {
        who.push(text(GROUND, &decided.ground)?);
    }
    let mut slices = vec![DetailPart { attributes: who, ..DetailPart::default() }];
    let about = match change {
        Change::Grant { holder, .. } => Some(text(HOLDER, &holder.to_string())?),
        Change::Ask { concerning, .. } => Some(text(CONCERNING, concerning)?),
        Change::PlaceHold { owner, .. } => Some(text(OWNER, owner)?),
        _ => None,
    };
    slices.extend(about.map(|about| DetailPart { attributes: vec![about], ..DetailPart::default() }));
    if let Change::PlaceHold { selection, .. } = change {
        let attributes = selection.iter().map(|(key, value)| attribute(key, value)).collect();
        slices.push(DetailPart { attributes, ..DetailPart::default() });
    }
    let says = says(change)?;
    let date = date(&says, at, zone).expect("every change has a date");
    Ok(Told { says, slices, date })
}

fn says(change: &Change) -> Result<Says, Refusal> {
    Ok(match change {
        Change::Profile(profile) => Says::ControllerSet(ControllerSet {
            public_body: profile.public_body,
            register_keeper: profile.register_keeper,
            group_only_sources: profile.group_only_sources.iter().cloned().collect(),
            refuse_foreign_purposes: profile.foreign_purposes == ForeignPurposes::Refuse,
        }),
        Change::Retention { number, choice } => Says::RetentionChosen(RetentionChosen {
            policy_version: in_force::version(Table::shipped(), *number),
            classes: classes(choice)?,
        }),
        Change::LoneApproval(allowed) => Says::LoneApprovalSet(LoneApprovalSet { allowed: *allowed }),
        Change::Grant { id, permissions, span, .. } => {
            let mut words: Vec<String> = permissions.iter().map(ToString::to_string).collect();
            words.sort_unstable();
            let (from, until) = (span.from().nanos(), span.until().nanos());
            Says::Granted(Granted { id: bytes(id)?, permissions: words, from, until })
        }
        Change::Incident { id, span } => {
            let (from, until) = (span.from().nanos(), span.until().nanos());
            Says::IncidentDeclared(IncidentDeclared { id: bytes(id)?, from, until })
        }
        Change::End(id) => Says::ActEnded(ActEnded { id: bytes(id)? }),
        Change::Ask { id, deed, staff, .. } => {
            let processor = *staff == Staff::Processor;
            Says::ApprovalAsked(ApprovalAsked { id: bytes(id)?, deed: deed.stored() as i32, processor })
        }
        Change::Answer { id, agrees } => Says::ApprovalAnswered(ApprovalAnswered { id: bytes(id)?, agrees: *agrees }),
        Change::Use { id, alone } => Says::ApprovalUsed(ApprovalUsed { id: bytes(id)?, alone: *alone }),
        Change::PlaceHold { id, kind, records, review_on, .. } => Says::HoldPlaced(HoldPlaced {
            id: bytes(id)?,
            kind: (*kind).into(),
            records: *records,
            review_on: review_on.days(),
        }),
        Change::ReviewHold { id, review_on } => {
            Says::HoldReviewed(HoldReviewed { id: bytes(id)?, review_on: review_on.days() })
        }
        Change::ReleaseHold(id) => Says::HoldReleased(HoldReleased { id: bytes(id)? }),
        Change::Close(closing) => Says::ControllerClosed(closing.told()),
    })
}

/// The instant at which what a notice tells is over; `None` of a notice that has no slices.
pub fn end(says: &Says, at: Timestamp) -> Option<Timestamp> {
    match says {
        Says::Opened(_)
        | Says::KeyringOpened(_)
        | Says::SigningKeyRotated(_)
        | Says::KekRotated(_)
        | Says::Expired(_)
        | Says::TrailRestored(_)
        // Of people, not of decisions: `model::removal`.
        | Says::IdentityDeactivated(_)
        | Says::IdentityMasked(_)
        | Says::IdentityErased(_)
        | Says::IdentityRestricted(_)
        | Says::RestrictionLifted(_) => None,
        Says::ControllerSet(_)
        | Says::RetentionChosen(_)
        | Says::LoneApprovalSet(_)
        | Says::ActEnded(_)
        | Says::HoldPlaced(_)
        | Says::HoldReleased(_)
        | Says::HoldReviewed(_)
        | Says::ControllerClosed(_) => Some(at),
        Says::Granted(granted) => Some(Timestamp::from_nanos(granted.until)),
        Says::IncidentDeclared(incident) => Some(Timestamp::from_nanos(incident.until)),
        Says::ApprovalAsked(_) | Says::ApprovalAnswered(_) | Says::ApprovalUsed(_) => Some(at.plus(REQUEST_STANDS)),
    }
}

/// The expiry date of a notice's slices; `None` of one that has none.
pub fn date(says: &Says, at: Timestamp, zone: &Zone) -> Option<Date> {
    Some(KEPT.end(zone.day(end(says, at)?)))
}

/// A change as its notice tells it, as far as that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What was decided. Texts that are not at hand are such as nobody gives.
    pub change: Change,
    /// Who decided it, and why; `None` if that is not at hand.
    pub decided: Option<Decided>,
}

impl Heard {
    /// The same, where what cannot be read is taken to be as it must be; `seq` tells those apart whose names are not
    /// at hand.
    pub fn supposed(self, seq: u64, asked_by: Option<&str>) -> (Change, Decided) {
        let read = self.decided.is_some();
        let mut decided =
            self.decided.unwrap_or_else(|| Decided { by: format!("{UNREAD}{seq}"), ground: UNREAD.to_owned() });
        // Whoever asked may be past before whoever used it is.
        if let (Change::Use { .. }, Some(name)) = (&self.change, asked_by)
            && (!read || name.starts_with(UNREAD))
        {
            name.clone_into(&mut decided.by);
        }
        (self.change, decided)
    }
}

/// What a notice tells of a decision, by its core and its slices, if these are at hand; `None` if it tells of something
/// else.
///
/// # Errors
///
/// It is not as Akta writes it; in a few words.
pub fn hear(core: &NoticeCore, slices: Option<&[(u16, DetailPart)]>) -> Result<Option<Heard>, &'static str> {
    let Some(says) = core.kind.as_ref().filter(|says| !removal::told::is_of_people(says)) else { return Ok(None) };
    let (decided, about) = match slices {
        None => (None, None),
        Some([(0, who)]) => (Some(decided(who)?), None),
        Some([(0, who), (1, about)]) => (Some(decided(who)?), Some(about)),
        Some([(0, who), (1, about), (2, _)]) if matches!(says, Says::HoldPlaced(_)) => {
            (Some(decided(who)?), Some(about))
        }
        Some([]) if end(says, Timestamp::default()).is_none() => return Ok(None),
        Some(_) => return Err("its slices are not those of its kind"),
    };
    let about = |name: &str| match (slices, about) {
        (None, _) => Ok(None),
        (Some(_), Some(slice)) => match slice.attributes.as_slice() {
            [Attribute { key, value }] if key == name && is_plain(slice) => Ok(Some(value.as_str())),
            _ => Err("its slice 1 is not that of its kind"),
        },
        (Some(_), None) => Err("its slices are not those of its kind"),
    };
    let change = match says {
        Says::Opened(_)
        | Says::KeyringOpened(_)
        | Says::SigningKeyRotated(_)
        | Says::KekRotated(_)
        | Says::Expired(_)
        | Says::TrailRestored(_)
        | Says::IdentityDeactivated(_)
        | Says::IdentityMasked(_)
        | Says::IdentityErased(_)
        | Says::IdentityRestricted(_)
        | Says::RestrictionLifted(_) => return Ok(None),
        Says::ControllerSet(set) => Change::Profile(profile(set)?),
        Says::RetentionChosen(chosen) => {
            let number = in_force::number(&chosen.policy_version).filter(|number| *number > 0);
            let number = number.ok_or("it names a policy that is not known, or no choice")?;
            Change::Retention { number, choice: choice(&chosen.classes)? }
        }
        Says::LoneApprovalSet(set) => Change::LoneApproval(set.allowed),
        Says::Granted(granted) => {
            let holder = match about(HOLDER)? {
                Some(text) => Holder::parse(text).ok_or("it names no holder")?,
                None => Holder::Socket(u32::MAX),
            };
            let span = span(granted.from, granted.until, GRANT_MAX)?;
            Change::Grant { id: text(&granted.id)?, holder, permissions: permissions(&granted.permissions)?, span }
        }
        Says::IncidentDeclared(incident) => {
            Change::Incident { id: text(&incident.id)?, span: span(incident.from, incident.until, INCIDENT_MAX)? }
        }
        Says::ActEnded(ended) => Change::End(text(&ended.id)?),
        Says::ApprovalAsked(asked) => {
            let deed = Deed::from_stored(asked.deed).ok_or("it asks for something that is not known")?;
            let concerning = about(CONCERNING)?.unwrap_or(UNREAD).to_owned();
            let staff = if asked.processor { Staff::Processor } else { Staff::Controller };
            Change::Ask { id: text(&asked.id)?, deed, concerning, staff }
        }
        Says::ApprovalAnswered(answered) => Change::Answer { id: text(&answered.id)?, agrees: answered.agrees },
        Says::ApprovalUsed(used) => Change::Use { id: text(&used.id)?, alone: used.alone },
        Says::HoldPlaced(placed) => Change::PlaceHold {
            id: text(&placed.id)?,
            kind: HoldKind::try_from(placed.kind).map_err(|_| "it is for something that is not known")?,
            records: placed.records,
            review_on: Date::from_days(placed.review_on),
            owner: about(OWNER)?.unwrap_or(UNREAD).to_owned(),
            selection: selection(slices)?,
        },
        Says::HoldReviewed(reviewed) => {
            Change::ReviewHold { id: text(&reviewed.id)?, review_on: Date::from_days(reviewed.review_on) }
        }
        Says::HoldReleased(released) => Change::ReleaseHold(text(&released.id)?),
        Says::ControllerClosed(closed) => Change::Close(Closing::hear(closed)?),
    };
    let one = !matches!(change, Change::Grant { .. } | Change::Ask { .. } | Change::PlaceHold { .. });
    if one && slices.is_some_and(|slices| slices.len() > 1) {
        return Err("its slices are not those of its kind");
    }
    Ok(Some(Heard { change, decided }))
}

/// What slice 2 of a hold says that it keeps.
fn selection(slices: Option<&[(u16, DetailPart)]>) -> Result<Vec<(String, String)>, &'static str> {
    let slice = match slices {
        None => return Ok(vec![(UNREAD.to_owned(), String::new())]),
        Some([_, _, (2, slice)]) => slice,
        Some(_) => return Err("its slices are not those of its kind"),
    };
    if slice.attributes.is_empty() || !slice.attributes.is_sorted_by(|a, b| a.key < b.key) || !is_plain(slice) {
        return Err("its slice 2 does not say what it keeps");
    }
    Ok(slice.attributes.iter().map(|said| (said.key.clone(), said.value.clone())).collect())
}

fn decided(slice: &DetailPart) -> Result<Decided, &'static str> {
    let named = |attribute: &Attribute, name: &str| attribute.key == name && !attribute.value.is_empty();
    let (by, ground) = match slice.attributes.as_slice() {
        [by] if named(by, BY) => (by, None),
        [by, ground] if named(by, BY) && named(ground, GROUND) => (by, Some(ground)),
        _ => return Err("its slice 0 does not say who and why"),
    };
    if by.value.len() > TEXT_BYTES_MAX || !is_plain(slice) {
        return Err("its slice 0 does not say who and why");
    }
    let ground = ground.map(|ground| ground.value.clone()).unwrap_or_default();
    Ok(Decided { by: by.value.clone(), ground })
}

/// It has attributes alone.
fn is_plain(slice: &DetailPart) -> bool {
    *slice == DetailPart { attributes: slice.attributes.clone(), ..DetailPart::default() }
}

fn profile(set: &ControllerSet) -> Result<Profile, &'static str> {
    if !set.group_only_sources.is_sorted_by(|a, b| a < b) {
        return Err("its sources do not ascend");
    }
    let foreign_purposes = if set.refuse_foreign_purposes { ForeignPurposes::Refuse } else { ForeignPurposes::Flag };
    let profile = Profile {
        public_body: set.public_body,
        register_keeper: set.register_keeper,
        group_only_sources: set.group_only_sources.iter().cloned().collect(),
        foreign_purposes,
    };
    profile.checked().map_err(|_| "its sources are no names of sources, or too many")
}

/// A choice as notices and the API say it.
///
/// # Errors
///
/// A lifetime is no number of days or months.
pub fn classes(choice: &Choice) -> Result<Vec<ChosenLifetimes>, Refusal> {
    choice.classes().map(|(class, lifetimes)| told_lifetimes(class, lifetimes)).collect()
}

fn told_lifetimes(class: Class, lifetimes: &Lifetimes) -> Result<ChosenLifetimes, Refusal> {
    let told = |lifetime: Lifetime| stored::ChosenLifetime { length: length(lifetime) };
    let told = lifetimes.map(|_, lifetime| told(*lifetime));
    if told.each().any(|(_, lifetime)| lifetime.length.is_none()) {
        let why = "has a lifetime that is no number of days or months: choose one that is".to_owned();
        return Err(Refusal::Field { field: "choices", why });
    }
    let (core, net, session, detail) = (Some(told.core), told.net, told.session, told.detail);
    Ok(ChosenLifetimes { retention_class: class.word().into(), core, net, session, detail })
}

/// Only days and months can be chosen.
fn length(lifetime: Lifetime) -> Option<chosen_lifetime::Length> {
    match lifetime {
        Lifetime::Days(days) => Some(chosen_lifetime::Length::Days(days.into())),
        Lifetime::Months(months) => Some(chosen_lifetime::Length::Months(months.into())),
        Lifetime::YearsFromEndOf { .. } => None,
    }
}

fn choice(told: &[ChosenLifetimes]) -> Result<Choice, &'static str> {
    if !told.is_sorted_by(|a, b| a.retention_class < b.retention_class) {
        return Err("its classes do not ascend");
    }
    let lifetimes = |told: &ChosenLifetimes| {
        let read = |lifetime: Option<stored::ChosenLifetime>| lifetime.map(|told| lifetime_of(&told)).transpose();
        let class = u8::try_from(told.retention_class).ok().and_then(Class::from_number)?;
        let core = read(told.core).ok()??;
        let (net, session, detail) = (read(told.net).ok()?, read(told.session).ok()?, read(told.detail).ok()?);
        Some((class, Lifetimes { core, net, session, detail }))
    };
    let classes: Option<Vec<_>> = told.iter().map(lifetimes).collect();
    classes.map(Choice::new).ok_or("a class or a lifetime of it is not as Akta writes it")
}

fn lifetime_of(told: &stored::ChosenLifetime) -> Result<Lifetime, &'static str> {
    let number = |number: u32| u16::try_from(number).ok().filter(|number| *number > 0).ok_or("is too long");
    match told.length {
        Some(chosen_lifetime::Length::Days(days)) => number(days).map(Lifetime::Days),
        Some(chosen_lifetime::Length::Months(months)) => number(months).map(Lifetime::Months),
        None => Err("is missing"),
    }
}

fn permissions(words: &[String]) -> Result<BTreeSet<Permission>, &'static str> {
    let known: Option<BTreeSet<Permission>> = words.iter().map(|word| word.parse().ok()).collect();
    known.filter(|_| words.is_sorted_by(|a, b| a < b)).ok_or("its permissions are not known, or do not ascend")
}

fn span(from: i64, until: i64, longest: std::time::Duration) -> Result<Span, &'static str> {
    let span = Span::new(Timestamp::from_nanos(from), Timestamp::from_nanos(until), longest);
    span.ok_or("it holds for no time, or for too long")
}

fn attribute(key: &str, value: &str) -> Attribute {
    Attribute { key: key.to_owned(), value: value.to_owned() }
}

fn bytes(id: &ActId) -> Result<Vec<u8>, Refusal> {
    let uuid = Uuid::parse_str(id).ok().filter(|uuid| uuid.to_string() == **id);
    let why = "must be a UUID, lower case with hyphens: leave it out, or give a new one".to_owned();
    uuid.map(|uuid| uuid.into_bytes().to_vec()).ok_or(Refusal::Field { field: "id", why })
}

fn text(id: &[u8]) -> Result<ActId, &'static str> {
    Uuid::from_slice(id).map(|uuid| uuid.to_string().into()).map_err(|_| "it names an id that is not 16 bytes")
}
