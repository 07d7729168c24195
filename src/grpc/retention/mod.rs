//! `akta.v1.RetentionService`: how long records live, who said so, and their end.
//!
//! `classes` shows and sets the policy of a controller; `expiry` counts what expires, and has it destroyed; `hold` keeps
//! named parts past their date. Each call passes the door first.

mod classes;
mod expiry;
mod hold;

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};

use super::api::retention_service_server::RetentionService;
use super::api::{
    ListHoldsRequest, ListHoldsResponse, ListRetentionClassesRequest, ListRetentionClassesResponse, PlaceHoldRequest,
    PlaceHoldResponse, PreviewExpiryRequest, PreviewExpiryResponse, ReleaseHoldRequest, ReleaseHoldResponse,
    ReviewHoldRequest, ReviewHoldResponse, RunExpiryRequest, RunExpiryResponse, SetRetentionRequest,
    SetRetentionResponse,
};
use super::auth::door::Door;
use super::auth::pace::Seat;
use super::convert;
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::trail::acts::ChangeError;
use crate::trail::node::Node;
use crate::trail::submission::RecordError;

/// The service.
pub struct Retentions {
    /// Knows and records what is in force.
    pub node: Arc<Node>,
    /// Says who may see and set it.
    pub door: Arc<Door>,
}

/// Who calls what.
struct Call {
    caller: Caller,
    name: &'static str,
    /// Its place among the questions that are under way.
    _seat: Seat,
}

impl Retentions {
    async fn called<T: Message>(&self, request: Request<T>, name: &'static str) -> Result<(Call, T), Status> {
        let (caller, seat) = self.door.asker(&request, name).await?;
        Ok((Call { caller, name, _seat: seat }, request.into_inner()))
    }

    /// Whether the caller may that for a controller; one that does not exist is not told apart.
    fn permit(&self, call: &Call, need: Permission, of: &Controller) -> Result<(), Refusal> {
        let hidden = |why| Refusal::forbidden(why, ChangeError::Record(RecordError::NoController));
        self.door.permit(&call.caller, need, of, call.name).map(|_| ()).map_err(hidden)
    }
}

/// The value, if nothing was refused.
fn checked<T>(checker: Checker, value: Option<T>) -> Result<T, Refusal> {
    checker.finish(()).map_err(Refusal::invalid)?;
    value.ok_or_else(|| Refusal::invalid(Vec::new()))
}

fn reply<T>(answer: Result<T, Refusal>) -> Result<Response<T>, Status> {
    answer.map(Response::new).map_err(Refusal::status)
}

#[tonic::async_trait]
impl RetentionService for Retentions {
    async fn list_retention_classes(
        &self,
        request: Request<ListRetentionClassesRequest>,
    ) -> Result<Response<ListRetentionClassesResponse>, Status> {
        let (call, request) = self.called(request, "ListRetentionClasses").await?;
        reply(self.classes(&call, request).await)
    }

    async fn set_retention(
        &self,
        request: Request<SetRetentionRequest>,
    ) -> Result<Response<SetRetentionResponse>, Status> {
        let (call, request) = self.called(request, "SetRetention").await?;
        reply(self.set(&call, request).await)
    }

    async fn preview_expiry(
        &self,
        request: Request<PreviewExpiryRequest>,
    ) -> Result<Response<PreviewExpiryResponse>, Status> {
        let (call, request) = self.called(request, "PreviewExpiry").await?;
        reply(self.preview(&call, request).await)
    }

    async fn run_expiry(&self, request: Request<RunExpiryRequest>) -> Result<Response<RunExpiryResponse>, Status> {
        let (call, request) = self.called(request, "RunExpiry").await?;
        reply(self.run(&call, request).await)
    }

    async fn place_hold(&self, request: Request<PlaceHoldRequest>) -> Result<Response<PlaceHoldResponse>, Status> {
        let (call, request) = self.called(request, "PlaceHold").await?;
        reply(self.place(&call, request).await)
    }

    async fn review_hold(&self, request: Request<ReviewHoldRequest>) -> Result<Response<ReviewHoldResponse>, Status> {
        let (call, request) = self.called(request, "ReviewHold").await?;
        reply(self.review(&call, request).await)
    }

    async fn release_hold(
        &self,
        request: Request<ReleaseHoldRequest>,
    ) -> Result<Response<ReleaseHoldResponse>, Status> {
        let (call, request) = self.called(request, "ReleaseHold").await?;
        reply(self.release(&call, request).await)
    }

    async fn list_holds(&self, request: Request<ListHoldsRequest>) -> Result<Response<ListHoldsResponse>, Status> {
        let (call, request) = self.called(request, "ListHolds").await?;
        reply(self.holds(&call, request).await)
    }
}
