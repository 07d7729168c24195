//! Approvals: asked for, answered, listed.

use super::super::api::{
    AnswerApprovalRequest, AnswerApprovalResponse, ApprovalInfo, AskApprovalRequest, AskApprovalResponse,
    ListApprovalsRequest, ListApprovalsResponse,
};
use super::{Controllers, convert, shown, side};
use crate::grpc::call::{Call, checked, undecided};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::approval::{Deed, Standing};
use crate::model::permission::change::{ActId, Change};

impl Controllers {
    pub(super) async fn ask(&self, call: &Call, request: AskApprovalRequest) -> Result<AskApprovalResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::act_id(&request.id, || self.node.fresh_id(), &mut checker);
        let deed = convert::deed(request.deed, &mut checker);
        let concerning = convert::concerning(request.concerning, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let (of, deed) = checked(checker, of.zip(deed))?;
        self.is_person(call, deed.permission(), &of)?;
        let staff = side(&call.may(&self.door, deed.permission(), &of)?);
        let concerning = match deed {
            Deed::Erasure => self.node.concerning(&of, &concerning).await?.unwrap_or(concerning),
            _ => concerning,
        };
        let change = Change::Ask { id: id.clone(), deed, concerning, staff };
        let receipt = self.change(&of, change, call.decides(ground)).await?;
        let (standing, ready_at) = convert::standing(self.standing(&of, &id));
        Ok(AskApprovalResponse { id: id.to_string(), standing, ready_at, receipt })
    }

    pub(super) async fn answer(
        &self,
        call: &Call,
        request: AnswerApprovalRequest,
    ) -> Result<AnswerApprovalResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::known_id(&request.id, &mut checker);
        let ground = convert::perhaps_reason(request.ground, &mut checker);
        let (of, id) = checked(checker, of.zip(id))?;
        self.is_person(call, Permission::Approve, &of)?;
        self.may_answer(call, &of, &id, request.agrees)?;
        let change = Change::Answer { id: id.clone(), agrees: request.agrees };
        let receipt = self.change(&of, change, call.decides(ground)).await?;
        let (standing, ready_at) = convert::standing(self.standing(&of, &id));
        Ok(AnswerApprovalResponse { standing, ready_at, receipt })
    }

    pub(super) async fn approvals(
        &self,
        call: &Call,
        request: ListApprovalsRequest,
    ) -> Result<ListApprovalsResponse, Refusal> {
        let (of, ground) = convert::asked_why(request.controller, request.purpose, request.purpose_text)?;
        let needs = [Permission::Approve, Permission::Notices];
        let by = self.door.permit_any(&call.caller, needs, &of, call.name).map(|(_, by)| by);
        let asker = Self::reader(call, by, ground)?;
        let (acts, now) = (self.node.acts(&of), self.node.base().now());
        let shown = shown(acts.requests(), |request| !request.is_open(now));
        call.shows(&self.node, &asker, &of, shown.len()).await?;
        let texts = shown.iter().map(|request| request.concerning.clone()).collect();
        let concerning = self.node.concerned(&of, texts).await?;
        let info = shown.iter().zip(concerning).map(|(request, concerning)| ApprovalInfo {
            concerning,
            ..convert::approval_info(request, request.standing(acts.lone(), now))
        });
        Ok(ListApprovalsResponse { approvals: info.collect() })
    }

    /// Two people: a certificate or a process is none, whoever is behind it.
    fn is_person(&self, call: &Call, need: Permission, of: &Controller) -> Result<(), Refusal> {
        if call.caller.is_person() || call.caller.is_dev() {
            return Ok(());
        }
        self.door.refuse(&call.caller, need, of, call.name, "no-person");
        Err(Refusal::no_person())
    }

    /// Whoever has the permission, and, to take a request back, whoever made it. The door is passed before it is looked
    /// at whose it is.
    fn may_answer(&self, call: &Call, of: &Controller, id: &ActId, agrees: bool) -> Result<(), Refusal> {
        const NEED: Permission = Permission::Approve;
        if agrees || self.door.by(&call.caller, NEED, of).is_some() {
            return call.may(&self.door, NEED, of).map(|_| ());
        }
        let needs = [Permission::Erase, Permission::Reidentify];
        if !needs.iter().any(|need| self.door.by(&call.caller, *need, of).is_some()) {
            return call.may(&self.door, NEED, of).map(|_| ());
        }
        let theirs = self.node.acts(of).request(id).is_some_and(|request| request.asked.name == call.caller.name());
        if theirs { Ok(()) } else { Err(undecided(self.door.refuse(&call.caller, NEED, of, call.name, "role"))) }
    }

    /// Where a request stands now.
    fn standing(&self, of: &Controller, id: &ActId) -> Option<Standing> {
        let (acts, now) = (self.node.acts(of), self.node.base().now());
        acts.request(id).map(|request| request.standing(acts.lone(), now))
    }
}
