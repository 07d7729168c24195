//! Streams of events: read as far ahead as there is room, answered in order.
//!
//! What has come of a stream goes to the writer in one hand-over, and its answers come back in one: under load one
//! wakeup serves many events, and an event that comes alone waits for nobody.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use super::api::stream_events_response::Outcome;
use super::api::{Event, RecordEventResponse, StreamEventsRequest, StreamEventsResponse};
use super::ingest::{Reporter, STREAM, report, result, ruled, take};
use super::outcome;
use super::status::Refusal;
use crate::metrics::Metrics;
use crate::model;
use crate::model::origin::Controller;
use crate::trail::node::Pending;
use crate::trail::submission::RecordError;

/// Most events of one hand-over.
const HANDED_MAX: usize = 32;
/// Nothing is added to a hand-over that has so many bytes.
const HANDED_BYTES: usize = 256 * 1024;
/// Hand-overs of one stream that may await their answers, of 4,096 events at most; beyond it the stream is not read.
const AHEAD_MAX: usize = 128;
/// Characters of an event id that are echoed: as sent, but never at a length that would fill memory while answers wait.
const ECHOED_MAX: usize = 64;

type Events = Streaming<StreamEventsRequest>;

/// The answers to a stream of events, in their order.
pub struct Answers {
    metrics: Arc<Metrics>,
    taken: mpsc::Receiver<Result<Taken, Status>>,
    /// Of the answers that are being read.
    unanswered: Option<OwnedSemaphorePermit>,
    awaited: Option<Taken>,
    answered: vec::IntoIter<StreamEventsResponse>,
}

/// Events on their way.
struct Taken {
    events: Vec<Read>,
    /// The answers to those that were not refused; `None` if all of them were.
    pending: Option<Pending>,
    /// Room for all the answers, until they are read.
    unanswered: Option<OwnedSemaphorePermit>,
}

/// An event as it was read.
struct Read {
    event_id: String,
    refusal: Option<Refusal>,
}

/// Events that are read but not yet handed over.
#[derive(Default)]
struct Reading {
    events: Vec<Read>,
    good: Vec<(Controller, model::event::Event)>,
    bytes: usize,
}

impl Answers {
    /// Reads the events until the client ends its side, hangs up, or breaks the protocol.
    pub(super) fn to(events: Events, reporter: Reporter) -> Self {
        let (taken, answers) = mpsc::channel(AHEAD_MAX);
        let metrics = reporter.node.base().metrics.clone();
        tokio::spawn(take_all(reporter, events, taken));
        Self { metrics, taken: answers, unanswered: None, awaited: None, answered: Vec::new().into_iter() }
    }
}

