//! Holders: the names under which a caller may stand in the policy.

use std::fmt;

use crate::model::spiffe::SpiffeId;

/// One name under which a caller may stand in the policy. A caller has several if its token names groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A service, by its certificate.
    Workload(SpiffeId),
    /// A process on this machine, by the user id behind its Unix socket.
    Socket(u32),
    /// A person or job, by its token.
    Subject {
        /// Who gave out the token.
        issuer: String,
        /// Its claim `sub`.
        subject: String,
    },
    /// Everybody in a group, by their tokens.
    Group {
        /// Who gave out the token.
        issuer: String,
        /// One of its claim `groups`.
        group: String,
    },
}

/// How one caller can be two holders at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// They are the same.
    Same,
    /// A member of a group may be the other one, too; only the token tells.
    Perhaps,
    /// Nobody can be both.
    Never,
}

impl Holder {
    /// How one caller can be both.
    pub fn meets(&self, other: &Self) -> Meeting {
        match (self, other) {
            _ if self == other => Meeting::Same,
            (Self::Group { issuer, .. }, Self::Group { issuer: of, .. } | Self::Subject { issuer: of, .. })
            | (Self::Subject { issuer, .. }, Self::Group { issuer: of, .. })
                if issuer == of =>
            {
                Meeting::Perhaps
            }
            _ => Meeting::Never,
        }
    }

    /// Who gives out its tokens, where it has some.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::Subject { issuer, .. } | Self::Group { issuer, .. } => Some(issuer),
            Self::Workload(_) | Self::Socket(_) => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(id) => write!(f, "{id}"),
            Self::Socket(uid) => write!(f, "uid:{uid}"),
            Self::Subject { issuer, subject } => write!(f, "{issuer}#{subject}"),
            Self::Group { issuer, group } => write!(f, "group {group} of {issuer}"),
        }
    }
}
