//! Erasure: by a request that another agreed to.

use super::super::api::{EraseIdentityRequest, EraseIdentityResponse};
use super::super::status::Refusal;
use super::{Identities, convert};
use crate::grpc::call::{Call, checked};
use crate::model::check::Checker;
use crate::model::permission::Permission;
use crate::model::permission::acts::Refusal as Unchanged;
use crate::model::stored::Purpose;
use crate::trail::answer::AskError;
use crate::trail::ask::Ground;

impl Identities {
    pub(super) async fn erase(
        &self,
        call: &Call,
        request: EraseIdentityRequest,
    ) -> Result<EraseIdentityResponse, Refusal> {
        if request.dry_run {
            return self.preview(call, request).await;
        }
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let who = convert::person(request.identity, &mut checker);
        let ground_code = convert::ground_code(request.ground_code, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let approval = convert::approval_id(&request.approval_id, &mut checker);
        let ((of, who), (ground_code, approval)) = checked(checker, of.zip(who).zip(ground_code.zip(approval)))?;
        call.may(&self.door, Permission::Erase, &of)?;
        let decided = call.decides(ground);
        // Whether it was agreed to is judged where its use is recorded: nothing comes between.
        let erasure = self.node.erase_identity(&of, &who, ground_code, &approval, decided).await?;
        Ok(convert::erased(erasure))
    }

    /// What it would do; whoever asks learns what there is of somebody, which is recorded.
    async fn preview(&self, call: &Call, request: EraseIdentityRequest) -> Result<EraseIdentityResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let who = convert::person(request.identity, &mut checker);
        let (of, who) = checked(checker, of.zip(who))?;
        let by = call.may(&self.door, Permission::Erase, &of)?;
        let asker = call.asks(&by, Ground { purpose: Purpose::SubjectRights.into(), text: String::new() });
        let erasure = self.node.preview_erasure(&asker, &of, &who).await.map_err(|error| match error {
            AskError::NotFound => Refusal::unchanged(&Unchanged::Nobody),
            AskError::NoController => Refusal::no_controller(),
            error => error.into(),
        })?;
        Ok(convert::erased(erasure))
    }
}
