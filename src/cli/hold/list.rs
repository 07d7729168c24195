//! `akta hold list`: what is kept past its date, for whom, and what is overdue.

use serde_json::{Value, json};

use crate::cli::args::{Ground, Target};
use crate::cli::text::{self, Listing, rfc3339};
use crate::cli::words::Vocabulary;
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{HoldInfo, HoldStanding, ListHoldsRequest, Part};

/// List a controller's holds: those that stand, and those released within a year
///
/// Permission: hold. It shows whose records are kept, so it states a purpose and is recorded, as a search. Exit
/// status 1 if a review is overdue.
///
///   akta hold list --controller school-1 --purpose legal-claim
///   akta hold list --controller school-1 --purpose legal-claim --json
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

const LISTING: Listing<'_, HoldInfo> = Listing {
    head: &["ID", "KIND", "NOW", "REVIEW", "RECORDS", "PLACED (UTC)", "OWNER", "GROUND", "KEEPS"],
    row,
    object,
};

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.target.connect().await?;
        let (purpose, purpose_text) = (args.ground.purpose.0.into(), args.ground.purpose_text.clone());
        let request = ListHoldsRequest { controller: args.target.controller.clone(), purpose, purpose_text };
        let answer = client.retention.list_holds(request).await.map_err(|status| reason(&status))?;
        let holds = answer.into_inner().holds;
        LISTING.say(&holds, args.json);
        let overdue = holds.iter().any(|hold| hold.standing() == HoldStanding::Overdue);
        Ok(if overdue { Outcome::Finding } else { Outcome::Good })
    })
}

fn row(hold: &HoldInfo) -> Vec<String> {
    let keeps: Vec<String> = hold.keeps.iter().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        hold.id.clone(),
        hold.kind().word(),
        hold.standing().word(),
        hold.review_on.clone(),
        text::number(hold.records),
        text::time(hold.placed_at.as_ref()),
        hold.owner.clone(),
        hold.ground.clone(),
        keeps.join(" "),
    ]
}

fn object(hold: &HoldInfo) -> Value {
    json!({
        "id": hold.id, "kind": hold.kind().word(), "now": hold.standing().word(), "review_on": hold.review_on,
        "records": hold.records, "placed_at": rfc3339(hold.placed_at.as_ref()),
        "reviewed_at": rfc3339(hold.reviewed_at.as_ref()), "released_at": rfc3339(hold.released_at.as_ref()),
        "owner": hold.owner, "ground": hold.ground, "by": hold.by, "keeps": hold.keeps, "parts": hold.parts().map(Part::word).collect::<Vec<_>>(),
    })
}
