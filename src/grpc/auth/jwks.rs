//! A key set (JWKS, RFC 7517): the public keys of one issuer.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::Algorithm;

/// Most bytes of a key set that are read.
pub const JWKS_BYTES_MAX: usize = 256 * 1024;
/// Most keys of a set.
const KEYS_MAX: usize = 100;

/// Why bytes are no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    /// Over [`JWKS_BYTES_MAX`].
    #[error("it is larger than 256 KiB")]
    Large,
    /// Not the JSON of RFC 7517.
    #[error("it is not JSON with a list \"keys\"")]
    Shape,
    /// A list that is far from any that exists.
    #[error("it has more than 100 keys")]
    Many,
    /// There are keys, but none to check a signature with.
    #[error("none of its keys is a public key for signatures that is supported")]
    Unusable,
}

/// Public keys for signatures, by the ids that tokens name.
#[derive(Default)]
pub struct KeySet(Vec<PublicKey>);

struct PublicKey {
    id: Option<String>,
    algorithm: Option<jsonwebtoken::Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a key set. Keys that are for something else, or of a kind that is not known, are left out, as RFC 7517
    /// says; secret (`oct`) ones always. A list that is empty says that nobody is trusted any more.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoKeySet> {
        if bytes.len() > JWKS_BYTES_MAX {
            return Err(NoKeySet::Large);
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|_| NoKeySet::Shape)?;
        let listed = document.keys.len();
        if listed > KEYS_MAX {
            return Err(NoKeySet::Many);
        }
        let keys: Vec<_> = document.keys.into_iter().filter_map(PublicKey::of).collect();
        if keys.is_empty() && listed > 0 { Err(NoKeySet::Unusable) } else { Ok(Self(keys)) }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token of this algorithm names; where it names none, the only one that fits.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm) && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(&first.key)
    }
}

impl PublicKey {
    fn of(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let checks = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !signs || !checks || matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) {
            return None;
        }
        // One that says what it is for is for nothing else.
        let algorithm = common.key_algorithm.map(jsonwebtoken::Algorithm::try_from).transpose().ok()?;
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|key| key.family() != AlgorithmFamily::Hmac)?;
        Some(Self { id: common.key_id.clone(), algorithm, key })
    }

    fn fits(&self, Algorithm(algorithm): Algorithm) -> bool {
        self.key.family() == algorithm.family() && self.algorithm.is_none_or(|only| only == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::auth::minted::Signer;

    fn parse(text: &str) -> Result<usize, NoKeySet> {
        KeySet::parse(text.as_bytes()).map(|keys| keys.len())
    }

    #[test]
    fn keys_for_something_else_are_left_out() {
        let good = Signer::es256("a").jwk().to_string();
        for (others, want) in [
            ("", Ok(1)),
            (r#", {"kty": "oct", "k": "c2VjcmV0", "kid": "b", "alg": "HS256"}"#, Ok(1)),
            (r#", {"kty": "quantum", "kid": "b"}, {}, 7, null"#, Ok(1)),
        ] {
            assert_eq!(parse(&format!(r#"{{"keys": [{good}{others}]}}"#)), want);
        }
        for (member, value) in [("use", "\"enc\""), ("key_ops", "[\"sign\"]"), ("alg", "\"RSA-OAEP\"")] {
            let mut jwk = Signer::es256("a").jwk();
            jwk[member] = serde_json::from_str(value).unwrap();
            assert_eq!(parse(&format!(r#"{{"keys": [{jwk}]}}"#)), Err(NoKeySet::Unusable), "{member}");
        }
    }

    #[test]
    fn what_is_no_key_set_is_said() {
        for (text, want) in [
            (r#"{"keys": []}"#.to_owned(), Ok(0)),
            (r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#.to_owned(), Err(NoKeySet::Unusable)),
            ("{}".to_owned(), Err(NoKeySet::Shape)),
            ("<html>".to_owned(), Err(NoKeySet::Shape)),
            (format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), Err(NoKeySet::Shape)),
            (format!(r#"{{"keys": [{}7]}}"#, "7,".repeat(KEYS_MAX)), Err(NoKeySet::Many)),
            (" ".repeat(JWKS_BYTES_MAX + 1), Err(NoKeySet::Large)),
        ] {
            assert_eq!(parse(&text), want, "{}", text.get(..40).unwrap_or(&text));
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_or_if_it_is_alone() {
        let keys = |ids: &[&str]| {
            let keys: Vec<_> = ids.iter().map(|id| Signer::es256(id).jwk()).collect();
            KeySet::parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).unwrap()
        };
        let es256: Algorithm = "ES256".parse().unwrap();
        assert!(keys(&["a", "b"]).find(Some("b"), es256).is_some());
        assert!(keys(&["a", "b"]).find(Some("c"), es256).is_none());
        assert!(keys(&["a", "b"]).find(None, es256).is_none());
        assert!(keys(&["a"]).find(None, es256).is_some());
        assert!(keys(&["a"]).find(Some("a"), "RS256".parse().unwrap()).is_none());
    }
}
