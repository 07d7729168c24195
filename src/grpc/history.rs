//! `akta.v1.HistoryService`: questions in, records out.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};

use super::api::history_service_server::HistoryService;
use super::api::{
    GetEventRequest, GetEventResponse, ListNoticesRequest, ListNoticesResponse, SearchEventsRequest,
    SearchEventsResponse,
};
use super::auth::door::Door;
use super::auth::pace::{Held, Seat};
use super::convert;
use super::reidentify::{self, Unapproved, Unopened};
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::check::{Checker, Violation};
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::decide::Permitted;
use crate::trail::answer::{Also, AskError};
use crate::trail::ask::{Asker, Through};
use crate::trail::node::Node;

/// The service.
pub struct History {
    /// Answers.
    pub node: Arc<Node>,
    /// Decides who is answered.
    pub door: Arc<Door>,
}

/// Bytes that a page takes while it is put together: its records as they are read, and as messages.
const PAGE_ROOM: usize = 6 << 20;

/// The same of one event.
const EVENT_ROOM: usize = 2 << 20;

/// An answer that waits to be read is there as a message, and as its encoding.
const COPIES: usize = 3;

impl History {
    /// An answer with the room that it holds until it has gone out; counted against the rate of who asked.
    fn answered<T: Message>(&self, caller: &Caller, answer: T, room: Held) -> Response<T> {
        let bytes = answer.encoded_len();
        self.door.answered(caller, bytes);
        let mut response = Response::new(answer);
        response.extensions_mut().insert(room.down_to(bytes * COPIES));
        response
    }

    /// How that caller may do that for that controller.
    fn permit(
        &self,
        caller: &Caller,
        need: Permission,
        of: &Controller,
        call: &'static str,
    ) -> Result<Permitted, Status> {
        let permitted = self.door.permit(caller, need, of, call);
        permitted.map_err(|why| Refusal::forbidden(why, AskError::NoController).status())
    }

    /// What that caller may see of an answer; where names are withheld, they may be shown by an approval.
    async fn view(
        &self,
        caller: &Caller,
        by: &Permitted,
        of: &Controller,
        approval_id: &str,
        call: &'static str,
    ) -> Result<View, Status> {
        let mut through: Vec<Through> = Through::of(by).into_iter().collect();
        if !by.withholds_names() {
            return Ok(View { names: Names::Shown, through });
        }
        if approval_id.is_empty() {
            return Ok(View { names: Names::Withheld, through });
        }
        self.permit(caller, Permission::Reidentify, of, call)?;
        match reidentify::by(&self.node, caller, of, approval_id).await {
            Ok(id) => {
                through.push(Through::Approval(id));
                Ok(View { names: Names::Shown, through })
            }
            Err(Unopened::Failed(error)) => Err(Refusal::from(error).status()),
            Err(Unopened::Refused(why)) => {
                self.door.refuse(caller, Permission::Reidentify, of, call, why.word());
                Err(Refusal::names_withheld(why.remedy()).status())
            }
        }
    }
}

/// Waits for room for an answer.
async fn room(seat: Seat, bytes: usize) -> Result<Held, Status> {
    seat.room(bytes).await.ok_or_else(|| Refusal::from(AskError::Closing).status())
}

/// What somebody may see of an answer.
struct View {
    names: Names,
    /// What opened the trail to them, to be recorded with the read.
    through: Vec<Through>,
}

/// Whether an answer leads pseudonyms back to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Shown,
    Withheld,
}

