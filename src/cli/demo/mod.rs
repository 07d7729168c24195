//! `akta demo`: a school's day, its questions and the proof, in seconds.

pub mod act;
pub mod ask;
pub mod cast;
pub mod curious;
pub mod folder;
pub mod live;
pub mod office;
pub mod paper;
pub mod people;
pub mod proof;
pub mod questions;
pub mod random;
pub mod school;
pub mod tamper;
pub mod web;

use std::path::{Path, PathBuf};
use std::time::Instant;

use folder::Place;
use live::span;
use paper::Paper;
use questions::Marked;

use super::{Failure, Outcome, block_on};
use crate::client::Client;
use crate::config::{self, Listen};
use crate::server::{Options, Server};
use crate::telemetry;
use crate::trail::keyring::Kek;

/// See it work: a school's day, its questions and the proof, in seconds
///
/// Starts a node of its own, reports a small school's day to it, imports a web log if there is one, asks what a
/// data-protection officer would ask, verifies the data, and shows that tampering with copies of it is found. Needs
/// nothing and changes nothing: its data are in a temporary folder unless --data says where to keep them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep the data in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Web server's log to import (combined format); $AKTA_TEST_DATA/apache_logs if there is one
    #[arg(long, value_name = "FILE")]
    web_log: Option<PathBuf>,
    /// No colour and no bold
    #[arg(long)]
    no_color: bool,
}

/// Tells the day. A finding if the proof fails.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    telemetry::start("warn");
    let began = Instant::now();
    let paper = Paper::new(args.no_color);
    let log = web::find(args.web_log.as_deref())?;
    let place = Place::new(args.data.as_deref())?;
    block_on(async {
        tokio::select! {
            told = tell(paper, &place, log.as_deref()) => told,
            _ = tokio::signal::ctrl_c() => Err("stopped before the end".into()),
        }
    })
    .map(|good| {
        end(paper, &place, good, began);
        if good { Outcome::Good } else { Outcome::Finding }
    })
}

async fn tell(paper: Paper, place: &Place, log: Option<&Path>) -> Result<bool, Failure> {
    paper.line(paper.strong("Akta remembers who read which personal data, forgets on time, and can prove both."));
    let options = Options {
        data: place.path().to_owned(),
        listen: Listen::Tcp(([127, 0, 0, 1], 0).into()),
        kek: Kek::dev(),
        settings: config::File::default().settings(true)?,
        dev: true,
    };
    let began = Instant::now();
    let server = Server::start(options).await?;
    let address = server.address().to_string();
    let kept = if place.kept() { "data" } else { "temporary data" };
    paper.line(format!(
        "A node serves on {address} after {}; {kept} in {}.",
        span(began.elapsed()),
        place.path().display()
    ));

    paper.heading("1  A day at a school, reported live (its nine hours are moved so that they end now)");
    live::record_day(paper, &address).await?;
    paper.heading("2  An older log comes in");
    match log {
        Some(log) => web::import(paper, Client::connect(&address).await?, log).await?,
        None => paper.line("  No web log here: give one in combined format with --web-log FILE."),
    }
    paper.heading("3  What a data-protection officer asks");
    let marked = questions::ask(paper, &mut Client::connect(&address).await?).await?;
    if !server.stop().await {
        return Err("the node did not stop in time: please report this".into());
    }
    prove(paper, place, marked).await
}

/// Verification and tampering read disks, so they run beside the runtime.
async fn prove(paper: Paper, place: &Place, marked: Marked) -> Result<bool, Failure> {
    tokio::task::block_in_place(|| {
        paper.heading("4  The proof: the node is stopped, every byte is read again");
        let whole = proof::whole(paper, place)?;
        paper.heading("5  Tampering, on copies of the folder");
        Ok(proof::tampered(paper, place, marked)? && whole)
    })
}

fn end(paper: Paper, place: &Place, good: bool, began: Instant) {
    let folder = if place.kept() { place.path().display().to_string() } else { "./akta-data".to_owned() };
    paper.heading("Next");
    if !place.kept() {
        paper.line(format!("  akta demo --data {folder:<22} the same day, to keep"));
    }
    paper.line(format!("  akta serve --dev --data {folder:<16} a node on it: every search above can be typed"));
    if place.kept() {
        paper.line("  akta search --controller school-12 --purpose security --all");
    }
    paper.line(format!("  akta verify --dev {folder:<22} the proof again, when the node is stopped"));
    paper.line("");
    if !good {
        paper.verdict(false, "FAILED", "something that must hold does not: see above, and please report it");
    }
    let kept = if place.kept() { format!("Data kept in {folder}.") } else { "Temporary data removed.".to_owned() };
    paper.line(format!("{kept} The whole took {}.", span(began.elapsed())));
}
