//! Keys, key sets and tokens for tests, made as an issuer makes them: by ring, and for RSA by another library.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding, Signer as _};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

/// An issuer's private key.
pub(crate) struct Signer {
    id: String,
    key: Key,
}

enum Key {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rs256(Box<rsa::RsaPrivateKey>),
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of that header, those claims and that signature.
pub(crate) fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    let signature = base64url(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

impl Signer {
    pub(crate) fn es256(id: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { id: id.to_owned(), key: Key::Es256(Box::new(key)) }
    }

    pub(crate) fn eddsa(id: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { id: id.to_owned(), key: Key::EdDsa(Box::new(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())) }
    }

    /// With the one RSA key of the process: making one takes long.
    pub(crate) fn rs256(id: &str) -> Self {
        static KEY: OnceLock<rsa::RsaPrivateKey> = OnceLock::new();
        let key = KEY.get_or_init(|| rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).unwrap());
        Self { id: id.to_owned(), key: Key::Rs256(Box::new(key.clone())) }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Es256(_) => "ES256",
            Key::EdDsa(_) => "EdDSA",
            Key::Rs256(_) => "RS256",
        }
    }

    /// The public key's bytes as an issuer shows them.
    pub(crate) fn public(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.public_key().as_ref().to_vec(),
            Key::EdDsa(key) => key.public_key().as_ref().to_vec(),
            Key::Rs256(key) => key.n().to_bytes_be(),
        }
    }

    /// The public key as an entry of a key set.
    pub(crate) fn jwk(&self) -> Value {
        let public = self.public();
        let mut jwk = match &self.key {
            Key::Es256(_) => {
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&public[1..33]), "y": base64url(&public[33..])})
            }
            Key::EdDsa(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(public)}),
            Key::Rs256(key) => {
                // With a zero before, as some issuers write it.
                json!({"kty": "RSA", "n": base64url([&[0][..], &public].concat()), "e": base64url(key.e().to_bytes_be())})
            }
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "typ": "JWT", "kid": self.id})
    }

    /// A token with those claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        token(&self.header(), claims, |message| self.sign(message))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => SigningKey::<rsa::sha2::Sha256>::new((**key).clone()).sign(message).to_vec(),
        }
    }
}

/// The key set of these.
pub(crate) fn jwks(signers: &[&Signer]) -> Vec<u8> {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}
