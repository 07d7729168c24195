//! `akta.v1.HistoryService`: questions in, records out.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::api::history_service_server::HistoryService;
use super::api::{
    GetEventRequest, GetEventResponse, ListNoticesRequest, ListNoticesResponse, SearchEventsRequest,
    SearchEventsResponse,
};
use super::convert;
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::check::Checker;
use crate::trail::node::Node;

/// The service.
pub struct History(pub Arc<Node>);

#[tonic::async_trait]
impl HistoryService for History {
    async fn search_events(
        &self,
        request: Request<SearchEventsRequest>,
    ) -> Result<Response<SearchEventsResponse>, Status> {
        let request = request.into_inner();
        let mut checker = Checker::default();
        let (controller, ground) =
            convert::ground(request.controller.clone(), request.purpose, request.purpose_text.clone(), &mut checker);
        let (question, limit) = convert::question(&request, &mut checker);
        checker.finish(()).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = controller.ok_or_else(|| Refusal::invalid(Vec::new()).status())?;
        let answer = self
            .0
            .search(&Caller::dev(), &ground, &controller, question, limit, &request.page_token)
            .await
            .map_err(|error| Refusal::from(error).status())?;
        Ok(Response::new(SearchEventsResponse {
            events: convert::recorded(&answer),
            next_page_token: answer.page.next.map(|cursor| cursor.encode()).unwrap_or_default(),
            size: answer.page.size,
            waited_for: answer.waited_for,
        }))
    }

    async fn get_event(&self, request: Request<GetEventRequest>) -> Result<Response<GetEventResponse>, Status> {
        let request = request.into_inner();
        let mut checker = Checker::default();
        let (controller, ground) =
            convert::ground(request.controller, request.purpose, request.purpose_text, &mut checker);
        let key = convert::key(request.key, checker).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = controller.ok_or_else(|| Refusal::invalid(Vec::new()).status())?;
        let answer = self
            .0
            .get(&Caller::dev(), &ground, &controller, key)
            .await
            .map_err(|error| Refusal::from(error).status())?;
        Ok(Response::new(GetEventResponse { event: convert::recorded(&answer).pop() }))
    }

    async fn list_notices(
        &self,
        request: Request<ListNoticesRequest>,
    ) -> Result<Response<ListNoticesResponse>, Status> {
        let request = request.into_inner();
        let mut checker = Checker::default();
        let limit = convert::page_size(request.page_size, &mut checker);
        checker.finish(()).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = convert::any_controller(request.controller).map_err(Refusal::status)?;
        let found = self.0.notices(&controller, request.from_seq, limit).await;
        let found = found.map_err(|error| Refusal::from(error).status())?;
        Ok(Response::new(convert::notices(found)))
    }
}
