//! The ceiling: a server that takes events off the wire, answers with a fixed receipt and stores nothing.
//!
//! It is built as the node's server is built, from [`server::builder`]; what a node costs beyond it is its own.

use std::pin::Pin;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::cli::{Failure, Outcome};
use crate::grpc::MESSAGE_BYTES_MAX;
use crate::grpc::api::ingest_service_server::{IngestService, IngestServiceServer};
use crate::grpc::api::stream_events_response::Outcome as Answer;
use crate::grpc::api::{
    Receipt, RecordEventRequest, RecordEventResponse, RecordEventsRequest, RecordEventsResponse, StreamEventsRequest,
    StreamEventsResponse,
};
use crate::server;

struct Empty;

fn receipt() -> Receipt {
    Receipt {
        origin: "akta.dev/school-12/w00000000".to_owned(),
        seq: 1_000_000,
        link: vec![7; 32],
        recorded_at: Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 500_000_000 }),
    }
}

#[tonic::async_trait]
impl IngestService for Empty {
    async fn record_event(&self, _: Request<RecordEventRequest>) -> Result<Response<RecordEventResponse>, Status> {
        Ok(Response::new(RecordEventResponse { receipt: Some(receipt()), warnings: Vec::new() }))
    }

    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<RecordEventsResponse>, Status> {
        let events = request.into_inner().events.into_iter();
        let results = events.map(|_| RecordEventResponse { receipt: Some(receipt()), warnings: Vec::new() }).collect();
        Ok(Response::new(RecordEventsResponse { results }))
    }

    type StreamEventsStream = Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn stream_events(
        &self,
        request: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let answers = request.into_inner().map(|message| {
            let event_id = message?.event.unwrap_or_default().event_id;
            Ok(StreamEventsResponse { event_id, outcome: Some(Answer::Receipt(receipt())), warnings: Vec::new() })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Serves on a free port of loopback until SIGTERM; says where as a node does.
pub async fn serve() -> Result<Outcome, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listening api {}", listener.local_addr()?);
    let service = IngestServiceServer::new(Empty).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stop = async move {
        let _ = terminate.recv().await;
    };
    server::builder().add_service(service).serve_with_incoming_shutdown(incoming, stop).await?;
    Ok(Outcome::Good)
}
