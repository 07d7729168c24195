//! `akta.v1.IngestService`: events in, receipts out.

use std::pin::Pin;
use std::sync::Arc;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::api::ingest_service_server::IngestService;
use super::api::stream_events_response::Outcome;
use super::api::{
    self, RecordEventRequest, RecordEventResponse, RecordEventsRequest, RecordEventsResponse, StreamEventsRequest,
    StreamEventsResponse,
};
use super::status::Refusal;
use super::{convert, outcome};
use crate::model::check::{Checker, Violation};
use crate::model::event::{EVENT_BYTES_MAX, Event, LARGE_EVENT_BYTES_MAX, MANY_SUBJECTS};
use crate::model::origin::Controller;
use crate::trail::node::{Node, Pending};
use crate::trail::submission::{RecordError, Recorded};

/// Events of one stream that may await their answer; beyond it the stream is not read.
const AHEAD_MAX: usize = 4_096;

/// Most events of a batch.
const BATCH_MAX: usize = 1_000;
/// Most bytes of a batch, as an event is weighed: after cutting.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The service.
pub struct Ingest(pub Arc<Node>);

/// One event on its way.
struct Taken {
    event_id: String,
    outcome: Result<Pending, Refusal>,
}

#[tonic::async_trait]
impl IngestService for Ingest {
    async fn record_event(
        &self,
        request: Request<RecordEventRequest>,
    ) -> Result<Response<RecordEventResponse>, Status> {
        let (controller, event, bytes) = take(request.into_inner().event).map_err(Refusal::status)?;
        let recorded =
            self.record(controller, vec![event], bytes).await.map_err(|error| Refusal::from(error).status())?;
        Ok(Response::new(recorded.into_iter().next().map(result).unwrap_or_default()))
    }

    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<RecordEventsResponse>, Status> {
        let (controller, events, bytes) = take_batch(request.into_inner().events).map_err(Refusal::status)?;
        let recorded = self.record(controller, events, bytes).await;
        let recorded = recorded.map_err(|error| Refusal::of_batch(error).status())?;
        Ok(Response::new(RecordEventsResponse { results: recorded.into_iter().map(result).collect() }))
    }

    type StreamEventsStream = Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn stream_events(
        &self,
        request: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let (taken, answers) = mpsc::channel(AHEAD_MAX);
        // Ends when the client ends its side, hangs up, or breaks the protocol.
        tokio::spawn(take_all(self.0.clone(), request.into_inner(), taken));
        Ok(Response::new(Box::pin(ReceiverStream::new(answers).then(answer))))
    }
}

impl Ingest {
    async fn record(
        &self,
        controller: Controller,
        events: Vec<Event>,
        bytes: usize,
    ) -> Result<Vec<Recorded>, RecordError> {
        Node::answer(self.0.submit(controller, events, bytes)?).await
    }
}

fn result(recorded: Recorded) -> RecordEventResponse {
    RecordEventResponse { receipt: Some(convert::receipt(&recorded.receipt)), warnings: recorded.warnings }
}

/// Reads a stream and hands its events on, in order; waits where there is no room.
async fn take_all(
    node: Arc<Node>,
    mut events: Streaming<StreamEventsRequest>,
    taken: mpsc::Sender<Result<Taken, Status>>,
) {
    loop {
        let event = match events.message().await {
            Ok(Some(message)) => message.event,
            Ok(None) => return,
            Err(status) => {
                // What was taken before is still answered; then the client hears why the stream ended.
                let _ = taken.send(Err(outcome::on_stream(status))).await;
                return;
            }
        };
        // Echoed as sent, but never at a length that would fill memory while answers wait.
        let event_id = event.as_ref().map(|event| event.event_id.chars().take(64).collect()).unwrap_or_default();
        let outcome = match take(event) {
            Ok((controller, event, bytes)) => {
                node.submit_when_room(controller, event, bytes).await.map_err(Refusal::from)
            }
            Err(refusal) => Err(refusal),
        };
        if taken.send(Ok(Taken { event_id, outcome })).await.is_err() {
            return;
        }
    }
}

async fn answer(taken: Result<Taken, Status>) -> Result<StreamEventsResponse, Status> {
    let Taken { event_id, outcome } = taken?;
    let outcome = match outcome {
        Ok(pending) => Node::answer(pending).await.map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    Ok(match outcome {
        Ok(recorded) => {
            let RecordEventResponse { receipt, warnings } = recorded.into_iter().next().map(result).unwrap_or_default();
            StreamEventsResponse { event_id, outcome: receipt.map(Outcome::Receipt), warnings }
        }
        Err(refusal) => {
            StreamEventsResponse { event_id, outcome: Some(Outcome::Refusal(refusal.message())), warnings: Vec::new() }
        }
    })
}

fn take(event: Option<api::Event>) -> Result<(Controller, Event, usize), Refusal> {
    let bytes = event.as_ref().map_or(0, |event| event.encoded_len().saturating_sub(convert::cut_bytes(event)));
    let many = event.as_ref().is_some_and(|event| event.subjects.len() > MANY_SUBJECTS);
    if bytes > if many { LARGE_EVENT_BYTES_MAX } else { EVENT_BYTES_MAX } {
        return Err(Refusal::too_large(bytes));
    }
    let (controller, event) = convert::event(event).map_err(Refusal::invalid)?;
    Ok((controller, event, bytes))
}

/// A batch is taken whole: every bad field of every event is named, and all must be of one controller.
fn take_batch(messages: Vec<api::Event>) -> Result<(Controller, Vec<Event>, usize), Refusal> {
    let count = messages.len();
    let refuse = |description: String| Refusal::invalid(vec![Violation { field: "events".to_owned(), description }]);
    if count == 0 {
        return Err(refuse("is empty: report at least one event".to_owned()));
    }
    if count > BATCH_MAX {
        return Err(refuse(format!("has {count} entries, the limit is {BATCH_MAX}: split it")));
    }
    let mut checker = Checker::default();
    let (mut events, mut total, mut of) = (Vec::with_capacity(count), 0, None::<Controller>);
    for (index, message) in messages.into_iter().enumerate() {
        match take(Some(message)).map_err(|refusal| refusal.at(index)) {
            Ok((controller, event, bytes)) => {
                if of.get_or_insert_with(|| controller.clone()) != &controller {
                    let field = format!("events[{index}].controller");
                    checker.refuse(&field, "differs from that of an event before: one controller in a batch");
                }
                total += bytes;
                events.push(event);
            }
            Err(refusal) => {
                for bad in refusal.into_violations()? {
                    checker.refuse(&bad.field, bad.description);
                }
            }
        }
    }
    checker.finish(()).map_err(Refusal::invalid)?;
    if total > BATCH_BYTES_MAX {
        return Err(Refusal::batch_too_large(total, BATCH_BYTES_MAX));
    }
    let controller = of.ok_or_else(|| refuse("is empty: report at least one event".to_owned()))?;
    Ok((controller, events, total))
}
