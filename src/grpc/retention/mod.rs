//! `akta.v1.RetentionService`: how long records live, who said so, and their end.
//!
//! `classes` shows and sets the policy of a controller; `expiry` counts what expires, and has it destroyed; `hold` keeps
//! named parts past their date. Each call passes the door first.

mod classes;
mod expiry;
mod hold;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::api::retention_service_server::RetentionService;
use super::api::{
    ListHoldsRequest, ListHoldsResponse, ListRetentionClassesRequest, ListRetentionClassesResponse, PlaceHoldRequest,
    PlaceHoldResponse, PreviewExpiryRequest, PreviewExpiryResponse, ReleaseHoldRequest, ReleaseHoldResponse,
    ReviewHoldRequest, ReviewHoldResponse, RunExpiryRequest, RunExpiryResponse, SetRetentionRequest,
    SetRetentionResponse,
};
use super::auth::door::Door;
use super::call::{Call, reply};
use super::convert;
use crate::trail::node::Node;

/// The service.
pub struct Retentions {
    /// Knows and records what is in force.
    pub node: Arc<Node>,
    /// Says who may see and set it.
    pub door: Arc<Door>,
}

#[tonic::async_trait]
impl RetentionService for Retentions {
    async fn list_retention_classes(
        &self,
        request: Request<ListRetentionClassesRequest>,
    ) -> Result<Response<ListRetentionClassesResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListRetentionClasses").await?;
        reply(self.classes(&call, request).await)
    }

    async fn set_retention(
        &self,
        request: Request<SetRetentionRequest>,
    ) -> Result<Response<SetRetentionResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "SetRetention").await?;
        reply(self.set(&call, request).await)
    }

    async fn preview_expiry(
        &self,
        request: Request<PreviewExpiryRequest>,
    ) -> Result<Response<PreviewExpiryResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "PreviewExpiry").await?;
        reply(self.preview(&call, request).await)
    }

    async fn run_expiry(&self, request: Request<RunExpiryRequest>) -> Result<Response<RunExpiryResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "RunExpiry").await?;
        reply(self.run(&call, request).await)
    }

    async fn place_hold(&self, request: Request<PlaceHoldRequest>) -> Result<Response<PlaceHoldResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "PlaceHold").await?;
        reply(self.place(&call, request).await)
    }

    async fn review_hold(&self, request: Request<ReviewHoldRequest>) -> Result<Response<ReviewHoldResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ReviewHold").await?;
        reply(self.review(&call, request).await)
    }

    async fn release_hold(
        &self,
        request: Request<ReleaseHoldRequest>,
    ) -> Result<Response<ReleaseHoldResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ReleaseHold").await?;
        reply(self.release(&call, request).await)
    }

    async fn list_holds(&self, request: Request<ListHoldsRequest>) -> Result<Response<ListHoldsResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListHolds").await?;
        reply(self.holds(&call, request).await)
    }
}
