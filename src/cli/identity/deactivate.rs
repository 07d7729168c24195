//! `akta identity deactivate`: names and e-mail addresses go on a day.

use serde_json::json;

use crate::cli::args::{Confirm, Day, Target, Who};
use crate::cli::{Failure, Outcome, block_on, receipt, text};
use crate::client::reason;
use crate::grpc::api::DeactivateIdentityRequest;

/// Let somebody's name and e-mail address go on a day, in every copy
///
/// Permission: erase. In 30 days unless another day is given, at most 90 days ahead; today is at once. Until
/// then no name or address of theirs is taken in from what is recorded. Their ids stay, as long as records
/// need them; one in the form of an e-mail address goes, too. The day can be moved to an earlier one. This
/// cannot be undone.
///
///   akta identity deactivate staff:t-17 --controller school-1 --ground 'left on 2026-08-31'
///   akta identity deactivate staff:t-17 --controller school-1 --ground 'asked for it' --on 2026-12-01
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Who
    #[arg(value_name = "NS:ID")]
    who: Who,
    #[command(flatten)]
    target: Target,
    /// The day on which they go, in the trail's zone; in 30 days unless given
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
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
    let Args { who, target, on, ground, confirm, json } = args;
    let named = text::who(Some(&who.0));
    let when = on.map_or_else(|| "in 30 days".to_owned(), |day| format!("on {}", day.0));
    let of = target.controller.clone();
    if !confirm.wants(&format!("Name and e-mail address of {named} of {of} go {when}. This cannot be undone."))? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = target.connect().await?;
        let mask_on = on.map(|day| day.0.to_string()).unwrap_or_default();
        let request = DeactivateIdentityRequest { controller: of.clone(), identity: Some(who.0), mask_on, ground };
        let answer = client.identities.deactivate_identity(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        let done = format!("name and e-mail address of {named} go on {}", answer.mask_on);
        let fields = json!({"identity": named, "controller": of, "mask_on": answer.mask_on});
        receipt::say(json, &done, fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
