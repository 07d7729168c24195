//! `akta status`: is a node serving, since when, and how far are its trails?

use std::time::Instant;

use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::args::Server;
use super::retention::standing;
use super::text::{self, number, rfc3339, say, shown, time};
use super::{Failure, Outcome, block_on};
use crate::client::{Client, reason};
use crate::env::{Clock, SystemClock};
use crate::grpc::api::{
    ExpiryStanding, GetCheckpointRequest, GetCheckpointResponse, ListNoticesRequest, Notice, PreviewExpiryRequest,
};
use crate::model::origin::Controller;
use crate::model::stored::KeyringOpened;
use crate::model::stored::notice_core::Kind;

const SERVICES: [&str; 6] = [
    "akta.v1.IngestService",
    "akta.v1.HistoryService",
    "akta.v1.EvidenceService",
    "akta.v1.ControllerService",
    "akta.v1.RetentionService",
    "akta.v1.IdentityService",
];

/// Say whether a node is serving, since when, what has expired, and how far a trail is: exit 0 if it serves, 1 if it says no, 3 if nobody
/// answers
///
/// Asks the standard health service (grpc.health.v1) for each of Akta's services, and the node's own trail for its last
/// start and for what has expired, by zone. Good as an exec probe: the exit status depends on health alone, and on the trails that are named. States no
/// purpose and leaves no record, for it shows neither events nor people.
///
///   akta status
///   akta status --controller school-12 --json
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Also the newest checkpoint of this controller's trail [several: each]
    #[arg(long, value_name = "NAME")]
    controller: Vec<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What a node says of itself.
struct Status {
    services: Vec<(&'static str, ServingStatus)>,
    /// Round trip of one call.
    answered_in_ms: f64,
    /// Its last start, or why it does not tell.
    start: Result<Start, String>,
    /// How expiry stands, by zone, or why it does not tell.
    expiry: Result<Vec<ExpiryStanding>, String>,
    /// Newest checkpoint by controller, or why there is none.
    trails: Vec<(String, Result<GetCheckpointResponse, String>)>,
}

/// A start of a node.
struct Start {
    /// Origin of the node's own trail.
    origin: String,
    /// When.
    at: prost_types::Timestamp,
    /// The keyring that it opened.
    keyring: KeyringOpened,
}

/// Asks and says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    let status = block_on(ask(&args))?;
    say(if args.json { text::json(&to_json(&status)) } else { to_text(&status) });
    let serving = status.services.iter().all(|(_, status)| *status == ServingStatus::Serving);
    Ok(if serving && status.trails.iter().all(|(_, found)| found.is_ok()) { Outcome::Good } else { Outcome::Finding })
}

async fn ask(args: &Args) -> Result<Status, Failure> {
    let channel = args.server.channel().await?;
    let mut health = HealthClient::new(channel.clone());
    let mut services = Vec::new();
    let mut answered_in_ms = f64::MAX;
    for service in SERVICES {
        let asked = Instant::now();
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request).await.map_err(|status| reason(&status))?.into_inner().status();
        // The first call also opens the connection.
        answered_in_ms = answered_in_ms.min(asked.elapsed().as_secs_f64() * 1_000.0);
        services.push((service, status));
    }
    let mut client = Client::of(channel, args.server.bearer()?);
    let start = start(&mut client).await;
    let expiry = expiry(&mut client).await;
    let mut trails = Vec::new();
    for controller in &args.controller {
        let request = GetCheckpointRequest { controller: controller.clone(), ..Default::default() };
        let found = client.evidence.get_checkpoint(request).await;
        let found = found.map(tonic::Response::into_inner).map_err(|status| reason(&status));
        trails.push((controller.clone(), found));
    }
    Ok(Status { services, answered_in_ms, start, expiry, trails })
}

