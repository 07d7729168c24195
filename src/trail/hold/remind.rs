//! Reminding: which holds must be looked at. A hold whose review is overdue stays: what it keeps may be needed, and
//! letting go of it cannot be undone. But it is named, each day, until somebody looks.

use super::super::base::Base;
use crate::model::date::Timestamp;
use crate::model::hold::Review;

/// How many holds there are, and how they stand to their reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reminder {
    /// Holds that are not released.
    pub standing: u64,
    /// Of these, those whose review is near.
    pub due: u64,
    /// Of these, those whose review is past.
    pub overdue: u64,
}

impl Reminder {
    /// Those whose review is some time off.
    pub fn later(self) -> u64 {
        self.standing.saturating_sub(self.due + self.overdue)
    }
}

/// Counts the holds of all controllers, and names those that must be looked at in the log, if `log` says so.
pub(in crate::trail) fn remind(base: &Base, now: Timestamp, log: bool) -> Reminder {
    let mut reminder = Reminder::default();
    for (controller, zone) in base.holds.zones() {
        let today = zone.date(now);
        for hold in base.acts.of(&controller).holds().standing() {
            reminder.standing += 1;
            let (review_on, id) = (hold.review_on, &hold.id);
            match Review::of(review_on, today) {
                Review::Later => {}
                Review::Due => {
                    reminder.due += 1;
                    if log {
                        tracing::warn!(%controller, hold = %id, %review_on, "a hold is to be reviewed: akta hold review");
                    }
                }
                Review::Overdue => {
                    reminder.overdue += 1;
                    if log {
                        tracing::warn!(%controller, hold = %id, %review_on, "a hold is overdue: it goes on keeping records past their date; review or release it");
                    }
                }
            }
        }
    }
    reminder
}
