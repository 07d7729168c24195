//! The tables of a policy file, key by key. Unknown keys are refused.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What controllers call their data-protection contact.
    pub(super) contact_title: Option<String>,
    #[serde(default)]
    pub(super) issuer: Vec<Spanned<Issuer>>,
    #[serde(default)]
    pub(super) workload: Vec<Spanned<Workload>>,
    #[serde(default)]
    pub(super) person: Vec<Spanned<Person>>,
    #[serde(default)]
    pub(super) grant: Vec<Spanned<Grant>>,
    #[serde(default)]
    pub(super) incident: Vec<Spanned<Incident>>,
    #[serde(default)]
    pub(super) lone_approver: Vec<Spanned<LoneApprover>>,
}

/// Whose tokens are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) audience: String,
    pub(super) jwks_file: Option<String>,
    pub(super) jwks_url: Option<String>,
    pub(super) algorithms: Vec<String>,
}

/// A service: by `spiffe` or `uid`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    pub(super) spiffe: Option<String>,
    pub(super) uid: Option<u32>,
    pub(super) service: Option<String>,
    pub(super) controllers: Vec<String>,
    pub(super) roles: Vec<String>,
    /// "processor" if not set, the stricter one.
    pub(super) staff: Option<String>,
}

/// A person or job: by `issuer` and `subject` or `group`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) group: Option<String>,
    pub(super) service: Option<String>,
    pub(super) controllers: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) staff: String,
}

/// A controller opens its records to somebody of the vendor's staff.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) controller: String,
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) group: Option<String>,
    pub(super) spiffe: Option<String>,
    pub(super) uid: Option<u32>,
    pub(super) permissions: Vec<String>,
    pub(super) ground: String,
    pub(super) given_by: String,
    pub(super) from: Time,
    pub(super) until: Time,
}

/// Security may search several controllers at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) controllers: Vec<String>,
    pub(super) ground: String,
    pub(super) opened_by: String,
    pub(super) from: Time,
    pub(super) until: Time,
}

/// A controller lets one person of its own staff approve.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoneApprover {
    pub(super) controller: String,
    pub(super) chosen_by: String,
    pub(super) since: Time,
}

/// A time as TOML writes it, or as text.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a time such as 2026-11-22T10:00:00Z or a date such as 2026-11-22")]
pub(super) enum Time {
    Native(Datetime),
    Text(String),
}
