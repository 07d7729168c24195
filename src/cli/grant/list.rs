//! `akta grant list`: who was let in.

use serde_json::{Value, json};

use crate::cli::args::{Ground, Target};
use crate::cli::text::{self, Listing, rfc3339};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::{Client, reason};
use crate::env::{Clock, SystemClock};
use crate::grpc::api::{self, GrantInfo, ListGrantsRequest};
use crate::grpc::time::instant;

/// List a controller's grants: those that hold, those to come, those over for less than a year
///
/// Permission: notices. It shows who let whom in, so it states a purpose and is recorded, as a search.
///
///   akta grant list --controller school-1 --purpose security
///   akta grant list --controller school-1 --purpose security --json
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
        let grants = asked(&mut client, &args.target.controller, &args.ground).await?;
        let head = ["ID", "TO", "FOR", "FROM (UTC)", "UNTIL (UTC)", "NOW", "BY", "GROUND"];
        Listing { head: &head, row, object }.say(&grants, args.json);
        Ok(Outcome::Good)
    })
}

/// The grants of a controller.
pub(crate) async fn asked(client: &mut Client, of: &str, ground: &Ground) -> Result<Vec<GrantInfo>, Failure> {
    let (purpose, purpose_text) = (ground.purpose.0.into(), ground.purpose_text.clone());
    let request = ListGrantsRequest { controller: of.to_owned(), purpose, purpose_text };
    let answer = client.controllers.list_grants(request).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().grants)
}

fn row(grant: &GrantInfo) -> Vec<String> {
    vec![
        grant.id.clone(),
        to(grant),
        grant.permissions.join(" "),
        text::time(grant.from.as_ref()),
        text::time(grant.until.as_ref()),
        state(grant.from.as_ref(), grant.until.as_ref()).to_owned(),
        grant.by.clone(),
        grant.ground.clone(),
    ]
}

/// Whom, as `akta grant give --to` takes it.
pub(crate) fn to(grant: &GrantInfo) -> String {
    use api::holder::Holder as Wire;
    match grant.holder.as_ref().and_then(|holder| holder.holder.as_ref()) {
        None => "-".to_owned(),
        Some(Wire::Spiffe(id)) => id.clone(),
        Some(Wire::Uid(uid)) => format!("uid:{uid}"),
        Some(Wire::Subject(holder)) => format!("{}#{}", holder.issuer, holder.name),
        Some(Wire::Group(holder)) => format!("group {} of {}", holder.name, holder.issuer),
    }
}

/// Whether something holds now.
pub(crate) fn state(from: Option<&prost_types::Timestamp>, until: Option<&prost_types::Timestamp>) -> &'static str {
    let now = SystemClock.now();
    match (from.and_then(instant), until.and_then(instant)) {
        (_, Some(until)) if until <= now => "over",
        (Some(from), _) if now < from => "to come",
        _ => "holds",
    }
}

fn object(grant: &GrantInfo) -> Value {
    json!({
        "id": grant.id, "to": to(grant), "permissions": grant.permissions, "ground": grant.ground, "by": grant.by,
        "from": rfc3339(grant.from.as_ref()), "until": rfc3339(grant.until.as_ref()),
        "now": state(grant.from.as_ref(), grant.until.as_ref()),
    })
}
