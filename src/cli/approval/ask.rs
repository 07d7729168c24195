//! `akta approval ask`: somebody asks for what nobody may do alone.

use clap::builder::PossibleValue;
use serde_json::json;

use super::stands;
use crate::cli::args::Target;
use crate::cli::text::rfc3339;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::AskApprovalRequest;
use crate::model::permission::approval::Deed;

/// Ask for what nobody may do alone
///
/// Permission: erase for erasure, reidentify for the others; by a person's token only. Prints the id, under
/// which another agrees or objects, and under which you use it: akta search --approval ID.
///
///   akta approval ask reidentification --controller school-1 --concerning 'who read p-204 on Tuesday' \
///     --ground 'ticket 4711' --token-file me
///   akta approval ask erasure --controller school-2 --concerning pupil:p-204 --ground 'request of 2026-11-22'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// What for
    #[arg(value_name = "DEED")]
    deed: Deed,
    #[command(flatten)]
    target: Target,
    /// Concerning whom or what: NAMESPACE:ID of a person, or what is to be handed out; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    concerning: String,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// UUID, so that the command can be repeated; drawn unless given
    #[arg(long, value_name = "UUID", default_value = "", hide_default_value = true)]
    id: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl clap::ValueEnum for Deed {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { deed, target, concerning, ground, id, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let (controller, deed) = (target.controller.clone(), deed.stored().into());
        let request = AskApprovalRequest { controller, id, deed, concerning, ground };
        let answer = client.controllers.ask_approval(request).await.map_err(|status| reason(&status))?.into_inner();
        let stands = stands(answer.standing(), answer.ready_at.as_ref());
        let fields = json!({"id": answer.id, "controller": target.controller, "standing": super::word(answer.standing()),
            "ready_at": rfc3339(answer.ready_at.as_ref())});
        receipt::say(json, &format!("approval {} is asked for, {stands}", answer.id), fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
