//! Holders: the names under which a caller may stand in the policy.

use std::fmt;

use super::issuer::is_trustworthy;
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

    /// From the text that [`Display`](fmt::Display) writes; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(uid) = text.strip_prefix("uid:") {
            return uid.parse().ok().map(Self::Socket).filter(|holder| holder.to_string() == text);
        }
        if text.starts_with("spiffe://") {
            return SpiffeId::parse(text).ok().filter(SpiffeId::is_workload).map(Self::Workload);
        }
        if let Some((group, issuer)) = text.strip_prefix("group ").and_then(|rest| rest.rsplit_once(" of ")) {
            let named = !group.is_empty() && is_trustworthy(issuer);
            return named.then(|| Self::Group { issuer: issuer.to_owned(), group: group.to_owned() });
        }
        // The address of an issuer has no fragment.
        let (issuer, subject) = text.split_once('#')?;
        let named = !subject.is_empty() && is_trustworthy(issuer);
        named.then(|| Self::Subject { issuer: issuer.to_owned(), subject: subject.to_owned() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let rows = [
            ("uid:1000", true),
            ("uid:01", false),
            ("uid:-1", false),
            ("spiffe://vendor.example/gradebook", true),
            ("spiffe://vendor.example", false),
            ("https://login.example#anna", true),
            ("https://login.example#anna#b", true),
            ("https://login.example#", false),
            ("https://login.example", false),
            ("anna", false),
            ("group security of https://login.example", true),
            ("group heads of schools of https://login.example", true),
            ("group  of https://login.example", false),
            ("group security of nowhere", false),
            ("", false),
        ];
        for (text, good) in rows {
            let back = Holder::parse(text).map(|holder| holder.to_string());
            assert_eq!(back.as_deref(), good.then_some(text), "{text}");
        }
    }
}
