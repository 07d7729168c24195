//! How people stand: deactivated, restricted.

use super::super::api::{
    DeactivateIdentityRequest, DeactivateIdentityResponse, Identity as Wire, LiftRestrictionRequest,
    LiftRestrictionResponse, RestrictIdentityRequest, RestrictIdentityResponse,
};
use super::super::status::Refusal;
use super::{Identities, convert};
use crate::grpc::call::{Call, checked};
use crate::model::check::Checker;
use crate::model::identity::Identity;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Decided;

/// About whom something is decided, whose they are, by whom and why.
struct Decision {
    of: Controller,
    who: Identity,
    decided: Decided,
}

impl Identities {
    pub(super) async fn deactivate(
        &self,
        call: &Call,
        request: DeactivateIdentityRequest,
    ) -> Result<DeactivateIdentityResponse, Refusal> {
        let mut checker = Checker::default();
        let mask_on = convert::day("mask_on", &request.mask_on, &mut checker);
        let Decision { of, who, decided } =
            self.decision(call, request.controller, request.identity, request.ground, checker)?;
        let (noted, mask_on) = self.node.deactivate_identity(&of, &who, mask_on, decided).await?;
        let receipt = noted.receipt.as_ref().map(convert::change_receipt);
        Ok(DeactivateIdentityResponse { receipt, mask_on: mask_on.to_string() })
    }

    pub(super) async fn restrict(
        &self,
        call: &Call,
        request: RestrictIdentityRequest,
    ) -> Result<RestrictIdentityResponse, Refusal> {
        let Decision { of, who, decided } =
            self.decision(call, request.controller, request.identity, request.ground, Checker::default())?;
        let noted = self.node.restrict_identity(&of, &who, decided).await?;
        Ok(RestrictIdentityResponse { receipt: noted.receipt.as_ref().map(convert::change_receipt) })
    }

    pub(super) async fn lift(
        &self,
        call: &Call,
        request: LiftRestrictionRequest,
    ) -> Result<LiftRestrictionResponse, Refusal> {
        let Decision { of, who, decided } =
            self.decision(call, request.controller, request.identity, request.ground, Checker::default())?;
        let noted = self.node.lift_restriction(&of, &who, decided).await?;
        Ok(LiftRestrictionResponse { receipt: noted.receipt.as_ref().map(convert::change_receipt) })
    }

    fn decision(
        &self,
        call: &Call,
        controller: String,
        identity: Option<Wire>,
        ground: String,
        mut checker: Checker,
    ) -> Result<Decision, Refusal> {
        let of = convert::school(controller, &mut checker);
        let who = convert::person(identity, &mut checker);
        let ground = convert::reason(ground, &mut checker);
        let (of, who) = checked(checker, of.zip(who))?;
        call.may(&self.door, Permission::Erase, &of)?;
        Ok(Decision { of, who, decided: call.decides(ground) })
    }
}
