//! The file of choices that a command names.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Failure;
use crate::cli::text::{self, say};
use crate::config::retention::{Unusable, read};
use crate::model::retention::choice::Choice;

/// A file of choices.
#[derive(Debug, clap::Args)]
pub(super) struct File {
    /// TOML file of choices
    #[arg(value_name = "FILE")]
    pub(super) path: PathBuf,
}

/// What it chooses; `None` if not all of it may be, which is said.
pub(super) fn choice(path: &Path, public_body: bool, json: bool) -> Result<Option<Choice>, Failure> {
    match read(path, public_body) {
        Ok(choice) => Ok(Some(choice)),
        Err(Unusable::Unread(error)) => Err(error.into()),
        Err(Unusable::Bad(findings)) => {
            if json {
                say(text::json(&json!({"file": path, "findings": findings})));
            } else {
                findings.iter().for_each(|finding| say(format!("{}: {finding}", path.display())));
            }
            Ok(None)
        }
    }
}
