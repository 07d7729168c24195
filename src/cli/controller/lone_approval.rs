//! `akta controller lone-approval`: whether one person may approve alone.

use serde_json::json;

use crate::cli::args::Target;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::SetLoneApprovalRequest;

/// Let one person of the controller's own staff approve alone, after 48 hours; or no longer
///
/// For a school that has nobody else. Permission: grant (role contact, the school's own staff only).
/// Requests made before it was turned on take two people; so do all requests of the vendor's staff.
///
///   akta controller lone-approval on --controller school-2
///   akta controller lone-approval off --controller school-2
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// From now on, or no longer
    #[arg(value_name = "ON|OFF")]
    allowed: Switch,
    #[command(flatten)]
    target: Target,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { allowed, target, json } = args;
    let allowed = allowed == Switch::On;
    block_on(async {
        let mut client = target.connect().await?;
        let request = SetLoneApprovalRequest { controller: target.controller.clone(), allowed };
        let answer = client.controllers.set_lone_approval(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        let how = if allowed { "may approve alone, after 48 hours" } else { "may no longer approve alone" };
        let done = format!("one person of {} {how}", target.controller);
        let fields = json!({"controller": target.controller, "lone_approval": allowed});
        receipt::say(json, &done, fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