#[tonic::async_trait]
impl HistoryService for History {
    async fn search_events(
        &self,
        request: Request<SearchEventsRequest>,
    ) -> Result<Response<SearchEventsResponse>, Status> {
        const CALL: &str = "SearchEvents";
        let (caller, seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let mut checker = Checker::default();
        let (controller, ground) =
            convert::ground(request.controller.clone(), request.purpose, request.purpose_text.clone(), &mut checker);
        let (question, limit) = convert::question(&request, &mut checker);
        checker.finish(()).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = controller.ok_or_else(|| Refusal::invalid(Vec::new()).status())?;
        let need = if question.asked().export { Permission::Export } else { Permission::Search };
        let by = self.permit(&caller, need, &controller, CALL)?;
        if request.include_restricted {
            self.permit(&caller, Permission::Erase, &controller, CALL)?;
        }
        if let Some(id) = &question.hold {
            self.permit(&caller, Permission::Hold, &controller, CALL)?;
            if self.node.base().holds.find(&controller, id).is_none() {
                let description = "is no hold of this controller, or is released: list them".to_owned();
                return Err(Refusal::invalid(vec![Violation { field: "hold".to_owned(), description }]).status());
            }
        }
        let View { names, through } = self.view(&caller, &by, &controller, &request.approval_id, CALL).await?;
        if names == Names::Withheld && question.names_people() {
            // Whoever may not see names may not try them out either.
            self.door.refuse(&caller, Permission::Reidentify, &controller, CALL, Unapproved::None.word());
            return Err(Refusal::names_withheld(Unapproved::None.remedy()).status());
        }
        let room = room(seat, PAGE_ROOM).await?;
        let asker = Asker { caller, ground, through };
        let answer = self.node.search(&asker, &controller, question, limit, &request.page_token).await;
        let answer = answer.map_err(|error| Refusal::from(error).status())?.with_names(names == Names::Shown);
        let page = SearchEventsResponse {
            events: convert::recorded(&answer),
            next_page_token: answer.page_token.clone().unwrap_or_default(),
            size: answer.page.size,
            waited_for: answer.waited_for,
            restricted_hidden: answer.restricted_hidden,
        };
        Ok(self.answered(&asker.caller, page, room))
    }

    async fn get_event(&self, request: Request<GetEventRequest>) -> Result<Response<GetEventResponse>, Status> {
        const CALL: &str = "GetEvent";
        let (caller, seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let mut checker = Checker::default();
        let (controller, ground) =
            convert::ground(request.controller, request.purpose, request.purpose_text, &mut checker);
        let key = convert::key(request.key, checker).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = controller.ok_or_else(|| Refusal::invalid(Vec::new()).status())?;
        let by = self.permit(&caller, Permission::Search, &controller, CALL)?;
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        if request.include_restricted {
            self.permit(&caller, Permission::Erase, &controller, CALL)?;
        }
        let View { names, through } = self.view(&caller, &by, &controller, &request.approval_id, CALL).await?;
        let room = room(seat, EVENT_ROOM).await?;
        let asker = Asker { caller, ground, through };
        let held = self.door.by(&asker.caller, Permission::Hold, &controller).is_some();
        let also = Also { held, restricted: request.include_restricted };
        let answer = self.node.get(&asker, of, key, also).await;
        let answer = answer.map_err(|error| Refusal::from(error).status())?.with_names(names == Names::Shown);
        Ok(self.answered(&asker.caller, GetEventResponse { event: convert::recorded(&answer).pop() }, room))
    }

    async fn list_notices(
        &self,
        request: Request<ListNoticesRequest>,
    ) -> Result<Response<ListNoticesResponse>, Status> {
        const CALL: &str = "ListNotices";
        let (caller, seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let mut checker = Checker::default();
        let limit = convert::page_size(request.page_size, &mut checker);
        let ground = convert::perhaps_ground(request.purpose, request.purpose_text, &mut checker);
        checker.finish(()).map_err(|bad| Refusal::invalid(bad).status())?;
        let controller = convert::any_controller(request.controller).map_err(Refusal::status)?;
        let by = self.permit(&caller, Permission::Notices, &controller, CALL)?;
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        let room = room(seat, PAGE_ROOM).await?;
        let found = match ground {
            None => self.node.notices(of, request.from_seq, limit).await,
            Some(ground) => {
                let through = Through::of(&by).into_iter().collect();
                let asker = Asker { caller: caller.clone(), ground, through };
                self.node.notices_with_slices(&asker, of, request.from_seq, limit).await
            }
        };
        let found = found.map_err(|error| Refusal::from(error).status())?;
        Ok(self.answered(&caller, convert::notices(found), room))
    }
}
