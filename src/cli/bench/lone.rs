//! One durable call, alone: what it takes against what it cannot do without, an empty call and a sync of the disk.

use std::sync::Arc;

use serde_json::{Value, json};
use tonic::client::Grpc;

use super::child::Server;
use super::codec::Templates;
use super::connection::{Source, connect};
use super::disk::{self, Place};
use super::load::one_by_one;
use super::measure::{Spread, median};
use super::random::Ids;
use crate::cli::{Failure, text};

/// Calls, and syncs, per run; the first pass over as many templates meets new people, the second known ones.
const CALLS: usize = 400;

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
        let templates = Arc::new(Templates::new(0x10e, CALLS));
        let mut source = Source { templates, at: 0, ids: Ids::fresh(u64::MAX) };
        let mut syncs = disk::syncs(place.path(), CALLS / 2)?;

        let data = place.run(name)?;
        let node = Server::node(&data).await?;
        let mut connection = Grpc::new(connect(&node.address).await?);
        let first_seen = one_by_one(&mut connection, &mut source, CALLS).await?;
        let known = one_by_one(&mut connection, &mut source, CALLS).await?;
        node.stop().await?;
        place.done(&data);

        syncs.extend(disk::syncs(place.path(), CALLS / 2)?);
        let server = Server::empty().await?;
        let mut connection = Grpc::new(connect(&server.address).await?);
        one_by_one(&mut connection, &mut source, CALLS).await?;
        let empty = one_by_one(&mut connection, &mut source, CALLS).await?;
        server.stop().await?;
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
