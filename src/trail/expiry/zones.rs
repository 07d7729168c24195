//! How far each time zone's dates are expired: what readers and the writer refuse, and what is due.
//!
//! ```text
//! meta  expired/ZONE    u32 done · u32 begun    dates; 0: none. What is dated up to `done` is told and its keys are to be gone;
//!                                               `begun` is greater while a run is under way
//!       reclaimed/ZONE  u32                     no row and no byte of what is dated up to it is left
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use super::super::base::Base;
use super::{Due, UNCONFIRMED_DAYS_MAX, run};
use crate::model::date::{Date, Timestamp, Zone};
use crate::model::stored::TrailMeta;
use crate::store::keys::{self, ZoneNumber};
use crate::store::{Error, Family, Scan, Store};

/// How far a zone has come, as the store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// What is dated on it or before is expired: every trail tells, the keys are destroyed.
    pub done: Option<Date>,
    /// How far the last run was to come: greater than `done` while it is under way.
    pub begun: Option<Date>,
    /// What is dated on it or before has left no byte.
    pub reclaimed: Option<Date>,
}

impl Marks {
    /// The value of `expired/` + zone.
    pub(in crate::trail) fn expired_row(done: Option<Date>, begun: Date) -> [u8; 8] {
        let mut row = [0; 8];
        row[..4].copy_from_slice(&done.unwrap_or_default().days().to_be_bytes());
        row[4..].copy_from_slice(&begun.days().to_be_bytes());
        row
    }

    /// Reads the rows of every zone.
    ///
    /// # Errors
    /// A row that is not as it must be.
    pub fn read(db: &dyn Store) -> Result<BTreeMap<String, Self>, Error> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for row in db.scan(Scan::prefix(Family::Meta, keys::META_EXPIRED)) {
            let (key, value) = row?;
            let zone = zone_of(&key, keys::META_EXPIRED)?;
            let (done, begun) = value
                .split_first_chunk::<4>()
                .and_then(|(done, begun)| Some((*done, <[u8; 4]>::try_from(begun).ok()?)))
                .ok_or_else(|| bad(&key, "is not 8 bytes"))?;
            let marks = all.entry(zone).or_default();
            (marks.done, marks.begun) = (date(done), date(begun));
            if marks.begun.is_none() || marks.begun < marks.done {
                return Err(bad(&key, "says that less was begun than is done"));
            }
        }
        for row in db.scan(Scan::prefix(Family::Meta, keys::META_RECLAIMED)) {
            let (key, value) = row?;
            let zone = zone_of(&key, keys::META_RECLAIMED)?;
            let through = (*value).try_into().map_err(|_| bad(&key, "is not 4 bytes"))?;
            let marks = all.entry(zone).or_default();
            marks.reclaimed = date(through);
            if marks.reclaimed.is_none() || marks.reclaimed > marks.done {
                let row = keys::expired(zone_of(&key, keys::META_RECLAIMED)?.as_str());
                let what =
                    format!("says that more is reclaimed than the row \"{}\" says is expired", row.escape_ascii());
                return Err(bad(&key, &what));
            }
        }
        Ok(all)
    }
}

/// A zone that has a trail.
#[derive(Debug, Clone)]
struct State {
    zone: Zone,
    number: ZoneNumber,
    marks: Marks,
    /// What is dated on it or before is refused, whatever the clock says.
    floor: Option<Date>,
}

/// The zones that trails have, and how far each has come.
#[derive(Debug, Default)]
pub struct Zones(RwLock<BTreeMap<String, State>>);

/// What is to be done in a zone.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) zone: Zone,
    pub(super) number: ZoneNumber,
    /// How far it has come.
    pub(super) last: Option<Date>,
    /// How far it is to come.
    pub(super) through: Date,
    /// It was stopped under way: some trails may have told.
    pub(super) again: bool,
}

impl Zones {
    /// The zones of these trails.
    pub(in crate::trail) fn of(trails: &[TrailMeta], marks: &BTreeMap<String, Marks>) -> Self {
        let zones = Self::default();
        for trail in trails {
            let (Some(zone), Ok(number)) = (Zone::named(&trail.zone), ZoneNumber::try_from(trail.zone_number)) else {
                continue;
            };
            zones.add(&zone, number);
        }
        for (name, state) in zones.write().iter_mut() {
            let marks = marks.get(name).copied().unwrap_or_default();
            (state.marks, state.floor) = (marks, marks.begun);
        }
        zones
    }

    /// A trail of that zone was opened.
    pub(in crate::trail) fn add(&self, zone: &Zone, number: ZoneNumber) {
        let fresh = || State { zone: zone.clone(), number, marks: Marks::default(), floor: None };
        self.write().entry(zone.name().to_owned()).or_insert_with(fresh);
    }

    /// What is dated on it or before is refused in that zone, whatever the clock says.
    pub fn floor(&self, zone: &str) -> Option<Date> {
        self.read().get(zone).and_then(|state| state.floor)
    }

    /// What is dated on it or before is expired in that zone: told, and its keys destroyed.
    pub fn expired(&self, zone: &str) -> Option<Date> {
        self.marks(zone).done
    }

    /// Zones that have a trail, by name.
    pub fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// How far a zone has come.
    pub fn marks(&self, zone: &str) -> Marks {
        self.read().get(zone).map(|state| state.marks).unwrap_or_default()
    }

    /// Name, number and last date that is expired, of zones in which any is.
    pub(super) fn expired_all(&self) -> Vec<(String, ZoneNumber, Date)> {
        self.expired_where(|_| true)
    }

    /// The same of zones that have something to reclaim.
    pub(super) fn unreclaimed(&self) -> Vec<(String, ZoneNumber, Date)> {
        self.expired_where(|marks| marks.reclaimed < marks.done)
    }

