//! What is left once somebody is erased or masked: frames without the parts that are gone, postings without their terms, and the
//! bytes that were before, out of logs and files.
//!
//! The removal in the vault says what is to be done until it is done; whatever of it is done again comes to the same.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::base::Base;
use super::super::group::WriteError;
use super::super::indexer::{Indexer, decode_seqs, encode_seqs};
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::writer::Writer;
use super::doomed::dates;
use super::everybody::{Everybody, Kind};
use super::restrict::put;
use crate::env::random;
use crate::model::date::Date;
use crate::model::frame::{self, Builder, FrameError};
use crate::model::part::PartId;
use crate::model::removal::list::{self, Gone};
use crate::model::removal::row::Place;
use crate::model::removal::told;
use crate::model::seal::Use;
use crate::model::stored::{Removal, RemovalTold};
use crate::store::keys::POSTING_PREFIX;
use crate::store::{Batch, Error, Family, Scan, keys};

/// Frames of one slice.
const FRAMES: usize = 64;
/// Kind of the only terms that parts have which are erased: addresses.
const ADDRESS: u8 = 3;

/// What is left to be done of one removal.
pub(in crate::trail) struct Job {
    info: Arc<Info>,
    place: Place,
    list: Vec<Gone>,
    /// As it stands in the vault.
    removal: Removal,
    /// Something of it could not be read: it is gone back to until it can.
    unread: AtomicBool,
}

impl Job {
    /// Whether it is of the same removal.
    pub(in crate::trail) fn is(&self, other: &Self) -> bool {
        self.place == other.place
    }

    /// Something of it cannot be read now: it has its turn again, and is not done before.
    pub(in crate::trail) fn wait(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }
}

/// What the vault says is left to be done.
pub(in crate::trail) fn pending(base: &Base) -> Result<Vec<Arc<Job>>, ReadError> {
    let everybody = Everybody::of(base)?;
    let mut jobs = Vec::new();
    for (place, removal) in everybody.removals(base, &[])? {
        let Some(described) = everybody.info(place.trail) else { continue };
        if Kind::of(&removal) != Kind::UnderWay {
            continue;
        }
        let Some(mut list) = list::of_stored(&removal.parts) else {
            tracing::error!("what is to be erased of somebody is not well-formed: run akta verify");
            continue;
        };
        match base.trail(&described.controller) {
            Ok(last) => {
                let Some(info) = last.and_then(|last| last.of_line(place.trail)) else { continue };
                // What a copy lacks that was restored is gone with it.
                list.retain(|gone| gone.seq < info.size());
                jobs.push(Arc::new(Job { info, place, removal, list, unread: AtomicBool::new(false) }));
            }
            Err(error) => tracing::error!(%error, "what is erased is not removed yet: its trail cannot be read"),
        }
    }
    Ok(jobs)
}

/// The frames that are to be rewritten, a bounded number at a time, on the thread that writes the database.
pub(in crate::trail) struct Frames {
    job: Arc<Job>,
    waiting: VecDeque<(Date, VecDeque<Gone>)>,
}

impl Frames {
    pub(in crate::trail) fn of(base: &Base, job: &Arc<Job>) -> Result<Self, ReadError> {
        let dates = dates(base, &job.info, &job.list)?;
        let waiting = dates.into_iter().map(|(date, list)| (date, list.into())).collect();
        Ok(Self { job: job.clone(), waiting })
    }

    /// What it is of.
    pub(in crate::trail) fn job(&self) -> Arc<Job> {
        self.job.clone()
    }

