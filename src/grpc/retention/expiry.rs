//! What expires, counted beforehand; and its destruction, at somebody's word.

use std::collections::BTreeSet;

use super::super::api::{PreviewExpiryRequest, PreviewExpiryResponse, RunExpiryRequest, RunExpiryResponse};
use super::super::convert::{self, Place};
use super::super::listed::Listing;
use super::super::status::Refusal;
use super::Retentions;
use crate::grpc::call::Call;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::trail::answer::AskError;
use crate::trail::controllers::About;
use crate::trail::preview::Span;

/// Controllers that are looked up at once.
const LISTED: usize = 100;

/// Dates sought and records looked at for a page: a second's work or two.
const STEPS_MAX: u64 = 200_000;

/// Which controllers are counted.
enum Counted {
    /// These, each of which the caller named.
    Named(BTreeSet<Controller>),
    /// All that the caller may see.
    All,
}

impl Retentions {
    pub(super) async fn preview(
        &self,
        call: &Call,
        request: PreviewExpiryRequest,
    ) -> Result<PreviewExpiryResponse, Refusal> {
        let mut checker = Checker::default();
        let named = convert::counted(request.controllers, &mut checker);
        let until = convert::until(&request.until, self.node.base().now(), &mut checker);
        let limit = convert::page_size(request.page_size, &mut checker);
        let start = convert::place(&request.page_token, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        for of in &named {
            let permitted = self.door.permit(&call.caller, Permission::List, of, call.name);
            permitted.map_err(|why| Refusal::forbidden(why, AskError::NoController))?;
        }
        let counted = if named.is_empty() { Counted::All } else { Counted::Named(named) };
        let mut answer = PreviewExpiryResponse::default();
        let (mut zones, mut of_node, mut steps, mut after) = (BTreeSet::new(), false, STEPS_MAX, None);
        'all: loop {
            let (some, more) = self.some(call, &counted, start.as_ref(), after).await?;
            for About { controller, zone, .. } in some {
                of_node |= controller.is_node();
                zones.insert(zone);
                let from = start.as_ref().filter(|start| start.controller == controller).map(|start| start.date);
                let span = Span { from, until, rows: limit.saturating_sub(answer.counts.len()), steps };
                let counted = self.node.what_expires(controller.clone(), span).await?;
                steps = steps.saturating_sub(counted.steps);
                answer.counts.extend(counted.rows.into_iter().map(convert::expiry_count));
                if let Some(date) = counted.next {
                    answer.next_page_token = Place { controller, date }.to_string();
                    break 'all;
                }
            }
            match more {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        let standings = self.node.base().standings(|zone| of_node || zones.contains(zone));
        answer.standings = standings.into_iter().map(convert::expiry_standing).collect();
        Ok(answer)
    }

    /// The next controllers to count, and which one to go on after.
    async fn some(
        &self,
        call: &Call,
        counted: &Counted,
        start: Option<&Place>,
        after: Option<Controller>,
    ) -> Result<(Vec<About>, Option<Controller>), Refusal> {
        match (counted, after, start) {
            (Counted::Named(named), ..) => {
                let mut some = Vec::new();
                for of in named.iter().filter(|of| start.is_none_or(|start| start.controller <= **of)) {
                    some.push(self.node.controller(of).await?);
                }
                Ok((some, None))
            }
            // The one with which the page begins, then those after it.
            (Counted::All, None, Some(Place { controller, .. })) => {
                let seen = self.door.by(&call.caller, Permission::List, controller).is_some();
                let some = match self.node.controller(controller).await {
                    Ok(about) if seen => vec![about],
                    Ok(_) | Err(AskError::NoController) => Vec::new(),
                    Err(error) => return Err(error.into()),
                };
                Ok((some, Some(controller.clone())))
            }
            (Counted::All, after, _) => {
                let (node, door, caller) = (&self.node, &self.door, &call.caller);
                let listing = Listing { node, door, caller, need: Permission::List, call: call.name };
                let found = listing.page(after, LISTED, AskError::NoController.into()).await?;
                Ok((found.controllers, found.next))
            }
        }
    }

    pub(super) async fn run(&self, call: &Call, request: RunExpiryRequest) -> Result<RunExpiryResponse, Refusal> {
        let mut checker = Checker::default();
        convert::whole_node(&request.controller, &mut checker);
        let confirmed = convert::day("confirmed_date", &request.confirmed_date, &mut checker);
        checker.finish(()).map_err(Refusal::invalid)?;
        call.may(&self.door, Permission::Purge, &Controller::node())?;
        let expired = self.node.expire(confirmed).await?;
        Ok(convert::expired(expired))
    }
}
