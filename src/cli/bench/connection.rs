//! One connection: requests without end, their answers, and when each came.

use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::codec::{Outgoing, Prepared, PreparedCodec, Templates};
use super::histogram::Histogram;
use super::ids::Ids;
use crate::cli::Failure;
use crate::grpc::api::stream_events_response::Outcome as Answer;
use crate::grpc::api::{RecordEventResponse, RecordEventsResponse, StreamEventsResponse};

const RECORD: &str = "/akta.v1.IngestService/RecordEvent";
const RECORD_ALL: &str = "/akta.v1.IngestService/RecordEvents";
const STREAM: &str = "/akta.v1.IngestService/StreamEvents";

/// When to stop sending, and which answers count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Answers before it are warm-up.
    pub from: Instant,
    /// From here on nothing is sent and no answer counts.
    pub to: Instant,
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
    /// The next request.
    pub fn draw(&mut self) -> Prepared {
        let index = self.at;
        self.at = (self.at + 1) % self.templates.count();
        Prepared { templates: self.templates.clone(), index, id: self.ids.draw() }
    }
}

/// What was answered.
#[derive(Debug, Default)]
pub struct Answered {
    /// All of them.
    pub sent: u64,
    /// Those of the measured window.
    pub latencies: Histogram,
}

impl Answered {
    fn answered(&mut self, sent: Instant, window: Window, events: u32) {
        self.sent += u64::from(events);
        let now = Instant::now();
        if now >= window.from && now < window.to {
            self.latencies.add(now - sent, events);
        }
    }
}

/// Sends over one stream, as far ahead as it may, until the window ends; then waits for the answers.
pub async fn stream(
    mut connection: Grpc<Channel>,
    mut source: Source,
    ahead: usize,
    window: Window,
) -> Result<Answered, Status> {
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
    let codec = PreparedCodec::<Prepared, StreamEventsResponse>::default();
    let request = Request::new(ReceiverStream::new(outgoing));
    let mut answers = connection.streaming(request, PathAndQuery::from_static(STREAM), codec).await?.into_inner();
    let mut seen = Answered::default();
    while let Some(answer) = answers.message().await? {
        match answer.outcome {
            Some(Answer::Receipt(_)) => {}
            Some(Answer::Refusal(refusal)) => {
                return Err(Status::aborted(format!("an event was refused: {refusal:?}")));
            }
            None => return Err(Status::internal("an answer says nothing")),
        }
        let sent = times.recv().await.ok_or_else(|| Status::internal("more answers than events"))?;
        seen.answered(sent, window, 1);
    }
    sender.await.map_err(|error| Status::internal(error.to_string()))?;
    match times.recv().await {
        None => Ok(seen),
        Some(_) => Err(Status::internal("the stream ended before every event had its answer")),
    }
}

/// Calls, one after the other, until the window ends: of one event each, or of a batch of so many.
pub async fn calls(
    mut connection: Grpc<Channel>,
    mut source: Source,
    batch: Option<u16>,
    window: Window,
) -> Result<Answered, Status> {
    let mut seen = Answered::default();
    loop {
        let sent = Instant::now();
        if sent >= window.to {
            return Ok(seen);
        }
        match batch {
            None => call(&mut connection, source.draw()).await?,
            Some(count) => call_batch(&mut connection, (0..count).map(|_| source.draw()).collect()).await?,
        }
        seen.answered(sent, window, batch.map_or(1, u32::from));
    }
}

/// One call of one event.
pub async fn call(connection: &mut Grpc<Channel>, event: Prepared) -> Result<(), Status> {
    let answer: RecordEventResponse = unary(connection, RECORD, event).await?;
    answer.receipt.map(|_| ()).ok_or_else(|| Status::internal("the answer has no receipt"))
}

async fn call_batch(connection: &mut Grpc<Channel>, events: Vec<Prepared>) -> Result<(), Status> {
    let count = events.len();
    let answer: RecordEventsResponse = unary(connection, RECORD_ALL, events).await?;
    let receipts = answer.results.iter().filter(|result| result.receipt.is_some()).count();
    if receipts == count { Ok(()) } else { Err(Status::internal("the answer lacks receipts")) }
}

async fn unary<R: Outgoing + Sync, A: Message + Default + 'static>(
    connection: &mut Grpc<Channel>,
    path: &'static str,
    request: R,
) -> Result<A, Status> {
    ready(connection).await?;
    let codec = PreparedCodec::<R, A>::default();
    Ok(connection.unary(Request::new(request), PathAndQuery::from_static(path), codec).await?.into_inner())
}

async fn ready(connection: &mut Grpc<Channel>) -> Result<(), Status> {
    connection.ready().await.map_err(|error| Status::unavailable(error.to_string()))
}

/// What a status means here: the end.
pub fn refused(status: Status) -> Failure {
    Failure(format!("the server answered {:?}: {}", status.code(), status.message()))
}
