//! The dates of an event: those that the policy in force gave for its class and time, and none that was past.

use crate::model::date::{Date, Timestamp, Zone};
use crate::model::header::Header;
use crate::model::part::PartId;
use crate::model::policy::Kept;
use crate::model::record::Record;
use crate::model::retention::in_force::{self, Retention};

/// Compares the groups of an event whose core is readable with what the policy gives.
pub(super) fn check(record: &Record, retention: &Retention, zone: &Zone) -> Result<(), String> {
    let header = &record.header;
    let Some(core) = &record.contents.core else { return Ok(()) };
    if core.policy_version != retention.version() {
        let named = if in_force::number(&core.policy_version).is_some() { "another" } else { "no" };
        return Err(format!("its core names {named} policy, not {}, which was in force", retention.version()));
    }
    let dates = retention.dates(header.class, Timestamp::from_nanos(core.occurred_at), zone);
    let dates = dates.ok_or("its header names the class of notices")?;
    let recorded_at = Timestamp::from_nanos(core.recorded_at);
    let today = zone.date(recorded_at).max(Date::of_utc(recorded_at));
    for (part, date) in parts(header) {
        let kept = Kept::of(part);
        let due = dates.get(kept).ok_or_else(|| format!("its {} is there, but its class keeps none", kept.word()))?;
        if *due != date {
            return Err(format!("its {} has the date {date}, the policy gives {due}", kept.word()));
        }
        if date <= today {
            return Err(format!("its {} was past when it was recorded", kept.word()));
        }
    }
    Ok(())
}

fn parts(header: &Header) -> impl Iterator<Item = (PartId, Date)> {
    PartId::ALL.into_iter().filter_map(|part| Some((part, header.group_of(part)?.date)))
}

#[cfg(test)]
mod tests;
