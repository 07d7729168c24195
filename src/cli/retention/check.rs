//! `akta retention check`: whether what a file chooses may be chosen.

use serde_json::json;

use super::file::{File, choice};
use crate::cli::text::{self, say};
use crate::cli::{Failure, Outcome};

/// Check a file of choices against the bounds of the policy, without a server
///
/// Names every lifetime that is beyond them, with the limit and its legal source; exit 1 then.
///
///   akta retention check retention.toml
///   akta retention check retention.toml --public-body
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    file: File,
    /// For a public authority or body, which must keep some records for two years
    #[arg(long)]
    public_body: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let path = &args.file.path;
    let Some(choice) = choice(path, args.public_body, args.json)? else { return Ok(Outcome::Finding) };
    if args.json {
        say(text::json(&json!({"file": path, "findings": []})));
    } else {
        let classes = choice.classes().count();
        say(format!("{}: good, other lifetimes than the policy's for {classes} classes", path.display()));
    }
    Ok(Outcome::Good)
}
