//! Retention: the class of an event, and how long each part of each class lives.
//!
//! The default policy of the design, with its legal sources. It acts forward: dates are fixed when an event is
//! recorded.

use super::date::{Date, Lifetime, Timestamp, Zone};
use super::stored::{Action, Outcome, Purpose, RetentionClass};

/// Version of this policy, printed in every record.
pub const VERSION: &str = "default-1";

/// Purpose that a READ without one is recorded with, flagged `PURPOSE_DEFAULTED`.
pub const DEFAULT_READ_PURPOSE: Purpose = Purpose::SchoolAdministration;

/// Date keys are made this many days ahead: past the longest lifetime, the end of a fiscal year plus six years.
pub const KEY_HORIZON_DAYS: u32 = 7 * 366;

/// Retention class of a record; the number stands in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Logins and logouts.
    Session = 1,
    /// Failed logins, denials, changes of rights and settings.
    Security = 2,
    /// Accesses to personal data.
    Access = 3,
    /// Changes of a school register.
    Register = 4,
    /// Exports, prints, disclosures.
    Disclosure = 5,
    /// Consents, restrictions, erasures.
    Evidence = 6,
    /// Payments.
    Accounting = 7,
    /// Reads of the trail itself.
    LogAccess = 8,
    /// Notices.
    Ledger = 9,
}

/// How long the parts of a class live; `None` means that such a part is not kept at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Core, actor and subjects.
    pub core: Lifetime,
    /// Address, User-Agent, trace: never past 24 months (privacy policies; GDPR art. 5(1)(e)).
    pub net: Option<Lifetime>,
    /// Session: 7 days (privacy policies).
    pub session: Option<Lifetime>,
    /// Details.
    pub detail: Option<Lifetime>,
}

const TWO_YEARS: Lifetime = Lifetime::Months(24);
const WEEK: Lifetime = Lifetime::Days(7);
/// The school year ends on 31 August (Polish Education Law).
const REGISTER: Lifetime = Lifetime::YearsFromEndOf { last_month: 8, years: 5 };
/// Accounting Act art. 74: five years from the end of the fiscal year.
const ACCOUNTING: Lifetime = Lifetime::YearsFromEndOf { last_month: 12, years: 5 };

impl Class {
    /// All classes, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Session,
        Self::Security,
        Self::Access,
        Self::Register,
        Self::Disclosure,
        Self::Evidence,
        Self::Accounting,
        Self::LogAccess,
        Self::Ledger,
    ];

    /// The class with that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as u8 == number)
    }

    /// As the word of the API.
    pub fn word(self) -> RetentionClass {
        RetentionClass::try_from(i32::from(self as u8)).unwrap_or(RetentionClass::Unspecified)
    }

    /// The class of an event. Where several fit: log access, disclosure, security, evidence, by choice, rest.
    pub fn of(action: i32, outcome: i32, choice: RetentionClass) -> Self {
        use Action as A;
        let action = Action::try_from(action).unwrap_or(A::Unspecified);
        match action {
            A::LogQuery | A::LogExport | A::LogAdmin => Self::LogAccess,
            A::Export | A::Download | A::Print | A::Disclose | A::Import => Self::Disclosure,
            _ if outcome == Outcome::Denied as i32 => Self::Security,
            A::LoginFailed
            | A::CredentialChange
            | A::PermissionChange
            | A::ConfigChange
            | A::Impersonate
            | A::SecretAccess
            | A::Reidentify
            | A::Backup
            | A::Restore => Self::Security,
            A::ConsentGiven | A::ConsentWithdrawn | A::Restrict | A::Unrestrict | A::Pseudonymise | A::Erase => {
                Self::Evidence
            }
            _ if choice == RetentionClass::Register => Self::Register,
            _ if choice == RetentionClass::Accounting => Self::Accounting,
            A::Login | A::Logout => Self::Session,
            A::Unspecified
            | A::Read
            | A::List
            | A::Search
            | A::Create
            | A::Update
            | A::Rectify
            | A::Delete
            | A::Link
            | A::Unlink => Self::Access,
        }
    }

    /// How long its parts live.
    pub fn lifetimes(self) -> Lifetimes {
        let (core, net, session, detail) = match self {
            Self::Session => (TWO_YEARS, Some(TWO_YEARS), Some(WEEK), Some(WEEK)),
            Self::Security | Self::Access | Self::Disclosure | Self::LogAccess => {
                (TWO_YEARS, Some(TWO_YEARS), Some(WEEK), Some(TWO_YEARS))
            }
            Self::Register => (REGISTER, Some(TWO_YEARS), Some(WEEK), Some(REGISTER)),
            Self::Evidence => (Lifetime::Months(72), None, None, None),
            Self::Accounting => (ACCOUNTING, Some(TWO_YEARS), Some(WEEK), Some(ACCOUNTING)),
            // A notice's core lives as long as its trail; its detail slices are dated one by one.
            Self::Ledger => (Lifetime::Days(0), None, None, None),
        };
        Lifetimes { core, net, session, detail }
    }
}

