//! Incidents: declared for several controllers at once, ended, listed for one.

use std::collections::BTreeSet;

use super::super::api::{
    DeclareIncidentRequest, DeclareIncidentResponse, EndIncidentRequest, EndIncidentResponse, ListIncidentsRequest,
    ListIncidentsResponse,
};
use super::{Controllers, convert, shown};
use crate::grpc::call::{Call, checked};
use crate::grpc::status::Refusal;
use crate::model::check::Checker;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::acts::Refusal as Unchanged;
use crate::model::permission::change::{ActId, Change};
use crate::model::permission::grants::{INCIDENT_MAX, Incident, Span};

impl Controllers {
    pub(super) async fn declare(
        &self,
        call: &Call,
        request: DeclareIncidentRequest,
    ) -> Result<DeclareIncidentResponse, Refusal> {
        let mut checker = Checker::default();
        let named = convert::schools(request.controllers, &mut checker);
        let id = convert::act_id(&request.id, || self.node.fresh_id(), &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let times = convert::times(request.from, request.until, &mut checker);
        let (from, until) = checked(checker, times)?;
        let of = self.concerned(call, named).await?;
        // Sent again without a first instant, it is the same incident.
        let before = of.iter().find_map(|of| self.incident(of, &id));
        let from = from.or(before.map(|span| span.from())).unwrap_or_else(|| self.node.base().now());
        let span = convert::span(from, until, INCIDENT_MAX, "7 days").map_err(Refusal::invalid)?;
        self.change_all(&of, &Change::Incident { id: id.clone(), span }, call.decides(ground)).await?;
        Ok(DeclareIncidentResponse { id: id.to_string(), controllers: count(of.len()) })
    }

    pub(super) async fn call_off(
        &self,
        call: &Call,
        request: EndIncidentRequest,
    ) -> Result<EndIncidentResponse, Refusal> {
        let mut checker = Checker::default();
        let id = convert::known_id(&request.id, &mut checker);
        let named = convert::schools(request.controllers, &mut checker);
        let ground = convert::reason(request.ground, &mut checker);
        let id = checked(checker, id)?;
        let all = named.is_empty();
        let mut of = self.concerned(call, named).await?;
        let concerned = |of: &Controller| self.incident(of, &id).is_some();
        if all {
            of.retain(concerned);
        }
        // A grant of that id is no incident.
        if of.is_empty() || !of.iter().all(concerned) {
            return Err(Refusal::unchanged(&Unchanged::Unknown("incident")));
        }
        let ended = self.change_all(&of, &Change::End(id), call.decides(ground)).await?;
        Ok(EndIncidentResponse { controllers: count(ended) })
    }

    pub(super) async fn incidents(
        &self,
        call: &Call,
        request: ListIncidentsRequest,
    ) -> Result<ListIncidentsResponse, Refusal> {
        let (of, ground) = convert::asked_why(request.controller, request.purpose, request.purpose_text)?;
        let by = self.door.permit(&call.caller, Permission::Notices, &of, call.name);
        let asker = Self::reader(call, by, ground)?;
        let (acts, now) = (self.node.acts(&of), self.node.base().now());
        let shown = shown(acts.incidents(), |incident| incident.act.span.is_over(now));
        call.shows(&self.node, &asker, &of, shown.len()).await?;
        Ok(ListIncidentsResponse { incidents: shown.into_iter().map(convert::incident_info).collect() })
    }

    /// The controllers that are meant: those that are named, for each of which the caller must have the permission; if
    /// none is, those that there are and for which the caller has it.
    async fn concerned(&self, call: &Call, named: BTreeSet<Controller>) -> Result<Vec<Controller>, Refusal> {
        const NEED: Permission = Permission::Incident;
        if !named.is_empty() {
            let refused: Vec<Refusal> = named.iter().filter_map(|of| call.may(&self.door, NEED, of).err()).collect();
            return refused.into_iter().next().map_or_else(|| Ok(named.into_iter().collect()), Err);
        }
        let found = self.there_are(call, NEED, None, usize::MAX).await?;
        let concerned: Vec<Controller> = found.controllers.into_iter().map(|about| about.controller).collect();
        if concerned.is_empty() {
            return Err(Refusal::no_controller());
        }
        Ok(concerned)
    }

    fn incident(&self, of: &Controller, id: &ActId) -> Option<Span> {
        let is = |incident: &&Incident| incident.act.id == *id;
        self.node.acts(of).incidents().iter().find(is).map(|incident| incident.act.span)
    }
}

fn count(controllers: usize) -> u32 {
    u32::try_from(controllers).unwrap_or(u32::MAX)
}
