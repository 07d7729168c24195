//! `akta verify DIR`: reads a data folder again, record by record.

mod outside;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use self::outside::{Judged, Outside};
use super::args::{Ahead, KekArgs};
use super::text::{self, Progress, number, say, table};
use super::{Failure, Outcome};
use crate::config;
use crate::env::SystemEntropy;
use crate::model::vkey::Vkey;
use crate::store;
use crate::store::disk::Disk;
use crate::telemetry;
use crate::trail::base::{Base, OpenError, World};
use crate::trail::keyring::Kek;
use crate::trail::verify::{Report, verify};

/// Verify a data folder: headers, links, tree, commitments of every part that opens, vault, index, guard
///
/// Reads without writing a byte, beside a running server too. Names the first bad record of each trail and exits with
/// 1 if there is one. Without a key-encryption key (no --dev, --kek-file or AKTA_KEK) parts are "sealed, not opened":
/// headers, links, tree and notices are still checked.
///
/// With nothing from outside the best verdict is "consistent, signer unverified": who holds the folder and its keys
/// could have rewritten all of it. Give a checkpoint that you got earlier and the key that you trust, and the trail
/// must continue it. Where the signing key was replaced since (akta keys rotate-signing), the trail's notices lead from
/// the key that you trust to the one that signed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data folder
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Folder of the guard, where it is not the data folder
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    /// A checkpoint (C2SP signed note) or proof (.tlog-proof) that you got earlier
    #[arg(long, value_name = "FILE", requires = "vkey")]
    checkpoint: Option<PathBuf>,
    /// The key that you trust to sign for the trail: NAME+ID+KEY, got another way than from this folder
    #[arg(long, value_name = "KEY", requires = "checkpoint")]
    vkey: Option<Vkey>,
    #[command(flatten)]
    kek: KekArgs,
    #[command(flatten)]
    ahead: Ahead,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Verifies and shows the verdict.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    if !args.data.join("db").is_dir() {
        return Err(Failure(format!("{} is not a data folder: it has no db", args.data.display())));
    }
    let outside = args.checkpoint.as_deref().zip(args.vkey.as_ref());
    let outside = outside.map(|(file, vkey)| Outside::read(file, vkey)).transpose()?;
    telemetry::start("info");
    let kek = args.kek.at_hand()?;
    let base = match open(&args, kek) {
        Ok(base) => base,
        Err(OpenError::Store(error @ (store::Error::Corrupt(_) | store::Error::Failed(_)))) => {
            return damaged(&args, &error.to_string());
        }
        Err(error @ OpenError::HistoryMissing) => return damaged(&args, &error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let progress = Progress::new();
    let mut report = verify(&base, |origin, done, total| progress.show(origin, done, total));
    progress.done();
    let mut judged = outside.as_ref().map(|outside| outside.judge(&base, &report)).transpose()?;
    report.findings.extend(judged.iter_mut().flat_map(|judged| std::mem::take(&mut judged.findings)));
    let outside = outside.as_ref().zip(judged.as_ref());
    if args.json {
        say(text::json(&to_json(&report, outside)));
    } else {
        say(to_text(&report, outside));
    }
    Ok(if report.findings.is_empty() { Outcome::Good } else { Outcome::Finding })
}

/// Opens the folder. A server beside may remove a file between its listing and its opening, so it is tried again.
fn open(args: &Args, kek: Option<Kek>) -> Result<Base, OpenError> {
    const TRIES: u32 = 5;
    let settings = config::File::default().settings(true).map_err(|_| OpenError::Name("authority"))?;
    let world = World { clock: args.ahead.clock(), entropy: Arc::new(SystemEntropy) };
    let mut tries = 1;
    let disk = loop {
        match Disk::open_read_only(&args.data, args.guard.as_deref()) {
            // A log that grows while it is looked at may seem damaged, too.
            Err(store::Error::Failed(_) | store::Error::Corrupt(_)) if tries < TRIES => tries += 1,
            opened => break opened?,
        }
    };
    Base::open_read_only(disk, kek, settings, world)
}

fn damaged(args: &Args, why: &str) -> Result<Outcome, Failure> {
    if args.json {
        say(text::json(&json!({"verdict": "damaged", "findings": [{"what": why}], "trails": []})));
    } else {
        say(format!("DAMAGED  the store does not open: {why}\n         Restore it from a copy."));
    }
    Ok(Outcome::Finding)
}

/// A checkpoint from outside, and what the folder makes of it.
type Compared<'a> = Option<(&'a Outside, &'a Judged)>;

/// The verdict in a few words.
fn verdict(report: &Report, outside: Compared<'_>) -> &'static str {
    match (report.findings.is_empty(), outside) {
        (false, _) => "bad",
        (true, Some(_)) => "consistent, continues the checkpoint",
        (true, None) => "consistent, signer unverified",
    }
}

/// The verdict in words.
fn to_text(report: &Report, outside: Compared<'_>) -> String {
    let rows: Vec<Vec<String>> = report
        .trails
        .iter()
        .map(|trail| {
            vec![
                trail.origin.clone(),
                number(trail.records),
                number(trail.groups_intact),
                number(trail.groups_expired),
                number(trail.groups_sealed),
                number(trail.groups_held),
                number(trail.postings),
                trail.root.to_string().get(..12).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let mut text = table(&["TRAIL", "RECORDS", "INTACT", "EXPIRED", "SEALED", "HELD", "POSTINGS", "ROOT"], &rows);
    text.push('\n');
    for finding in &report.findings {
        let place = finding.seq.map_or_else(|| "trail".to_owned(), |seq| format!("record {seq}"));
        text.push_str(&format!("\nBAD   {place} of {}: {}", finding.origin, finding.what));
    }
    for handover in outside.iter().flat_map(|(_, judged)| &judged.followed) {
        let at = number(handover.size);
        text.push_str(&format!(
            "\nThe signing key was replaced at record {at}: {}, signed in by the one before.",
            handover.new
        ));
    }
    if report.findings.is_empty() {
        text.push_str(&match outside {
            Some((outside, judged)) => format!(
                "\nConsistent, and {} continues the checkpoint of {} records that {} signed.",
                outside.checkpoint.origin,
                number(outside.checkpoint.size),
                if judged.followed.is_empty() { "your key" } else { "the last of these, which your key leads to," }
            ),
            None => "\nConsistent, signer unverified: every header, link, subtree and readable part holds.".to_owned(),
        });
        if report.unguarded {
            text.push_str("\nNo guard was at hand: whether the newest records are there was not compared (--guard).");
        }
        if report.sealed {
            text.push_str("\nParts and index were not opened: no key-encryption key was given.");
        }
    }
    text
}

fn to_json(report: &Report, outside: Compared<'_>) -> serde_json::Value {
    let trails: Vec<_> = report
        .trails
        .iter()
        .map(|trail| {
            json!({"origin": trail.origin, "records": trail.records, "notices": trail.notices,
                   "groups_intact": trail.groups_intact, "groups_expired": trail.groups_expired,
                   "groups_sealed": trail.groups_sealed, "groups_held": trail.groups_held,
                   "people": trail.people, "postings": trail.postings,
                   "unindexed": trail.unindexed, "head": trail.head.to_string(), "root": trail.root.to_string()})
        })
        .collect();
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| json!({"origin": finding.origin, "seq": finding.seq, "what": finding.what}))
        .collect();
    let handovers = outside.iter().flat_map(|(_, judged)| &judged.followed);
    let followed: Vec<_> =
        handovers.map(|handover| json!({"seq": handover.size, "key": handover.new.to_string()})).collect();
    json!({"verdict": verdict(report, outside), "opened": !report.sealed, "guarded": !report.unguarded, "trails": trails,
           "followed": followed, "findings": findings})
}
