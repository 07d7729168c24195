//! Approval: what nobody may do alone.
//!
//! Two people agree: the one who asks, and another with the permission to approve. A controller may decide, and have it
//! recorded, that for its own staff one person is enough, as a small school may have to; that one then waits, so that
//! others see it coming, and a notice stays. The vendor's staff are always two.

use std::time::Duration;

use super::Permission;
use super::change::ActId;
use super::policy::Staff;
use crate::model::date::Timestamp;
use crate::model::stored;

/// How long a lone approver waits.
pub const LONE_WAIT: Duration = Duration::from_secs(48 * 3_600);
/// How long a request stands: rights requests are answered within a month (GDPR art. 12(3)).
pub const REQUEST_STANDS: Duration = Duration::from_secs(30 * 86_400);

/// What nobody may do alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// To erase a person.
    Erasure,
    /// To lead a pseudonym back to a person.
    Reidentification,
    /// To name staff in what is handed out, where they would be withheld.
    NameOverride,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Erasure, Self::Reidentification, Self::NameOverride];

    /// As the command line writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Reidentification => "reidentification",
            Self::NameOverride => "name-override",
        }
    }

    /// As the API and notices have it.
    pub const fn stored(self) -> stored::Deed {
        match self {
            Self::Erasure => stored::Deed::Erasure,
            Self::Reidentification => stored::Deed::Reidentification,
            Self::NameOverride => stored::Deed::NameOverride,
        }
    }

    /// What the API and notices name so; `None` of what nobody knows.
    pub fn from_stored(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.stored() as i32 == number)
    }

    /// What one must have to ask for it and to do it.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Erasure => Permission::Erase,
            Self::Reidentification | Self::NameOverride => Permission::Reidentify,
        }
    }
}

/// Who decides for one controller alone, by its own recorded choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoneApprover {
    /// Nobody: two people, as for the vendor's staff.
    #[default]
    Refused,
    /// Anybody who asks, after a wait. Requests made before the choice take two people.
    Since(Timestamp),
}

/// Somebody's word at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// The name that they are recorded under.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// What was asked for, and what was said to it. Whoever fills it in has checked that those who asked had the permission
/// of the deed, those who answered that to approve, for this controller and at their time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its own.
    pub id: ActId,
    /// What for.
    pub deed: Deed,
    /// Concerning whom or what.
    pub concerning: String,
    /// Why.
    pub ground: String,
    /// Who asked.
    pub asked: Voice,
    /// On whose side they work.
    pub staff: Staff,
    /// Who agreed.
    pub agreed: Vec<Voice>,
    /// Who objected. One is enough.
    pub objected: Vec<Voice>,
    /// When it was done; it is done once.
    pub used: Option<Timestamp>,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Two people agree: it may be done.
    Agreed,
    /// One person has waited long enough: it may be done, and leaves a notice that it was one.
    AgreedAlone,
    /// It may be done alone from then on, if nobody objects and no other agrees before.
    Waits(Timestamp),
    /// Another has to agree.
    NeedsAnother,
    /// Somebody objected.
    Refused,
    /// It was not settled in time: ask again.
    Lapsed,
    /// It was done.
    Used,
}

impl Standing {
    /// In words, for people.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::AgreedAlone => "agreed alone",
            Self::Waits(_) => "waits",
            Self::NeedsAnother => "needs another",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
            Self::Used => "used",
        }
    }
}

