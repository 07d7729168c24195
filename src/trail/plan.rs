//! Planning: the expiry dates of an event, fixed when it is recorded, or why it cannot be.

use std::time::Duration;

use crate::model::check::Violation;
use crate::model::date::{Date, Timestamp, Zone};
use crate::model::event::Event;
use crate::model::policy::Dates;
use crate::model::retention::in_force::Retention;
use crate::model::stored::{SourceAssurance, Warning};

/// Events older than this must be imports: retries come within it.
pub const RETRY_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);
/// Events further ahead of the clock than this are refused.
pub const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);
/// Beyond this the difference of clocks is flagged.
const SKEW: Duration = Duration::from_secs(5);

/// Fixes the expiry dates of an event that is recorded at `now`, by the policy in force for its controller; dates up to and including `today` are past.
///
/// # Errors
///
/// Why it is not recorded: the rules of its controller refuse it, or the time at which it happened.
pub fn plan(
    event: Event,
    zone: &Zone,
    retention: &Retention,
    now: Timestamp,
    today: Date,
) -> Result<(Event, Dates), Vec<Violation>> {
    if !event.refused().is_empty() {
        return Err(event.refused().to_vec());
    }
    let refuse = |description: &str| {
        Err(vec![Violation { field: "occurred_at".to_owned(), description: description.to_owned() }])
    };
    let given = event.occurred_at_given.then(|| Timestamp::from_nanos(event.core.occurred_at));
    let occurred_at = given.unwrap_or(now);
    if occurred_at > now.plus(AHEAD_MAX) {
        return refuse("is more than 5 minutes ahead of Akta's clock: set the reporter's clock, or leave it out");
    }
    let import = event.core.source_assurance == SourceAssurance::Import as i32;
    if occurred_at < now.minus(RETRY_WINDOW) && !import {
        return refuse("is more than 7 days ago: report such events as an import (source.assurance IMPORT)");
    }
    let dates = retention.dates(event.class(), occurred_at, zone).expect("an event is never of the class of notices");
    if dates.core <= today {
        return refuse("is so long ago that the event would already have expired: it must not be kept");
    }
    let skewed = !import && (occurred_at > now.plus(SKEW) || occurred_at < now.minus(SKEW));
    Ok((event.planned(occurred_at, retention.version(), skewed.then_some(Warning::ClockSkew)), dates))
}
