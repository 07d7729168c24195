//! Destroying: people, key, rows, in this order; slice by slice between the groups of the writer, so that events wait for one slice
//! at most.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::acts::ChangeError;
use super::super::base::Base;
use super::super::group::WriteError;
use super::super::indexer::dates;
use super::super::keyring::BUCKETS;
use super::super::meta;
use super::super::trails::Info;
use super::super::vault::Of;
use super::super::writer::Writer;
use super::bytes::{self, Job};
use super::{Closed, pending};
use crate::model::origin::Controller;
use crate::store::{Batch, Error, Family, Scan, keys};

/// Rows of the vault that are looked at in one slice, and those of the bucket that the last of them is in.
const ROWS: usize = 4_096;

/// Whoever waits for a controller's end, and what they are told.
type Waits = (oneshot::Sender<Result<Closed, ChangeError>>, Closed);

/// Destroys what controllers entrusted that were closed; belongs to the writer's thread.
#[derive(Default)]
pub(in crate::trail) struct Closer {
    waiting: VecDeque<Ending>,
    /// Handed on to have its bytes reclaimed, and not yet heard of.
    under_way: Vec<Controller>,
}

struct Ending {
    of: Controller,
    /// Buckets below it have nobody of this controller any more.
    bucket: u16,
    waits: Vec<Waits>,
}

impl Closer {
    /// A controller's end is told: what is left is to be done, and then whoever waits is told.
    pub(in crate::trail) fn begin(&mut self, base: &Base, of: Controller, waits: Waits) {
        if let Some(ending) = self.waiting.iter_mut().find(|ending| ending.of == of) {
            ending.waits.push(waits);
        } else if base.trail(&of).is_ok_and(|info| info.is_some_and(|info| info.destroyed)) {
            answer(vec![waits]);
        } else {
            self.waiting.push_back(Ending { of, bucket: 0, waits: vec![waits] });
        }
    }

    /// Whether there is nothing to do.
    pub(in crate::trail) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Does the next piece of work; what is then to be removed from the index and reclaimed.
    pub(in crate::trail) fn slice(&mut self, writer: &mut Writer) -> Option<Job> {
        if writer.is_stopped() {
            self.waiting.clear();
            return None;
        }
        let ending = self.waiting.front_mut()?;
        match ending.slice(writer) {
            Ok(None) => None,
            Ok(Some(job)) => {
                let ending = self.waiting.pop_front()?;
                answer(ending.waits);
                self.under_way.push(ending.of);
                Some(job)
            }
            Err(error) => {
                writer.fail(&error);
                // Whoever waits sees that nobody answers.
                self.waiting.clear();
                None
            }
        }
    }

    /// What is left to be reclaimed and nobody has taken up.
    pub(in crate::trail) fn again(&mut self, base: &Base) -> Vec<Job> {
        let mut jobs = pending(base).unwrap_or_else(|error| {
            tracing::error!(%error, "what is left of controllers that were closed is looked for again within the hour");
            Vec::new()
        });
        jobs.retain(|job| !self.under_way.contains(job.of()));
        self.under_way.extend(jobs.iter().map(|job| job.of().clone()));
        jobs
    }

    /// The bytes are gone, or not yet: then they have their turn again.
    pub(in crate::trail) fn ended(&mut self, writer: &mut Writer, job: &Job, done: bool) {
        self.under_way.retain(|of| of != job.of());
        if done
            && !writer.is_stopped()
            && let Err(error) = writer.ended(job)
        {
            writer.fail(&error);
        }
    }
}

fn answer(waits: Vec<Waits>) {
    for (to, closed) in waits {
        // Whoever hung up does not want to know.
        let _ = to.send(Ok(closed));
    }
}

impl Ending {
    fn slice(&mut self, writer: &mut Writer) -> Result<Option<Job>, WriteError> {
        let base = writer.base();
        let info = base.trail(&self.of)?.ok_or_else(|| Error::Corrupt(format!("the trail of {} is gone", self.of)))?;
        if self.bucket < BUCKETS {
            self.bucket = remove_people(&base, &info, self.bucket)?;
            return Ok(None);
        }
        writer.destroy(&info)?;
        Ok(Some(Job::new(&base, &self.of)?))
    }
}

impl Writer {
    /// Goes on with what a stop left half done, before anything is read.
    pub(in crate::trail) fn finish_endings(&mut self) -> Result<(), WriteError> {
        let base = self.base();
        for of in bytes::under_way(&base)? {
            let Some(info) = base.trail(&of)? else { continue };
            tracing::warn!(controller = %of, "a controller was being closed when akta stopped: going on with it");
            let mut bucket = if info.destroyed { BUCKETS } else { 0 };
            while bucket < BUCKETS {
                bucket = remove_people(&base, &info, bucket)?;
            }
            self.destroy(&info)?;
        }
        Ok(())
    }

    /// The key, then what it sealed.
    fn destroy(&mut self, info: &Arc<Info>) -> Result<(), WriteError> {
        let base = self.base();
        let described = meta::description(base.db.as_ref(), &info.controller)?;
        let slot = described.ok_or_else(|| Error::Corrupt(format!("{} has no description", info.controller)))?;
        base.keyring.destroy_controller(slot.controller_slot, base.world.entropy.as_ref())?;
        base.trails.lose_key(&info.controller);
        base.vault.forget_met();
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::META_GENERATION, base.keyring.generation().to_be_bytes());
        for info in info.line() {
            for date in dates(base.db.as_ref(), Family::Part, &info)? {
                remove(&mut batch, &Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number)));
            }
        }
        self.write(batch, base.keyring.generation())?;
        let mut batch = Batch::default();
        for info in info.line() {
            remove(&mut batch, &Scan::prefix(Family::Held, &info.number.to_be_bytes()));
        }
        base.vault.store().commit(batch)?;
        Ok(())
    }

    /// No byte is left of what a controller entrusted.
    pub(in crate::trail) fn ended(&mut self, job: &Job) -> Result<(), WriteError> {
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::closed(job.of()), [bytes::DONE]);
        let generation = self.base().keyring.generation();
        self.write(batch, generation)?;
        Ok(())
    }
}

fn remove(batch: &mut Batch, scan: &Scan) {
    if let Some(to) = &scan.to {
        batch.remove_range(scan.family, scan.from.clone(), to.clone());
    }
}

/// Removes the people of a controller from whole buckets, from that one on, and what is to be removed of them; the bucket to go on at. A bucket that
/// is sealed anew meanwhile keeps its rows within it.
fn remove_people(base: &Base, info: &Arc<Info>, from: u16) -> Result<u16, Error> {
    let of = Of { controller: &info.controller, key: &info.key };
    let store = base.vault.store();
    let (mut batch, mut looked, mut bucket) = (Batch::default(), 0, from);
    if from == 0 {
        for row in store.scan(Scan::all(Family::Removal)) {
            let (key, _) = row?;
            if keys::removal_of(&key).is_some_and(|(_, trail, _)| info.of_line(trail).is_some()) {
                batch.remove(Family::Removal, key);
            }
        }
    }
    while bucket < BUCKETS && looked < ROWS {
        for row in store.scan(Scan::prefix(Family::Row, &bucket.to_be_bytes())) {
            let (key, value) = row?;
            looked += 1;
            let Some(led) = base.vault.examine(of, &key, &value) else { continue };
            batch.remove(Family::Row, key);
            if let Ok(pseudonym) = led {
                batch.remove(Family::Pseudonym, pseudonym);
            }
        }
        bucket += 1;
    }
    if !batch.is_empty() {
        store.commit(batch)?;
    }
    Ok(bucket)
}
