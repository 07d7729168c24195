//! Expiry in a simulation: a plain model says which parts are due on which day; nothing goes early, nothing late, nothing else, and
//! what goes is told.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use akta::model::date::{Date, Timestamp, Zone};
use akta::model::notice::Says;
use akta::model::stored::NoticeCore;
use akta::store::{Family, Scan, keys};
use akta::trail::expiry::{ExpireError, reclaim};
use akta::trail::trails::Info;
use prost::Message;

use super::Sim;
use super::crashes::is_fault;
use super::deciding::dated;
use super::invariant::Removed;
use super::story::Known;
use super::world::{Open, World};

/// Notices of expiry of a trail from position `from` on.
pub(crate) fn told(world: &World, node: &Open, info: &Info, from: u64) -> Vec<Known> {
    let scan = Scan {
        from: keys::trail_seq(info.number, from).to_vec(),
        ..Scan::prefix(Family::Notice, &info.number.to_be_bytes())
    };
    let rows: Vec<_> = world.aside(|| node.base.db.scan(scan).collect());
    let cores = rows.into_iter().map(|row| NoticeCore::decode(&*row.unwrap().1).unwrap());
    let told = cores.filter_map(|core| match core.kind {
        Some(Says::Expired(told)) => {
            Some(Known::expired(Date::from_days(told.through), Timestamp::from_nanos(core.recorded_at)))
        }
        _ => None,
    });
    told.collect()
}

impl Sim {
    /// The last day that is past: by the clock, or because a run came that far while the clock said so.
    pub(crate) fn today(&mut self, node: &Open, zone: &Zone) -> Date {
        let clock = zone.date(self.world.now);
        let floor = node.base.zones.floor(zone.name());
        let seen = zone.date(self.latest.max(self.world.now));
        let checked = &mut self.counts.checked;
        checked.holds(Removed, floor <= Some(seen), || format!("{floor:?} is past, on a day before"));
        floor.map_or(clock, |floor| floor.max(clock))
    }

    /// A run, with somebody's word where it needs one; then, now and then, its bytes go.
    pub(crate) fn expire(&mut self, node: &mut Open) -> bool {
        let zone = Zone::default();
        let today = zone.date(self.world.now);
        let due = node.base.due();
        let asked = due.iter().any(|due| due.needs_confirmation);
        let confirmed = (asked && (self.calm || !self.dice.one_in(4))).then_some(today);
        let mut absorbed = Ok(());
        let indexer = &mut node.indexer;
        let done = node.writer.expire(confirmed, |step| {
            absorbed = absorbed.clone().and_then(|()| indexer.absorb(step.entries.clone()));
            step.publish();
        });
        match done {
            Ok(_) => {
                self.counts.runs += 1;
                self.counts.confirmed += u64::from(confirmed.is_some());
            }
            Err(ExpireError::Confirm { .. }) => {
                let checked = &mut self.counts.checked;
                checked
                    .holds(Removed, asked && confirmed.is_none(), || "a word is needed, though nothing says so".into());
                return true;
            }
            Err(error) => {
                let fault = is_fault(&error.to_string());
                self.counts.checked.holds(Removed, fault, || error.to_string());
                return self.crash("a run failed");
            }
        }
        for info in self.world.trails(node) {
            let known = self.model.entry(info.controller.clone()).or_default();
            let told = told(&self.world, node, &info, 1 + known.len() as u64);
            self.counts.told += told.len() as u64;
            known.extend(told);
        }
        if absorbed.is_err() {
            return self.crash("the index failed");
        }
        self.check_expired(node);
        if self.calm || self.dice.one_in(2) { self.reclaim(node) } else { true }
    }

    fn reclaim(&mut self, node: &mut Open) -> bool {
        for job in reclaim::pending(&node.base) {
            let gone = node.indexer.forget(&job).and_then(|()| reclaim::reclaim(&node.base, &job, || true));
            if gone.is_err() {
                return self.crash("reclaiming failed");
            }
            if node.writer.reclaimed(&job).is_err() {
                return self.crash("nobody knows whether it is reclaimed");
            }
            self.counts.reclaimed += 1;
            for disk in [&self.world.db, &self.world.index] {
                let left = disk.residue().into_iter().chain(disk.rows());
                let left = left.filter(|(family, ..)| matches!(family, Family::Part | Family::Posting));
                let left = left.filter_map(|(_, key, _)| keys::date_of(&key)).min();
                let gone = left.is_none_or(|date| date > job.through);
                self.counts.checked.holds(Removed, gone, || format!("bytes of {left:?} are left"));
            }
        }
        true
    }

    /// What a plain calculation says is expired is: its trail tells, its key is destroyed, its frames are gone. And nothing else.
    pub(crate) fn check_expired(&mut self, node: &Open) {
        let zone = Zone::default();
        let Some(done) = node.base.zones.expired(zone.name()) else { return };
        for info in self.world.trails(node) {
            let known = &self.model[&info.controller];
            let (mut told, mut waiting) = (None, BTreeSet::new());
            for (_, known, retention) in dated(known) {
                let Some(through) = known.expired else {
                    waiting.extend(known.dates(&zone, &retention));
                    continue;
                };
                let checked = &mut self.counts.checked;
                let due = waiting.iter().any(|date| *date <= through);
                // A run that was stopped tells again what some trails told before.
                checked.holds(Removed, due || told == Some(through), || format!("it tells of {through}, of nothing"));
                let day = zone.date(known.occurred_at);
                checked.holds(Removed, through <= day, || format!("it tells of {through} on {day}"));
                waiting.retain(|date| *date > through);
                told = told.max(Some(through));
            }
            let late: Vec<_> = waiting.iter().filter(|date| **date <= done).collect();
            let checked = &mut self.counts.checked;
            checked.holds(Removed, late.is_empty(), || format!("{late:?} are past, and the trail does not tell"));
            let frames = self.world.aside(|| akta::trail::indexer::dates(node.base.db.as_ref(), Family::Part, &info));
            let frames: BTreeSet<Date> = frames.unwrap().into_iter().collect();
            let expected: BTreeSet<Date> = waiting;
            checked
                .holds(Removed, frames == expected, || format!("there are frames of {frames:?}, not of {expected:?}"));
        }
        let key = |date: Date| node.base.keyring.date_key(0, date).is_some();
        let early = !key(done.plus_days(1));
        let late = (0..60).any(|back| key(Date::from_days(done.days() - back)));
        self.counts
            .checked
            .holds(Removed, !early && !late, || format!("keys up to {done}: early {early}, late {late}"));
    }
}
