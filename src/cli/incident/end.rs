//! `akta incident end`: it is over before its time.

use serde_json::json;

use crate::cli::args::Server;
use crate::cli::text::{self, number, say};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::EndIncidentRequest;

/// End an incident at once, for some controllers or for all that it concerns
///
/// Permission: incident, for each. A school's own contact may end it for her school. Where it is over
/// already, nothing is recorded.
///
///   akta incident end 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --ground 'the page is gone'
///   akta incident end 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f --controller school-1 --ground 'not us'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Its UUID, as it was printed or is listed
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    server: Server,
    /// For which controller [several: each]; for all that you may end it for unless given
    #[arg(long, value_name = "NAME")]
    controller: Vec<String>,
    /// Why; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { id, server, controller, ground, json } = args;
    block_on(async {
        let mut client = server.connect().await?;
        let request = EndIncidentRequest { id: id.clone(), controllers: controller, ground };
        let answer = client.controllers.end_incident(request).await.map_err(|status| reason(&status))?.into_inner();
        if json {
            say(text::json(&json!({"id": id, "controllers": answer.controllers})));
        } else {
            say(format!("incident {id} is over: it ended now for {} controllers", number(answer.controllers.into())));
        }
        Ok(Outcome::Good)
    })
}
