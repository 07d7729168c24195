//! One durable call, alone: what it takes against what it cannot do without, an empty call and a sync of the disk.

use std::sync::Arc;

use serde_json::{Value, json};
use tonic::client::Grpc;

use super::child::Server;
use super::codec::Templates;
use super::connection::{Source, connect};
use super::disk::{self, Place};
use super::ids::Ids;
use super::load::one_by_one;
use super::measure::{Spread, median};
use crate::cli::{Failure, text};

/// Different events; the first pass over them meets new people, the second known ones.
const EVENTS: usize = 400;
/// Syncs and calls take turns in rounds of so many, so that a disk that is busy for a while slows them alike.
const ROUND: usize = 10;

/// Medians of one run, in milliseconds.
#[derive(Debug)]
struct Run {
    first_seen: f64,
    known: f64,
    empty: f64,
    sync: f64,
}

/// What lone calls came to, run by run.
#[derive(Debug, Default)]
pub struct Lone(Vec<Run>);

impl Lone {
    /// One more run, on a node of its own.
    pub async fn run(&mut self, place: &Place, name: &str) -> Result<(), Failure> {
        let templates = Arc::new(Templates::new(0x10e, EVENTS));
        let source = || Source { templates: templates.clone(), at: 0, ids: Ids::fresh(u64::MAX) };
        let data = place.run(name)?;
        let (node, server) = (Server::node(&data).await?, Server::empty().await?);
        let (mut to_node, mut events) = (Grpc::new(connect(&node.address).await?), source());
        let (mut to_server, mut others) = (Grpc::new(connect(&server.address).await?), source());
        let (mut passes, mut empty, mut syncs) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
        for pass in &mut passes {
            for _ in 0..EVENTS / ROUND {
                syncs.extend(disk::syncs(place.path(), ROUND)?);
                pass.extend(one_by_one(&mut to_node, &mut events, ROUND).await?);
                empty.extend(one_by_one(&mut to_server, &mut others, ROUND).await?);
            }
        }
        node.stop().await?;
        server.stop().await?;
        place.done(&data);
        let [first_seen, known] = passes;
        self.0.push(Run {
            first_seen: median(first_seen),
            known: median(known),
            empty: median(empty),
            sync: median(syncs),
        });
        Ok(())
    }

    fn spread(&self, figure: impl Fn(&Run) -> f64) -> Spread {
        Spread::of(self.0.iter().map(figure))
    }

    /// As a table.
    pub fn table(&self) -> String {
        let head = ["", "p50 ms", "empty call", "fdatasync 4 KiB", "floor", "times floor"];
        let floor = |run: &Run| run.empty + run.sync;
        let row = |name: &str, figure: fn(&Run) -> f64| {
            let show = |spread: Spread| spread.show(|figure| format!("{figure:.3}"));
            vec![
                name.to_owned(),
                show(self.spread(figure)),
                show(self.spread(|run| run.empty)),
                show(self.spread(|run| run.sync)),
                show(self.spread(floor)),
                self.spread(|run| figure(run) / floor(run)).show(|figure| format!("{figure:.2}")),
            ]
        };
        let rows = [row("lone call", |run| run.known), row("lone call, people first seen", |run| run.first_seen)];
        text::table(&head, &rows)
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "p50_ms": self.spread(|run| run.known).json(),
            "first_seen_p50_ms": self.spread(|run| run.first_seen).json(),
            "empty_call_p50_ms": self.spread(|run| run.empty).json(),
            "fdatasync_4_kib_p50_ms": self.spread(|run| run.sync).json(),
            "times_floor": self.spread(|run| run.known / (run.empty + run.sync)).json(),
        })
    }
}
