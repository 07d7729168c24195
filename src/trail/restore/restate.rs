//! What a successor restates: decisions that still hold, so that it stands for itself.

use super::super::base::Base;
use super::super::hold;
use super::super::reader::ReadError;
use super::super::trails::Info;
use crate::model::date::{Date, Timestamp};
use crate::model::hold::last_review;
use crate::model::hold::row::HoldId;
use crate::model::notice::Told;
use crate::model::permission::acts::Acts;
use crate::model::permission::approval::LoneApprover;
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::told;
use crate::model::profile::Profile;

/// Days until somebody must look at a hold of which the copy does not say when.
const LOOK_DAYS: u32 = 14;

/// What is told, and the holds among it.
pub(super) struct Restated {
    pub(super) told: Vec<Told>,
    pub(super) holds: Vec<HoldId>,
    /// Holds that the trail had, and that were released since.
    pub(super) released: Vec<HoldId>,
}

/// What still holds of what was decided by the copy.
///
/// # Errors
///
/// Holds cannot be read, or the disk fails.
pub(super) fn restate(base: &Base, before: &Info, acts: &Acts, at: Timestamp) -> Result<Restated, ReadError> {
    let mut changes = Vec::new();
    if *acts.profile() != Profile::default() {
        changes.push(Change::Profile(acts.profile().clone()));
    }
    if acts.retention().number() > 0 {
        changes.push(Change::Retention { number: 0, choice: acts.retention().choice().clone() });
    }
    if acts.lone() != LoneApprover::Refused {
        changes.push(Change::LoneApproval(true));
    }
    let mut holds = Vec::new();
    for id in hold::ids(base, before.number)? {
        let standing = hold::read(base, std::slice::from_ref(before), id)?;
        // Without its key it was released; without a row nobody knows what it keeps.
        let Some(hold) = standing.hold() else { continue };
        let name = uuid::Uuid::from_bytes(id).to_string();
        let known = acts.holds().find(&name);
        holds.push(id);
        changes.push(Change::PlaceHold {
            id: name.into(),
            kind: hold.kind,
            records: known.map_or(0, |act| act.records),
            review_on: review(before, known.map(|act| act.review_on), at),
            owner: hold.owner.clone(),
            selection: hold.selection.attributes().into_iter().map(|said| (said.key, said.value)).collect(),
        });
    }
    let stood = acts.holds().standing().filter_map(|act| hold::hold_id(&act.id));
    let mut released: Vec<HoldId> = stood.filter(|id| base.keyring.hold_key(id).is_none()).collect();
    released.sort_unstable();

    let decided = Decided { by: "akta".to_owned(), ground: format!("restored, as in {}", before.origin) };
    let mut now = Acts::default();
    let mut told = Vec::with_capacity(changes.len());
    for change in changes {
        let change = now.numbered(change);
        let notice = now.check(&change, &decided, at).and_then(|()| told::tell(&change, &decided, at, &before.zone));
        match notice {
            Ok(notice) => told.push(notice),
            // Bounds that became narrower, for one: the copy's trail still says what held.
            Err(refusal) => {
                tracing::error!(origin = %before.origin, %refusal, "something that was decided does not hold any more");
                continue;
            }
        }
        now.apply(change, decided.clone(), at);
    }
    Ok(Restated { told, holds, released })
}

/// A day that a hold may be told with: that which was known, where it is still to come.
fn review(info: &Info, known: Option<Date>, now: Timestamp) -> Date {
    let (today, last) = (info.zone.date(now), last_review(now, &info.zone));
    known.unwrap_or_else(|| today.plus_days(LOOK_DAYS)).clamp(today, last)
}
