//! `akta retention diff`: what a file would change.

use serde_json::json;

use super::file::{File, choice};
use super::rows::{objects, read, table};
use crate::cli::args::Target;
use crate::cli::text::{self, say};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ListRetentionClassesRequest, RetentionClassInfo, RetentionDifference, RetentionPartInfo};
use crate::grpc::convert::retention_lifetime;
use crate::model::policy::{Class, Kept};
use crate::model::retention::choice::Choice;

/// Show what a file of choices would change for a controller
///
/// Permission: list. Exit 0 if nothing would change, 1 if something would, or the file is beyond the
/// bounds.
///
///   akta retention diff retention.toml --controller school-1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    target: Target,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Some(choice) = choice(&args.file.path, false, args.json)? else { return Ok(Outcome::Finding) };
    block_on(async {
        let mut client = args.target.connect().await?;
        let request = ListRetentionClassesRequest { controller: args.target.controller.clone() };
        let answer = client.retention.list_retention_classes(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        let changes: Vec<_> = answer.classes.iter().flat_map(|class| differences(class, &choice)).collect();
        let of = &args.target.controller;
        if args.json {
            let version = answer.policy_version;
            say(text::json(&json!({"controller": of, "policy_version": version, "changes": objects(&changes)})));
        } else if changes.is_empty() {
            say(format!("{of}: as in force, policy {}", answer.policy_version));
        } else {
            say(table(&changes));
        }
        Ok(if changes.is_empty() { Outcome::Good } else { Outcome::Finding })
    })
}

/// Where a class would live otherwise than it does.
fn differences(class: &RetentionClassInfo, choice: &Choice) -> Vec<RetentionDifference> {
    let known = u8::try_from(class.retention_class).ok().and_then(Class::from_number);
    let chosen = known.and_then(|class| choice.get(class));
    let of_part = |part: &RetentionPartInfo| {
        // Parts count from 1 as they are listed.
        let kept = usize::try_from(part.part).ok().and_then(|number| Kept::ALL.get(number.checked_sub(1)?));
        let wanted = chosen.zip(kept).and_then(|(chosen, kept)| chosen.get(*kept)).copied();
        let after = wanted.or_else(|| read(part.shipped.as_ref()?));
        (after != part.lifetime.as_ref().and_then(read)).then(|| RetentionDifference {
            retention_class: class.retention_class,
            part: part.part,
            before: part.lifetime,
            after: after.map(retention_lifetime),
        })
    };
    class.parts.iter().filter_map(of_part).collect()
}
