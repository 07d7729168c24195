//! How expiry stands in each time zone, in words and for programs.

use serde_json::{Value, json};

use crate::cli::text::count;
use crate::grpc::api::ExpiryStanding;

/// In words, without the zone's name.
pub(in crate::cli) fn words(standing: &ExpiryStanding) -> String {
    let expired = match standing.expired_through.as_str() {
        "" => "nothing has expired yet".to_owned(),
        through => format!("expired through {through}"),
    };
    let due = match (standing.due_days, standing.needs_confirmation) {
        (0, _) => "nothing is due".to_owned(),
        (days, false) => format!("{} due, through {}", count(days as usize, "day"), standing.due_through),
        (days, true) => format!(
            "{} due, through {}: more than 45 at once wait until somebody confirms that the clock is right",
            count(days as usize, "day"),
            standing.due_through
        ),
    };
    let reclaim = if standing.reclaim_pending { "; bytes of it are still on disk, unreadable" } else { "" };
    format!("{expired}; {due}{reclaim}")
}

/// For programs.
pub(in crate::cli) fn object(standing: &ExpiryStanding) -> Value {
    let day = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "zone": standing.zone, "today": standing.today, "expired_through": day(&standing.expired_through),
        "due_through": day(&standing.due_through), "due_days": standing.due_days,
        "needs_confirmation": standing.needs_confirmation, "reclaim_pending": standing.reclaim_pending,
    })
}
