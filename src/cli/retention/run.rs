//! `akta retention run`: what is due is destroyed, by a node or on a folder that no node has open.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::offline;
use super::preview::Preview;
use crate::cli::args::{Ahead, Confirm, Day, KekArgs, Server};
use crate::cli::text::{self, complain, count, number, say, table};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ExpiredZone, ExpiryStanding, RunExpiryRequest};

/// Destroy the keys of every day that has been reached, now
///
/// A node does it by itself, at its start and each day; this is for whoever will not wait. Permission: purge
/// for the whole node (role operator). With nothing due it does nothing.
///
/// With DIR it works on a data folder that no node has open: a volume whose pod is gone forgets on time,
/// too. Keys are destroyed and bytes erased, every trail tells of it by a notice; nothing else changes.
///
/// More than 45 days at once are only destroyed if you confirm the last of them, which the refusal names:
/// look first whether the clock is right, for what is destroyed is gone, in every copy.
///
///   akta retention run
///   akta retention run --dry-run
///   akta retention run /var/lib/akta --kek-file /etc/akta/kek --confirm 2027-03-01
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Data folder that no node has open; without it a node is asked
    #[arg(value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
    /// Folder of the guard, where it is not the data folder
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    pub(super) guard: Option<PathBuf>,
    #[command(flatten)]
    pub(super) kek: KekArgs,
    #[command(flatten)]
    pub(super) ahead: Ahead,
    /// The day through which everything may be destroyed, where more than 45 days are due
    #[arg(long, value_name = "DATE")]
    pub(super) confirm: Option<Day>,
    /// Only say what would be destroyed: exit 1 if that needs --confirm
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) ask: Confirm,
    /// One JSON object per zone
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    match args.data.clone() {
        Some(data) => offline::run(&data, &args),
        None => block_on(online(&args)),
    }
}

async fn online(args: &Args) -> Result<Outcome, Failure> {
    let mut client = args.server.connect().await?;
    // For whoever may run it without seeing it, the node's own words must do.
    let preview = Preview::ask(&mut client, &["node".to_owned()], None).await;
    if args.dry_run {
        let preview = preview.map_err(|status| reason(&status))?;
        preview.say(args.json);
        let waits = preview.standings.values().any(|one| one.needs_confirmation);
        return Ok(if waits { Outcome::Finding } else { Outcome::Good });
    }
    let due: Vec<String> = preview.iter().flat_map(|preview| preview.standings.values()).filter_map(due).collect();
    // Nobody is asked about nothing.
    if (preview.is_err() || !due.is_empty()) && !args.ask.wants(&question(&due))? {
        return Ok(Outcome::Good);
    }
    let confirmed_date = args.confirm.map(|day| day.0.to_string()).unwrap_or_default();
    let request = RunExpiryRequest { controller: "node".to_owned(), confirmed_date };
    let answer = client.retention.run_expiry(request).await.map_err(|status| reason(&status))?.into_inner();
    Ok(show(args.json, &answer.zones))
}

/// The days of a zone that would be destroyed.
fn due(standing: &ExpiryStanding) -> Option<String> {
    let days = count(usize::try_from(standing.due_days).unwrap_or(usize::MAX), "day");
    (standing.due_days > 0).then(|| format!("{days} in {}, through {}", standing.zone, standing.due_through))
}

/// What somebody is asked first.
pub(super) fn question(due: &[String]) -> String {
    let what = if due.is_empty() { "Every day that has been reached".to_owned() } else { due.join("; ") };
    format!("{what}: the keys are destroyed, and what is sealed under them is gone for good, in every copy.")
}

/// Says what was destroyed.
pub(super) fn show(json: bool, zones: &[ExpiredZone]) -> Outcome {
    if json {
        zones.iter().for_each(|zone| say(text::json(&object(zone))));
    } else if zones.is_empty() {
        say("nothing was due");
    } else {
        let row = |zone: &ExpiredZone| {
            let last = if zone.last.is_empty() { "-" } else { &zone.last };
            let numbers = [zone.keys, zone.trails].map(number);
            [zone.zone.clone(), last.to_owned(), zone.through.clone()].into_iter().chain(numbers).collect()
        };
        let rows: Vec<Vec<String>> = zones.iter().map(row).collect();
        say(table(&["ZONE", "EXPIRED THROUGH", "NOW THROUGH", "KEYS DESTROYED", "TRAILS TOLD"], &rows));
    }
    let damaged: u64 = zones.iter().map(|zone| zone.damaged).sum();
    if damaged > 0 {
        let trails = number(damaged);
        complain(format!(
            "trails that could not be read, and do not tell of it: {trails}; their keys are gone all the same. Run akta verify"
        ));
        return Outcome::Finding;
    }
    Outcome::Good
}

fn object(zone: &ExpiredZone) -> Value {
    let last = if zone.last.is_empty() { Value::Null } else { zone.last.as_str().into() };
    json!({"zone": zone.zone, "last": last, "through": zone.through, "keys": zone.keys, "trails": zone.trails,
        "damaged": zone.damaged})
}