    fn expired_where(&self, wanted: impl Fn(&Marks) -> bool) -> Vec<(String, ZoneNumber, Date)> {
        let zones = self.read();
        let wanted = zones.iter().filter(|(_, state)| wanted(&state.marks));
        wanted.filter_map(|(name, state)| Some((name.clone(), state.number, state.marks.done?))).collect()
    }

    /// Refuses what is dated on `through` or before from now on.
    pub(in crate::trail) fn raise(&self, zone: &str, through: Date) {
        self.change(zone, |state| state.floor = state.floor.max(Some(through)));
    }

    /// The store says so now.
    pub(super) fn set_expired(&self, zone: &str, done: Option<Date>, begun: Date) {
        self.change(zone, |state| (state.marks.done, state.marks.begun) = (done, Some(begun)));
    }

    /// The store says so now.
    pub(super) fn set_reclaimed(&self, zone: &str, through: Date) {
        self.change(zone, |state| state.marks.reclaimed = Some(through));
    }

    fn change(&self, zone: &str, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.write().get_mut(zone) {
            change(state);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, State>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, State>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<State> {
        self.read().values().cloned().collect()
    }
}

impl Base {
    /// Zones in which dates are past that are not yet expired, by name.
    pub fn due(&self) -> Vec<Due> {
        self.tasks().iter().map(|task| self.due_of(task)).collect()
    }

    /// Seconds for which the oldest date that is past waits to be expired; 0 if none does.
    pub fn expiry_lag(&self) -> u64 {
        self.longest(self.tasks().iter().map(|task| task.zone.start(self.last(task).plus_days(1))))
    }

    /// Seconds since the oldest date began of which bytes are left; 0 if none are.
    pub fn reclaim_lag(&self) -> u64 {
        let waiting = self.zones.all().into_iter().filter(|state| state.marks.reclaimed < state.marks.done);
        self.longest(waiting.filter_map(|State { zone, marks, .. }| {
            let first = marks.reclaimed.map_or(marks.done?, |date| date.plus_days(1));
            Some(zone.start(first))
        }))
    }

    /// What is past, and not yet expired.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let now = self.now();
        let tasks = self.zones.all().into_iter().map(|State { zone, number, marks, .. }| {
            let through = zone.date(now);
            Task { zone, number, last: marks.done, through, again: false }
        });
        tasks.filter(|task| task.through > self.last(task)).collect()
    }

    /// Runs that were stopped under way, and dates whose keys are destroyed though the store does not say so: an older
    /// copy of it was put back.
    pub(super) fn unfinished(&self) -> Result<Vec<Task>, Error> {
        let mut tasks = Vec::new();
        for State { zone, number, marks, .. } in self.zones.all() {
            let destroyed = self.keyring.destroyed_through(zone.name());
            let Some(through) = marks.begun.max(destroyed) else { continue };
            let open = marks.done < Some(through) || destroyed < Some(through);
            // Once all is reclaimed, frames that are left are those of trails that cannot be read.
            let left = || match marks.reclaimed < marks.done {
                true => run::has_frames(self, number, through),
                false => Ok(false),
            };
            if open || left()? {
                tasks.push(Task { zone, number, last: marks.done, through, again: true });
            }
        }
        Ok(tasks)
    }

    pub(super) fn due_of(&self, task: &Task) -> Due {
        let days = task.through.days().saturating_sub(self.last(task).days());
        Due {
            zone: task.zone.name().to_owned(),
            last: task.last,
            through: task.through,
            days,
            needs_confirmation: days > UNCONFIRMED_DAYS_MAX,
        }
    }

    /// The last date that is expired; before the first run the zone's first date: no part has it, for each expires after
    /// the day on which it is recorded.
    fn last(&self, task: &Task) -> Date {
        task.last.or_else(|| self.keyring.first_date(task.zone.name())).unwrap_or(task.through)
    }

    /// Up to which date nothing is left to expire, whatever the zone: also in one that has not begun, of which no part is so
    /// old ([`Self::last`]). `None` where that is not known.
    pub(super) fn expired_everywhere(&self) -> Option<Date> {
        let of = |State { zone, marks, .. }: &State| {
            let destroyed = || self.keyring.destroyed_through(zone.name());
            marks.done.or_else(destroyed).or_else(|| self.keyring.first_date(zone.name()))
        };
        self.zones.all().iter().map(of).min().flatten()
    }

    fn longest(&self, since: impl Iterator<Item = Timestamp>) -> u64 {
        let now = self.now().parts().0;
        let seconds = since.map(|since| now.saturating_sub(since.parts().0));
        seconds.max().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default()
    }
}

/// Zones of rows that no trail has.
pub(in crate::trail) fn strange(marks: &BTreeMap<String, Marks>, trails: &[TrailMeta]) -> Vec<String> {
    let known: BTreeSet<&str> = trails.iter().map(|trail| trail.zone.as_str()).collect();
    marks.keys().filter(|zone| !known.contains(zone.as_str())).cloned().collect()
}

fn zone_of(key: &[u8], prefix: &[u8]) -> Result<String, Error> {
    let name = key.strip_prefix(prefix).and_then(|name| std::str::from_utf8(name).ok());
    let name = name.filter(|name| Zone::named(name).is_some_and(|zone| zone.name() == *name));
    name.map(str::to_owned).ok_or_else(|| bad(key, "names a time zone that is not known"))
}

fn date(bytes: [u8; 4]) -> Option<Date> {
    Some(Date::from_days(u32::from_be_bytes(bytes))).filter(|date| *date != Date::NEVER)
}

fn bad(key: &[u8], what: &str) -> Error {
    Error::Corrupt(format!("meta: the row \"{}\" {what}", key.escape_ascii()))
}