impl Stream for Answers {
    type Item = Result<StreamEventsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(answer) = self.answered.next() {
                return Poll::Ready(Some(Ok(answer)));
            }
            let this = &mut *self;
            if let Some(taken) = &mut this.awaited {
                this.answered = ready!(taken.poll_answers(context, &this.metrics)).into_iter();
                this.awaited = None;
                continue;
            }
            match ready!(self.taken.poll_recv(context)) {
                Some(Ok(mut taken)) => {
                    self.unanswered = taken.unanswered.take();
                    self.awaited = Some(taken);
                }
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Taken {
    fn poll_answers(&mut self, context: &mut Context<'_>, metrics: &Metrics) -> Poll<Vec<StreamEventsResponse>> {
        let answers = match &mut self.pending {
            Some(pending) => ready!(Pin::new(pending).poll(context)).unwrap_or_default(),
            None => Vec::new(),
        };
        let mut answers = answers.into_iter();
        let answer = |Read { event_id, refusal }| {
            let recorded = match refusal {
                Some(refusal) => Err(refusal),
                // A writer that vanished leaves it unknown.
                None => answers.next().unwrap_or(Err(RecordError::Uncertain)).map_err(Refusal::from),
            };
            match recorded {
                Ok(recorded) => {
                    let result = recorded.into_iter().next().map(result).unwrap_or_default();
                    let RecordEventResponse { receipt, warnings } = result;
                    StreamEventsResponse { event_id, outcome: receipt.map(Outcome::Receipt), warnings }
                }
                Err(refusal) => {
                    metrics.refused(refusal.word());
                    let outcome = Some(Outcome::Refusal(refusal.message()));
                    StreamEventsResponse { event_id, outcome, warnings: Vec::new() }
                }
            }
        };
        Poll::Ready(self.events.drain(..).map(answer).collect())
    }
}

impl Reading {
    fn add(&mut self, reporter: &Reporter, event: Option<Event>) {
        let event_id = event.as_ref().map(|event| echoed(&event.event_id).to_owned()).unwrap_or_default();
        let Reporter { node, door, recipients, caller, .. } = reporter;
        let taken = take(event).and_then(|(controller, event, bytes)| {
            let event = report(door, caller, &controller, event, STREAM)?;
            let event = ruled(node, recipients, &controller, event);
            Ok((controller, event, bytes))
        });
        let refusal = match taken {
            Ok((controller, event, bytes)) => {
                self.good.push((controller, event));
                self.bytes += bytes;
                None
            }
            Err(refusal) => Some(refusal),
        };
        self.events.push(Read { event_id, refusal });
    }

    fn is_full(&self) -> bool {
        self.events.len() >= HANDED_MAX || self.bytes >= HANDED_BYTES
    }

    /// Hands over what is good of it, as soon as there is room.
    async fn hand_over(self, Reporter { node, allowance, .. }: &Reporter) -> Taken {
        let Self { mut events, good, bytes } = self;
        let unanswered = allowance.unanswered(events.len()).await;
        if good.is_empty() {
            return Taken { events, pending: None, unanswered };
        }
        match node.submit_when_room(good, bytes).await {
            Ok(pending) => Taken { events, pending: Some(pending), unanswered },
            Err(error) => {
                for event in &mut events {
                    event.refusal.get_or_insert_with(|| error.clone().into());
                }
                Taken { events, pending: None, unanswered }
            }
        }
    }
}

/// Reads a stream and hands its events on, in order; waits where there is no room.
async fn take_all(reporter: Reporter, mut events: Events, taken: mpsc::Sender<Result<Taken, Status>>) {
    loop {
        let mut reading = Reading::default();
        let mut next = Some(events.message().await);
        let mut end = None;
        while let Some(message) = next {
            next = match message {
                Ok(Some(message)) => {
                    reading.add(&reporter, message.event);
                    if reading.is_full() { None } else { arrived(&mut events).await }
                }
                other => {
                    end = Some(other.err());
                    None
                }
            };
        }
        let (events_read, bytes) = (reading.events.len(), reading.bytes);
        if events_read > 0 {
            if taken.send(Ok(reading.hand_over(&reporter).await)).await.is_err() {
                return;
            }
            if let Some(wait) = reporter.door.slow_down(&reporter.allowance, events_read, bytes) {
                // Not read meanwhile, so flow control holds the client back. Who hung up is not waited for.
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = taken.closed() => return,
                }
            }
        }
        if let Some(status) = end {
            if let Some(status) = status {
                // What was taken before is still answered; then the client hears why the stream ended.
                let _ = taken.send(Err(outcome::on_stream(status))).await;
            }
            return;
        }
    }
}

/// What comes next, as [`Streaming::message`] has it, if it is there already.
async fn arrived(events: &mut Events) -> Option<Result<Option<StreamEventsRequest>, Status>> {
    poll_fn(|context| match Pin::new(&mut *events).poll_next(context) {
        Poll::Ready(next) => Poll::Ready(Some(next.transpose())),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The first characters of an event id.
fn echoed(event_id: &str) -> &str {
    let end = event_id.char_indices().nth(ECHOED_MAX).map_or(event_id.len(), |(end, _)| end);
    &event_id[..end]
}
