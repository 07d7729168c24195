//! Questions of `akta.v1.HistoryService` to checked values.

use super::super::api;
use super::{controller, identity, ip_bytes, timestamp, uuid};
use crate::model::check::{Checker, Violation};
use crate::model::event::check_purpose_text;
use crate::model::origin::Controller;
use crate::model::query::{Facts, Include, Order};
use crate::model::stored::Purpose;
use crate::trail::answer::EventKey;
use crate::trail::ask::{Ground, Question};

/// Rows on a page where the request does not say.
const PAGE_DEFAULT: u32 = 100;
/// Most rows on a page.
const PAGE_MAX: u32 = 1_000;
/// Most values in one field of a filter.
const VALUES_MAX: usize = 64;

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
    let size = page_size(request.page_size, checker);
    let question = checker.within("filter", |checker| {
        let mut who = |field: &str, asked: Option<api::Identity>| {
            asked.map(|asked| checker.within(field, |checker| identity(asked, checker)))
        };
        let (subject, actor) = (who("subject", filter.subject.clone()), who("actor", filter.actor.clone()));
        let include = Include { openings: request.with_openings, notices: request.with_notices };
        Question { subject, actor, facts: facts(filter, checker), order, include }
    });
    if request.with_notices && request.filter.as_ref().is_some_and(|filter| *filter != api::EventFilter::default()) {
        checker.refuse("with_notices", "goes with an empty filter only: leave out the filter, or with_notices");
    }
    (question, size)
}

/// The number of rows on a page.
pub fn page_size(asked: u32, checker: &mut Checker) -> usize {
    if asked > PAGE_MAX {
        checker.refuse("page_size", format!("is over the limit of {PAGE_MAX}: page through the rest"));
    }
    (if asked == 0 { PAGE_DEFAULT } else { asked.min(PAGE_MAX) }) as usize
}

fn facts(filter: api::EventFilter, checker: &mut Checker) -> Facts {
    Facts {
        ip: (!filter.ip.is_empty()).then(|| ip_bytes("ip", &filter.ip, checker)),
        actions: numbers("actions", filter.actions, checker),
        since: timestamp("since", filter.since, checker),
        until: timestamp("until", filter.until, checker),
        outcomes: numbers("outcomes", filter.outcomes, checker),
        purposes: numbers("purposes", filter.purposes, checker),
        legal_bases: numbers("legal_bases", filter.legal_bases, checker),
        categories: numbers("categories", filter.categories, checker),
        special_categories: numbers("special_categories", filter.special_categories, checker),
        resource_types: texts("resource_types", filter.resource_types, 64, checker),
        event_names: texts("event_names", filter.event_names, 128, checker),
        actor_kinds: numbers("actor_kinds", filter.actor_kinds, checker),
        roles: texts("roles", filter.roles, 64, checker),
        channels: numbers("channels", filter.channels, checker),
        source_services: texts("source_services", filter.source_services, 64, checker),
        operation_id: text("operation_id", filter.operation_id, 64, checker),
        recipient: text("recipient", filter.recipient, 128, checker),
        break_glass: filter.break_glass,
        children: filter.children,
        retention_classes: numbers("retention_classes", filter.retention_classes, checker),
    }
}

/// Numbers of an enum. What this version does not know may still be stored.
fn numbers(field: &str, numbers: Vec<i32>, checker: &mut Checker) -> Vec<i32> {
    let numbers = values(field, numbers, checker);
    if numbers.contains(&0) {
        checker.refuse(field, "holds UNSPECIFIED: name what you look for, or leave it out for all");
    }
    set(numbers)
}

fn texts(field: &str, texts: Vec<String>, max: usize, checker: &mut Checker) -> Vec<String> {
    let texts = (0..).zip(values(field, texts, checker));
    set(texts.map(|(n, text): (usize, _)| checker.required_text(&format!("{field}[{n}]"), text, max)).collect())
}

fn text(field: &str, text: String, max: usize, checker: &mut Checker) -> Option<String> {
    (!text.is_empty()).then(|| checker.text(field, text, max))
}

fn values<T>(field: &str, mut values: Vec<T>, checker: &mut Checker) -> Vec<T> {
    if values.len() > VALUES_MAX {
        let count = values.len();
        checker.refuse(field, format!("has {count} entries, the limit is {VALUES_MAX}: ask in several searches"));
        values.truncate(VALUES_MAX);
    }
    values
}

/// Ascending, each once: the same question, however it is put, goes with the same page tokens.
fn set<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
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
