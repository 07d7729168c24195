//! Grants and incidents: what opens a controller's records to the vendor's staff, why, and until when. Both stand in
//! the trail of the controller that they open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::holder::Holder;
use super::{Permission, Reach};
use crate::model::check::Violation;
use crate::model::date::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);
/// Longest grant: a contract is renewed by the year, and so is this.
pub const GRANT_MAX: Duration = Duration::from_secs(366 * DAY.as_secs());
/// Longest incident: a breach is reported within 72 hours (GDPR art. 33); who needs more than a week says so anew.
pub const INCIDENT_MAX: Duration = Duration::from_secs(7 * DAY.as_secs());
/// Longest ground, in bytes.
pub const GROUND_BYTES_MAX: usize = 256;

/// From when to when something holds, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    /// From `from` until just before `until`; `None` if that is nothing, or longer than `longest`.
    pub fn new(from: Timestamp, until: Timestamp, longest: Duration) -> Option<Self> {
        (from < until && until <= from.plus(longest)).then_some(Self { from, until })
    }

    /// Its first instant.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// The first instant after it.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether it holds at that time.
    pub fn covers(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }

    /// Whether it is over at that time.
    pub fn is_over(&self, time: Timestamp) -> bool {
        self.until <= time
    }

    /// The same, but over at `end` if it lasted longer.
    #[must_use]
    pub fn ended(self, end: Timestamp) -> Self {
        Self { from: self.from.min(end), until: self.until.min(end) }
    }
}

/// What somebody decided, why, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its own, for records of what it made possible: a UUID as text.
    pub id: Arc<str>,
    /// Why: a ticket, a contract, an instruction. Never empty.
    pub ground: String,
    /// Who decided it.
    pub by: String,
    /// When it holds.
    pub span: Span,
}

/// A controller lets somebody of the vendor's staff use the roles that they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    act: Act,
    holder: Holder,
    permissions: BTreeSet<Permission>,
}

impl Grant {
    /// The grant to `holder`.
    ///
    /// # Errors
    ///
    /// No permission, or one that no grant can give or needs to.
    pub fn new(act: Act, holder: Holder, permissions: BTreeSet<Permission>) -> Result<Self, Violation> {
        let grantable = Permission::ALL.into_iter().filter(|permission| permission.reach() == Reach::Content);
        if permissions.is_empty() || permissions.iter().any(|permission| permission.reach() != Reach::Content) {
            let known: Vec<&str> = grantable.map(Permission::word).collect();
            let description =
                format!("must be one or more of {}: no other needs a grant, or can have one", known.join(", "));
            return Err(Violation { field: "permissions".to_owned(), description });
        }
        Ok(Self { act, holder, permissions })
    }

    /// Who decided it, why, when.
    pub fn act(&self) -> &Act {
        &self.act
    }

    /// To whom.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// For what.
    pub fn permissions(&self) -> &BTreeSet<Permission> {
        &self.permissions
    }

    /// It is over then, if it lasted longer.
    pub(super) fn end(&mut self, end: Timestamp) {
        self.act.span = self.act.span.ended(end);
    }
}

/// Something is being done to several controllers at once: security may search them, without names. It stands in the
/// trail of each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Who decided it, why, when.
    pub act: Act,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_neither_empty_nor_endless() {
        let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
        let week = 7 * 86_400;
        for (from, until, good) in [(0, 1, true), (0, week, true), (0, week + 1, false), (1, 1, false), (2, 1, false)] {
            assert_eq!(Span::new(at(from), at(until), INCIDENT_MAX).is_some(), good, "{from} to {until}");
        }
        let endless = Span::new(at(0), Timestamp::from_nanos(i64::MAX), GRANT_MAX);
        assert_eq!(endless, None);
        let span = Span::new(at(10), at(20), INCIDENT_MAX).expect("is one");
        for (time, covers, over) in [(9, false, false), (10, true, false), (19, true, false), (20, false, true)] {
            assert_eq!((span.covers(at(time)), span.is_over(at(time))), (covers, over), "{time}");
        }
        for (end, covered) in [(5, 0), (12, 2), (30, 10)] {
            let ended = span.ended(at(end));
            let count = (0..40).filter(|time| ended.covers(at(*time))).count();
            assert_eq!(count, covered, "ended at {end}");
        }
    }
}
