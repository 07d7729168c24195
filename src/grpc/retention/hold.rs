//! Holds: placed, reviewed, released, listed.

use super::super::api::{
    ListHoldsRequest, ListHoldsResponse, PlaceHoldRequest, PlaceHoldResponse, ReleaseHoldRequest, ReleaseHoldResponse,
    ReviewHoldRequest, ReviewHoldResponse,
};
use super::super::convert;
use super::super::status::Refusal;
use super::Retentions;
use crate::grpc::call::Call;
use crate::model::check::{Checker, Violation};
use crate::model::permission::Permission;
use crate::model::stored::Purpose;
use crate::trail::ask::Ground;
use crate::trail::hold::{Placing, hold_id};

/// What whoever places a hold on nothing hears.
const NOTHING: &str = "selects no record of which anything is readable: look at it with dry_run; to keep only what is recorded \
                       later, say may_be_empty";

impl Retentions {
    pub(super) async fn place(&self, call: &Call, request: PlaceHoldRequest) -> Result<PlaceHoldResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller.clone(), &mut checker);
        let id = convert::act_id(&request.id, || self.node.fresh_id(), &mut checker);
        let review_on = match request.dry_run && request.review_on.is_empty() {
            true => None,
            false => convert::review_on(&request.review_on, &mut checker),
        };
        let (dry_run, may_be_empty) = (request.dry_run, request.may_be_empty);
        let hold = convert::hold(request, call.caller.name(), &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        let (of, hold) = of.zip(hold).ok_or_else(|| Refusal::invalid(Vec::new()))?;
        let by = call.may(&self.door, Permission::Hold, &of)?;
        let decided = call.decides(hold.ground.clone());
        // Sent again, it is not counted again: what it covered then stands in its notice.
        let placed = hold_id(&id).is_some_and(|id| self.node.base().holds.find(&of, &id).is_some());
        let records = match self.node.acts(&of).holds().find(&id) {
            Some(known) if placed && !dry_run => known.records,
            _ => {
                let asker = call.asks(&by, Ground { purpose: Purpose::LegalClaim.into(), text: String::new() });
                self.node.count_hold(&asker, &of, &hold).await?
            }
        };
        let Some(review_on) = review_on.filter(|_| !dry_run) else {
            return Ok(PlaceHoldResponse { id: String::new(), records, receipt: None });
        };
        if records == 0 && !may_be_empty && !placed {
            let (field, description) = ("filter".to_owned(), NOTHING.to_owned());
            return Err(Refusal::invalid(vec![Violation { field, description }]));
        }
        let placing = Placing { id: id.clone(), hold, review_on, records };
        let noted = self.node.place_hold(&of, placing, decided).await?;
        let receipt = noted.receipt.as_ref().map(convert::change_receipt);
        Ok(PlaceHoldResponse { id: id.to_string(), records, receipt })
    }

    pub(super) async fn review(&self, call: &Call, request: ReviewHoldRequest) -> Result<ReviewHoldResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::known_id(&request.id, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let review_on = convert::review_on(&request.review_on, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        let ((of, id), review_on) = of.zip(id).zip(review_on).ok_or_else(|| Refusal::invalid(Vec::new()))?;
        call.may(&self.door, Permission::Hold, &of)?;
        let decided = call.decides(ground);
        let noted = self.node.review_hold(&of, id, review_on, decided).await?;
        Ok(ReviewHoldResponse { receipt: noted.receipt.as_ref().map(convert::change_receipt) })
    }

    pub(super) async fn release(
        &self,
        call: &Call,
        request: ReleaseHoldRequest,
    ) -> Result<ReleaseHoldResponse, Refusal> {
        let mut checker = Checker::default();
        let of = convert::school(request.controller, &mut checker);
        let id = convert::known_id(&request.id, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        let (of, id) = of.zip(id).ok_or_else(|| Refusal::invalid(Vec::new()))?;
        call.may(&self.door, Permission::Hold, &of)?;
        let decided = call.decides(ground);
        let noted = self.node.release_hold(&of, id, decided).await?;
        Ok(ReleaseHoldResponse { receipt: noted.receipt.as_ref().map(convert::change_receipt) })
    }

    pub(super) async fn holds(&self, call: &Call, request: ListHoldsRequest) -> Result<ListHoldsResponse, Refusal> {
        let (of, ground) = convert::asked_why(request.controller, request.purpose, request.purpose_text)?;
        let by = call.may(&self.door, Permission::Hold, &of)?;
        let asker = call.asks(&by, ground);
        let (base, acts) = (self.node.base(), self.node.acts(&of));
        let today = self.node.today(&of).await?;
        let holds: Vec<_> = acts
            .holds()
            .all()
            .iter()
            .map(|act| {
                let standing = hold_id(&act.id).and_then(|id| base.holds.find(&of, &id));
                convert::hold_info(act, standing.as_ref().and_then(|standing| standing.hold()), today)
            })
            .collect();
        call.shows(&self.node, &asker, &of, holds.len()).await?;
        Ok(ListHoldsResponse { holds })
    }
}
