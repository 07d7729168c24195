//! What the runs came to, as tables and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::disk::{self, Place};
use super::lag::Lag;
use super::load::{Shape, WARM_UP};
use super::measure::{Seen, Spread};
use crate::cli::{Failure, text};
use crate::store::Database;

/// Bytes on disk that a node left per event.
#[derive(Debug)]
pub struct Footprint([f64; 3]);

impl Footprint {
    /// Of a stopped node's data folder.
    pub fn of(data: &Path, events: u64) -> Result<Self, Failure> {
        let mut bytes = [0.0; 3];
        for (bytes, database) in bytes.iter_mut().zip(Database::ALL) {
            *bytes = disk::taken(&data.join(database.folder()))? as f64 / events.max(1) as f64;
        }
        Ok(Self(bytes))
    }

    fn all(&self) -> f64 {
        self.0.iter().sum()
    }
}

/// The runs of one shape.
#[derive(Debug)]
pub struct Runs {
    /// How events went in.
    pub shape: Shape,
    /// Into a node.
    pub node: Vec<Seen>,
    /// Into the empty server, run by run after the node; empty without --ceiling.
    pub ceiling: Vec<Seen>,
    /// How far the node's index was behind at the end.
    pub lags: Vec<Lag>,
    /// What the node left on the disk.
    pub footprints: Vec<Footprint>,
}

impl Runs {
    /// None yet.
    pub fn new(shape: Shape) -> Self {
        Self { shape, node: Vec::new(), ceiling: Vec::new(), lags: Vec::new(), footprints: Vec::new() }
    }

    fn records_behind(&self) -> Spread {
        Spread::of(self.lags.iter().map(|lag| lag.records as f64))
    }

    fn seconds_behind(&self) -> Spread {
        Spread::of(self.lags.iter().map(|lag| lag.waited.as_secs_f64()))
    }

    fn ratio(&self) -> Spread {
        Spread::of(self.node.iter().zip(&self.ceiling).map(|(node, ceiling)| node.rate() / ceiling.rate()))
    }

    fn row(&self, server: &str, runs: &[Seen], ratio: String) -> Vec<String> {
        let spread = |figure: &dyn Fn(&Seen) -> f64| Spread::of(runs.iter().map(figure));
        let tenths = |figure: f64| format!("{figure:.1}");
        let hundredths = |figure: f64| format!("{figure:.2}");
        vec![
            self.shape.word().to_owned(),
            server.to_owned(),
            spread(&Seen::rate).show(|rate| text::number(rate.round() as u64)),
            spread(&|seen| seen.latency(0.5)).show(hundredths),
            spread(&|seen| seen.latency(0.99)).show(hundredths),
            spread(&|seen| seen.per_event(seen.server_cpu)).show(tenths),
            spread(&|seen| seen.per_event(seen.client_cpu)).show(tenths),
            ratio,
        ]
    }

    fn json(&self) -> Value {
        let spreads = |runs: &[Seen]| {
            let spread = |figure: &dyn Fn(&Seen) -> f64| Spread::of(runs.iter().map(figure)).json();
            json!({
                "events_per_second": spread(&Seen::rate),
                "p50_ms": spread(&|seen| seen.latency(0.5)),
                "p99_ms": spread(&|seen| seen.latency(0.99)),
                "server_cpu_us_per_event": spread(&|seen| seen.per_event(seen.server_cpu)),
                "client_cpu_us_per_event": spread(&|seen| seen.per_event(seen.client_cpu)),
                "runs": runs.iter().map(Seen::json).collect::<Vec<_>>(),
            })
        };
        let measured = !self.ceiling.is_empty();
        json!({
            "shape": self.shape.word(),
            "node": spreads(&self.node),
            "ceiling": measured.then(|| spreads(&self.ceiling)),
            "of_ceiling": measured.then(|| self.ratio().json()),
            "index_behind_records": self.records_behind().json(),
            "index_behind_seconds": self.seconds_behind().json(),
            "disk_bytes_per_event": Spread::of(self.footprints.iter().map(Footprint::all)).json(),
        })
    }
}

/// What is measured, in words.
pub fn about(shapes: &[Shape], runs: u16, seconds: u32, place: &Place, mean: f64) -> String {
    let loads: Vec<String> = shapes
        .iter()
        .map(|shape| match shape {
            Shape::Stream { streams, window } => {
                format!("{streams} streams, each {} events ahead", text::number(*window as u64))
            }
            Shape::Unary { calls } => {
                format!("{} unary calls in flight on {} connections", text::number(*calls as u64), shape.connections())
            }
            Shape::Batch { calls, events } => {
                format!("{calls} batches of {events} in flight on {} connections", shape.connections())
            }
        })
        .collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let system = place.file_system();
    let mut about = format!(
        "{}\nruns: {} of {} s after {} s of warm-up; an event is {mean:.0} bytes; {processors} processors, shared with the \
         generator; data on {system}\n",
        loads.join("; "),
        runs,
        seconds,
        WARM_UP.as_secs(),
    );
    if system == "tmpfs" {
        about += "note: the data folder is in memory, so syncs cost nothing: give --data DIR on a disk\n";
    }
    if cfg!(debug_assertions) {
        about += "note: this is a debug build: its figures say little\n";
    }
    about
}

/// Ingest of all shapes as one table.
pub fn ingest(all: &[Runs]) -> String {
    let head =
        ["shape", "server", "events/s", "p50 ms", "p99 ms", "server CPU µs/event", "client CPU µs/event", "of ceiling"];
    let mut rows = Vec::new();
    for runs in all {
        let measured = !runs.ceiling.is_empty();
        let ratio = if measured { runs.ratio().show(|ratio| format!("{ratio:.2}")) } else { "-".to_owned() };
        rows.push(runs.row("akta", &runs.node, ratio));
        if measured {
            rows.push(runs.row("empty", &runs.ceiling, "1".to_owned()));
        }
    }
    text::table(&head, &rows)
}

/// What all shapes left behind, as one table: what was not yet indexed at the end, and bytes on disk.
pub fn left(all: &[Runs]) -> String {
    let head =
        ["shape", "records not indexed", "s until they were", "bytes/event on disk", "db", "vault", "index", "events"];
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|runs| {
            let spread = |figure: &dyn Fn(&Footprint) -> f64| {
                Spread::of(runs.footprints.iter().map(figure)).show(|bytes| format!("{bytes:.0}"))
            };
            let events = Spread::of(runs.node.iter().map(|seen| seen.sent as f64));
            vec![
                runs.shape.word().to_owned(),
                runs.records_behind().show(|records| text::number(records as u64)),
                runs.seconds_behind().show(|seconds| format!("{seconds:.2}")),
                spread(&Footprint::all),
                spread(&|footprint| footprint.0[0]),
                spread(&|footprint| footprint.0[1]),
                spread(&|footprint| footprint.0[2]),
                events.show(|events| text::number(events as u64)),
            ]
        })
        .collect();
    text::table(&head, &rows)
}

/// All shapes as JSON.
pub fn json(all: &[Runs]) -> Value {
    all.iter().map(Runs::json).collect()
}
