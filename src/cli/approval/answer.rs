//! `akta approval agree` and `akta approval object`.

use serde_json::json;

use super::stands;
use crate::cli::args::Target;
use crate::cli::text::rfc3339;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::AnswerApprovalRequest;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// UUID of what was asked, as it was printed or is listed
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: Target,
    /// Why, if you want to say; at most 256 bytes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    ground: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, agrees: bool) -> Result<Outcome, Failure> {
    let Args { id, target, ground, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let request = AnswerApprovalRequest { controller: target.controller.clone(), id: id.clone(), agrees, ground };
        let answer = client.controllers.answer_approval(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        let what = if agrees { "you agree to" } else { "you object to" };
        let stands = stands(answer.standing(), answer.ready_at.as_ref());
        let fields = json!({"id": id, "controller": target.controller, "agrees": agrees,
            "standing": super::word(answer.standing()), "ready_at": rfc3339(answer.ready_at.as_ref())});
        receipt::say(json, &format!("{what} approval {id}, {stands}"), fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
