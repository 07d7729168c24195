//! Holds: what keeps named parts past their date, which is the only thing that does.
//!
//! A [`Hold`] says which records ([`selection`]) and which of their parts; [`row`] is how what it has kept rests.

pub mod row;
pub mod selection;

use std::borrow::Cow;

use prost::Message;

use self::selection::Selection;
use super::date::{Date, Lifetime, Timestamp, Zone};
use super::header::Header;
use super::part::{PartId, PartKey};
use super::query::Filter;
use super::record::Contents;
use super::stored::{self, HoldKind, SubjectPart};

/// Holds of one controller that are not released.
pub const HOLDS_MAX: usize = 100;
/// Holds of a node that are not released: their keys fit into a slot of the keyring beside all others.
pub const HOLDS_NODE_MAX: usize = 1_000;
/// Longest name of whoever answers for a hold, in bytes.
pub const OWNER_BYTES_MAX: usize = 256;
/// Longest selection, encoded, in bytes.
pub const SELECTION_BYTES_MAX: usize = 4_096;
/// A hold is looked at again within so long.
pub const REVIEW: Lifetime = Lifetime::Months(6);
/// Days of the longest six months: in no calendar a review is further ahead.
pub const REVIEW_DAYS_MAX: u32 = 184;
/// A review is announced so many days before it is due.
pub const REMIND_DAYS: u32 = 14;

/// Which parts of a record a hold keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(u8);

impl Parts {
    /// All of them.
    pub const ALL: Self = Self(0x3f);

    /// Those; `None` if there are none.
    pub fn of(ids: impl IntoIterator<Item = PartId>) -> Option<Self> {
        let bits = ids.into_iter().fold(0, |bits, id| bits | id.bit());
        (bits != 0).then_some(Self(bits))
    }

    /// Whether that one is among them.
    pub fn has(self, id: PartId) -> bool {
        self.0 & id.bit() != 0
    }

    /// In the order of their numbers.
    pub fn ids(self) -> impl Iterator<Item = PartId> {
        PartId::ALL.into_iter().filter(move |id| self.has(*id))
    }
}

/// What a hold keeps, for whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// For a case, or as long as a contract runs.
    pub kind: HoldKind,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub ground: String,
    /// Who placed it.
    pub by: String,
    /// Which records.
    pub selection: Selection,
    /// Which parts of them.
    pub parts: Parts,
}

impl Hold {
    /// As it is stored, with the number of groups that it has kept.
    pub fn encode(&self, kept: u64) -> Vec<u8> {
        stored::Hold {
            kind: self.kind.into(),
            owner: self.owner.clone(),
            ground: self.ground.clone(),
            by: self.by.clone(),
            selection: Some(self.selection.store()),
            parts: self.parts.ids().map(|id| id as u32).collect(),
            kept,
        }
        .encode_to_vec()
    }

    /// From what is stored, with the number of groups that it has kept; `None` if it is not what Akta writes.
    pub fn decode(bytes: &[u8]) -> Option<(Self, u64)> {
        let stored = stored::Hold::decode(bytes).ok()?;
        let kind = HoldKind::try_from(stored.kind).ok().filter(|kind| *kind != HoldKind::Unspecified)?;
        let ids = stored.parts.iter().map(|id| PartId::from_number(*id)).collect::<Option<Vec<_>>>()?;
        let selection = Selection::load(stored.selection?)?;
        let parts = Parts::of(ids)?;
        let hold = Self { kind, owner: stored.owner, ground: stored.ground, by: stored.by, selection, parts };
        Some((hold, stored.kept))
    }
}

/// The last day by which a hold must be looked at again, if somebody looks at it on that instant.
pub fn last_review(now: Timestamp, zone: &Zone) -> Date {
    zone.after(REVIEW, now)
}

/// How a hold stands to its review on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// It is some time off.
    Later,
    /// It is due within [`REMIND_DAYS`].
    Due,
    /// Its day is past. The hold stays, for what it keeps may be needed; but it is named until somebody looks.
    Overdue,
}

impl Review {
    /// Of a hold to be looked at by the end of `review_on`.
    pub fn of(review_on: Date, today: Date) -> Self {
        if today > review_on {
            Self::Overdue
        } else if today.plus_days(REMIND_DAYS) >= review_on {
            Self::Due
        } else {
            Self::Later
        }
    }
}

/// A hold with the people that its selection names led to their pseudonyms, as far as they have any.
#[derive(Debug, Clone)]
pub struct Cover<'a> {
    hold: &'a Hold,
    filter: Cow<'a, Filter>,
}

impl<'a> Cover<'a> {
    /// What `hold` covers; the filter is its selection's.
    pub fn new(hold: &'a Hold, filter: Filter) -> Self {
        Self { hold, filter: Cow::Owned(filter) }
    }

    /// The same, with a filter that is kept elsewhere.
    pub fn over(hold: &'a Hold, filter: &'a Filter) -> Self {
        Self { hold, filter: Cow::Borrowed(filter) }
    }

    /// What must hold for a record.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether it covers a record, by what is readable of it.
    pub fn covers(&self, header: &Header, contents: &Contents) -> bool {
        let wanted = self.hold.selection.resource_id.as_ref();
        self.filter.matches(header, contents)
            && wanted.is_none_or(|id| contents.detail.as_ref().is_some_and(|detail| detail.resource_id == *id))
    }

    /// Whether it keeps a part of a record that it covers.
    pub fn keeps(&self, key: PartKey, content: &[u8]) -> bool {
        if !self.hold.parts.has(key.id) {
            return false;
        }
        match (&self.filter.subject, key.id) {
            // Whoever else is in the record is not held for that.
            (Some(wanted), PartId::Subject) => SubjectPart::decode(content)
                .is_ok_and(|subject| wanted.iter().any(|pseudonym| pseudonym.0 == *subject.pseudonym)),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
