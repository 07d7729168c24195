//! Grants: given, ended, listed.

use super::super::api::{
    EndGrantRequest, EndGrantResponse, GrantRequest, GrantResponse, ListGrantsRequest, ListGrantsResponse,
};
use super::{Controllers, convert, shown};
use crate::grpc::call::{Call, checked};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::permission::Permission;
use crate::model::permission::acts::Refusal as Unchanged;
use crate::model::permission::change::Change;
use crate::model::permission::grants::GRANT_MAX;

impl Controllers {
    pub(super) async fn give(&self, call: &Call, request: GrantRequest) -> Result<GrantResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::act_id(&request.id, || self.node.fresh_id(), &mut checker);
        let holder = convert::holder(request.holder, &mut checker);
        let permissions = convert::permissions(request.permissions, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let times = convert::times(request.from, request.until, &mut checker);
        let (of, holder, (from, until)) = checked(checker, of.and_then(|of| Some((of, holder?, times?))))?;
        call.may(&self.door, Permission::Grant, &of)?;
        // Sent again without a first instant, it is the same grant.
        let before =
            self.node.acts(&of).grants().iter().find(|grant| grant.act().id == id).map(|grant| grant.act().span);
        let from = from.or(before.map(|span| span.from())).unwrap_or_else(|| self.node.base().now());
        let span = convert::span(from, until, GRANT_MAX, "366 days").map_err(Refusal::invalid)?;
        let change = Change::Grant { id: id.clone(), holder, permissions, span };
        let receipt = self.change(&of, change, call.decides(ground)).await?;
        Ok(GrantResponse { id: id.to_string(), receipt })
    }

    pub(super) async fn take_back(&self, call: &Call, request: EndGrantRequest) -> Result<EndGrantResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::known_id(&request.id, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let (of, id) = checked(checker, of.zip(id))?;
        call.may(&self.door, Permission::Grant, &of)?;
        // An incident is ended by its own call, which takes another permission.
        if !self.node.acts(&of).grants().iter().any(|grant| grant.act().id == id) {
            return Err(Refusal::unchanged(&Unchanged::Unknown("grant")));
        }
        let receipt = self.change(&of, Change::End(id), call.decides(ground)).await?;
        Ok(EndGrantResponse { receipt })
    }

    pub(super) async fn grants(&self, call: &Call, request: ListGrantsRequest) -> Result<ListGrantsResponse, Refusal> {
        let (of, ground) = convert::asked_why(request.controller, request.purpose, request.purpose_text)?;
        let by = self.door.permit(&call.caller, Permission::Notices, &of, call.name);
        let asker = Self::reader(call, by, ground)?;
        let (acts, now) = (self.node.acts(&of), self.node.base().now());
        let shown = shown(acts.grants(), |grant| grant.act().span.is_over(now));
        call.shows(&self.node, &asker, &of, shown.len()).await?;
        Ok(ListGrantsResponse { grants: shown.into_iter().map(convert::grant_info).collect() })
    }
}
