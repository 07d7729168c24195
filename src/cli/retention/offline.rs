//! `akta retention run DIR`: on a data folder that no node has open.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::run::{Args, question, show};
use crate::cli::args::is_data;
use crate::cli::text::{self, count, say};
use crate::cli::{Failure, Outcome};
use crate::config;
use crate::env::SystemEntropy;
use crate::grpc::convert;
use crate::server;
use crate::store::disk::Disk;
use crate::telemetry;
use crate::trail::base::{Base, Settings, World};
use crate::trail::expiry::{self, Due};

/// Expires what is past there, and makes its bytes go before it returns.
pub(super) fn run(data: &Path, args: &Args) -> Result<Outcome, Failure> {
    telemetry::start("info");
    is_data(data)?;
    // No trail is opened but those that are there, so names and rules of new ones do not matter.
    let settings = config::File::default().settings(true)?;
    let due = due(data, args, settings.clone())?;
    if args.dry_run {
        return Ok(foretell(&due, args.json));
    }
    let told: Vec<String> = due.iter().map(words).collect();
    if !due.is_empty() && !args.ask.wants(&question(&told))? {
        return Ok(Outcome::Good);
    }
    let (_lock, base) = server::folder(data, args.guard.as_deref(), args.kek.kek()?, settings, args.ahead.clock())?;
    let expired = expiry::run_offline(&Arc::new(base), args.confirm.map(|day| day.0))?;
    Ok(show(args.json, &convert::expired(expired).zones))
}

/// What is due, without writing a byte; the lock is held meanwhile, so that nobody else changes it.
fn due(data: &Path, args: &Args, settings: Settings) -> Result<Vec<Due>, Failure> {
    let _lock = server::lock(data)?;
    let world = World { clock: args.ahead.clock(), entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open_read_only(data, args.guard.as_deref())?;
    Ok(Base::open_read_only(disk, Some(args.kek.kek()?), settings, world)?.due())
}

fn words(due: &Due) -> String {
    let days = count(usize::try_from(due.days).unwrap_or(usize::MAX), "day");
    let waits = if due.needs_confirmation { format!(" (needs --confirm {})", due.through) } else { String::new() };
    format!("{days} in {}, through {}{waits}", due.zone, due.through)
}

/// Says what is due.
fn foretell(due: &[Due], json: bool) -> Outcome {
    if json {
        for one in due {
            let last = one.last.map(|last| last.to_string());
            say(text::json(&json!({"zone": one.zone, "last": last, "through": one.through.to_string(),
                "days": one.days, "needs_confirmation": one.needs_confirmation})));
        }
    } else if due.is_empty() {
        say("nothing is due");
    } else {
        due.iter().for_each(|one| say(format!("due: {}", words(one))));
    }
    if due.iter().any(|one| one.needs_confirmation) { Outcome::Finding } else { Outcome::Good }
}
