//! `akta demo`: a school's day, its questions and the proof, in seconds.

pub mod act;
pub mod ask;
pub mod cast;
pub mod curious;
pub mod folder;
pub mod leaves;
pub mod live;
pub mod office;
pub mod paper;
pub mod people;
pub mod proof;
pub mod questions;
pub mod school;
pub mod tables;
pub mod tamper;
pub mod web;
pub mod week;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use folder::Place;
use live::span;
use paper::Paper;
use proof::Looked;
use questions::Marked;
use week::Before;

use super::{Failure, Outcome, block_on};
use crate::client::Client;
use crate::config::{self, Listen};
use crate::env::{Clock, SystemClock};
use crate::model::country::Country;
use crate::model::recipient::{Places, Recipients};
use crate::server::{Options, Server};
use crate::telemetry;
use crate::trail::keyring::Kek;

/// See it work: a school's day, its questions and the proof, in seconds
///
/// Starts a node of its own, reports a small school's day to it, imports a web log if there is one, asks what a
/// data-protection officer would ask, verifies the data, shows that tampering with copies of it is found, and what of
/// it is forgotten: a week later, and once a teacher has left. Needs nothing and changes nothing: its data are in a temporary folder unless --data says where to keep them.
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
    let good = block_on(tell(paper, &place, log.as_deref()))?;
    end(paper, &place, good, began);
    Ok(if good { Outcome::Good } else { Outcome::Finding })
}

async fn tell(paper: Paper, place: &Place, log: Option<&Path>) -> Result<bool, Failure> {
    paper.line(paper.strong("Akta remembers who read which personal data, forgets on time, and can prove both."));
    let began = Instant::now();
    let server = Server::start(options(place.path(), Arc::new(SystemClock))?).await?;
    let address = server.address().to_string();
    paper.line(format!("A node serves on {address} after {}, with the public keys of --dev.", span(began.elapsed())));
    let kept = if place.kept() { "" } else { ", until the end" };
    paper.line(format!("Its data are in {}{kept}.", place.path().display()));

    let lived = tokio::select! {
        lived = live(paper, &address, log) => lived,
        _ = tokio::signal::ctrl_c() => Err("stopped before the end".into()),
    };
    // Whatever happened: a folder cannot go while a node writes to it.
    let in_time = server.stop().await;
    let (marked, before) = lived?;
    if !in_time {
        return Err("the node did not stop in time: please report this".into());
    }
    let proved = prove(paper, place, marked)?;
    paper.heading("6  A week later, on a copy: what has reached its date is gone");
    let expired = week::later(paper, place, &before).await?;
    paper.heading("7  A teacher leaves, on a copy: she is erased, and what others are told stays");
    Ok(leaves::erased(paper, place).await? && expired && proved)
}

/// A node of `--dev` on that folder.
fn options(data: &Path, clock: Arc<dyn Clock>) -> Result<Options, Failure> {
    Ok(Options {
        copies: None,
        data: data.to_owned(),
        guard: None,
        listen: Listen::Tcp(([127, 0, 0, 1], 0).into()).into(),
        kek: Kek::dev(),
        settings: config::File::default().settings(true)?,
        access: config::Access::Everybody,
        places: places(),
        dev: true,
        clock,
    })
}

/// The school is in Poland, and so is the one to whom it hands something on.
fn places() -> Places {
    let named = [("PayU S.A.".to_owned(), "PL".to_owned())];
    Places { region: Country::new("PL"), recipients: Recipients::new(named).unwrap_or_default().into() }
}

/// What needs the node.
async fn live(paper: Paper, address: &str, log: Option<&Path>) -> Result<(Marked, Before), Failure> {
    paper.heading("1  Nine hours at a school, reported live, and moved so that they end now");
    live::record_day(paper, address).await?;
    paper.heading("2  A web server's log comes in");
    match log {
        Some(log) => web::import(paper, Client::connect(address).await?, log).await?,
        None => paper.line("  No web log here: give one in combined format with --web-log FILE."),
    }
    paper.heading("3  What a data-protection officer asks");
    let mut client = Client::connect(address).await?;
    let marked = questions::ask(paper, &mut client).await?;
    let before = Before::look(&mut client).await?;
    Ok((marked, before))
}

/// What needs it stopped. Reads disks, so the runtime is told.
fn prove(paper: Paper, place: &Place, marked: Marked) -> Result<bool, Failure> {
    tokio::task::block_in_place(|| {
        paper.heading("4  The proof: the node is stopped, every record is read again");
        let whole = proof::whole(paper, &Looked::now(place.path()))?;
        paper.heading("5  Tampering, on copies of the folder");
        Ok(proof::tampered(paper, place, marked)? && whole)
    })
}

fn end(paper: Paper, place: &Place, good: bool, began: Instant) {
    let path = place.path().display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    let folder = match place.kept() {
        true if path.chars().all(plain) => path.clone(),
        true => format!("'{}'", path.replace('\'', "'\\''")),
        false => "./akta-demo".to_owned(),
    };
    let serve = (format!("akta serve --dev --data {folder}"), "a node on it, for the searches above");
    let verify = (format!("akta verify --dev {folder}"), "the proof again, once it is stopped");
    let next = match place.kept() {
        true => {
            let search = "akta search --controller school-12 --purpose security --all".to_owned();
            [serve, (search, "the whole day"), verify]
        }
        false => [(format!("akta demo --data {folder}"), "the same day, kept"), serve, verify],
    };
    paper.heading("Next");
    let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    for (command, what) in next {
        paper.line(format!("  {command:<width$}  {what}"));
    }
    paper.line("");
    if !good {
        paper.verdict(false, "FAILED", "something that must hold does not: see above, and please report it");
    }
    let data = if place.kept() { format!("The data stay in {path}.") } else { "The data are removed.".to_owned() };
    paper.line(format!("{data} The whole took {}.", span(began.elapsed())));
}