    /// Rewrites the next frames, durable when it returns; whether there are more. A frame that is not what was recorded stays:
    /// verification names it, and that parts of it are listed as erased.
    pub(in crate::trail) fn slice(&mut self, base: &Base) -> Result<bool, WriteError> {
        let mut batch = Batch::default();
        for _ in 0..FRAMES {
            let Some((date, list)) = self.waiting.front_mut() else { break };
            let Some(first) = list.front().copied() else {
                self.waiting.pop_front();
                continue;
            };
            match rewritten(base, &self.job.info, *date, list) {
                Ok(Some((key, value))) => batch.put(Family::Part, key, value),
                Ok(None) => {}
                Err(ReadError::DataLoss { origin, seq, what }) => {
                    tracing::error!(origin, seq, what, "a part that is erased stays until its frame can be read");
                    self.job.wait();
                    list.retain(|gone| gone.seq > first.seq);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !batch.is_empty() {
            base.db.commit(batch)?;
        }
        Ok(!self.waiting.is_empty())
    }
}

/// Key and value of a frame.
type Rewritten = (Vec<u8>, Vec<u8>);

/// The frame of the first in the list, without what is listed of it; that is taken off the list. `None` where nothing was left
/// of it, or its date is past.
fn rewritten(base: &Base, info: &Info, date: Date, list: &mut VecDeque<Gone>) -> Result<Option<Rewritten>, ReadError> {
    let Some(seq) = list.front().map(|gone| gone.seq) else { return Ok(None) };
    let loss = |what: String| ReadError::DataLoss { origin: info.origin.to_string(), seq, what };
    let at = |seq| keys::part(date, info.zone_number, info.number, seq);
    let key = info.date_key(&base.keyring, Use::Seal, date).filter(|_| date > base.today(&info.zone));
    let row = base.db.first(Scan::back(Family::Part, &at(0), &at(seq)))?;
    let (Some(key), Some((name, value))) = (key, row) else {
        list.clear();
        return Ok(None);
    };
    let first = keys::seq_of(&name).ok_or_else(|| loss("its frame has a bad key".to_owned()))?;
    let wrong = |error: FrameError| loss(format!("its frame of {date}: {error}"));
    let end = first.saturating_add(u64::from(frame::count(&value).map_err(wrong)?));
    if seq >= end {
        return Err(loss(format!("its frame of {date} is missing")));
    }
    let own: Vec<Gone> = list.iter().copied().take_while(|gone| gone.seq < end).collect();
    let mut builder = Builder::reopen(&key, &info.link, date, first, &value).map_err(wrong)?;
    let gone = |seq: u64, id: PartId| own.binary_search_by_key(&seq, |gone| gone.seq).is_ok_and(|at| own[at].has(id));
    let changed = builder.erase(|seq, key| gone(seq, key.id)).map_err(wrong)?;
    list.drain(..own.len());
    if !changed {
        return Ok(None);
    }
    let value = builder.seal(&key, random(base.world.entropy.as_ref()), &info.link, date);
    Ok(Some((name.into_vec(), value)))
}

impl Indexer {
    /// Removes the postings of what is erased, durable when it returns.
    pub(in crate::trail) fn erase(&mut self, job: &Job) -> Result<(), ReadError> {
        self.flush()?;
        let base = self.base();
        let mut batch = Batch::default();
        for (date, list) in dates(&base, &job.info, &job.list)? {
            let gone: Vec<u64> = list.iter().filter(|gone| gone.has(PartId::Net)).map(|gone| gone.seq).collect();
            if !gone.is_empty() {
                remove_postings(&base, &job.info, date, &gone, &mut batch)?;
            }
        }
        if !batch.is_empty() {
            self.derive(batch)?;
            self.settle()?;
        }
        Ok(())
    }
}

fn addresses(info: &Info, date: Date) -> Scan {
    let all = [&keys::dated(date, info.zone_number, info.number)[..], &[ADDRESS]].concat();
    Scan::prefix(Family::Posting, &all)
}

fn remove_postings(base: &Base, info: &Info, date: Date, gone: &[u64], batch: &mut Batch) -> Result<(), Error> {
    let bad = || Error::Corrupt("a posting is not well-formed: delete the index folder, it is built anew".to_owned());
    for row in base.index.scan(addresses(info, date)) {
        let (key, value) = row?;
        let (prefix, rest) = key.split_first_chunk::<POSTING_PREFIX>().ok_or_else(bad)?;
        let seqs = keys::seq_of(rest).and_then(|first| decode_seqs(first, &value)).ok_or_else(bad)?;
        let left: Vec<u64> = seqs.iter().copied().filter(|seq| gone.binary_search(seq).is_err()).collect();
        if left.len() == seqs.len() {
            continue;
        }
        if left.first() != seqs.first() {
            batch.remove(Family::Posting, key.to_vec());
        }
        if let Some(first) = left.first() {
            batch.put(Family::Posting, keys::posting(prefix, *first), encode_seqs(&left));
        }
    }
    Ok(())
}

/// Makes the bytes go of what was before; changes no row, so that it needs no turn of the writer.
pub(in crate::trail) fn reclaim(base: &Base, job: &Job, go_on: impl Fn() -> bool) -> Result<bool, ReadError> {
    let info = &job.info;
    let whole = |scan: Scan| scan.to.map(|to| (scan.from, to));
    if job.unread.load(Ordering::Relaxed) {
        return Ok(false);
    }
    for (date, list) in dates(base, info, &job.list)? {
        if !go_on() {
            return Ok(false);
        }
        let part = whole(Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number)));
        if let Some((from, to)) = part {
            base.db.rewrite(Family::Part, &from, &to)?;
        }
        let net = list.iter().any(|gone| gone.has(PartId::Net));
        if let Some((from, to)) = whole(addresses(info, date)).filter(|_| net) {
            base.index.rewrite(Family::Posting, &from, &to)?;
        }
    }
    let bucket = job.place.bucket.to_be_bytes();
    let pseudonyms = job.removal.pseudonyms.iter().map(|key| Scan::prefix(Family::Pseudonym, key));
    for scan in [Family::Row, Family::Removal].map(|family| Scan::prefix(family, &bucket)).into_iter().chain(pseudonyms)
    {
        let family = scan.family;
        if !go_on() {
            return Ok(false);
        }
        if let Some((from, to)) = whole(scan) {
            base.vault.store().rewrite(family, &from, &to)?;
        }
    }
    Ok(true)
}

impl Writer {
    /// No byte is left of what was removed. It stays in the vault as long as what it is about might be in a copy.
    pub(in crate::trail) fn removed(&mut self, job: &Job) -> Result<(), WriteError> {
        let base = self.base();
        let at = told::At { time: base.now(), zone: &job.info.zone };
        let until = |own: &RemovalTold| {
            let says = own.core.as_ref().and_then(|core| core.kind.as_ref())?;
            Some(told::date(says, Date::from_days(own.latest), at))
        };
        let done = job.removal.told.iter().filter_map(until).max().unwrap_or_default();
        let removal = Removal { done_until: done.days(), pseudonyms: Vec::new(), ..job.removal.clone() };
        Ok(put(&base, &job.info, &job.place, &removal)?)
    }
}
