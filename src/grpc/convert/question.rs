//! Questions of `akta.v1.HistoryService` to checked values.

use super::super::api;
use super::{controller, identity, ip_bytes, timestamp, uuid};
use crate::model::check::{Checker, Violation};
use crate::model::event::check_purpose_text;
use crate::model::origin::Controller;
use crate::model::query::{Include, Order};
use crate::model::stored::Purpose;
use crate::trail::answer::EventKey;
use crate::trail::ask::{Ground, Question};

/// Rows on a page where the request does not say.
const PAGE_DEFAULT: u32 = 100;
/// Most rows on a page.
const PAGE_MAX: u32 = 1_000;

/// Whose trail, and why.
pub fn ground(name: String, purpose: i32, purpose_text: String, checker: &mut Checker) -> (Option<Controller>, Ground) {
    if purpose == 0 {
        checker
            .refuse("purpose", "is required: say why you ask, it is recorded; for example SECURITY or SUBJECT_RIGHTS");
    } else if Purpose::try_from(purpose).is_err() {
        checker.refuse("purpose", "is not a purpose that this version knows: choose one of akta.record.v1.Purpose");
    }
    let text = checker.text("purpose_text", purpose_text, 64);
    check_purpose_text(purpose, &text, checker);
    (controller(name, checker), Ground { purpose, text })
}

/// What to find, and the number of rows on a page.
pub fn question(request: &api::SearchEventsRequest, checker: &mut Checker) -> (Question, usize) {
    let filter = request.filter.clone().unwrap_or_default();
    let order = match api::SearchOrder::try_from(request.order) {
        Ok(api::SearchOrder::OldestFirst) => Order::OldestFirst,
        Ok(api::SearchOrder::Unspecified | api::SearchOrder::NewestFirst) => Order::NewestFirst,
        Err(_) => {
            checker.refuse("order", "is not an order that this version knows: NEWEST_FIRST or OLDEST_FIRST");
            Order::NewestFirst
        }
    };
    if request.page_size > PAGE_MAX {
        checker.refuse("page_size", format!("is over the limit of {PAGE_MAX}: page through the rest"));
    }
    let mut actions = checker.list("filter.actions", filter.actions, 64);
    actions.sort_unstable();
    actions.dedup();
    if actions.contains(&0) {
        checker.refuse("filter.actions", "holds UNSPECIFIED: name the actions, or leave it out for all");
    }
    let mut who = |field: &str, asked: Option<api::Identity>| {
        asked.map(|asked| checker.within(format!("filter.{field}"), |checker| identity(asked, checker)))
    };
    let question = Question {
        subject: who("subject", filter.subject),
        actor: who("actor", filter.actor),
        ip: (!filter.ip.is_empty()).then(|| ip_bytes("filter.ip", &filter.ip, checker)),
        actions,
        since: timestamp("filter.since", filter.since, checker),
        until: timestamp("filter.until", filter.until, checker),
        order,
        include: Include { openings: request.with_openings, notices: request.with_notices },
    };
    if request.with_notices && request.filter.as_ref().is_some_and(|filter| *filter != api::EventFilter::default()) {
        checker.refuse("with_notices", "goes with an empty filter only: leave out the filter, or with_notices");
    }
    let size = if request.page_size == 0 { PAGE_DEFAULT } else { request.page_size.min(PAGE_MAX) };
    (question, size as usize)
}

/// Which event.
pub fn key(key: Option<api::get_event_request::Key>, checker: Checker) -> Result<EventKey, Vec<Violation>> {
    use api::get_event_request::Key;
    let mut checker = checker;
    let key = match key {
        Some(Key::Seq(seq)) => EventKey::Seq(seq),
        Some(Key::EventId(id)) => EventKey::EventId(uuid("event_id", &id, &mut checker)),
        None => {
            checker.refuse("key", "is required: give seq or event_id");
            EventKey::Seq(0)
        }
    };
    checker.finish(key)
}
