//! The load: connections that keep as many events under way as they may, and what they saw of the answers.
//!
//! Latency is from handing an event to the connection to its answer. Only answers within the measured window count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::transport::Channel;

use super::child::{Server, own_cpu};
use super::codec::Templates;
use super::connection::{Answered, Source, Window, call, calls, connect, refused, stream};
use super::ids::Ids;
use super::measure::Seen;
use crate::cli::Failure;

/// Before the measured window: connections, caches and processors come up to speed.
pub const WARM_UP: Duration = Duration::from_secs(1);
/// Connections that unary calls are spread over.
pub const CONNECTIONS_MAX: usize = 4;

/// How events go to the server.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// One connection per stream.
    Stream {
        /// How many streams.
        streams: usize,
        /// Events ahead of the answers, per stream.
        window: usize,
    },
    /// Calls of one event over a few connections.
    Unary {
        /// Calls in flight.
        calls: usize,
    },
    /// Calls of many events over a few connections.
    Batch {
        /// Calls in flight.
        calls: usize,
        /// Events of each.
        events: u16,
    },
}

impl Shape {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stream { .. } => "stream",
            Self::Unary { .. } => "unary",
            Self::Batch { .. } => "batch",
        }
    }

    /// Streams, or calls in flight.
    pub fn at_once(self) -> usize {
        match self {
            Self::Stream { streams, .. } => streams,
            Self::Unary { calls } | Self::Batch { calls, .. } => calls,
        }
    }

    /// Connections that it takes.
    pub fn connections(self) -> usize {
        match self {
            Self::Stream { streams, .. } => streams,
            Self::Unary { calls } | Self::Batch { calls, .. } => calls.min(CONNECTIONS_MAX),
        }
    }
}

/// Loads `server` for the warm-up and then `seconds` more. Connections take turns at the sets of `templates`.
pub async fn load(
    server: &Server,
    shape: Shape,
    templates: &[Arc<Templates>],
    seconds: Duration,
) -> Result<Seen, Failure> {
    let mut connections = Vec::new();
    for _ in 0..shape.connections() {
        connections.push(Grpc::new(connect(&server.address).await?));
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + seconds };
    let mut running = JoinSet::new();
    for task in 0..shape.at_once() {
        let at = task % connections.len();
        let (connection, templates) = (connections[at].clone(), templates[at % templates.len()].clone());
        let source = Source { at: task * 7_919 % templates.count(), templates, ids: Ids::fresh(task as u64) };
        match shape {
            Shape::Stream { window: ahead, .. } => running.spawn(stream(connection, source, ahead, window)),
            Shape::Unary { .. } => running.spawn(calls(connection, source, None, window)),
            Shape::Batch { events, .. } => running.spawn(calls(connection, source, Some(events), window)),
        };
    }
    tokio::time::sleep_until(window.from.into()).await;
    let before = (server.cpu()?, own_cpu()?);
    tokio::time::sleep_until(window.to.into()).await;
    let after = (server.cpu()?, own_cpu()?);
    let mut seen = Seen { seconds, server_cpu: after.0 - before.0, client_cpu: after.1 - before.1, ..Seen::default() };
    while let Some(done) = running.join_next().await {
        let Answered { sent, latencies } = done?.map_err(refused)?;
        seen.sent += sent;
        seen.latencies.merge(&latencies);
    }
    Ok(seen)
}

/// Times `count` calls, one after the other.
pub async fn one_by_one(
    connection: &mut Grpc<Channel>,
    source: &mut Source,
    count: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        call(connection, source.draw()).await.map_err(refused)?;
        times.push(begun.elapsed());
    }
    Ok(times)
}
