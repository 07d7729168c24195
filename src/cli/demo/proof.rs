//! The proof: the data folder is read again, record by record; then copies of it are tampered with.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::folder::Place;
use super::live::span;
use super::paper::Paper;
use super::questions::Marked;
use super::tamper;
use crate::cli::text::count;
use crate::cli::{Failure, text};
use crate::config;
use crate::env::{Clock, SystemClock, SystemEntropy};
use crate::store::disk::Disk;
use crate::trail::base::{Base, OpenError, World};
use crate::trail::keyring::Kek;
use crate::trail::verify::{Finding, Report, TrailReport, verify};

/// A folder, and the clock by which it is judged.
pub struct Looked<'a> {
    /// Where.
    pub data: &'a Path,
    /// What is past by it may be gone.
    pub clock: Arc<dyn Clock>,
}

impl<'a> Looked<'a> {
    /// By the machine's clock.
    pub fn now(data: &'a Path) -> Self {
        Self { data, clock: Arc::new(SystemClock) }
    }
}

/// Verifies a data folder as `akta verify` does; the outer error is why its store does not open.
fn check(looked: &Looked<'_>) -> Result<Result<Report, String>, Failure> {
    let settings = config::File::default().settings(true)?;
    let world = World { clock: looked.clock.clone(), entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open_read_only(looked.data, None).map_err(OpenError::from);
    match disk.and_then(|disk| Base::open_read_only(disk, Some(Kek::dev()), settings, world)) {
        Ok(base) => Ok(Ok(verify(&base, |_, _, _| ()))),
        Err(OpenError::Store(error)) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Verifies the folder that the node left; whether all holds.
pub fn whole(paper: Paper, looked: &Looked<'_>) -> Result<bool, Failure> {
    let began = Instant::now();
    let report = match check(looked)? {
        Ok(report) => report,
        Err(why) => {
            paper.verdict(false, "DAMAGED", &why);
            return Ok(false);
        }
    };
    for finding in &report.findings {
        let seq = finding.seq.map_or_else(|| "the trail".to_owned(), |seq| format!("record {seq}"));
        paper.verdict(false, "BAD", &format!("{seq} of {}: {}", finding.origin, finding.what));
    }
    if report.findings.is_empty() {
        let sum = |of: fn(&TrailReport) -> u64| text::number(report.trails.iter().map(of).sum());
        let gone = match report.trails.iter().map(|trail| trail.groups_expired).sum() {
            0 => String::new(),
            expired => format!(", {} expired", text::number(expired)),
        };
        let (trails, took) = (count(report.trails.len(), "trail"), span(began.elapsed()));
        paper.verdict(
            true,
            "CONSISTENT",
            &format!(
                "{} records in {trails}, each linked to the one before, in {took}; {} sealed groups opened and hold{gone}, \
                 {} index entries agree. Signer unverified: nobody gave a key to check its checkpoints with.",
                sum(|trail| trail.records),
                sum(|trail| trail.groups_intact),
                sum(|trail| trail.postings),
            ),
        );
    }
    Ok(report.findings.is_empty())
}

/// Tampers with copies of the folder; whether each attack was found.
pub fn tampered(paper: Paper, place: &Place, marked: Marked) -> Result<bool, Failure> {
    let mut all = true;
    for (number, attack) in (1..).zip(tamper::ATTACKS) {
        let copy = place.copy()?;
        let done = attack(copy.path(), marked)?;
        paper.line(format!("  {number}  {done}"));
        let found = check(&Looked::now(copy.path()))?
            .ok()
            .and_then(|report| report.findings.into_iter().find(|f| f.seq.is_some()));
        match &found {
            Some(bad) => paper.verdict(true, "   FOUND", &told(bad)),
            None => paper.verdict(false, "   NOT FOUND", "no record is named: Akta failed here, please report this"),
        }
        all &= found.is_some();
    }
    Ok(all)
}

/// A finding without what only helps those who mend disks.
fn told(bad: &Finding) -> String {
    let controller = bad.origin.split('/').nth(1).unwrap_or(&bad.origin);
    let what = bad.what.split(": stored").next().unwrap_or(&bad.what);
    format!("record {} of {controller}: {what}", text::number(bad.seq.unwrap_or_default()))
}
