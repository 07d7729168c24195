//! The policy of a controller: shown, and set.

use std::sync::Arc;

use super::super::api::{
    ListRetentionClassesRequest, ListRetentionClassesResponse, SetRetentionRequest, SetRetentionResponse,
};
use super::{Retentions, convert};
use crate::grpc::call::{Call, checked};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::acts::{Acts, Refusal as Unchanged};
use crate::model::permission::change::Change;
use crate::model::retention::in_force::Retention;
use crate::trail::answer::AskError;
use crate::trail::submission::RecordError;

impl Retentions {
    pub(super) async fn classes(
        &self,
        call: &Call,
        request: ListRetentionClassesRequest,
    ) -> Result<ListRetentionClassesResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let of = checked(checker, of)?;
        call.may(&self.door, Permission::List, &of)?;
        let acts = self.decided(&of).await?;
        let retention = acts.retention();
        let classes = convert::classes(retention, acts.profile().public_body);
        Ok(ListRetentionClassesResponse { policy_version: retention.version().to_owned(), classes })
    }

    pub(super) async fn set(&self, call: &Call, request: SetRetentionRequest) -> Result<SetRetentionResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let choice = convert::choices(request.choices, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let of = checked(checker, of)?;
        call.may(&self.door, Permission::Retention, &of)?;
        let acts = self.decided(&of).await?;
        let before = acts.retention().clone();
        let change = acts.numbered(Change::Retention { number: 0, choice: choice.clone() });
        let decided = call.decides(ground);
        match acts.check(&change, &decided, self.node.base().now()) {
            Ok(()) => {}
            Err(Unchanged::Already) => {
                let policy_version = before.version().to_owned();
                return Ok(SetRetentionResponse { policy_version, receipt: None, changes: Vec::new() });
            }
            Err(refusal) => return Err(Refusal::unchanged(&refusal)),
        }
        let after = Retention::chosen(before.number() + 1, choice.clone());
        let changes = convert::differences(&before, &after);
        if request.dry_run {
            return Ok(SetRetentionResponse { policy_version: after.version().to_owned(), receipt: None, changes });
        }
        let noted = self.node.change(vec![(of.clone(), Change::Retention { number: 0, choice })], decided).await?;
        let receipt = noted.into_iter().find_map(|noted| noted.receipt).as_ref().map(convert::change_receipt);
        // Another may have chosen meanwhile: what holds is what the trail says now.
        let policy_version = self.decided(&of).await?.retention().version().to_owned();
        Ok(SetRetentionResponse { policy_version, receipt, changes })
    }

    /// What a controller that there is has decided.
    async fn decided(&self, of: &Controller) -> Result<Arc<Acts>, Refusal> {
        self.node.controller(of).await.map_err(|error| match error {
            AskError::NoController => Refusal::no_controller(),
            other => other.into(),
        })?;
        self.node.readable_acts(of).ok_or_else(|| RecordError::Damaged.into())
    }
}
