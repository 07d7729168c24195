//! `akta identity lift`: found again.

use serde_json::json;

use crate::cli::args::{Confirm, Target, Who};
use crate::cli::{Failure, Outcome, block_on, receipt, text};
use crate::client::reason;
use crate::grpc::api::LiftRestrictionRequest;

/// End a restriction: somebody's records are found as all others again
///
/// Permission: erase. Tell whoever asked for the restriction before it is lifted (GDPR art. 18(3)).
///
///   akta identity lift guardian:g-31 --controller school-1 --ground 'settled on 2026-11-20'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Who
    #[arg(value_name = "NS:ID")]
    who: Who,
    #[command(flatten)]
    target: Target,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { who, target, ground, confirm, json } = args;
    let (of, named) = (target.controller.clone(), text::who(Some(&who.0)));
    if !confirm.wants(&format!("Records of {named} are found by every search of {of} again."))? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = target.connect().await?;
        let request = LiftRestrictionRequest { controller: of.clone(), identity: Some(who.0), ground };
        let answer = client.identities.lift_restriction(request).await.map_err(|status| reason(&status))?;
        let fields = json!({"identity": named, "controller": of, "restricted": false});
        let receipt = answer.into_inner().receipt;
        receipt::say(json, &format!("records of {named} are not restricted"), fields, receipt.as_ref());
        Ok(Outcome::Good)
    })
}
