//! Bearer tokens: signed JWTs (RFC 7515, 7519), each checked against the keys of its issuer.
//!
//! In this order: size, shape, header, issuer, algorithm, key, signature, audience, subject; then, at every use, the
//! hour and the connection. `jsonwebtoken` takes tokens apart and `signature` checks; hours are
//! checked here, because its own check reads the machine's clock.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, dangerous, decode, decode_header};
use serde::Deserialize;

use super::algorithm::Algorithm;
use super::binding::Binding;
use super::claims::{Checked, Claims, Raw};
use super::issuer::{Issuer, Known};
use super::keys::{Keys, Numbered};
use super::met::{Lately, Met};
use super::refresh::{self, Bell};
use super::refused::Refused;
use super::signature;
use crate::grpc::transport::Now;
use crate::model::date::Timestamp;

/// Longest token, in bytes. A Kubernetes one has about 1 KiB; one with two hundred groups, 10 KiB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// How long a call waits for keys that are being read because of its token.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// Checks tokens of the configured issuers.
pub struct Tokens {
    pub(super) issuers: Arc<Vec<Known>>,
    pub(super) lately: Lately,
    bell: Bell,
    now: Now,
}

#[derive(Deserialize)]
struct Iss {
    iss: String,
}

/// What could not be decided with the keys at hand.
enum Pending {
    Refused(Refused),
    /// The key is not there; perhaps it is after the next reading.
    Missing {
        issuer: usize,
    },
}

impl From<Refused> for Pending {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Tokens {
    /// Takes tokens of these issuers, and starts the thread that reads their keys, which ends with this.
    pub fn start(issuers: Vec<Issuer>, now: Now) -> std::io::Result<Self> {
        let (tokens, heard) = Self::idle(issuers, now);
        refresh::start(tokens.issuers.clone(), heard, tokens.now.clone())?;
        Ok(tokens)
    }

    /// Takes tokens of these issuers with the keys that they have now, read here and never again.
    pub fn once(issuers: Vec<Issuer>, now: Now) -> Self {
        let (tokens, _) = Self::idle(issuers, now);
        refresh::turn(&tokens.issuers, &mut vec![None; tokens.issuers.len()], &tokens.now);
        tokens
    }

    pub(super) fn idle(issuers: Vec<Issuer>, now: Now) -> (Self, std::sync::mpsc::Receiver<()>) {
        signature::install();
        let known = |issuer: Issuer| Known { keys: Arc::new(Keys::new(issuer.source.rhythm())), issuer };
        let (bell, heard) = refresh::bell();
        (
            Self { issuers: Arc::new(issuers.into_iter().map(known).collect()), lately: Lately::default(), bell, now },
            heard,
        )
    }

    /// Whose token it is. `certificate` is the one that the connection has shown and proved. A token that names a key
    /// which is not known waits for it a moment, if its issuer was not asked just now.
    pub async fn verify(&self, token: &str, certificate: Option<&Binding>) -> Result<Claims, Refused> {
        let issuer = match self.check(token, certificate) {
            Ok(claims) => return Ok(claims),
            Err(Pending::Refused(refused)) => return Err(refused),
            Err(Pending::Missing { issuer }) => issuer,
        };
        if let Some(mut read) = self.issuers[issuer].keys.want((self.now)()) {
            self.bell.ring();
            let _ = tokio::time::timeout(WAIT_MAX, read.changed()).await;
        }
        self.verify_at_once(token, certificate)
    }

    /// As [`verify`](Self::verify), with the keys at hand: waits for nothing.
    pub fn verify_at_once(&self, token: &str, certificate: Option<&Binding>) -> Result<Claims, Refused> {
        self.check(token, certificate).map_err(|pending| match pending {
            Pending::Refused(refused) => refused,
            Pending::Missing { issuer } => match self.issuers[issuer].keys.current((self.now)()) {
                Some(_) => Refused::UnknownKey,
                None => Refused::NoKeys,
            },
        })
    }

    fn check(&self, token: &str, certificate: Option<&Binding>) -> Result<Claims, Pending> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::TooLong.into());
        }
        let now = (self.now)();
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        let checked = match self.met(&hash, now) {
            Some(checked) => checked,
            None => self.signed(token, hash, now)?,
        };
        checked.holds(now, certificate)?;
        Ok(checked.claims)
    }

    /// What is known of a token already, under the keys in force.
    fn met(&self, hash: &[u8; 32], now: Timestamp) -> Option<Checked> {
        let met = self.lately.get(hash)?;
        let (_, keys) = self.issuers.get(met.issuer)?.keys.current(now)?;
        (keys == met.keys).then_some(met.checked)
    }

    /// Checks everything but hour and connection.
    fn signed(&self, token: &str, hash: [u8; 32], now: Timestamp) -> Result<Checked, Pending> {
        let header = decode_header(token).map_err(|error| refused(error.kind()))?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Refused::Header.into());
        }
        // Only to know whose keys to take: checked once more below, when the signature holds.
        let Iss { iss } = dangerous::insecure_decode_claims(token).map_err(|_| Refused::Malformed)?;
        let position = self.issuers.iter().position(|known| known.issuer.url == iss).ok_or(Refused::Issuer)?;
        let Known { issuer, keys } = &self.issuers[position];
        let algorithm = Algorithm(header.alg);
        if !issuer.algorithms.contains(&algorithm) {
            return Err(Refused::Algorithm.into());
        }
        let missing = Pending::Missing { issuer: position };
        let Some((set, number)): Option<Numbered> = keys.current(now) else { return Err(missing) };
        let key = set.find(header.kid.as_deref(), algorithm).ok_or(missing)?;
        let claims =
            decode::<Raw>(token, key, &validation(issuer, algorithm)).map_err(|error| refused(error.kind()))?;
        let checked = claims.claims.take(&issuer.url)?;
        // Past and future ones are not worth a place.
        if checked.holds(now, None) != Err(Refused::Expired) {
            self.lately.put(hash, Met { checked: checked.clone(), issuer: position, keys: number }, now);
        }
        Ok(checked)
    }
}

fn validation(issuer: &Issuer, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm.0);
    validation.set_issuer(&[&issuer.url]);
    validation.set_audience(&[&issuer.audience]);
    // The others are required by `Iss` and `Raw`. Of several that are missing, the library would name any.
    validation.set_required_spec_claims(&["aud"]);
    validation.validate_exp = false;
    validation
}

/// The library's kinds of errors, of which some hold pieces of the token.
fn refused(kind: &ErrorKind) -> Refused {
    match kind {
        ErrorKind::InvalidSignature => Refused::Signature,
        ErrorKind::InvalidIssuer => Refused::Issuer,
        ErrorKind::InvalidAudience => Refused::Audience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Refused::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            Refused::Algorithm
        }
        _ => Refused::Malformed,
    }
}
