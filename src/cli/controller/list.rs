//! `akta controller list`: the controllers that one may see.

use serde_json::{Value, json};

use super::profile::{refuses, words};
use crate::cli::args::Server;
use crate::cli::text::{self, number, rfc3339, say, table, time};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ControllerInfo, ListControllersRequest};

/// List the controllers that you may see: since when, how many records, what kind they are
///
/// Permission: list; of others nothing shows. States no purpose and leaves no record, for it shows
/// neither events nor people.
///
///   akta controller list
///   akta controller list --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.server.connect().await?;
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListControllersRequest { page_size: 1_000, page_token };
            let page = client.controllers.list_controllers(request).await.map_err(|status| reason(&status))?;
            let page = page.into_inner();
            all.extend(page.controllers);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if args.json {
            all.iter().for_each(|about| say(text::json(&object(about))));
        } else {
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            let head =
                ["CONTROLLER", "OPENED (UTC)", "CLOSED (UTC)", "ZONE", "RECORDS", "KIND", "LONE APPROVAL", "REGION"];
            say(table(&head, &rows));
        }
        Ok(Outcome::Good)
    })
}

fn row(about: &ControllerInfo) -> Vec<String> {
    let profile = about.profile.clone().unwrap_or_default();
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        about.controller.clone(),
        time(about.opened_at.as_ref()),
        about.closed_at.as_ref().map_or_else(|| "-".to_owned(), |at| time(Some(at))),
        about.zone.clone(),
        number(about.size),
        words(&profile),
        if about.lone_approval { "yes" } else { "no" }.to_owned(),
        or_dash(&about.region),
    ]
}

/// For programs.
pub(super) fn object(about: &ControllerInfo) -> Value {
    let profile = about.profile.clone().unwrap_or_default();
    json!({
        "controller": about.controller, "origin": about.origin, "predecessors": about.predecessors, "zone": about.zone,
        "opened_at": rfc3339(about.opened_at.as_ref()), "closed_at": rfc3339(about.closed_at.as_ref()), "size": about.size, "region": about.region,
        "public_body": profile.public_body, "register_keeper": profile.register_keeper,
        "group_only_sources": profile.group_only_sources,
        "foreign_purposes": if refuses(&profile) { "refuse" } else { "flag" }, "lone_approval": about.lone_approval,
    })
}
