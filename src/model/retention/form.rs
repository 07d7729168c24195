//! The keys of the shipped table and of a file of choices. Unknown keys are refused.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its version.
    pub version: String,
    /// Each class once.
    pub class: Vec<Class>,
}

/// One class of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// As the API writes it, without prefix.
    pub name: String,
    /// What is in it, and by which law or policy it lives so long.
    pub source: String,
    /// Core, actor and subjects.
    pub core: Part,
    /// Not kept if missing.
    pub net: Option<Part>,
    /// Not kept if missing.
    pub session: Option<Part>,
    /// Not kept if missing.
    pub detail: Option<Part>,
}

/// What lives by itself in a class of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// As `24 months`.
    pub lifetime: String,
    /// With `at_most`; by law if both are missing.
    pub at_least: Option<String>,
    /// With `at_least`.
    pub at_most: Option<String>,
    /// The least for a public authority or body.
    pub public_body_at_least: Option<String>,
    /// `never-later` or `never-earlier`.
    pub rounding: String,
}

/// What a controller wants: for a class, by its name in lower case, the lifetimes of parts. What is not named lives as the
/// table says.
pub type Wanted = BTreeMap<String, WantedClass>;

/// What a controller wants of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedClass {
    /// Core, actor and subjects.
    pub core: Option<String>,
    /// Net.
    pub net: Option<String>,
    /// Session.
    pub session: Option<String>,
    /// Detail.
    pub detail: Option<String>,
}
