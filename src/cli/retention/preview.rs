//! `akta retention preview`: what expires, counted.

use std::collections::BTreeMap;

use serde_json::json;

use super::standing;
use crate::cli::args::{Day, Server};
use crate::cli::text::{self, number, say, table};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::{Client, reason};
use crate::grpc::api::{ExpiryCount, ExpiryStanding, PreviewExpiryRequest};

/// Count what expires, by controller, day and class: nothing changes by it
///
/// Permission: list; of others nothing is counted. States no purpose and leaves no record, for it shows
/// neither events nor people. Without --until: what is due by today, and not yet destroyed. Records are
/// those of which something expires on that day, often only the session; "whole" are those whose core
/// does, of which then nothing but the header is left.
///
///   akta retention preview
///   akta retention preview --until 2027-01-31 --controller school-12 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    /// Through this day, at most 7 years ahead [default: today, in each trail's zone]
    #[arg(long, value_name = "DATE")]
    until: Option<Day>,
    /// Only of this controller; "node" is the node's own trail [several: each; default: all that you may see]
    #[arg(long, value_name = "NAME")]
    controller: Vec<String>,
    /// One JSON object per line: the counts, then how it stands in each zone
    #[arg(long)]
    json: bool,
}

/// What was counted, and how it stands by zone.
#[derive(Debug, Default)]
pub(super) struct Preview {
    pub(super) counts: Vec<ExpiryCount>,
    pub(super) standings: BTreeMap<String, ExpiryStanding>,
}

impl Preview {
    /// Asks for all pages.
    pub(super) async fn ask(
        client: &mut Client,
        controllers: &[String],
        until: Option<Day>,
    ) -> Result<Self, tonic::Status> {
        let until = until.map(|day| day.0.to_string()).unwrap_or_default();
        let (mut preview, mut page_token) = (Self::default(), String::new());
        loop {
            let (controllers, until) = (controllers.to_vec(), until.clone());
            let request = PreviewExpiryRequest { controllers, until, page_size: 1_000, page_token };
            let page = client.retention.preview_expiry(request).await?.into_inner();
            preview.counts.extend(page.counts);
            preview.standings.extend(page.standings.into_iter().map(|standing| (standing.zone.clone(), standing)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(preview);
            }
        }
    }

    pub(super) fn say(&self, json: bool) {
        if json {
            let counts = self.counts.iter().map(|count| {
                json!({"controller": count.controller, "expires_on": count.expires_on,
                    "class": text::class(count.retention_class), "records": count.records, "whole": count.whole})
            });
            counts.for_each(|count| say(text::json(&count)));
            self.standings.values().for_each(|one| say(text::json(&standing::object(one))));
            return;
        }
        if self.counts.is_empty() {
            say("nothing expires by then");
        } else {
            let row = |count: &ExpiryCount| {
                vec![
                    count.controller.clone(),
                    count.expires_on.clone(),
                    text::class(count.retention_class),
                    number(count.records),
                    number(count.whole),
                ]
            };
            let rows: Vec<Vec<String>> = self.counts.iter().map(row).collect();
            say(table(&["CONTROLLER", "EXPIRES ON", "CLASS", "RECORDS", "WHOLE"], &rows));
        }
        say("");
        self.standings.values().for_each(|one| say(format!("{}: {}", one.zone, standing::words(one))));
    }
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { server, until, controller, json } = args;
    block_on(async {
        let mut client = server.connect().await?;
        let preview = Preview::ask(&mut client, &controller, until).await.map_err(|status| reason(&status))?;
        preview.say(json);
        Ok(Outcome::Good)
    })
}
