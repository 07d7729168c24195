//! `akta approval list`: what was asked for, and where it stands.

use serde_json::{Value, json};

use super::stands;
use crate::cli::args::{Ground, Target};
use crate::cli::text::{self, Listing, rfc3339};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ApprovalInfo, ListApprovalsRequest};
use crate::model::permission::approval::Deed;

/// List what was asked for, and where it stands: what is open, and what was settled less than a year ago
///
/// Permission: approve or notices. It shows who asked and concerning whom, so it states a purpose and is
/// recorded, as a search.
///
///   akta approval list --controller school-1 --purpose subject-rights
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    ground: Ground,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.target.connect().await?;
        let (purpose, purpose_text) = (args.ground.purpose.0.into(), args.ground.purpose_text.clone());
        let request = ListApprovalsRequest { controller: args.target.controller.clone(), purpose, purpose_text };
        let answer = client.controllers.list_approvals(request).await.map_err(|status| reason(&status))?;
        let approvals = answer.into_inner().approvals;
        let head = ["ID", "DEED", "CONCERNING", "STANDS", "ASKED (UTC)", "BY", "AGREED", "OBJECTED", "GROUND"];
        Listing { head: &head, row, object }.say(&approvals, args.json);
        Ok(Outcome::Good)
    })
}

fn deed(approval: &ApprovalInfo) -> &'static str {
    Deed::from_stored(approval.deed).map_or("-", Deed::word)
}

fn row(approval: &ApprovalInfo) -> Vec<String> {
    let people = |names: &[String]| if names.is_empty() { "-".to_owned() } else { names.join(" ") };
    vec![
        approval.id.clone(),
        deed(approval).to_owned(),
        approval.concerning.clone(),
        stands(approval.standing(), approval.ready_at.as_ref()),
        text::time(approval.asked_at.as_ref()),
        approval.asked_by.clone(),
        people(&approval.agreed),
        people(&approval.objected),
        approval.ground.clone(),
    ]
}

fn object(approval: &ApprovalInfo) -> Value {
    json!({
        "id": approval.id, "deed": deed(approval), "concerning": approval.concerning, "ground": approval.ground,
        "asked_by": approval.asked_by, "asked_at": rfc3339(approval.asked_at.as_ref()), "agreed": approval.agreed,
        "objected": approval.objected, "standing": super::word(approval.standing()),
        "ready_at": rfc3339(approval.ready_at.as_ref()),
    })
}
