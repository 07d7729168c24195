//! `akta backup`: copies of a folder that no node has open.

use std::path::PathBuf;

use serde_json::json;

use super::args::is_data;
use super::text::{self, say};
use super::{Failure, Outcome};
use crate::env::{Clock, SystemClock};
use crate::server;
use crate::store::disk::Disk;
use crate::telemetry;
use crate::trail::base::OpenError;
use crate::trail::copies::{self, Copies, DAYS_MAX};

/// Copy a data folder that no node has open, to restore it from
///
/// Makes a copy of the history (db/) in COPIES, which may be kept up to 90 days, and the newest forgettable set (vault/,
/// keyring, guard), which takes the place of the one before: an old one would bring back what was forgotten. The two are never one
/// backup. A running node makes its copies itself: [copies] in its configuration.
///
/// Needs no key-encryption key: all content stays sealed. Hard links where COPIES is on the same volume; put it on another one.
///
///   akta backup /var/lib/akta /backup
///   akta restore /var/lib/akta --copies /backup
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Data folder
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Folder of copies; made if it is missing
    #[arg(value_name = "COPIES")]
    copies: PathBuf,
    /// Folder of the guard, where it is not the data folder
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    /// Days after which copies of the history go, at most 90
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    keep_days: u32,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Copies both sets.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    telemetry::start("info");
    is_data(&args.data)?;
    let _lock = match server::lock(&args.data) {
        Err(OpenError::Locked(folder)) => {
            let remedy = "a running node makes its copies itself, set [copies] in its configuration; or stop it first";
            return Err(Failure(format!("{folder} is in use by another akta: {remedy}")));
        }
        lock => lock?,
    };
    let disk = Disk::open(&args.data, args.guard.as_deref())?;
    let of = copies::store(disk.db.as_ref())?.ok_or("nothing was ever recorded there: there is nothing to copy")?;
    let copies = Copies::open(&args.copies, &of)?;
    let staging = args.data.join(copies::STAGING);
    let now = SystemClock.now();
    let made = copies::history(disk.db.as_ref(), &copies, now, || {
        copies::forgettable(&copies::stand_still(&disk, &staging)?, &copies)
    });
    let history = made?.path;
    copies.prune(now, args.keep_days)?;
    let forgettable = copies.forgettable()?.unwrap_or_default();
    if args.json {
        say(text::json(&json!({"history": history.to_string_lossy(), "forgettable": forgettable.to_string_lossy()})));
    } else {
        say(format!("history      {}", history.display()));
        say(format!("forgettable  {} (the one before it is gone)", forgettable.display()));
    }
    Ok(Outcome::Good)
}
