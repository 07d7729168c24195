//! Controllers: opened, described, listed.

use super::super::api::{
    ControllerInfo, ListControllersRequest, ListControllersResponse, OpenControllerRequest, OpenControllerResponse,
    SetControllerRequest, SetControllerResponse, SetLoneApprovalRequest, SetLoneApprovalResponse,
};
use super::{Controllers, convert};
use crate::grpc::call::{Call, checked};
use crate::grpc::listed::Listing;
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Change;
use crate::trail::controllers::{About, Controllers as Found};

impl Controllers {
    pub(super) async fn open(
        &self,
        call: &Call,
        request: OpenControllerRequest,
    ) -> Result<OpenControllerResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let zone = convert::zone(&request.zone, &mut checker);
        let profile = convert::profile(request.profile.unwrap_or_default(), &mut checker);
        let of = checked(checker, of)?;
        call.may(&self.door, Permission::Open, &of)?;
        let (about, opened) = self.node.open_controller(of, zone, profile, call.decides(String::new())).await?;
        Ok(OpenControllerResponse { opened, controller: Some(self.described(&about)) })
    }

    pub(super) async fn set(
        &self,
        call: &Call,
        request: SetControllerRequest,
    ) -> Result<SetControllerResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        if request.profile.is_none() {
            checker.refuse("profile", "is required: give all of it; what is not in it becomes false or empty");
        }
        let profile = convert::profile(request.profile.unwrap_or_default(), &mut checker);
        let of = checked(checker, of)?;
        call.may(&self.door, Permission::Open, &of)?;
        let receipt = self.change(&of, Change::Profile(profile), call.decides(String::new())).await?;
        Ok(SetControllerResponse { receipt })
    }

    pub(super) async fn lone(
        &self,
        call: &Call,
        request: SetLoneApprovalRequest,
    ) -> Result<SetLoneApprovalResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let of = checked(checker, of)?;
        call.may(&self.door, Permission::Grant, &of)?;
        let receipt = self.change(&of, Change::LoneApproval(request.allowed), call.decides(String::new())).await?;
        Ok(SetLoneApprovalResponse { receipt })
    }

    pub(super) async fn list(
        &self,
        call: &Call,
        request: ListControllersRequest,
    ) -> Result<ListControllersResponse, Refusal> {
        let mut checker = Checker::default();
        let limit = convert::page_size(request.page_size, &mut checker);
        let after = convert::after(&request.page_token, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        let found = self.there_are(call, Permission::List, after, limit).await?;
        let next_page_token = found.next.map(|last| last.to_string()).unwrap_or_default();
        let controllers = found.controllers.iter().map(|about| self.described(about)).collect();
        Ok(ListControllersResponse { controllers, next_page_token })
    }

    /// Those that there are, by name, and for which the caller has that permission.
    ///
    /// # Errors
    ///
    /// As [`Listing::page`].
    pub(super) async fn there_are(
        &self,
        call: &Call,
        need: Permission,
        after: Option<Controller>,
        limit: usize,
    ) -> Result<Found, Refusal> {
        let listing = Listing { node: &self.node, door: &self.door, caller: &call.caller, need, call: call.name };
        listing.page(after, limit, Refusal::no_controller()).await
    }

    fn described(&self, about: &About) -> ControllerInfo {
        convert::controller_info(about, &self.node.acts(&about.controller), self.region)
    }
}
