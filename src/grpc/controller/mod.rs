//! `akta.v1.ControllerService`: which controllers there are, and what each decided about who may.
//!
//! `open` has the controllers themselves, `close` their end, `grant`, `incident`, `approval` what they decide. Each call passes the door,
//! becomes a checked [`Change`], and is answered once its notice is durable.

mod approval;
mod close;
mod grant;
mod incident;
mod open;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::api::controller_service_server::ControllerService;
use super::api::{
    AnswerApprovalRequest, AnswerApprovalResponse, AskApprovalRequest, AskApprovalResponse, ChangeReceipt,
    CloseControllerRequest, CloseControllerResponse, DeclareIncidentRequest, DeclareIncidentResponse, EndGrantRequest,
    EndGrantResponse, EndIncidentRequest, EndIncidentResponse, GrantRequest, GrantResponse, ListApprovalsRequest,
    ListApprovalsResponse, ListControllersRequest, ListControllersResponse, ListGrantsRequest, ListGrantsResponse,
    ListIncidentsRequest, ListIncidentsResponse, OpenControllerRequest, OpenControllerResponse, SetControllerRequest,
    SetControllerResponse, SetLoneApprovalRequest, SetLoneApprovalResponse,
};
use super::auth::door::{Door, Forbidden};
use super::call::{Call, reply};
use super::convert;
use super::status::Refusal;
use crate::model::country::Country;
use crate::model::origin::Controller;
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::decide::Permitted;
use crate::model::permission::policy::Staff;
use crate::trail::acts::CHANGES_MAX;
use crate::trail::answer::AskError;
use crate::trail::ask::{Asker, Ground};
use crate::trail::node::Node;

/// Rows of a list of acts: a request with 32 voices takes 5 KiB, and clients read 4 MiB unless told otherwise.
const SHOWN_MAX: usize = 500;

/// The service.
pub struct Controllers {
    /// Records what is decided.
    pub node: Arc<Node>,
    /// Says who may decide it.
    pub door: Arc<Door>,
    /// In which country the node keeps its data, if that is said.
    pub region: Option<Country>,
}

impl Controllers {
    /// Who reads what a controller decided, by what they may: it is named in the record of the read.
    fn reader(call: &Call, by: Result<Permitted, Forbidden>, ground: Ground) -> Result<Asker, Refusal> {
        let by = by.map_err(|why| Refusal::forbidden(why, AskError::NoController))?;
        Ok(call.asks(&by, ground))
    }

    /// Makes one change, and says where it is recorded; nowhere if it was so already.
    async fn change(
        &self,
        of: &Controller,
        change: Change,
        decided: Decided,
    ) -> Result<Option<ChangeReceipt>, Refusal> {
        let noted = self.node.change(vec![(of.clone(), change)], decided).await?;
        Ok(noted.into_iter().find_map(|noted| noted.receipt).as_ref().map(convert::change_receipt))
    }

    /// Makes the same change for each of these controllers; for how many it is new. As many as one change may take are
    /// told or none; if more are meant and a later one is refused, the same call again tells the rest.
    async fn change_all(&self, of: &[Controller], change: &Change, decided: Decided) -> Result<usize, Refusal> {
        let mut new = 0;
        for some in of.chunks(CHANGES_MAX) {
            let changes = some.iter().map(|of| (of.clone(), change.clone())).collect();
            let noted = self.node.change(changes, decided.clone()).await?;
            new += noted.iter().filter(|noted| noted.receipt.is_some()).count();
        }
        Ok(new)
    }
}

/// On whose side somebody works who may that. With `--dev` everybody is the school's own.
fn side(by: &Permitted) -> Staff {
    by.basis().map_or(Staff::Controller, |basis| basis.staff)
}

