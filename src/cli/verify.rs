//! `akta verify DIR`: reads a data folder again, record by record.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::KekArgs;
use super::text::{Progress, number, table};
use super::{Failure, Outcome};
use crate::config;
use crate::env::{SystemClock, SystemEntropy};
use crate::store;
use crate::store::disk::Disk;
use crate::trail::base::{Base, World};
use crate::trail::verify::{Report, verify};

/// Verify a data folder: headers, links, commitments of every part that opens, index
///
/// Reads without writing a byte; the server must be stopped. Names the first bad record of each trail and exits
/// with 1 if there is one. The chain is checked from record 0; signed checkpoints are not part of the format yet, so
/// the best verdict is "consistent, signer unverified": who holds the folder and its keys could have rewritten all
/// of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data folder
    #[arg(value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    kek: KekArgs,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Verifies and shows the verdict.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    if !args.data.join("db").is_dir() {
        return Err(Failure(format!("{} is not a data folder: it has no db", args.data.display())));
    }
    let _lock = crate::server::lock_unchanged(&args.data)?;
    let settings = config::File::default().settings(true)?;
    let world = World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let disk = match Disk::open_read_only(&args.data) {
        Ok(disk) => disk,
        Err(error @ (store::Error::Corrupt(_) | store::Error::Failed(_))) => return damaged(&args, &error.to_string()),
        Err(error @ store::Error::Locked(_)) => return Err(error.into()),
    };
    let base = match Base::open_read_only(disk, args.kek.kek(None)?, settings, world) {
        Ok(base) => base,
        Err(crate::trail::base::OpenError::Store(error)) => return damaged(&args, &error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let progress = Progress::new();
    let report = verify(&base, |origin, done, total| progress.show(origin, done, total));
    progress.done();
    print(&report, args.json);
    Ok(if report.findings.is_empty() { Outcome::Good } else { Outcome::Finding })
}

fn damaged(args: &Args, why: &str) -> Result<Outcome, Failure> {
    if args.json {
        println!("{}", json!({"verdict": "damaged", "findings": [{"what": why}], "trails": []}));
    } else {
        println!("DAMAGED  the store does not open: {why}\n         Restore it from a copy.");
    }
    Ok(Outcome::Finding)
}

fn print(report: &Report, as_json: bool) {
    if as_json {
        println!("{}", to_json(report));
    } else {
        println!("{}", to_text(report));
    }
}

/// The verdict in words.
pub fn to_text(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .trails
        .iter()
        .map(|trail| {
            vec![
                trail.origin.clone(),
                number(trail.records),
                number(trail.groups_intact),
                number(trail.groups_expired),
                number(trail.postings),
                trail.head.get(..16).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let mut text = table(&["TRAIL", "RECORDS", "INTACT", "EXPIRED", "POSTINGS", "HEAD"], &rows);
    text.push('\n');
    for finding in &report.findings {
        let place = finding.seq.map_or_else(|| "trail".to_owned(), |seq| format!("record {seq}"));
        text.push_str(&format!("\nBAD   {place} of {}: {}", finding.origin, finding.what));
    }
    if report.findings.is_empty() {
        text.push_str(
            "\nConsistent, signer unverified: every header, link and readable part holds, and the index agrees.",
        );
    }
    text
}

fn to_json(report: &Report) -> serde_json::Value {
    let trails: Vec<_> = report
        .trails
        .iter()
        .map(|trail| {
            json!({"origin": trail.origin, "records": trail.records, "notices": trail.notices,
                   "groups_intact": trail.groups_intact, "groups_expired": trail.groups_expired,
                   "postings": trail.postings, "unindexed": trail.unindexed, "head": trail.head})
        })
        .collect();
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| json!({"origin": finding.origin, "seq": finding.seq, "what": finding.what}))
        .collect();
    let verdict = if findings.is_empty() { "consistent, signer unverified" } else { "bad" };
    json!({"verdict": verdict, "trails": trails, "findings": findings})
}
