//! `akta.v1.IngestService`: events in, receipts out.

use std::sync::Arc;

use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Request, Response, Status, Streaming};

use super::api::ingest_service_server::IngestService;
use super::api::{
    self, RecordEventRequest, RecordEventResponse, RecordEventsRequest, RecordEventsResponse, StreamEventsRequest,
};
use super::auth::door::{Door, Unreported};
use super::auth::pace::Allowance;
use super::convert;
use super::status::Refusal;
use super::stream::Answers;
use crate::model::caller::Caller;
use crate::model::check::{Checker, Violation};
use crate::model::event::{EVENT_BYTES_MAX, Event, LARGE_EVENT_BYTES_MAX, MANY_SUBJECTS};
use crate::model::origin::Controller;
use crate::model::recipient::Recipients;
use crate::model::rules::Rules;
use crate::trail::node::Node;
use crate::trail::submission::{RecordError, Recorded};

/// Most events of a batch.
const BATCH_MAX: usize = 1_000;
/// Most bytes of a batch, as an event is weighed: after cutting.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The service.
pub struct Ingest {
    /// Records.
    pub node: Arc<Node>,
    /// Decides for whom.
    pub door: Arc<Door>,
    /// Known to the operator.
    pub recipients: Arc<Recipients>,
}

#[tonic::async_trait]
impl IngestService for Ingest {
    async fn record_event(
        &self,
        request: Request<RecordEventRequest>,
    ) -> Result<Response<RecordEventResponse>, Status> {
        const CALL: &str = "RecordEvent";
        let caller = self.door.reporter(&request, CALL, 1).await?;
        let refused = |refusal| self.refused(refusal);
        let (controller, event, bytes) = take(request.into_inner().event).map_err(refused)?;
        let event = report(&self.door, &caller, &controller, event, CALL).map_err(refused)?;
        let event = ruled(&self.node, &self.recipients, &controller, event);
        let recorded = self.record(controller, vec![event], bytes).await.map_err(|error| refused(error.into()))?;
        Ok(Response::new(recorded.into_iter().next().map(result).unwrap_or_default()))
    }

    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<RecordEventsResponse>, Status> {
        const CALL: &str = "RecordEvents";
        let caller = self.door.reporter(&request, CALL, request.get_ref().events.len()).await?;
        let refused = |refusal| self.refused(refusal);
        let (controller, events, bytes) = take_batch(request.into_inner().events).map_err(refused)?;
        let events = events.into_iter().enumerate().map(|(index, event)| {
            report(&self.door, &caller, &controller, event, CALL).map_err(|refusal| refused(refusal.at(index)))
        });
        let events = events.collect::<Result<Vec<_>, Status>>()?;
        let events = events.into_iter().map(|event| ruled(&self.node, &self.recipients, &controller, event)).collect();
        let recorded = self.record(controller, events, bytes).await;
        let recorded = recorded.map_err(|error| refused(Refusal::of_batch(error)))?;
        Ok(Response::new(RecordEventsResponse { results: recorded.into_iter().map(result).collect() }))
    }

    type StreamEventsStream = Answers;

    async fn stream_events(
        &self,
        request: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let caller = self.door.caller(&request, STREAM).await?;
        let (allowance, place) = self.door.stream(&caller)?;
        let (node, door, recipients) = (self.node.clone(), self.door.clone(), self.recipients.clone());
        let reporter = Reporter { node, door, recipients, caller, allowance, _place: place };
        Ok(Response::new(Answers::to(request.into_inner(), reporter)))
    }
}

impl Ingest {
    /// Counts what is not taken.
    fn refused(&self, refusal: Refusal) -> Status {
        self.node.base().metrics.refused(refusal.word());
        refusal.status()
    }

    async fn record(
        &self,
        controller: Controller,
        events: Vec<Event>,
        bytes: usize,
    ) -> Result<Vec<Recorded>, RecordError> {
        Node::answer(self.node.submit(controller, events, bytes)?).await
    }
}

/// A caller who reports, and where to.
pub(super) struct Reporter {
    pub(super) node: Arc<Node>,
    pub(super) door: Arc<Door>,
    pub(super) recipients: Arc<Recipients>,
    pub(super) caller: Caller,
    pub(super) allowance: Arc<Allowance>,
    /// Held until the last event of the stream was read.
    _place: OwnedSemaphorePermit,
}

/// Name of the call that streams events.
pub(super) const STREAM: &str = "StreamEvents";

/// An event that its reporter may report.
pub(super) fn report(
    door: &Door,
    caller: &Caller,
    controller: &Controller,
    event: Event,
    call: &'static str,
) -> Result<Event, Refusal> {
    door.report(caller, controller, event, call).map_err(|why| match why {
        Unreported::Forbidden(why) => Refusal::forbidden(why, RecordError::NoController),
        Unreported::Source(violation) => Refusal::invalid(vec![violation]),
    })
}

/// An event as the rules of its controller have it: only after its reporter was let in, for what they say tells of the
/// controller. What they refuse is refused by the writer, which knows whether it is recorded already.
pub(super) fn ruled(node: &Node, recipients: &Recipients, controller: &Controller, event: Event) -> Event {
    let acts = node.acts(controller);
    Rules { profile: acts.profile(), recipients }.apply(event)
}

/// The answer to one event.
pub(super) fn result(recorded: Recorded) -> RecordEventResponse {
    RecordEventResponse { receipt: Some(convert::receipt(&recorded.receipt)), warnings: recorded.warnings }
}

/// Weighs and checks one event.
pub(super) fn take(event: Option<api::Event>) -> Result<(Controller, Event, usize), Refusal> {
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
