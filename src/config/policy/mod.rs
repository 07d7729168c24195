//! The policy file: the TOML form of who may, checked entry by entry into rules that cannot be wrong.

mod form;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::Path;

use super::{ConfigError, strictly};
use crate::model::check::Checker;
use crate::model::permission::policy::Policy;

/// Reads a policy file. A relative `jwks_file` in it stands beside it.
///
/// # Errors
///
/// Everything that is wrong with it, a line each: line and table, field, limit and remedy, never a value.
pub fn read(path: &Path) -> Result<Policy, ConfigError> {
    let named = |error: &dyn Display| ConfigError(format!("policy {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(|error| named(&error))
}

/// Takes the text of a policy file that stands in `folder`.
///
/// # Errors
///
/// As [`read`].
pub fn parse(text: &str, folder: &Path) -> Result<Policy, ConfigError> {
    let file: form::File = strictly(text)?;
    let mut checker = Checker::default();
    let policy = tables::policy(file, text, folder, &mut checker);
    checker.finish(policy).map_err(|bad| {
        let lines: Vec<String> = bad.iter().map(ToString::to_string).collect();
        ConfigError(lines.join("\n"))
    })
}