impl Request {
    /// Whether it may still be settled or used.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used.is_none() && self.objected.is_empty() && now < self.asked.at.plus(REQUEST_STANDS)
    }

    /// Where it stands at `now`. What is said after `now`, or from whoever asked, counts for nothing.
    pub fn standing(&self, choice: LoneApprover, now: Timestamp) -> Standing {
        let said = |voice: &&Voice| self.asked.at <= voice.at && voice.at <= now;
        if self.used.is_some_and(|used| used <= now) {
            return Standing::Used;
        }
        if self.objected.iter().any(|voice| said(&voice)) {
            return Standing::Refused;
        }
        if now >= self.asked.at.plus(REQUEST_STANDS) {
            return Standing::Lapsed;
        }
        if self.agreed.iter().filter(said).any(|voice| voice.name != self.asked.name) {
            return Standing::Agreed;
        }
        let alone = match (self.staff, choice) {
            (Staff::Controller, LoneApprover::Since(since)) => since <= self.asked.at,
            (Staff::Controller, LoneApprover::Refused) | (Staff::Processor, _) => false,
        };
        let ready = self.asked.at.plus(LONE_WAIT);
        match alone {
            false => Standing::NeedsAnother,
            true if now < ready => Standing::Waits(ready),
            true => Standing::AgreedAlone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_nanos(hours * HOUR)
    }

    fn voices(said: &[(&str, i64)]) -> Vec<Voice> {
        said.iter().map(|(name, hours)| Voice { name: (*name).to_owned(), at: at(*hours) }).collect()
    }

    /// Anna asks at hour 100.
    fn request(staff: Staff, agreed: &[(&str, i64)], objected: &[(&str, i64)]) -> Request {
        Request {
            id: "5f1c".into(),
            deed: Deed::Erasure,
            concerning: "pupil:1".to_owned(),
            ground: "request of 20 November".to_owned(),
            asked: Voice { name: "anna".to_owned(), at: at(100) },
            staff,
            agreed: voices(agreed),
            objected: voices(objected),
            used: None,
        }
    }

    #[test]
    fn one_asks_and_another_agrees_or_a_lone_one_waits() {
        use Staff::{Controller, Processor};
        use Standing::{Agreed, AgreedAlone, Lapsed, NeedsAnother, Refused, Waits};
        type Said = &'static [(&'static str, i64)];
        let lone = LoneApprover::Since(at(50));
        let none = LoneApprover::Refused;
        let rows: [(&str, Staff, LoneApprover, Said, Said, i64, Standing); 19] = [
            ("asked only", Controller, none, &[], &[], 500, NeedsAnother),
            ("agreed", Controller, none, &[("jan", 101)], &[], 101, Agreed),
            ("not yet agreed", Controller, none, &[("jan", 102)], &[], 101, NeedsAnother),
            ("agreed before it was asked", Controller, none, &[("jan", 99)], &[], 101, NeedsAnother),
            ("her own word", Controller, none, &[("anna", 101)], &[], 500, NeedsAnother),
            ("the vendor's two", Processor, none, &[("piotr", 101)], &[], 101, Agreed),
            ("the vendor's one", Processor, none, &[], &[], 500, NeedsAnother),
            ("the vendor's one, though schools may", Processor, lone, &[("anna", 101)], &[], 500, NeedsAnother),
            ("the vendor's two, and schools may", Processor, lone, &[("piotr", 101)], &[], 101, Agreed),
            ("alone, at once", Controller, lone, &[], &[], 100, Waits(at(148))),
            ("alone, an hour before", Controller, lone, &[("anna", 100)], &[], 147, Waits(at(148))),
            ("alone, on the hour", Controller, lone, &[], &[], 148, AgreedAlone),
            ("two need no wait", Controller, lone, &[("jan", 101)], &[], 102, Agreed),
            ("asked before the choice", Controller, LoneApprover::Since(at(101)), &[], &[], 500, NeedsAnother),
            ("objected while she waits", Controller, lone, &[], &[("jan", 120)], 148, Refused),
            ("objected though agreed", Controller, none, &[("jan", 101)], &[("ewa", 102)], 103, Refused),
            ("not yet objected", Controller, none, &[("jan", 101)], &[("ewa", 104)], 103, Agreed),
            ("a month later", Controller, none, &[("jan", 101)], &[], 100 + 30 * 24, Lapsed),
            ("alone, a month later", Controller, lone, &[], &[], 100 + 30 * 24, Lapsed),
        ];
        for (what, staff, choice, agreed, objected, now, standing) in rows {
            assert_eq!(request(staff, agreed, objected).standing(choice, at(now)), standing, "{what}");
        }
    }

    #[test]
    fn the_wait_ends_to_the_nanosecond() {
        let request = request(Staff::Controller, &[], &[]);
        let ready = request.asked.at.plus(LONE_WAIT);
        let before = Timestamp::from_nanos(ready.nanos() - 1);
        let lone = LoneApprover::Since(request.asked.at);
        assert_eq!(request.standing(lone, before), Standing::Waits(ready));
        assert_eq!(request.standing(lone, ready), Standing::AgreedAlone);
    }

    #[test]
    fn whoever_asks_needs_a_permission_that_shows_people() {
        for deed in [Deed::Erasure, Deed::Reidentification, Deed::NameOverride] {
            assert_eq!(deed.permission().reach(), super::super::Reach::Content, "{deed:?}");
        }
    }
}
