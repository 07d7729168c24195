//! Days in; what expires, and what was destroyed, out.

use std::collections::BTreeSet;
use std::fmt;

use super::super::api;
use super::any;
use crate::model::check::Checker;
use crate::model::date::{Date, Timestamp};
use crate::model::origin::Controller;
use crate::model::policy::KEY_HORIZON_DAYS;
use crate::trail::expiry::{Expired, ZoneDone};
use crate::trail::preview::PreviewRow;
use crate::trail::standing::Standing;

/// Most controllers in one call.
const CONTROLLERS_MAX: usize = 1_000;

/// The controllers to count, each once; the reserved one too.
pub fn counted(names: Vec<String>, checker: &mut Checker) -> BTreeSet<Controller> {
    if names.len() > CONTROLLERS_MAX {
        let count = names.len();
        checker
            .refuse("controllers", format!("has {count} entries, the limit is {CONTROLLERS_MAX}: call several times"));
    }
    let names = names.into_iter().take(CONTROLLERS_MAX).enumerate();
    names.filter_map(|(place, name)| any(&format!("controllers[{place}]"), name, checker)).collect()
}

/// A day as `YYYY-MM-DD`; `None` if it is not given.
pub fn day(field: &str, text: &str, checker: &mut Checker) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let found = Date::parse(text);
    if found.is_none() {
        checker.refuse(field, "is not a day after 1970-01-01 as YYYY-MM-DD: give one, for example \"2026-12-24\"");
    }
    found
}

/// Through which day to count.
pub fn until(text: &str, now: Timestamp, checker: &mut Checker) -> Option<Date> {
    let until = day("until", text, checker)?;
    // It is still, or already, the day before or after somewhere.
    let today = Date::of_utc(now);
    let last = today.plus_days(KEY_HORIZON_DAYS);
    if until.plus_days(1) < today {
        checker.refuse("until", "is past: give today or a later day, or leave it out for today");
    } else if until > last {
        checker
            .refuse("until", format!("is too far: nothing recorded by now lives beyond {last}; give a day up to it"));
    }
    Some(until)
}

/// Refuses to run for one controller.
pub fn whole_node(name: &str, checker: &mut Checker) {
    let is_node = Controller::new(name).is_some_and(|controller| controller.is_node());
    if !name.is_empty() && !is_node {
        checker.refuse(
            "controller",
            "must be \"node\", or not given: all trails of a zone share the keys of its days, so a run is the whole node's",
        );
    }
}

/// Where a page begins: with that date of that controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub controller: Controller,
    /// From which date on.
    pub date: Date,
}

impl Place {
    fn parse(token: &str) -> Option<Self> {
        let (controller, date) = token.split_once('/')?;
        Some(Self { controller: Controller::new(controller)?, date: Date::from_days(date.parse().ok()?) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.controller, self.date.days())
    }
}

/// Where the page begins, if not at the beginning.
pub fn place(token: &str, checker: &mut Checker) -> Option<Place> {
    let place = Place::parse(token);
    if place.is_none() && !token.is_empty() {
        checker.refuse("page_token", "is not a token of this list: take next_page_token as it came");
    }
    place
}

/// A row.
pub fn expiry_count(row: PreviewRow) -> api::ExpiryCount {
    api::ExpiryCount {
        controller: row.controller.to_string(),
        retention_class: row.class.word().into(),
        expires_on: row.date.to_string(),
        records: row.records,
        whole: row.whole,
    }
}

/// How it stands in a zone.
pub fn expiry_standing(standing: Standing) -> api::ExpiryStanding {
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    api::ExpiryStanding {
        zone: standing.zone,
        today: standing.today.to_string(),
        expired_through: day(standing.expired_through),
        due_through: day(standing.due_through),
        due_days: standing.due_days,
        needs_confirmation: standing.needs_confirmation,
        reclaim_pending: standing.reclaim_pending,
    }
}

/// What a run did.
pub fn expired(expired: Expired) -> api::RunExpiryResponse {
    let zone = |zone: ZoneDone| api::ExpiredZone {
        zone: zone.zone,
        last: zone.last.map(|last| last.to_string()).unwrap_or_default(),
        through: zone.through.to_string(),
        keys: zone.keys,
        trails: zone.trails,
        damaged: zone.damaged,
    };
    api::RunExpiryResponse { zones: expired.zones.into_iter().map(zone).collect() }
}
