//! `akta.v1.IdentityService`: who stands behind the pseudonyms of a controller, and how that is forgotten.
//!
//! `person` finds people; `standing` masks and restricts them; `erasure` erases them. Each call passes the door first.

mod erasure;
mod person;
mod standing;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::api::identity_service_server::IdentityService;
use super::api::{
    DeactivateIdentityRequest, DeactivateIdentityResponse, EraseIdentityRequest, EraseIdentityResponse,
    FindIdentitiesRequest, FindIdentitiesResponse, LiftRestrictionRequest, LiftRestrictionResponse,
    RestrictIdentityRequest, RestrictIdentityResponse,
};
use super::auth::door::Door;
use super::call::{Call, reply};
use super::convert;
use crate::trail::node::Node;

/// The service.
pub struct Identities {
    /// Knows and forgets people.
    pub node: Arc<Node>,
    /// Says who may have it do that.
    pub door: Arc<Door>,
}

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn find_identities(
        &self,
        request: Request<FindIdentitiesRequest>,
    ) -> Result<Response<FindIdentitiesResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "FindIdentities").await?;
        reply(self.find(&call, request).await)
    }

    async fn deactivate_identity(
        &self,
        request: Request<DeactivateIdentityRequest>,
    ) -> Result<Response<DeactivateIdentityResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "DeactivateIdentity").await?;
        reply(self.deactivate(&call, request).await)
    }

    async fn erase_identity(
        &self,
        request: Request<EraseIdentityRequest>,
    ) -> Result<Response<EraseIdentityResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "EraseIdentity").await?;
        reply(self.erase(&call, request).await)
    }

    async fn restrict_identity(
        &self,
        request: Request<RestrictIdentityRequest>,
    ) -> Result<Response<RestrictIdentityResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "RestrictIdentity").await?;
        reply(self.restrict(&call, request).await)
    }

    async fn lift_restriction(
        &self,
        request: Request<LiftRestrictionRequest>,
    ) -> Result<Response<LiftRestrictionResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "LiftRestriction").await?;
        reply(self.lift(&call, request).await)
    }
}