/// The newest start that the node's own trail tells of.
async fn start(client: &mut Client) -> Result<Start, String> {
    let mut last = None;
    let mut from_seq = 0;
    loop {
        let controller = Controller::node().to_string();
        let request = ListNoticesRequest { controller, from_seq, page_size: 1_000, ..ListNoticesRequest::default() };
        let page = client.history.list_notices(request).await.map_err(|status| reason(&status))?;
        let page = page.into_inner();
        last = page.notices.into_iter().filter_map(Start::of).next_back().or(last);
        from_seq = page.next_seq;
        if from_seq == 0 {
            return last.ok_or_else(|| "its own trail tells of no start".to_owned());
        }
    }
}

/// How expiry stands in each of the node's zones.
async fn expiry(client: &mut Client) -> Result<Vec<ExpiryStanding>, String> {
    let controllers = vec![Controller::node().to_string()];
    let request = PreviewExpiryRequest { controllers, page_size: 1, ..PreviewExpiryRequest::default() };
    let answer = client.retention.preview_expiry(request).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().standings)
}

impl Start {
    /// What a notice says, if it is of a start.
    fn of(notice: Notice) -> Option<Self> {
        let Kind::KeyringOpened(keyring) = notice.notice?.kind? else { return None };
        let receipt = notice.receipt?;
        Some(Self { origin: receipt.origin, at: receipt.recorded_at?, keyring })
    }
}

fn to_text(status: &Status) -> String {
    let mut rows: Vec<(&str, String)> =
        status.services.iter().map(|(service, status)| (*service, status.as_str_name().to_owned())).collect();
    rows.push(("answered in", format!("{:.1} ms", status.answered_in_ms)));
    match &status.start {
        Ok(Start { origin, at, keyring }) => {
            let passed = SystemClock.now().parts().0.saturating_sub(at.seconds);
            let dev = if keyring.dev { ", made with --dev: protects nothing" } else { "" };
            rows.push(("node", origin.clone()));
            rows.push(("started", format!("{} UTC, {} ago", time(Some(at)), span(passed))));
            rows.push(("keyring", format!("generation {}{dev}", number(keyring.generation))));
        }
        Err(why) => rows.push(("node", format!("does not tell of its start: {why}"))),
    }
    match &status.expiry {
        Ok(zones) => rows.extend(zones.iter().map(|one| (one.zone.as_str(), standing::words(one)))),
        Err(why) => rows.push(("expiry", format!("not told: {why}"))),
    }
    for (controller, found) in &status.trails {
        rows.push((
            controller,
            match found {
                Ok(found) => format!("{} records guarded, {}", number(found.size), origin(found)),
                Err(why) => why.clone(),
            },
        ));
    }
    let lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<25}  {}", shown(value))).collect();
    lines.join("\n")
}

fn to_json(status: &Status) -> Value {
    let services: Map<String, Value> =
        status.services.iter().map(|(service, status)| ((*service).to_owned(), status.as_str_name().into())).collect();
    let node = match &status.start {
        Ok(Start { origin, at, keyring }) => json!({"origin": origin, "started_at": rfc3339(Some(at)),
            "keyring_generation": keyring.generation, "dev": keyring.dev}),
        Err(why) => json!({"error": why}),
    };
    let expiry = match &status.expiry {
        Ok(zones) => zones.iter().map(standing::object).collect(),
        Err(why) => json!({"error": why}),
    };
    let trails = status.trails.iter().map(|(controller, found)| match found {
        Ok(found) => json!({"controller": controller, "origin": origin(found), "size": found.size,
                            "verification_key": found.verification_key}),
        Err(why) => json!({"controller": controller, "error": why}),
    });
    json!({"services": services, "answered_in_ms": status.answered_in_ms, "node": node, "expiry": expiry,
           "trails": trails.collect::<Vec<_>>()})
}

/// The first line of a checkpoint.
fn origin(found: &GetCheckpointResponse) -> &str {
    found.checkpoint.lines().next().unwrap_or_default()
}

/// A span of time in its largest unit.
fn span(seconds: i64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(("second", 1));
    let count = seconds.max(0) / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_their_largest_unit() {
        for (seconds, text) in [
            (-3, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7_199, "1 hour"),
            (86_400 * 400, "400 days"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
