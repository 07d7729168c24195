//! What is left of a controller once its key is destroyed: rows of the index, and bytes in logs and files.
//!
//! ```text
//! meta  closed/NAME    u8    0: rows or bytes may be left; 1: none are
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::base::Base;
use super::super::indexer::{Indexer, dates, event_ids_of, remembered_weeks};
use super::super::reader::{ReadError, Reader};
use super::super::trails::Info;
use crate::model::date::{Date, Timestamp};
use crate::model::origin::Controller;
use crate::store::{Batch, Error, Family, Scan, Store, keys};

/// Something may be left.
pub(in crate::trail) const UNDER_WAY: u8 = 0;
/// Nothing is.
pub(super) const DONE: u8 = 1;

/// A controller whose rows are gone from `db/` and `vault/`.
#[derive(Clone)]
pub struct Job {
    of: Controller,
    info: Arc<Info>,
}

impl Job {
    pub(super) fn new(base: &Base, of: &Controller) -> Result<Self, ReadError> {
        let info = base.trail(of)?.ok_or_else(|| Error::Corrupt(format!("the trail of {of} is gone")))?;
        Ok(Self { of: of.clone(), info })
    }

    /// Whose.
    pub fn of(&self) -> &Controller {
        &self.of
    }
}

/// Controllers whose end is told and of which something may be left.
pub(super) fn under_way(base: &Base) -> Result<Vec<Controller>, Error> {
    let mut found = Vec::new();
    for (of, state) in super::super::meta::closed(base.db.as_ref())? {
        if state != DONE {
            found.push(of);
        }
    }
    Ok(found)
}

/// Those of which only index and bytes are left.
pub(in crate::trail) fn pending(base: &Base) -> Result<Vec<Job>, ReadError> {
    let jobs: Vec<Job> = under_way(base)?.iter().map(|of| Job::new(base, of)).collect::<Result<_, _>>()?;
    Ok(jobs.into_iter().filter(|job| job.info.destroyed).collect())
}

impl Indexer {
    /// Removes what the index holds of a controller that is closed, but for how many records it holds.
    pub fn forget_controller(&mut self, job: &Job) -> Result<(), Error> {
        self.flush()?;
        for info in job.info.line() {
            self.remove_all(&info)?;
            // What was gathered before may have been published to whoever had the key.
            let indexed = super::super::indexer::indexed(self.base().index.as_ref(), &info)?;
            info.publish_indexed(indexed, []);
        }
        Ok(())
    }

    /// The same of every controller that is closed: a crash may have brought back what was removed and not yet durable.
    pub(in crate::trail) fn forget_closed(&mut self) -> Result<(), ReadError> {
        let base = self.base();
        for (of, _) in super::super::meta::closed(base.db.as_ref())? {
            let last = base.trail(&of)?.filter(|info| info.destroyed);
            for info in last.into_iter().flat_map(|last| last.line()) {
                self.remove_all(&info)?;
            }
        }
        Ok(())
    }

    fn remove_all(&mut self, info: &Info) -> Result<(), Error> {
        let base = self.base();
        let mut batch = Batch::default();
        for scan in indexed_rows(&base, info)? {
            if let Some(to) = scan.to {
                batch.remove_range(scan.family, scan.from, to);
            }
        }
        if batch.is_empty() { Ok(()) } else { self.derive(batch) }
    }
}

/// Where the index has rows of a trail, beside the number of its records.
pub(in crate::trail) fn indexed_rows(base: &Base, info: &Info) -> Result<Vec<Scan>, Error> {
    let mut scans = vec![Scan::prefix(Family::Counter, &info.number.to_be_bytes())];
    for date in dates(base.index.as_ref(), Family::Posting, info)? {
        scans.push(Scan::prefix(Family::Posting, &keys::dated(date, info.zone_number, info.number)));
    }
    for week in remembered_weeks(base.index.as_ref(), Timestamp::from_nanos(0))? {
        scans.push(Scan::prefix(Family::EventId, &event_ids_of(week, info)));
    }
    let mut found = Vec::with_capacity(scans.len());
    for scan in scans {
        if base.index.peek(scan.clone())?.is_some() {
            found.push(scan);
        }
    }
    Ok(found)
}

/// Makes the bytes go, range by range while `go_on` says so; whether all are gone.
pub(in crate::trail) fn reclaim(base: &Base, job: &Job, go_on: impl Fn() -> bool) -> Result<bool, ReadError> {
    let whole = |scan: Scan| scan.to.map(|to| (scan.from, to));
    for info in job.info.line() {
        // Nobody knows any more which dates had rows, but headers name them all.
        for date in named(base, &info)? {
            for (store, family) in [(&base.db, Family::Part), (&base.index, Family::Posting)] {
                if !go_on() {
                    return Ok(false);
                }
                if let Some((from, to)) = whole(Scan::prefix(family, &keys::dated(date, info.zone_number, info.number)))
                {
                    store.reclaim(family, &from, &to)?;
                }
            }
        }
    }
    // Their rows stand among those of others.
    let others: [(&dyn Store, Family); 6] = [
        (base.vault.store(), Family::Row),
        (base.vault.store(), Family::Pseudonym),
        (base.vault.store(), Family::Removal),
        (base.vault.store(), Family::Held),
        (base.index.as_ref(), Family::EventId),
        (base.index.as_ref(), Family::Counter),
    ];
    for (store, family) in others {
        if !go_on() {
            return Ok(false);
        }
        // No key is as long as this, so none is after it.
        store.rewrite(family, &[], &[0xff; 64])?;
    }
    Ok(true)
}

fn named(base: &Base, info: &Info) -> Result<BTreeSet<Date>, ReadError> {
    let mut reader = Reader::headers(base, info).once();
    let mut named = BTreeSet::new();
    for seq in 0..info.size() {
        named.extend(reader.linked(seq)?.header.groups.iter().map(|group| group.date));
    }
    named.remove(&Date::NEVER);
    Ok(named)
}
