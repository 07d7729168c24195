//! The tables of a policy file, key by key. Unknown keys are refused.

use serde::Deserialize;
use toml::Spanned;

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
