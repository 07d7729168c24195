//! `akta.v1.RetentionService`: how long records live, and their end.

mod expiry;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::api::retention_service_server::RetentionService;
use super::api::{PreviewExpiryRequest, PreviewExpiryResponse, RunExpiryRequest, RunExpiryResponse};
use super::auth::door::Door;
use super::status::Refusal;
use crate::trail::node::Node;

/// The service.
pub struct Retention {
    /// Destroys what is past its date.
    pub node: Arc<Node>,
    /// Decides who may have it do so.
    pub door: Arc<Door>,
}

#[tonic::async_trait]
impl RetentionService for Retention {
    async fn preview_expiry(
        &self,
        request: Request<PreviewExpiryRequest>,
    ) -> Result<Response<PreviewExpiryResponse>, Status> {
        let (caller, _seat) = self.door.asker(&request, expiry::PREVIEW).await?;
        self.preview(&caller, request.into_inner()).await.map(Response::new).map_err(Refusal::status)
    }

    async fn run_expiry(&self, request: Request<RunExpiryRequest>) -> Result<Response<RunExpiryResponse>, Status> {
        let (caller, _seat) = self.door.asker(&request, expiry::RUN).await?;
        self.run(&caller, request.into_inner()).await.map(Response::new).map_err(Refusal::status)
    }
}
