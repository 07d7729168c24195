//! The policy file: the TOML form of who may, checked entry by entry into rules that cannot be wrong.

mod form;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::Path;

use super::{ConfigError, strictly};
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::approval::{LoneApprover, LoneChoice};
use crate::model::permission::grants::Grants;
use crate::model::permission::policy::Policy;

/// What a policy file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Who has which role for whom.
    pub policy: Policy,
    /// What opens controllers' records to the vendor's staff.
    pub grants: Grants,
    /// Controllers that decided to let one person approve.
    pub lone_choices: Vec<LoneChoice>,
}

impl Rules {
    /// Reads a policy file. A relative `jwks_file` in it stands beside it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, a line each: line and table, field, limit and remedy, never a value.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let named = |error: &dyn Display| ConfigError(format!("policy {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|error| named(&error))
    }

    /// Takes the text of a policy file that stands in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Rules::read`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let file: form::File = strictly(text)?;
        let mut checker = Checker::default();
        let rules = tables::rules(file, text, folder, &mut checker);
        checker.finish(rules).map_err(|bad| {
            let lines: Vec<String> = bad.iter().map(ToString::to_string).collect();
            ConfigError(lines.join("\n"))
        })
    }

    /// Whether one person is enough for a controller's own staff.
    pub fn lone_approver(&self, controller: &Controller) -> LoneApprover {
        let choice = self.lone_choices.iter().find(|choice| choice.controller == *controller);
        choice.map_or(LoneApprover::Refused, |choice| LoneApprover::Since(choice.since))
    }
}
