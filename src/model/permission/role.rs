//! Roles: what a caller is to a controller.

use std::fmt;
use std::str::FromStr;

use super::{Permission, UnknownWord};

/// What somebody is to a controller. Several may fall to one person; none both destroys and decides what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A service that reports.
    Ingest,
    /// Reads and checks, changes nothing.
    Auditor,
    /// The data-protection contact, whatever its title: answers people, erases, opens the trail to others.
    Contact,
    /// Looks for misuse.
    Security,
    /// Opens controllers and sets how long records live; sees none.
    Steward,
    /// The second who agrees.
    Approver,
    /// Runs the node; sees no record.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ingest, Self::Auditor, Self::Contact, Self::Security, Self::Steward, Self::Approver, Self::Operator];

    /// As the policy file writes it.
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// What it may.
    pub const fn permissions(self) -> &'static [Permission] {
        self.row().1
    }

    /// Whether it may that.
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    const fn row(self) -> (&'static str, &'static [Permission]) {
        use Permission::{
            Approve, Erase, Export, Grant, Hold, Import, Incident, List, Notices, Open, Operate, Prove, Purge, Record,
            Reidentify, Retention, Search, Verify, Watch,
        };
        match self {
            Self::Ingest => ("ingest", &[Record]),
            Self::Auditor => ("auditor", &[Search, Export, Notices, Prove, Verify, List]),
            Self::Contact => (
                "contact",
                &[Search, Watch, Export, Notices, Prove, Verify, List, Grant, Incident, Erase, Reidentify, Hold, Purge],
            ),
            Self::Security => ("security", &[Search, Watch, Notices, Prove, Verify, List, Reidentify]),
            Self::Steward => ("steward", &[Import, List, Open, Incident, Retention]),
            Self::Approver => ("approver", &[List, Approve]),
            Self::Operator => ("operator", &[Verify, List, Purge, Operate]),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| UnknownWord::of(Self::ALL))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reach;
    use super::*;

    #[test]
    fn no_role_both_destroys_and_decides_what_is_kept() {
        for role in Role::ALL {
            assert!(!(role.may(Permission::Purge) && role.may(Permission::Retention)), "{role}");
        }
    }

    #[test]
    fn who_runs_the_node_or_reports_sees_no_record() {
        for role in [Role::Ingest, Role::Steward, Role::Operator] {
            assert!(role.permissions().iter().all(|permission| permission.reach() == Reach::Blind), "{role}");
        }
    }

    #[test]
    fn every_permission_has_a_role_and_every_word_is_read_back() {
        for permission in Permission::ALL {
            assert!(Role::ALL.iter().any(|role| role.may(permission)), "nobody may {permission}");
            assert_eq!(permission.word().parse(), Ok(permission));
        }
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
        }
        let why = "admin".parse::<Role>().expect_err("is none").to_string();
        assert_eq!(why, "is none of ingest, auditor, contact, security, steward, approver, operator");
    }

    /// The table for operators is this one.
    #[test]
    fn the_table_in_the_documents_is_this_one() {
        let page = include_str!("../../../docs/operations.md");
        for role in Role::ALL {
            let permissions: Vec<&str> = role.permissions().iter().map(|permission| permission.word()).collect();
            let row = format!("| `{role}` | {} |", permissions.join(", "));
            assert!(page.contains(&row), "docs/operations.md lacks the row {row}");
        }
    }
}
