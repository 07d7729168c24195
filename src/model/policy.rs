//! The class of an event, and what lives by itself of an event: its lifetimes and dates have one for each.
//!
//! How long each lives is said by the table in [`retention`](super::retention), and by what its controller chose.

use super::date::{Date, Lifetime};
use super::part::PartId;
use super::stored::{Action, Outcome, Purpose, RetentionClass};

/// Version of the policy that is shipped, as records of a controller that chose nothing name it.
pub const VERSION: &str = "default-1";

/// Purpose that a READ without one is recorded with, flagged `PURPOSE_DEFAULTED`.
pub const DEFAULT_READ_PURPOSE: Purpose = Purpose::SchoolAdministration;

/// Date keys are made this many days ahead: past the longest lifetime that can be chosen, and the end of a fiscal year
/// plus six years.
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

/// What lives by itself of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kept {
    /// Core, actor and subjects.
    Core,
    /// Address, User-Agent, trace.
    Net,
    /// Session.
    Session,
    /// Details.
    Detail,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Core, Self::Net, Self::Session, Self::Detail];

    /// As files and the command line write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Net => "net",
            Self::Session => "session",
            Self::Detail => "detail",
        }
    }

    /// What that part of an event lives as.
    pub const fn of(part: PartId) -> Self {
        match part {
            PartId::Core | PartId::Actor | PartId::Subject => Self::Core,
            PartId::Net => Self::Net,
            PartId::Session => Self::Session,
            PartId::Detail => Self::Detail,
        }
    }
}

/// Something for each that lives by itself; `None`: such a part is not kept at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerPart<T> {
    /// Core, actor and subjects.
    pub core: T,
    /// Net; `None`: not kept.
    pub net: Option<T>,
    /// Session; `None`: not kept.
    pub session: Option<T>,
    /// Detail; `None`: not kept.
    pub detail: Option<T>,
}

impl<T> PerPart<T> {
    /// That of one; `None` if it is not kept.
    pub const fn get(&self, kept: Kept) -> Option<&T> {
        match kept {
            Kept::Core => Some(&self.core),
            Kept::Net => self.net.as_ref(),
            Kept::Session => self.session.as_ref(),
            Kept::Detail => self.detail.as_ref(),
        }
    }

    /// Those that are kept.
    pub fn each(&self) -> impl Iterator<Item = (Kept, &T)> {
        Kept::ALL.into_iter().filter_map(|kept| Some((kept, self.get(kept)?)))
    }

    /// The same, with something made of each that is kept.
    pub fn map<U>(&self, mut make: impl FnMut(Kept, &T) -> U) -> PerPart<U> {
        PerPart {
            core: make(Kept::Core, &self.core),
            net: self.net.as_ref().map(|of| make(Kept::Net, of)),
            session: self.session.as_ref().map(|of| make(Kept::Session, of)),
            detail: self.detail.as_ref().map(|of| make(Kept::Detail, of)),
        }
    }
}

/// How long the parts of a class live.
pub type Lifetimes = PerPart<Lifetime>;

/// Expiry dates of the parts of one event: the first day on which each is unreadable.
pub type Dates = PerPart<Date>;

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

    /// As the API writes it, without prefix: `LOG_ACCESS`.
    pub fn name(self) -> &'static str {
        self.word().as_str_name().trim_start_matches("RETENTION_CLASS_")
    }

    /// The class of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
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
}
