//! How far dates are expired: the rows of meta, what the trails tell, and the keyring agree.

use std::collections::BTreeMap;

use crate::model::date::{Date, Zone};
use crate::model::stored::TrailMeta;
use crate::store;
use crate::trail::base::Base;
use crate::trail::expiry::told_through;
use crate::trail::trails::Info;

/// What is wrong with how far dates are expired, by zone.
pub(super) fn check(base: &Base, metas: &[TrailMeta]) -> Result<Vec<String>, store::Error> {
    let mut told: BTreeMap<&str, Option<Date>> = BTreeMap::new();
    for meta in metas {
        // One whose keys are not at hand is named elsewhere.
        let through = Info::new(meta, &base.keyring).map(|info| told_through(base, &info)).transpose()?.flatten();
        let zone = told.entry(&meta.zone).or_default();
        *zone = (*zone).max(through);
    }
    Ok(told.into_iter().filter_map(|(zone, told)| one(base, zone, told)).collect())
}

fn one(base: &Base, zone: &str, told: Option<Date>) -> Option<String> {
    let marks = base.zones.marks(zone);
    let row = format!("meta: the row \"expired/{zone}\"");
    let until = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |date| format!("dates up to {date}"));
    if told > marks.begun {
        return Some(format!("{row} says {}, a trail tells {}", until(marks.begun), until(told)));
    }
    // A clock may be a day behind the one that told.
    let tomorrow = Zone::named(zone)?.date(base.now()).plus_days(1);
    if marks.begun > Some(tomorrow) {
        return Some(format!("{row} says {}, which is still to come", until(marks.begun)));
    }
    if marks.done < marks.begun {
        return Some(format!("{row} says that an expiry was stopped under way: start akta, it goes on with it"));
    }
    if base.keyring.is_absent() {
        return None;
    }
    let destroyed = base.keyring.destroyed_through(zone);
    if destroyed < marks.done {
        let (want, have) = (until(marks.done), until(destroyed));
        return Some(format!(
            "{row} says that {want} are expired, but of the keyring's keys only those of {have} are destroyed: start \
             akta, it destroys the others"
        ));
    }
    if destroyed > marks.done {
        return Some(format!(
            "the keys of {} are destroyed, though {row} says {}",
            until(destroyed),
            until(marks.done)
        ));
    }
    None
}
