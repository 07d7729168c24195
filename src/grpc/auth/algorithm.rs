//! Signature algorithms that a token may have.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::AlgorithmFamily;

/// An algorithm with a public and a private key (RFC 7518, RFC 8037). There is neither `none` nor HMAC among them, so
/// no configuration can allow those: with HMAC, whoever knows the issuer's public key could make tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm(pub(super) jsonwebtoken::Algorithm);

/// The names that [`Algorithm`] is made from.
pub const NAMES: &str = "ES256, ES384, EdDSA, RS256, RS384, RS512, PS256, PS384, PS512";

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = text.parse::<jsonwebtoken::Algorithm>().ok();
        let known = known.filter(|known| known.family() != AlgorithmFamily::Hmac);
        known.map(Self).ok_or_else(|| format!("is no algorithm of tokens: give some of {NAMES}"))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_algorithms_with_public_keys_are_known() {
        for name in NAMES.split(", ") {
            assert_eq!(name.parse::<Algorithm>().expect("is known").to_string(), name);
        }
        for name in ["none", "None", "HS256", "HS384", "HS512", "es256", "", "RSA-OAEP", "ES256K"] {
            let error = name.parse::<Algorithm>().expect_err("is not allowed");
            assert!(error.contains("EdDSA"), "names the remedy: {error}");
        }
    }
}