/// What is shown of a list, oldest first: all that is not over, of which there are fewer, and the newest of the rest.
fn shown<T>(all: &[T], is_over: impl Fn(&T) -> bool) -> Vec<&T> {
    let over = all.iter().filter(|one| is_over(one)).count();
    let room = SHOWN_MAX.saturating_sub(all.len() - over);
    let mut passed = over.saturating_sub(room);
    let shows = |one: &&T| {
        let passes = is_over(one) && passed > 0;
        passed -= usize::from(passes);
        !passes
    };
    all.iter().filter(shows).collect()
}

#[tonic::async_trait]
impl ControllerService for Controllers {
    async fn open_controller(
        &self,
        request: Request<OpenControllerRequest>,
    ) -> Result<Response<OpenControllerResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "OpenController").await?;
        reply(self.open(&call, request).await)
    }

    async fn set_controller(
        &self,
        request: Request<SetControllerRequest>,
    ) -> Result<Response<SetControllerResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "SetController").await?;
        reply(self.set(&call, request).await)
    }

    async fn close_controller(
        &self,
        request: Request<CloseControllerRequest>,
    ) -> Result<Response<CloseControllerResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "CloseController").await?;
        reply(self.end(&call, request).await)
    }

    async fn list_controllers(
        &self,
        request: Request<ListControllersRequest>,
    ) -> Result<Response<ListControllersResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListControllers").await?;
        reply(self.list(&call, request).await)
    }

    async fn set_lone_approval(
        &self,
        request: Request<SetLoneApprovalRequest>,
    ) -> Result<Response<SetLoneApprovalResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "SetLoneApproval").await?;
        reply(self.lone(&call, request).await)
    }

    async fn grant(&self, request: Request<GrantRequest>) -> Result<Response<GrantResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "Grant").await?;
        reply(self.give(&call, request).await)
    }

    async fn end_grant(&self, request: Request<EndGrantRequest>) -> Result<Response<EndGrantResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "EndGrant").await?;
        reply(self.take_back(&call, request).await)
    }

    async fn list_grants(&self, request: Request<ListGrantsRequest>) -> Result<Response<ListGrantsResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListGrants").await?;
        reply(self.grants(&call, request).await)
    }

    async fn declare_incident(
        &self,
        request: Request<DeclareIncidentRequest>,
    ) -> Result<Response<DeclareIncidentResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "DeclareIncident").await?;
        reply(self.declare(&call, request).await)
    }

    async fn end_incident(
        &self,
        request: Request<EndIncidentRequest>,
    ) -> Result<Response<EndIncidentResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "EndIncident").await?;
        reply(self.call_off(&call, request).await)
    }

    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListIncidents").await?;
        reply(self.incidents(&call, request).await)
    }

    async fn ask_approval(
        &self,
        request: Request<AskApprovalRequest>,
    ) -> Result<Response<AskApprovalResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "AskApproval").await?;
        reply(self.ask(&call, request).await)
    }

    async fn answer_approval(
        &self,
        request: Request<AnswerApprovalRequest>,
    ) -> Result<Response<AnswerApprovalResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "AnswerApproval").await?;
        reply(self.answer(&call, request).await)
    }

    async fn list_approvals(
        &self,
        request: Request<ListApprovalsRequest>,
    ) -> Result<Response<ListApprovalsResponse>, Status> {
        let (call, request) = Call::of(&self.door, request, "ListApprovals").await?;
        reply(self.approvals(&call, request).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_always_shown() {
        let old: Vec<usize> = (0..SHOWN_MAX + 100).collect();
        for live in [0, 1, 7] {
            // The oldest ones hold on.
            let shown = shown(&old, |number| *number >= live);
            assert_eq!(shown.len(), SHOWN_MAX, "{live}");
            assert!(shown.iter().take(live).copied().eq(old.iter().take(live)), "{live}");
            let found = *shown[live];
            assert!(shown.is_sorted() && found == live + 100, "{live}: {found}");
        }
        assert_eq!(shown(&old[..3], |_| true).len(), 3);
    }
}
