//! Holds: placed, reviewed, released, listed.

use super::super::api::{
    ListHoldsRequest, ListHoldsResponse, PlaceHoldRequest, PlaceHoldResponse, ReleaseHoldRequest, ReleaseHoldResponse,
    ReviewHoldRequest, ReviewHoldResponse,
};
use super::super::convert;
use super::super::status::Refusal;
use super::{Call, Retentions};
use crate::model::check::{Checker, Violation};
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::change::Decided;
use crate::model::permission::decide::Permitted;
use crate::model::stored::Purpose;
use crate::trail::acts::ChangeError;
use crate::trail::ask::{Asked, Asker, Ground, Through};
use crate::trail::hold::{Placing, hold_id};
use crate::trail::submission::RecordError;

/// What whoever places a hold on nothing hears.
const NOTHING: &str = "selects no record of which anything is readable: look at it with dry_run; to keep only what is recorded \
                       later, say may_be_empty";

impl Retentions {
    /// How the caller may hold records of a controller.
    fn may_hold(&self, call: &Call, of: &Controller) -> Result<Permitted, Refusal> {
        let hidden = |why| Refusal::forbidden(why, ChangeError::Record(RecordError::NoController));
        self.door.permit(&call.caller, Permission::Hold, of, call.name).map_err(hidden)
    }

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
        let by = self.may_hold(call, &of)?;
        let decided = Decided { by: call.caller.name().to_owned(), ground: hold.ground.clone() };
        // Sent again, it is not counted again: what it covered then stands in its notice.
        let placed = hold_id(&id).is_some_and(|id| self.node.base().holds.find(&of, &id).is_some());
        let records = match self.node.acts(&of).holds().find(&id) {
            Some(known) if placed && !dry_run => known.records,
            _ => {
                let asker = asker(call, &by, Ground { purpose: Purpose::LegalClaim.into(), text: String::new() });
                self.node.count_hold(&asker, &of, &hold).await?.records
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
        self.may_hold(call, &of)?;
        let decided = Decided { by: call.caller.name().to_owned(), ground };
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
        self.may_hold(call, &of)?;
        let decided = Decided { by: call.caller.name().to_owned(), ground };
        let noted = self.node.release_hold(&of, id, decided).await?;
        Ok(ReleaseHoldResponse { receipt: noted.receipt.as_ref().map(convert::change_receipt) })
    }

    pub(super) async fn holds(&self, call: &Call, request: ListHoldsRequest) -> Result<ListHoldsResponse, Refusal> {
        let (of, ground) = convert::asked_why(request.controller, request.purpose, request.purpose_text)?;
        let by = self.may_hold(call, &of)?;
        let asker = asker(call, &by, ground);
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
        let asked = Asked { call: call.name, shape: "everything".to_owned(), export: false };
        self.node.record_read(&asker, &of, asked, holds.len()).await?;
        Ok(ListHoldsResponse { holds })
    }
}

/// Who asks, by what they may: it is named in the record of the read.
fn asker(call: &Call, by: &Permitted, ground: Ground) -> Asker {
    Asker { caller: call.caller.clone(), ground, through: Through::of(by).into_iter().collect() }
}
