//! The load: connections that keep as many events under way as they may, and what they saw of the answers.
//!
//! Latency is from handing an event to the connection to its answer. Only answers within the measured window count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::child::{Server, own_cpu};
use super::codec::{Prepared, PreparedCodec, Templates};
use super::measure::Seen;
use super::random::Ids;
use crate::cli::Failure;
use crate::grpc::api::stream_events_response::Outcome as Answer;
use crate::grpc::api::{RecordEventResponse, StreamEventsResponse};

/// Before the measured window: connections, caches and processors come up to speed.
pub const WARM_UP: Duration = Duration::from_secs(1);
/// Connections that unary calls are spread over.
pub const CONNECTIONS_MAX: usize = 4;

const RECORD: &str = "/akta.v1.IngestService/RecordEvent";
const STREAM: &str = "/akta.v1.IngestService/StreamEvents";

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
    /// Calls over a few connections.
    Unary {
        /// Calls in flight.
        calls: usize,
    },
}

/// When to stop sending, and which answers count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    from: Instant,
    to: Instant,
}

/// Loads `server` for the warm-up and then `seconds` more. `templates` holds one set per connection.
pub async fn load(
    server: &Server,
    shape: Shape,
    templates: &[Arc<Templates>],
    seconds: Duration,
) -> Result<Seen, Failure> {
    let tasks = match shape {
        Shape::Stream { streams, .. } => streams,
        Shape::Unary { calls } => calls,
    };
    let mut connections = Vec::new();
    for _ in 0..tasks.min(templates.len()) {
        connections.push(Grpc::new(connect(&server.address).await?));
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + seconds };
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let at = task % connections.len();
        let (connection, templates) = (connections[at].clone(), templates[at].clone());
        let source = Source { at: task * 7_919 % templates.len(), templates, ids: Ids::fresh(task as u64) };
        match shape {
            Shape::Stream { window: ahead, .. } => running.spawn(stream(connection, source, ahead, window)),
            Shape::Unary { .. } => running.spawn(calls(connection, source, window)),
        };
    }
    tokio::time::sleep_until(window.from.into()).await;
    let before = (server.cpu()?, own_cpu()?);
    tokio::time::sleep_until(window.to.into()).await;
    let after = (server.cpu()?, own_cpu()?);
    let mut seen = Seen { seconds, server_cpu: after.0 - before.0, client_cpu: after.1 - before.1, ..Seen::default() };
    while let Some(done) = running.join_next().await {
        let Connection { sent, latencies } = done?.map_err(refused)?;
        seen.sent += sent;
        seen.latencies.extend(latencies);
    }
    seen.latencies.sort_unstable();
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

/// A connection with the windows of `akta::client`.
pub async fn connect(address: &str) -> Result<Channel, Failure> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let endpoint = endpoint.initial_stream_window_size(1 << 20).initial_connection_window_size(4 << 20);
    Ok(endpoint.tcp_nodelay(true).connect().await?)
}

/// Requests without end.
#[derive(Debug)]
pub struct Source {
    /// What is sent, over and over.
    pub templates: Arc<Templates>,
    /// The next one.
    pub at: usize,
    /// Ids of their own.
    pub ids: Ids,
}

impl Source {
    fn draw(&mut self) -> Prepared {
        let index = self.at;
        self.at = (self.at + 1) % self.templates.len();
        Prepared { templates: self.templates.clone(), index, id: self.ids.draw() }
    }
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Connection {
    sent: u64,
    latencies: Vec<Duration>,
}

impl Connection {
    fn answered(&mut self, sent: Instant, window: Window) {
        self.sent += 1;
        let now = Instant::now();
        if now >= window.from && now < window.to {
            self.latencies.push(now - sent);
        }
    }
}

async fn stream(
    mut connection: Grpc<Channel>,
    mut source: Source,
    ahead: usize,
    window: Window,
) -> Result<Connection, Status> {
    let (events, outgoing) = mpsc::channel(ahead);
    // Holds when each event under way was sent; full, it holds the sender back.
    let (under_way, mut times) = mpsc::channel(ahead);
    let sender = tokio::spawn(async move {
        while let Ok(slot) = under_way.reserve().await {
            let now = Instant::now();
            if now >= window.to {
                return;
            }
            slot.send(now);
            if events.send(source.draw()).await.is_err() {
                return;
            }
        }
    });
    ready(&mut connection).await?;
    let codec = PreparedCodec::<StreamEventsResponse>::default();
    let request = Request::new(ReceiverStream::new(outgoing));
    let mut answers = connection.streaming(request, PathAndQuery::from_static(STREAM), codec).await?.into_inner();
    let mut seen = Connection::default();
    while let Some(answer) = answers.message().await? {
        match answer.outcome {
            Some(Answer::Receipt(_)) => {}
            Some(Answer::Refusal(refusal)) => {
                return Err(Status::aborted(format!("an event was refused: {refusal:?}")));
            }
            None => return Err(Status::internal("an answer says nothing")),
        }
        let sent = times.recv().await.ok_or_else(|| Status::internal("more answers than events"))?;
        seen.answered(sent, window);
    }
    sender.await.map_err(|error| Status::internal(error.to_string()))?;
    match times.recv().await {
        None => Ok(seen),
        Some(_) => Err(Status::internal("the stream ended before every event had its answer")),
    }
}

async fn calls(mut connection: Grpc<Channel>, mut source: Source, window: Window) -> Result<Connection, Status> {
    let mut seen = Connection::default();
    loop {
        let sent = Instant::now();
        if sent >= window.to {
            return Ok(seen);
        }
        call(&mut connection, source.draw()).await?;
        seen.answered(sent, window);
    }
}

async fn call(connection: &mut Grpc<Channel>, event: Prepared) -> Result<(), Status> {
    ready(connection).await?;
    let codec = PreparedCodec::<RecordEventResponse>::default();
    let answer = connection.unary(Request::new(event), PathAndQuery::from_static(RECORD), codec).await?;
    answer.into_inner().receipt.map(|_| ()).ok_or_else(|| Status::internal("the answer has no receipt"))
}

async fn ready(connection: &mut Grpc<Channel>) -> Result<(), Status> {
    connection.ready().await.map_err(|error| Status::unavailable(error.to_string()))
}

fn refused(status: Status) -> Failure {
    Failure(format!("the server answered {:?}: {}", status.code(), status.message()))
}
