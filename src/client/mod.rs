//! A client of the API, for Rust applications and for Akta's own command line. Feature `client` needs no store.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use akta::client::Client;
//! use akta::grpc::api::{Actor, Event, Identity, Subject};
//! use akta::model::stored::{Action, ActorKind, DataCategory, Outcome, Purpose};
//!
//! let mut akta = Client::connect("127.0.0.1:7425").await?;
//! let receipt = akta.record(Event {
//!     event_id: uuid_v7(), controller: "school-12".into(),
//!     action: Action::Read.into(), outcome: Outcome::Success.into(), purpose: Purpose::Teaching.into(),
//!     actor: Some(Actor { identity: Some(Identity::new("staff", "t-17")), kind: ActorKind::Human.into(), ..Actor::default() }),
//!     subjects: vec![Subject { identity: Some(Identity::new("pupil", "p-204")), ..Subject::default() }],
//!     categories: vec![DataCategory::EducationRecord.into()], ..Event::default()
//! }).await?;
//! println!("record {} of {}", receipt.seq, receipt.origin);
//! # Ok(()) }
//! # fn uuid_v7() -> String { String::new() }
//! ```

mod bearer;
mod connect;

pub use bearer::Bearer;
pub use connect::{ConnectError, Tls, reason};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::grpc::api::controller_service_client::ControllerServiceClient;
use crate::grpc::api::evidence_service_client::EvidenceServiceClient;
use crate::grpc::api::history_service_client::HistoryServiceClient;
use crate::grpc::api::identity_service_client::IdentityServiceClient;
use crate::grpc::api::ingest_service_client::IngestServiceClient;
use crate::grpc::api::retention_service_client::RetentionServiceClient;
use crate::grpc::api::{
    Event, Identity, Receipt, RecordEventRequest, RecordEventsRequest, RecordedEvent, SearchEventsRequest,
    StreamEventsRequest, StreamEventsResponse,
};

/// A channel over which each call shows the caller's token, if there is one.
pub type Connection = InterceptedService<Channel, Bearer>;

/// A connection to a node. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    /// `akta.v1.IngestService`.
    pub ingest: IngestServiceClient<Connection>,
    /// `akta.v1.HistoryService`.
    pub history: HistoryServiceClient<Connection>,
    /// `akta.v1.EvidenceService`.
    pub evidence: EvidenceServiceClient<Connection>,
    /// `akta.v1.ControllerService`.
    pub controllers: ControllerServiceClient<Connection>,
    /// `akta.v1.RetentionService`.
    pub retention: RetentionServiceClient<Connection>,
    /// `akta.v1.IdentityService`.
    pub identities: IdentityServiceClient<Connection>,
}

impl Client {
    /// Connects to `HOST:PORT` in plaintext or to `unix:PATH`.
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        Self::connect_with(address, None).await
    }

    /// Connects, with TLS if it is given and the address is not of a Unix socket or `http://`.
    pub async fn connect_with(address: &str, tls: Option<&Tls>) -> Result<Self, ConnectError> {
        Ok(Self::over(Self::channel(address, tls).await?))
    }

    /// A client of a channel, without a token.
    pub fn over(channel: Channel) -> Self {
        Self::of(channel, Bearer::default())
    }

    /// A client of a channel that shows a token with each call.
    pub fn of(channel: Channel, bearer: Bearer) -> Self {
        let connection = InterceptedService::new(channel, bearer);
        Self {
            ingest: IngestServiceClient::new(connection.clone()),
            history: HistoryServiceClient::new(connection.clone()).max_decoding_message_size(64 << 20),
            evidence: EvidenceServiceClient::new(connection.clone()),
            controllers: ControllerServiceClient::new(connection.clone()),
            retention: RetentionServiceClient::new(connection.clone()),
            identities: IdentityServiceClient::new(connection),
        }
    }

    /// The bare channel, for other services of the node; as [`Self::connect_with`].
    pub async fn channel(address: &str, tls: Option<&Tls>) -> Result<Channel, ConnectError> {
        connect::channel(address, tls).await
    }

    /// Records one event; answers when it is durable. Retry with the same event_id.
    pub async fn record(&mut self, event: Event) -> Result<Receipt, Status> {
        let response = self.ingest.record_event(RecordEventRequest { event: Some(event) }).await?;
        response.into_inner().receipt.ok_or_else(|| Status::internal("the answer has no receipt"))
    }

    /// Records up to 1,000 events of one controller, all or none; one receipt per event, in order.
    pub async fn record_all(&mut self, events: Vec<Event>) -> Result<Vec<Receipt>, Status> {
        let results = self.ingest.record_events(RecordEventsRequest { events }).await?.into_inner().results;
        let receipts = results.into_iter().map(|result| result.receipt);
        receipts.collect::<Option<_>>().ok_or_else(|| Status::internal("an answer has no receipt"))
    }

    /// Opens a stream: events go into the sender, one answer per event comes out, in order. At most `ahead` events
    /// wait to be sent.
    pub async fn stream(
        &mut self,
        ahead: usize,
    ) -> Result<(mpsc::Sender<StreamEventsRequest>, Streaming<StreamEventsResponse>), Status> {
        let (events, outgoing) = mpsc::channel(ahead);
        let answers = self.ingest.stream_events(ReceiverStream::new(outgoing)).await?;
        Ok((events, answers.into_inner()))
    }

    /// One page of a search, and the token of the next; the token is empty on the last page.
    pub async fn search(&mut self, request: SearchEventsRequest) -> Result<(Vec<RecordedEvent>, String), Status> {
        let response = self.history.search_events(request).await?.into_inner();
        Ok((response.events, response.next_page_token))
    }

    /// All pages of a search.
    pub async fn search_all(&mut self, mut request: SearchEventsRequest) -> Result<Vec<RecordedEvent>, Status> {
        let mut all = Vec::new();
        loop {
            let (rows, next) = self.search(request.clone()).await?;
            all.extend(rows);
            if next.is_empty() {
                return Ok(all);
            }
            request.page_token = next;
        }
    }
}

impl Identity {
    /// The identity `id` of `namespace`.
    pub fn new(namespace: impl Into<String>, id: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), id: id.into(), ..Self::default() }
    }
}
