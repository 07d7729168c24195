//! Questions of `akta.v1.HistoryService` to checked values.

use super::super::api;
use super::{ORIGIN, asked_controller, identity, ip_bytes, perhaps_origin, timestamp, uuid};
use crate::model::check::{Checker, Violation};
use crate::model::country::{COUNTRY, Country};
use crate::model::event::check_purpose_text;
use crate::model::facts::Facts;
use crate::model::hold::selection::Selection;
use crate::model::identity::Identity;
use crate::model::origin::{Controller, Origin};
use crate::model::query::{Include, Order};
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
    }
    let ground = why(purpose, purpose_text, checker);
    (asked_controller(name, checker), ground)
}

/// Why, where that need not be said.
pub fn perhaps_ground(purpose: i32, purpose_text: String, checker: &mut Checker) -> Option<Ground> {
    if purpose == 0 && !purpose_text.is_empty() {
        checker.refuse("purpose_text", "goes with a purpose only: state one, or leave it out");
    }
    let ground = why(purpose, purpose_text, checker);
    (purpose != 0).then_some(ground)
}

fn why(purpose: i32, purpose_text: String, checker: &mut Checker) -> Ground {
    if purpose != 0 && Purpose::try_from(purpose).is_err() {
        checker.refuse("purpose", "is not a purpose that this version knows: choose one of akta.record.v1.Purpose");
    }
    let text = checker.text("purpose_text", purpose_text, 64);
    check_purpose_text(purpose, &text, checker);
    Ground { purpose, text }
}

/// Which records a hold keeps.
pub fn selection(filter: api::EventFilter, resource_id: String, checker: &mut Checker) -> Selection {
    let resource_id = text("resource_id", resource_id, 128, checker);
    checker.within("filter", |checker| {
        let (subject, actor, on_behalf_of) = people(&filter, checker);
        // Who it is, is held: what they are called and reached by is not needed for that.
        let bare = |who: Option<Identity>| who.map(|who| Identity::new(&who.namespace, &who.id));
        let (subject, actor, on_behalf_of) = (bare(subject), bare(actor), bare(on_behalf_of));
        Selection { subject, actor, on_behalf_of, resource_id, facts: facts(filter, checker) }
    })
}

fn people(filter: &api::EventFilter, checker: &mut Checker) -> (Option<Identity>, Option<Identity>, Option<Identity>) {
    let mut who = |field: &str, asked: Option<api::Identity>| {
        asked.map(|asked| checker.within(field, |checker| identity(asked, checker)))
    };
    (
        who("subject", filter.subject.clone()),
        who("actor", filter.actor.clone()),
        who("on_behalf_of", filter.on_behalf_of.clone()),
    )
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
        let (subject, actor, on_behalf_of) = people(&filter, checker);
        let include = Include {
            openings: request.with_openings,
            notices: request.with_notices,
            restricted: request.include_restricted,
        };
        let facts = facts(filter, checker);
        Question { subject, actor, on_behalf_of, facts, order, include, hold: None, origin: None }
    });
    let hold = (!request.hold.is_empty()).then(|| uuid("hold", &request.hold, checker));
    if request.with_notices && hold.is_some() {
        checker.refuse("with_notices", "goes without a hold: leave out one of them");
    }
    let question = Question { hold, origin: perhaps_origin(&request.origin, checker), ..question };
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
        event_id: (!filter.event_id.is_empty()).then(|| uuid("event_id", &filter.event_id, checker)),
        since: timestamp("since", filter.since, checker),
        until: timestamp("until", filter.until, checker),
        recorded_since: timestamp("recorded_since", filter.recorded_since, checker),
        recorded_until: timestamp("recorded_until", filter.recorded_until, checker),
        actions: numbers("actions", filter.actions, checker),
        event_names: texts("event_names", filter.event_names, 128, checker),
        outcomes: numbers("outcomes", filter.outcomes, checker),
        break_glass: filter.break_glass,
        operation_id: text("operation_id", filter.operation_id, 64, checker),
        corrects: filter.corrects.and_then(|record| reference(record, checker)),
        corrections: filter.corrections,
        purposes: numbers("purposes", filter.purposes, checker),
        purpose_text: text("purpose_text", filter.purpose_text, 64, checker),
        legal_bases: numbers("legal_bases", filter.legal_bases, checker),
        special_legal_bases: numbers("special_legal_bases", filter.special_legal_bases, checker),
        policy_ids: texts("policy_ids", filter.policy_ids, 64, checker),
        decision_id: text("decision_id", filter.decision_id, 64, checker),
        categories: numbers("categories", filter.categories, checker),
        special_categories: numbers("special_categories", filter.special_categories, checker),
        resource_types: texts("resource_types", filter.resource_types, 64, checker),
        min_record_count: (filter.min_record_count > 0).then_some(filter.min_record_count),
        retention_classes: numbers("retention_classes", filter.retention_classes, checker),
        min_subject_count: (filter.min_subject_count > 0).then_some(filter.min_subject_count),
        children: filter.children,
        child_flags: numbers("child_flags", filter.child_flags, checker),
        actor_kinds: numbers("actor_kinds", filter.actor_kinds, checker),
        roles: texts("roles", filter.roles, 64, checker),
        org_units: texts("org_units", filter.org_units, 64, checker),
        ip: (!filter.ip.is_empty()).then(|| ip_bytes("ip", &filter.ip, checker)),
        channels: numbers("channels", filter.channels, checker),
        source_services: texts("source_services", filter.source_services, 64, checker),
        source_instances: texts("source_instances", filter.source_instances, 64, checker),
        assurances: numbers("assurances", filter.assurances, checker),
        recipient: text("recipient", filter.recipient, 128, checker),
        recipient_countries: countries("recipient_countries", filter.recipient_countries, checker),
        warnings: numbers("warnings", filter.warnings, checker),
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

fn countries(field: &str, countries: Vec<String>, checker: &mut Checker) -> Vec<String> {
    let countries = values(field, countries, checker);
    for (n, country) in countries.iter().enumerate() {
        if Country::new(country).is_none() {
            checker.refuse(&format!("{field}[{n}]"), COUNTRY);
        }
    }
    set(countries)
}

fn reference(record: api::RecordReference, checker: &mut Checker) -> Option<(Origin, u64)> {
    let origin = Origin::parse(&record.origin);
    if origin.is_none() {
        checker.refuse("corrects.origin", ORIGIN);
    }
    origin.map(|origin| (origin, record.seq))
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
