//! Reclaiming: the bytes of what is expired go, on a thread of their own beside the writer and readers.
//!
//! The rows are gone before: the writer's thread removed those of `db/` in its own batch, the indexer those of `index/`.
//! What is left is the bytes that RocksDB keeps of them, in logs and files, until it is made to let them go. That changes no
//! row, so it needs no turn of the writer (I4).

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc;

use super::super::base::Base;
use super::super::closing;
use super::super::identity::rewrite;
use super::super::indexer::Indexer;
use super::super::threads::Inbox;
use crate::model::date::Date;
use crate::store::keys::ZoneNumber;
use crate::store::{Batch, Error, Family, Scan, keys};

/// What is to be reclaimed in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// IANA name.
    pub zone: String,
    /// Its number.
    pub number: ZoneNumber,
    /// Everything dated up to and including this.
    pub through: Date,
}

/// What the reclaiming thread is handed.
pub(in crate::trail) enum Reclaiming {
    /// What is expired.
    Expired(Job),
    /// What was removed of somebody.
    Removed(Arc<rewrite::Job>),
    /// What a controller entrusted that is closed.
    Closed(closing::Job),
}

/// What was not reclaimed yet when the node stopped, or nobody took up.
pub fn pending(base: &Base) -> Vec<Job> {
    let unreclaimed = base.zones.unreclaimed().into_iter();
    unreclaimed.map(|(zone, number, through)| Job { zone, number, through }).collect()
}

/// What is expired in every zone, reclaimed or not.
pub fn expired(base: &Base) -> Vec<Job> {
    let expired = base.zones.expired_all().into_iter();
    expired.map(|(zone, number, through)| Job { zone, number, through }).collect()
}

/// A range of keys: from the first, inclusive, to the second, exclusive.
type Range = (Vec<u8>, Vec<u8>);

/// The keys of what is dated up to `through` in a zone, in the families whose keys begin with date and zone.
///
/// What is expired in every zone is one range, however many dates that is; of what is expired in this one alone each date is.
pub(super) fn ranges(base: &Base, job: &Job) -> Vec<Range> {
    let everywhere = base.expired_everywhere().map_or(Date::NEVER, |date| date.min(job.through));
    let first = everywhere.plus_days(1);
    let whole = (Vec::new(), keys::dated(first, 0, 0).to_vec());
    let alone = (first.days()..=job.through.days()).filter_map(|date| {
        let own = Scan::prefix(Family::Part, &keys::dated(Date::from_days(date), job.number, 0)[..6]);
        Some((own.from, own.to?))
    });
    std::iter::once(whole).chain(alone).collect()
}

impl Indexer {
    /// Removes what the index holds of it. What is gathered of such dates is not written any more: their keys are gone.
    pub fn forget(&mut self, job: &Job) -> Result<(), Error> {
        self.flush()?;
        let base = self.base();
        let mut batch = Batch::default();
        for (from, to) in ranges(&base, job) {
            let scan = Scan { from: from.clone(), to: Some(to.clone()), ..Scan::all(Family::Posting) };
            if base.index.peek(scan)?.is_some() {
                base.index.drop_files(Family::Posting, &from, &to)?;
                batch.remove_range(Family::Posting, from, to);
            }
        }
        for meta in base.descriptions()?.iter().filter(|meta| meta.zone == job.zone) {
            // Date 0 stands for never.
            let key = |date: Date| keys::counter(meta.number, date, 0, Date::default()).to_vec();
            let (from, to) = (key(Date::from_days(1)), key(job.through.plus_days(1)));
            let scan = Scan { from: from.clone(), to: Some(to.clone()), ..Scan::all(Family::Counter) };
            if base.index.peek(scan)?.is_some() {
                batch.remove_range(Family::Counter, from, to);
            }
        }
        if batch.is_empty() { Ok(()) } else { self.derive(batch) }
    }
}

/// Makes the bytes go, range by range while `go_on` says so; whether all are gone.
pub fn reclaim(base: &Base, job: &Job, go_on: impl Fn() -> bool) -> Result<bool, Error> {
    for (store, family) in [(&base.db, Family::Part), (&base.index, Family::Posting)] {
        for (from, to) in ranges(base, job) {
            if !go_on() {
                return Ok(false);
            }
            store.reclaim(family, &from, &to)?;
        }
    }
    Ok(true)
}

/// The reclaiming thread's loop, until nobody is left who hands something over.
pub(in crate::trail) fn run(base: &Arc<Base>, jobs: &Receiver<Reclaiming>, writer: &mpsc::UnboundedSender<Inbox>) {
    while let Ok(job) = jobs.recv() {
        let job = match job {
            Reclaiming::Expired(job) => job,
            Reclaiming::Removed(job) => {
                let done = rewrite::reclaim(base, &job, || !writer.is_closed()).unwrap_or_else(|error| {
                    tracing::error!(%error, "the bytes of what was removed of somebody are not reclaimed: it is tried again \
                        within the hour");
                    false
                });
                let _ = writer.send(Inbox::Removed(job, done));
                continue;
            }
            Reclaiming::Closed(job) => {
                let done = closing::reclaim(base, &job, || !writer.is_closed()).unwrap_or_else(|error| {
                    tracing::error!(%error, controller = %job.of(), "the bytes of what a controller entrusted are not reclaimed: \
                        its key is destroyed; it is tried again within the hour");
                    false
                });
                let _ = writer.send(Inbox::Ended(job, done));
                continue;
            }
        };
        // Once the node closes, the rest is for the next start.
        let done = reclaim(base, &job, || !writer.is_closed());
        let done = done.unwrap_or_else(|error| {
            tracing::error!(%error, zone = job.zone, "the bytes of what is expired are not reclaimed: their keys are \
                destroyed; it is tried again within the hour");
            false
        });
        let _ = writer.send(Inbox::Reclaimed(job, done));
    }
}
