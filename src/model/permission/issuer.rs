//! Issuers: whose tokens are taken, and what is asked of them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::UnknownWord;

/// A signature that a token may bear (RFC 7518, RFC 8037). Not "none", and no shared secrets: who can check such a token
/// can also make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Algorithm {
    Es256,
    Es384,
    EdDsa,
    Ps256,
    Ps384,
    Ps512,
    Rs256,
    Rs384,
    Rs512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// As tokens and the policy file write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| UnknownWord::of(Self::ALL))
    }
}

/// Where the public keys of an issuer are (JWKS, RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// A file.
    File(PathBuf),
    /// An address, asked again now and then.
    Url(String),
}

/// Whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its claim `iss`, to the letter.
    pub url: String,
    /// What its claim `aud` must hold: that the token is meant for Akta.
    pub audience: String,
    /// Where its keys are.
    pub keys: Keys,
    /// Signatures that are taken; never empty.
    pub algorithms: Vec<Algorithm>,
}

/// Whether an address may be asked for keys, or name an issuer: https, or http on this machine; no user, query or
/// fragment. Who could answer in its place could let anybody in.
pub fn is_trustworthy(url: &str) -> bool {
    const BYTES_MAX: usize = 200;
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'?' | b'#' | b'"' | b'\\'));
    let host = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    let safe = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty(),
        (None, Some(rest)) => {
            let host = host(rest);
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            ["localhost", "127.0.0.1", "[::1]"].contains(&name) || host == "[::1]"
        }
        (None, None) => false,
    };
    url.len() <= BYTES_MAX && clean && safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_somebody_else_could_answer_for_are_refused() {
        let rows = [
            ("https://login.example", true),
            ("https://login.example:8443/realms/schools", true),
            ("https://kubernetes.default.svc.cluster.local", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://localhost", true),
            ("http://[::1]:8080/keys", true),
            ("http://[::1]", true),
            ("http://login.example", false),
            ("http://localhost.example", false),
            ("http://127.0.0.1.example/", false),
            ("https://", false),
            ("https:///keys", false),
            ("https://user:word@login.example", false),
            ("https://login.example?key=1", false),
            ("https://login.example#a", false),
            ("https://login.example/a b", false),
            ("https://login.example/ż", false),
            ("login.example", false),
            ("", false),
        ];
        for (url, good) in rows {
            assert_eq!(is_trustworthy(url), good, "{url}");
        }
        assert!(!is_trustworthy(&format!("https://{}", "a".repeat(193))));
    }

    #[test]
    fn no_algorithm_lets_a_reader_of_tokens_make_them() {
        for word in ["none", "HS256", "HS384", "HS512", "es256", ""] {
            assert!(word.parse::<Algorithm>().is_err(), "{word}");
        }
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.word().parse(), Ok(algorithm));
        }
    }
}
