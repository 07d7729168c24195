//! `akta hold release`: what it kept past its date is gone.

use serde_json::json;

use crate::cli::args::{Confirm, Target};
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::ReleaseHoldRequest;

/// Release a hold: its key is destroyed, and what it alone kept past its date is unreadable for good
///
/// Permission: hold. What is not past its date lives on until then; what another hold keeps stays. This
/// cannot be undone.
///
///   akta hold release 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1 --ground 'settled'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Its UUID, as it was printed or is listed
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: Target,
    /// Why it is no longer needed; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { id, target, ground, confirm, json } = args;
    let of = target.controller.clone();
    if !confirm.wants(&format!("What the hold {id} of {of} kept past its date is destroyed. This cannot be undone."))? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = target.connect().await?;
        let request = ReleaseHoldRequest { controller: of.clone(), id: id.clone(), ground };
        let answer = client.retention.release_hold(request).await.map_err(|status| reason(&status))?.into_inner();
        let fields = json!({"id": id, "controller": of});
        receipt::say(json, &format!("hold {id} is released"), fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
