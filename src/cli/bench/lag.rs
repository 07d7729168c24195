//! How far a node's index is behind once every event has its answer.

use std::time::{Duration, Instant};

use super::child::Server;
use super::connection::refused;
use super::events::CONTROLLER;
use crate::cli::Failure;
use crate::client::Client;
use crate::grpc::api::{EventFilter, Identity, SearchEventsRequest};
use crate::model::stored::Purpose;

/// What was not yet indexed when the last answer came.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    /// Records.
    pub records: u64,
    /// Until a search for somebody unknown, which waits for the index, was answered.
    pub waited: Duration,
}

impl Lag {
    /// Asks the node.
    pub async fn of(node: &Server) -> Result<Self, Failure> {
        let mut client = Client::connect(&node.address).await?;
        let request = SearchEventsRequest {
            controller: CONTROLLER.to_owned(),
            purpose: Purpose::Security.into(),
            filter: Some(EventFilter { subject: Some(Identity::new("pupil", "nobody")), ..EventFilter::default() }),
            page_size: 1,
            ..SearchEventsRequest::default()
        };
        let begun = Instant::now();
        let answer = client.history.search_events(request).await.map_err(refused)?;
        Ok(Self { records: answer.into_inner().waited_for, waited: begun.elapsed() })
    }
}
