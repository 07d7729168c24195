//! An issuer of the tests, and the tokens that it gives out, good and bad.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// Its claim `iss`.
pub(crate) const ISSUER: &str = "https://login.example";

/// An issuer with one key.
pub(crate) struct Issued(EcdsaKeyPair);

/// What a token is to say beside its subject.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) groups: &'a [&'a str],
    pub(crate) audience: &'a str,
    pub(crate) algorithm: &'a str,
    /// Seconds from now to its end.
    pub(crate) lasts: i64,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self { issuer: ISSUER, groups: &[], audience: "akta", algorithm: "ES256", lasts: 600 }
    }
}

impl Issued {
    pub(crate) fn new() -> Self {
        Self::with_key(&Self::key())
    }

    /// A fresh private key, PKCS #8.
    pub(crate) fn key() -> Vec<u8> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        key.unwrap().as_ref().to_vec()
    }

    /// The issuer with that key.
    pub(crate) fn with_key(key: &[u8]) -> Self {
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &SystemRandom::new()).unwrap())
    }

    /// Its key set, as it publishes it.
    pub(crate) fn key_set(&self) -> String {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256", "x": x, "y": y}]})
            .to_string()
    }

    /// A token for somebody.
    pub(crate) fn token(&self, subject: &str, wish: Wish<'_>) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": wish.algorithm, "typ": "JWT", "kid": "k"}));
        let ends = jiff::Timestamp::now().as_second() + wish.lasts;
        let claims = part(json!({
            "iss": wish.issuer, "sub": subject, "groups": wish.groups, "aud": wish.audience, "exp": ends
        }));
        let signed = format!("{header}.{claims}");
        if wish.algorithm == "none" {
            return signed + ".";
        }
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
