//! `akta incident list`: the incidents that concern a controller.

use serde_json::{Value, json};

use crate::cli::args::{Ground, Target};
use crate::cli::grant::list::state;
use crate::cli::text::{self, Listing, rfc3339};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::{Client, reason};
use crate::grpc::api::{IncidentInfo, ListIncidentsRequest};

/// List the incidents that concern a controller: those that hold, those to come, those over for less than a year
///
/// Permission: notices. Whom else they concern is not told. It shows who declared them, so it states a
/// purpose and is recorded, as a search.
///
///   akta incident list --controller school-1 --purpose incident-investigation
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
        let incidents = asked(&mut client, &args.target.controller, &args.ground).await?;
        let head = ["ID", "FROM (UTC)", "UNTIL (UTC)", "NOW", "BY", "GROUND"];
        Listing { head: &head, row, object }.say(&incidents, args.json);
        Ok(Outcome::Good)
    })
}

/// The incidents of a controller.
pub(crate) async fn asked(client: &mut Client, of: &str, ground: &Ground) -> Result<Vec<IncidentInfo>, Failure> {
    let (purpose, purpose_text) = (ground.purpose.0.into(), ground.purpose_text.clone());
    let request = ListIncidentsRequest { controller: of.to_owned(), purpose, purpose_text };
    let answer = client.controllers.list_incidents(request).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().incidents)
}

fn row(incident: &IncidentInfo) -> Vec<String> {
    vec![
        incident.id.clone(),
        text::time(incident.from.as_ref()),
        text::time(incident.until.as_ref()),
        state(incident.from.as_ref(), incident.until.as_ref()).to_owned(),
        incident.by.clone(),
        incident.ground.clone(),
    ]
}

fn object(incident: &IncidentInfo) -> Value {
    json!({
        "id": incident.id, "ground": incident.ground, "by": incident.by,
        "from": rfc3339(incident.from.as_ref()), "until": rfc3339(incident.until.as_ref()),
        "now": state(incident.from.as_ref(), incident.until.as_ref()),
    })
}
