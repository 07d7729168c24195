//! A token that is bound to a client certificate (RFC 8705): stolen, it is of no use without the certificate's key.

use base64::Engine;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::refused::Refused;

/// The SHA-256 of a client certificate, DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; 32]);

impl Binding {
    /// The one of the certificate with that SHA-256, which the connection has shown.
    pub fn to(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

/// The claim `cnf` of RFC 7800.
#[derive(Debug, Deserialize)]
pub(super) struct Confirmation(Map<String, Value>);

impl Confirmation {
    /// What it binds to. Any other confirmation than by certificate is refused: taking the token without its check
    /// would undo what the issuer meant.
    pub(super) fn binding(&self) -> Result<Binding, Refused> {
        let [("x5t#S256", Value::String(hash))] =
            self.0.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>()[..]
        else {
            return Err(Refused::Bound);
        };
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(hash).map_err(|_| Refused::Bound)?;
        hash.try_into().map(Binding).map_err(|_| Refused::Bound)
    }
}
