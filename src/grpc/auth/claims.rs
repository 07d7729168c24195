//! What a token says of its bearer, once its signature holds.

use std::time::Duration;

use serde::Deserialize;

use super::binding::{Binding, Confirmation};
use super::refused::Refused;
use crate::model::date::Timestamp;

/// How far the clocks of issuer and node may differ.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Longest subject, and longest group, in bytes: a Kubernetes service account's has up to 340, an OpenID Connect
/// subject 255.
pub const NAME_BYTES_MAX: usize = 512;

/// Who holds a token, as its issuer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The issuer (`iss`), exactly as configured.
    pub issuer: String,
    /// Who it is among the issuer's people and jobs (`sub`): 1 to [`NAME_BYTES_MAX`] bytes, no control characters.
    pub subject: String,
    /// Groups (`groups`); those with control characters, or too long, are left out, and give no rights.
    pub groups: Vec<String>,
    /// When the token ends (`exp`). With [`LEEWAY`] it is taken a little longer.
    pub expires_at: Timestamp,
}

impl From<Claims> for crate::model::caller::Claims {
    fn from(Claims { issuer, subject, groups, .. }: Claims) -> Self {
        Self { issuer, subject, groups }
    }
}

/// Claims as the token has them: names of RFC 7519, `groups` as OpenID providers write it, `cnf` of RFC 7800.
#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    groups: Groups,
    cnf: Option<Confirmation>,
}

/// One group or many.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Groups {
    Many(Vec<String>),
    One(String),
    #[default]
    None,
}

impl Raw {
    /// Checks what does not depend on the hour.
    pub(super) fn take(self, issuer: &str) -> Result<Checked, Refused> {
        if !is_usable(&self.sub) {
            return Err(Refused::Subject);
        }
        let groups = match self.groups {
            Groups::Many(groups) => groups,
            Groups::One(group) => vec![group],
            Groups::None => Vec::new(),
        };
        let claims = Claims {
            issuer: issuer.to_owned(),
            subject: self.sub,
            groups: groups.into_iter().filter(|group| is_usable(group)).collect(),
            expires_at: time(self.exp)?,
        };
        let starts_at = self.nbf.map(time).transpose()?;
        let binding = self.cnf.map_or(Ok(None), |confirmation| confirmation.binding().map(Some))?;
        Ok(Checked { claims, starts_at, binding })
    }
}

/// Claims whose signature holds; hour and connection are still to be checked, at each use.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) claims: Claims,
    starts_at: Option<Timestamp>,
    binding: Option<Binding>,
}

impl Checked {
    /// Whether they hold now, on a connection with that certificate.
    pub(super) fn holds(&self, now: Timestamp, certificate: Option<&Binding>) -> Result<(), Refused> {
        // RFC 7519: on or after `exp`, it must not be accepted.
        if now >= self.claims.expires_at.plus(LEEWAY) {
            return Err(Refused::Expired);
        }
        if self.starts_at.is_some_and(|starts_at| now.plus(LEEWAY) < starts_at) {
            return Err(Refused::NotYet);
        }
        if self.binding.is_some() && self.binding.as_ref() != certificate {
            return Err(Refused::Bound);
        }
        Ok(())
    }
}

fn is_usable(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction, which is left out. What lies past the year 2262 is
/// taken for then.
fn time(seconds: f64) -> Result<Timestamp, Refused> {
    const MAX: f64 = 9_223_372_036.0;
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(Refused::Malformed);
    }
    Ok(Timestamp::from_nanos(seconds.min(MAX) as i64 * 1_000_000_000))
}
