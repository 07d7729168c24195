//! A bearer token and a key set: whatever they hold, they are refused or say something that can be used, and only what
//! the issuer's key has signed is taken.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use akta::grpc::auth::claims::{LEEWAY, NAME_BYTES_MAX};
use akta::grpc::auth::issuer::Issuer;
use akta::grpc::auth::jwks::KeySet;
use akta::grpc::auth::source::Source;
use akta::grpc::auth::token::Tokens;
use akta::model::date::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};

const NOW: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);
const URL: &str = "https://login.example";

/// A key that everybody may know: it signs what is made up here.
static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let algorithms = ["ES256", "RS256", "EdDSA"].map(|name| name.parse().unwrap()).into();
    let issuer = Issuer { url: URL.to_owned(), audience: "akta".to_owned(), algorithms, source: Box::new(Own) };
    Tokens::once(vec![issuer], Arc::new(|| NOW))
});

struct Own;

impl Source for Own {
    fn read(&self) -> Result<Vec<u8>, String> {
        let x = URL_SAFE_NO_PAD.encode(KEY.public_key());
        Ok(format!(r#"{{"keys": [{{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "{x}"}}]}}"#).into_bytes())
    }

    fn rhythm(&self) -> Duration {
        Duration::from_secs(300)
    }
}

/// First byte: 0, a token; 1, a key set; else a header, a zero byte, claims, which are signed.
pub(crate) fn check(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        0 => {
            let Ok(token) = std::str::from_utf8(rest) else { return };
            // Whoever has made it, had not the key: but for the seed, whose bytes are signed as they stand.
            let signed = token
                .rsplit_once('.')
                .is_some_and(|(message, signature)| URL_SAFE_NO_PAD.encode(KEY.sign(message.as_bytes())) == signature);
            assert!(signed || TOKENS.verify_at_once(token, None).is_err());
        }
        1 => {
            if let Ok(keys) = KeySet::parse(rest) {
                assert!(keys.len() <= 100);
            }
        }
        _ => {
            let (header, claims) = match rest.iter().position(|byte| *byte == 0) {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (&br#"{"alg":"EdDSA","kid":"k"}"#[..], rest),
            };
            signed(header, claims);
        }
    }
}

fn signed(header: &[u8], claims: &[u8]) {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(KEY.sign(message.as_bytes())));
    let first = TOKENS.verify_at_once(&token, None);
    assert_eq!(TOKENS.verify_at_once(&token, None), first, "out of memory it is the same");
    let Ok(claims) = first else { return };
    let usable = |name: &String| (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    assert!(usable(&claims.subject) && claims.groups.iter().all(usable));
    assert!(claims.issuer == URL && claims.expires_at.plus(LEEWAY) > NOW);
}