/// Expiry dates of the parts of one event: the first day on which each is unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// Core, actor and subjects.
    pub core: Date,
    /// Net; `None`: not kept.
    pub net: Option<Date>,
    /// Session; `None`: not kept.
    pub session: Option<Date>,
    /// Detail; `None`: not kept.
    pub detail: Option<Date>,
}

impl Dates {
    /// The dates of an event of `class` that happened at `occurred_at`, in the trail's zone.
    pub fn of(class: Class, occurred_at: Timestamp, zone: &Zone) -> Self {
        let lifetimes = class.lifetimes();
        let day = zone.day(occurred_at);
        let end = |lifetime: Option<Lifetime>| lifetime.map(|lifetime| lifetime.end(day));
        Self {
            core: lifetimes.core.end(day),
            net: end(lifetimes.net),
            session: end(lifetimes.session),
            detail: end(lifetimes.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_in_order_of_precedence() {
        use Action as A;
        use Outcome as O;
        use RetentionClass as C;
        let rows = [
            (A::LogQuery, O::Success, C::Unspecified, Class::LogAccess),
            (A::LogQuery, O::Denied, C::Unspecified, Class::LogAccess),
            (A::Export, O::Denied, C::Unspecified, Class::Disclosure),
            (A::Import, O::Success, C::Register, Class::Disclosure),
            (A::Read, O::Denied, C::Unspecified, Class::Security),
            (A::Update, O::Denied, C::Register, Class::Security),
            (A::Login, O::Denied, C::Unspecified, Class::Security),
            (A::SecretAccess, O::Success, C::Unspecified, Class::Security),
            (A::Erase, O::Success, C::Unspecified, Class::Evidence),
            (A::Update, O::Success, C::Register, Class::Register),
            (A::Create, O::Success, C::Accounting, Class::Accounting),
            (A::Login, O::Success, C::Unspecified, Class::Session),
            (A::Read, O::Failure, C::Unspecified, Class::Access),
        ];
        for (action, outcome, choice, class) in rows {
            assert_eq!(Class::of(action as i32, outcome as i32, choice), class, "{action:?} {outcome:?} {choice:?}");
        }
        assert_eq!(Class::of(999, 1, C::Unspecified), Class::Access, "unknown action");
    }

    #[test]
    fn net_never_passes_24_months() {
        let zone = Zone::default();
        let start = Timestamp::parse("2026-11-22T10:00:00Z").expect("time");
        let limit = TWO_YEARS.end(zone.day(start));
        for class in Class::ALL {
            assert!(Dates::of(class, start, &zone).net.is_none_or(|date| date <= limit), "{class:?}");
        }
    }

    #[test]
    fn keys_are_made_past_the_longest_lifetime() {
        let zone = Zone::default();
        for day in ["2024-01-01", "2024-09-01", "2027-01-01", "2027-12-31"] {
            let start = Timestamp::parse(day).expect("time");
            let horizon = Date::of_utc(start).plus_days(KEY_HORIZON_DAYS);
            for class in Class::ALL {
                assert!(Dates::of(class, start, &zone).core <= horizon, "{class:?} from {day}");
            }
        }
    }
}
