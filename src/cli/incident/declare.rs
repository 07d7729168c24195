//! `akta incident declare`: something is being done to several schools at once.

use std::time::Duration;

use serde_json::json;

use crate::cli::args::{Confirm, Server, Time};
use crate::cli::text::{self, number, say};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::env::{Clock, SystemClock};
use crate::grpc::api::DeclareIncidentRequest;

/// Declare an incident for some controllers, or for all that you may
///
/// Permission: incident, for each (roles steward and contact). At most 7 days. All of them are told, or
/// none. Prints the id, under which it is listed and ended.
///
///   akta incident declare --ground 'ticket 4711: passwords on a public page' --hours 72
///   akta incident declare --controller school-1 --controller school-2 --ground 'ticket 4711' \
///     --until 2026-11-25T20:00:00Z --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(group(clap::ArgGroup::new("end").required(true).args(["until", "hours"])))]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    /// Controller concerned [several: each]; all for which you have the permission unless given
    #[arg(long, value_name = "NAME")]
    controller: Vec<String>,
    /// Why; every controller concerned reads it; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// First instant; now unless given
    #[arg(long, value_name = "TIME")]
    from: Option<Time>,
    /// First instant after it; a date is its midnight in UTC
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Instead: for so many hours from its first instant
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: Option<u32>,
    /// UUID, so that the command can be repeated; drawn unless given
    #[arg(long, value_name = "UUID", default_value = "", hide_default_value = true)]
    id: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let begins = args.from.map_or_else(|| SystemClock.now(), |Time(from)| from);
    let hours = args.hours.unwrap_or_default();
    let until = args.until.unwrap_or_else(|| Time(begins.plus(Duration::from_secs(u64::from(hours) * 3_600))));
    let whom = match args.controller.is_empty() {
        true => "all controllers for which you have the permission".to_owned(),
        false => args.controller.join(", "),
    };
    if !args.confirm.wants(&format!("Security may search {whom}, without names, until {}.", until.0))? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = args.server.connect().await?;
        let request = DeclareIncidentRequest {
            controllers: args.controller.clone(),
            id: args.id.clone(),
            ground: args.ground.clone(),
            from: args.from.map(Time::wire),
            until: Some(until.wire()),
        };
        let answer = client.controllers.declare_incident(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        if args.json {
            let until = until.0.to_string();
            say(text::json(&json!({"id": answer.id, "controllers": answer.controllers, "until": until})));
        } else {
            let told = number(answer.controllers.into());
            say(format!("incident {} is declared: it stands in the trails of {told} controllers", answer.id));
        }
        Ok(Outcome::Good)
    })
}
