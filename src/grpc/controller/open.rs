//! Controllers: opened, described, listed.

use super::super::api::{
    ControllerInfo, ListControllersRequest, ListControllersResponse, OpenControllerRequest, OpenControllerResponse,
    SetControllerRequest, SetControllerResponse, SetLoneApprovalRequest, SetLoneApprovalResponse,
};
use super::{Call, Controllers, checked, convert, undecided};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Change;
use crate::model::permission::scope::Scope;
use crate::trail::answer::AskError;
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
        self.permit(call, Permission::Open, &of)?;
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
        self.permit(call, Permission::Open, &of)?;
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
        self.permit(call, Permission::Grant, &of)?;
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

    /// Those that there are, by name, and for which the caller has that permission. Whoever has it for some by name has
    /// each of them looked up on its own: how long that takes tells nothing of others.
    ///
    /// # Errors
    ///
    /// The caller has it for none by the policy, which is recorded; or reading fails.
    pub(super) async fn there_are(
        &self,
        call: &Call,
        need: Permission,
        after: Option<Controller>,
        limit: usize,
    ) -> Result<Found, Refusal> {
        let (door, caller) = (self.door.clone(), call.caller.clone());
        let mine = move |of: &Controller| door.by(&caller, need, of).is_some();
        let named = match self.door.scope(&call.caller, need, call.name).map_err(undecided)? {
            Scope::All => return Ok(self.node.controllers(after, limit, mine).await?),
            Scope::Named(named) => named,
        };
        let mut found = Found { controllers: Vec::new(), next: None };
        for of in named.iter().filter(|of| after.as_ref() < Some(*of) && !of.is_node() && mine(of)) {
            match self.node.controller(of).await {
                Ok(_) if found.controllers.len() == limit => {
                    found.next = found.controllers.last().map(|last| last.controller.clone());
                    break;
                }
                Ok(about) => found.controllers.push(about),
                Err(AskError::NoController) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    fn described(&self, about: &About) -> ControllerInfo {
        convert::controller_info(about, &self.node.acts(&about.controller), self.region)
    }
}
