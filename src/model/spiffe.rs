//! Names of workloads: SPIFFE ids, by the SPIFFE-ID standard (sections 2.1 to 2.3).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest id in bytes; the standard forbids longer ones.
pub const SPIFFE_BYTES_MAX: usize = 2_048;

/// Longest trust domain in bytes.
const TRUST_DOMAIN_BYTES_MAX: usize = 255;

const SCHEME: &str = "spiffe://";

/// The name of a workload: `spiffe://TRUST-DOMAIN/PATH`. Ids are the same if their bytes are: the standard allows one
/// spelling only. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: Arc<str>,
    /// Where the path begins, `/` included; the length of the text without one.
    path: usize,
}

/// Why a text is no SPIFFE id. It does not show the text, which may come from a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeError {
    /// Another scheme, or none.
    #[error("a SPIFFE id begins with spiffe://")]
    Scheme,
    /// Longer than [`SPIFFE_BYTES_MAX`].
    #[error("a SPIFFE id has at most 2048 bytes")]
    Length,
    /// The trust domain; also where a user, a port, a query or a fragment stands in it.
    #[error("the trust domain of a SPIFFE id is 1 to 255 of a-z 0-9 . - _")]
    TrustDomain,
    /// The path; also where a query, a fragment or an escape with % stands in it.
    #[error("the path of a SPIFFE id is segments of a-z A-Z 0-9 . - _, none of them empty, \".\" or \"..\"")]
    Path,
}

impl SpiffeId {
    /// The id of that text.
    ///
    /// # Errors
    ///
    /// The first rule of the standard that the text breaks.
    pub fn parse(text: &str) -> Result<Self, SpiffeError> {
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeError::Scheme)?;
        if text.len() > SPIFFE_BYTES_MAX {
            return Err(SpiffeError::Length);
        }
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let of_domain = |byte: u8| byte.is_ascii_lowercase() || of_both(byte);
        if !(1..=TRUST_DOMAIN_BYTES_MAX).contains(&domain.len()) || !domain.bytes().all(of_domain) {
            return Err(SpiffeError::TrustDomain);
        }
        let mut segments = path.split('/').skip(1);
        if !segments.all(is_segment) {
            return Err(SpiffeError::Path);
        }
        Ok(Self { text: text.into(), path: SCHEME.len() + domain.len() })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Who gives out the names.
    pub fn trust_domain(&self) -> &str {
        &self.text[SCHEME.len()..self.path]
    }

    /// The name within the trust domain, with its first `/`; empty if the id names the trust domain itself.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// Whether it names a workload, not a trust domain: only such an id may stand in a leaf certificate (X509-SVID,
    /// section 5.2).
    pub fn is_workload(&self) -> bool {
        !self.path().is_empty()
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeError;

    fn from_str(text: &str) -> Result<Self, SpiffeError> {
        Self::parse(text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_segment(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphabetic() || of_both(byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
}

/// What a trust domain and a path may both hold beside letters.
fn of_both(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_by_the_standard() {
        let good = [
            ("spiffe://schools.example/gradebook", "schools.example", "/gradebook"),
            ("spiffe://schools.example/ns/a-1/sa/Grade.Book_2", "schools.example", "/ns/a-1/sa/Grade.Book_2"),
            ("spiffe://a", "a", ""),
            ("spiffe://9._-/...", "9._-", "/..."),
            ("spiffe://192.0.2.1/a", "192.0.2.1", "/a"),
        ];
        for (text, domain, path) in good {
            let id = SpiffeId::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((id.trust_domain(), id.path(), id.to_string()), (domain, path, text.to_owned()));
            assert_eq!((id.is_workload(), text.parse()), (!path.is_empty(), Ok(id)), "{text}");
        }
        let long = |domain: usize, path: usize| format!("spiffe://{}/{}", "d".repeat(domain), "p".repeat(path));
        assert!(SpiffeId::parse(&long(255, 2_048 - 9 - 255 - 1)).is_ok());
        let bad = [(long(255, 2_048 - 9 - 255), SpiffeError::Length), (long(256, 1), SpiffeError::TrustDomain)];
        for (text, why) in bad {
            assert_eq!(SpiffeId::parse(&text), Err(why), "{} bytes", text.len());
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_rule() {
        use SpiffeError::{Path, Scheme, TrustDomain};
        let rows = [
            ("", Scheme),
            ("schools.example/gradebook", Scheme),
            ("https://schools.example/gradebook", Scheme),
            ("SPIFFE://schools.example/gradebook", Scheme),
            ("spiffe:/schools.example", Scheme),
            (" spiffe://schools.example/a", Scheme),
            ("spiffe://", TrustDomain),
            ("spiffe:///gradebook", TrustDomain),
            ("spiffe://Schools.example/a", TrustDomain),
            ("spiffe://schools.example:443/a", TrustDomain),
            ("spiffe://user@schools.example/a", TrustDomain),
            ("spiffe://schools.example?a=b", TrustDomain),
            ("spiffe://schools.example#a", TrustDomain),
            ("spiffe://szkoły.example/a", TrustDomain),
            ("spiffe://schools%2eexample/a", TrustDomain),
            ("spiffe://schools.example\0/a", TrustDomain),
            ("spiffe://schools.example/", Path),
            ("spiffe://schools.example/a/", Path),
            ("spiffe://schools.example//a", Path),
            ("spiffe://schools.example/a/../b", Path),
            ("spiffe://schools.example/./a", Path),
            ("spiffe://schools.example/a?b=c", Path),
            ("spiffe://schools.example/a#b", Path),
            ("spiffe://schools.example/a%20b", Path),
            ("spiffe://schools.example/a b", Path),
            ("spiffe://schools.example/a\n", Path),
            ("spiffe://schools.example/ż", Path),
            ("spiffe://schools.example/a:b", Path),
        ];
        for (text, why) in rows {
            assert_eq!(SpiffeId::parse(text), Err(why), "{text:?}");
        }
    }
}
