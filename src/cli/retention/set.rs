//! `akta retention set`: other lifetimes for a controller.

use serde_json::json;

use super::file::{File, choice};
use super::rows::{objects, table};
use crate::cli::args::{Confirm, Target};
use crate::cli::text::{self, say};
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::SetRetentionRequest;
use crate::model::permission::told;

/// Set how long records of a controller live: all that the file says, and the policy for the rest
///
/// Permission: retention (role steward). It holds for the next event; dates of what is recorded stay.
/// The notice in the controller's trail names the lifetimes; who set them and why stand in it sealed.
/// Shows what changes and asks first. An empty file goes back to the policy.
///
///   akta retention set retention.toml --controller school-1 --ground 'resolution 7/2026' --dry-run
///   akta retention set retention.toml --controller school-1 --ground 'resolution 7/2026' --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    target: Target,
    /// Why: a resolution, an instruction, a contract; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// Only check, and show what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { file, target, ground, dry_run, confirm, json } = args;
    let Some(choice) = choice(&file.path, false, json)? else { return Ok(Outcome::Finding) };
    let choices = told::classes(&choice)?;
    block_on(async {
        let mut client = target.connect().await?;
        let request = SetRetentionRequest { controller: target.controller.clone(), choices, ground, dry_run: true };
        let would = client.retention.set_retention(request.clone()).await.map_err(|status| reason(&status))?;
        let would = would.into_inner();
        let of = &target.controller;
        if !json && !would.changes.is_empty() {
            say(table(&would.changes));
        }
        if dry_run {
            if json {
                let (version, changes) = (would.policy_version, objects(&would.changes));
                say(text::json(&json!({"controller": of, "policy_version": version, "changes": changes})));
            } else {
                say(format!("{of}: nothing was set, it would be policy {}", would.policy_version));
            }
            return Ok(Outcome::Good);
        }
        if !would.changes.is_empty()
            && !confirm.wants(&format!("{of} keeps what comes so long, by policy {}.", would.policy_version))?
        {
            return Ok(Outcome::Good);
        }
        let request = SetRetentionRequest { dry_run: false, ..request };
        let answer = client.retention.set_retention(request).await.map_err(|status| reason(&status))?.into_inner();
        let done = format!("{of} has policy {}", answer.policy_version);
        let fields =
            json!({"controller": of, "policy_version": answer.policy_version, "changes": objects(&answer.changes)});
        receipt::say(json, &done, fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
