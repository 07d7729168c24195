//! What is handed to the writer, and what comes of it.

use std::time::Duration;

use crate::model::check::Violation;
use crate::model::date::{Date, Timestamp};
use crate::model::event::Event;
use crate::model::header::Link;
use crate::model::origin::{Controller, Origin};

/// How long a client waits before it tries again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Events to be recorded in one trail, all of them or none.
#[derive(Debug, Clone)]
pub struct Submission {
    /// In whose trail.
    pub controller: Controller,
    /// What; at least one.
    pub events: Vec<Event>,
    /// Whether an unknown controller may be opened for it.
    pub may_open: bool,
}

/// Proof that a record is durable and chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Origin of the trail.
    pub origin: Origin,
    /// Position.
    pub seq: u64,
    /// Link.
    pub link: Link,
    /// When.
    pub recorded_at: Timestamp,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub receipt: Receipt,
    /// Numbers of `Warning`s.
    pub warnings: Vec<i32>,
}

/// Why nothing of a submission was recorded, or may not have been. `index` names the event in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not applied: mend it.
    #[error("the event is not as it should be: {}", list(violations))]
    Invalid {
        /// Which event.
        index: usize,
        /// Its bad fields.
        violations: Vec<Violation>,
    },
    /// Not applied: no such controller, or not yours.
    #[error("no such controller, or you may not report for it")]
    NoController,
    /// Not applied: the controller has come to its end.
    #[error("{}", over(*on))]
    Closed {
        /// The day, in UTC.
        on: Date,
    },
    /// Not applied: try again.
    #[error("not recorded, try again: {reason}")]
    Busy {
        /// Why.
        reason: &'static str,
    },
    /// Not applied: the first event of that id stands.
    #[error("event_id was used for another event: the first one stands; give every event an id of its own")]
    Conflict {
        /// Which event.
        index: usize,
    },
    /// Not applied: what is stored of somebody in it is damaged.
    #[error(
        "not recorded: what is stored of somebody in this event is damaged; the operator finds the place in akta's log"
    )]
    Damaged,
    /// Perhaps applied: only reopening decides.
    #[error("it is not known whether the event was recorded: retry with the same event_id")]
    Uncertain,
}

/// What whoever may ask about a controller that is closed hears.
pub(super) fn over(on: Date) -> String {
    format!(
        "this controller was closed on {on}: what it entrusted is destroyed, and nothing is recorded, searched or exported \
         for it any more; its checkpoints, proofs and notices stay"
    )
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
