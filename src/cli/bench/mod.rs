//! `akta bench`: what a durable node takes in, against a server that stores nothing and against the disk.

pub mod child;
pub mod codec;
pub mod connection;
pub mod disk;
pub mod empty;
pub mod events;
pub mod histogram;
pub mod ids;
pub mod lag;
pub mod load;
pub mod lone;
pub mod measure;
pub mod report;
pub mod zipf;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, ValueEnum, value_parser};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::text::Progress;
use super::{Failure, Outcome, block_on};
use child::Server;
use codec::Templates;
use disk::Place;
use lag::Lag;
use load::{Shape, load};
use lone::Lone;
use report::{Footprint, Runs};

/// Different events per connection, sent over and over under new ids.
const TEMPLATES: usize = 20_000;
/// Connections beyond these share their events: a set takes 7 MB.
const TEMPLATE_SETS_MAX: usize = 16;

/// Measure how fast a node takes events in, durably
///
/// Starts nodes of this binary on fresh data folders, loads each for some seconds after one of
/// warm-up, and shows medians over the runs, with the lowest and the highest. The generator runs on
/// the same machine: what it takes of the processors is shown beside what the server takes.
///
/// With --ceiling, each run is followed by one against a server that decodes events, answers with a
/// fixed receipt and stores nothing: what gRPC itself costs here. "of ceiling" is the node's rate as
/// a share of that, run by run. Runs of all shapes take turns, so that a machine that is busy for a
/// while slows them alike.
///
/// Always measured: one call alone against its floor, an empty call and an fdatasync of 4 KiB; how
/// far the index is behind when the last answer came; and the bytes that an event takes on the disk. A fresh node meets everybody for the first time: the
/// longer a run, the smaller the share of the vault, in time and in bytes.
///
///   akta bench --ceiling
///   akta bench --shape unary --concurrency 1000 --seconds 20
///   akta bench --data /mnt/disk/bench --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Report over streams, by calls of a batch, or by calls of one event; all in turn unless given
    #[arg(long, value_enum, value_name = "stream|batch|unary")]
    shape: Option<Word>,
    /// Streams, each on a connection of its own (4 unless given); calls in flight, on 4 connections (16 of a batch, 64
    /// of one event)
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    concurrency: Option<u16>,
    /// Events that a stream may be ahead of its answers
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = value_parser!(u16).range(1..=4_096))]
    window: u16,
    /// Events of a batch
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Measured seconds of each run
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Runs of each shape
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u16).range(1..))]
    runs: u16,
    /// Folder on the disk to measure; a data folder of each run stays in it. A temporary one in TMPDIR or /var/tmp
    /// unless given, removed at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Measure also a server that stores nothing
    #[arg(long)]
    ceiling: bool,
    /// The result as one JSON object
    #[arg(long)]
    json: bool,
    /// Be the server that stores nothing
    #[arg(long, hide = true, action = ArgAction::SetTrue)]
    serve_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    Stream,
    Batch,
    Unary,
}

/// Measures and shows.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    if args.serve_empty {
        return block_on(empty::serve());
    }
    block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Whoever ends first, dropping the other ends its servers and removes its folder.
        tokio::select! {
            done = measure(args) => done,
            _ = terminate.recv() => Err("stopped".into()),
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    })
}

impl Args {
    fn shapes(&self) -> Vec<Shape> {
        let count = |default: usize| self.concurrency.map_or(default, usize::from);
        let stream = Shape::Stream { streams: count(4), window: self.window.into() };
        let batch = Shape::Batch { calls: count(16), events: self.batch };
        let unary = Shape::Unary { calls: count(64) };
        match self.shape {
            None => vec![stream, batch, unary],
            Some(Word::Stream) => vec![stream],
            Some(Word::Batch) => vec![batch],
            Some(Word::Unary) => vec![unary],
        }
    }
}

async fn measure(args: Args) -> Result<Outcome, Failure> {
    let place = Place::new(args.data.clone())?;
    let shapes = args.shapes();
    let connections = shapes.iter().map(|shape| shape.connections()).max().unwrap_or(1);
    let sets = connections.min(TEMPLATE_SETS_MAX) as u64;
    let templates: Vec<_> = (0..sets).map(|seed| Arc::new(Templates::new(seed, TEMPLATES))).collect();
    let mean = templates.iter().map(|set| set.mean_event_bytes()).sum::<f64>() / templates.len() as f64;
    if !args.json {
        println!("{}", report::about(&shapes, args.runs, args.seconds, &place, mean));
    }
    let (progress, mut done) = (Progress::new(), 0);
    let total = u64::from(args.runs) * (shapes.len() as u64 + 1);
    let mut all: Vec<Runs> = shapes.into_iter().map(Runs::new).collect();
    let mut lone = Lone::default();
    for run in 1..=args.runs {
        for runs in &mut all {
            progress.show(runs.shape.word(), done, total);
            one_run(&args, &place, &templates, runs, run).await?;
            done += 1;
        }
        progress.show("lone call", done, total);
        lone.run(&place, &format!("lone-{run}")).await?;
        done += 1;
    }
    progress.done();
    if args.json {
        let ingest = report::json(&all);
        println!("{}", json!({ "mean_event_bytes": mean, "ingest": ingest, "lone_call": lone.json() }));
    } else {
        println!("{}\n\n{}\n\n{}", report::ingest(&all), lone.table(), report::left(&all));
    }
    Ok(Outcome::Good)
}

/// A node on a fresh folder, and right after it the empty server.
async fn one_run(
    args: &Args,
    place: &Place,
    templates: &[Arc<Templates>],
    runs: &mut Runs,
    run: u16,
) -> Result<(), Failure> {
    let seconds = Duration::from_secs(args.seconds.into());
    let data = place.run(&format!("{}-{run}", runs.shape.word()))?;
    let node = Server::node(&data).await?;
    let seen = load(&node, runs.shape, templates, seconds).await?;
    runs.lags.push(Lag::of(&node).await?);
    node.stop().await?;
    runs.footprints.push(Footprint::of(&data, seen.sent)?);
    runs.node.push(seen);
    place.done(&data);
    if args.ceiling {
        let server = Server::empty().await?;
        runs.ceiling.push(load(&server, runs.shape, templates, seconds).await?);
        server.stop().await?;
    }
    Ok(())
}
