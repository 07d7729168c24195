//! Controllers: opened, described, listed.

use super::super::api::{
    ListControllersRequest, ListControllersResponse, OpenControllerRequest, OpenControllerResponse,
    SetControllerRequest, SetControllerResponse, SetLoneApprovalRequest, SetLoneApprovalResponse,
};
use super::{Call, Controllers, checked, convert, undecided};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Change;
use crate::model::permission::scope::Scope;
use crate::trail::acts::Known;

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
        let opened = self.node.open_controller(of, zone, profile, call.decides(String::new())).await?;
        Ok(OpenControllerResponse { opened: opened.opened, controller: Some(self.described(&opened.known)) })
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

    /// Whoever may list some by name is shown those of them that there are, each looked up on its own: how long that
    /// takes tells nothing of others.
    pub(super) async fn list(
        &self,
        call: &Call,
        request: ListControllersRequest,
    ) -> Result<ListControllersResponse, Refusal> {
        let mut checker = Checker::default();
        let limit = convert::page_size(request.page_size, &mut checker);
        let after = convert::after(&request.page_token, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        let scope = self.door.scope(&call.caller, Permission::List, call.name).map_err(undecided)?;
        let names = match scope {
            Scope::All => self.node.controllers().await?,
            Scope::Named(named) => named.into_iter().collect(),
        };
        let mine = |of: &Controller| !of.is_node() && self.door.by(&call.caller, Permission::List, of).is_some();
        let mut names = names.into_iter().filter(|of| after.as_ref().is_none_or(|after| after < of) && mine(of));
        let mut controllers = Vec::new();
        let mut last = None;
        while let Some(of) = names.next() {
            if let Some(known) = self.node.known(&of).await? {
                if controllers.len() == limit {
                    let next_page_token = last.map(|last: Controller| last.to_string()).unwrap_or_default();
                    return Ok(ListControllersResponse { controllers, next_page_token });
                }
                controllers.push(self.described(&known));
                last = Some(of);
            }
        }
        Ok(ListControllersResponse { controllers, next_page_token: String::new() })
    }

    fn described(&self, known: &Known) -> super::super::api::ControllerInfo {
        convert::controller_info(known, &self.node.acts(&known.controller), self.node.region())
    }
}
