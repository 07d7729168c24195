//! The indexer: postings, event ids and counters, derived from records, written behind the writer.
//!
//! ```text
//! posting  value = LEB128 varints: number of seqs less one, then the differences of ascending seqs, from the first
//! event_id value = seq u64 · keyed digest of the request 16; the digest is absent after a rebuild
//! counter  value = number of records u64
//! indexed  value = number of records indexed u64
//! ```
//!
//! All of a chunk goes in one batch, so after a crash the index is caught up from `indexed`. Dropping it loses
//! nothing but the digests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prost::encoding::{decode_varint, encode_varint};

use super::base::Base;
use super::expiry::reclaim;
use super::identity::rewrite;
use super::position::stored_size;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::date::{Date, Timestamp};
use crate::model::header::{Header, Kind};
use crate::model::origin::Origin;
use crate::model::part::PartId;
use crate::model::record::Contents;
use crate::model::seal::{Key, Use};
use crate::model::term::Term;
use crate::store::keys::{POSTING_PREFIX, Trail};
use crate::store::{self, Batch, Family, Scan, keys};

/// Terms gathered before they are written without being asked.
pub const CHUNK: usize = 65_536;

/// Event ids are looked for in the week of the day at hand and in this many before: at least 7 days.
const WEEKS_BACK: u32 = 1;

/// What one record can be found by.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its trail.
    pub trail: Arc<Info>,
    /// Its position.
    pub seq: u64,
    /// Day of recording.
    pub day: Date,
    /// Expiry date of its core and number of its class: what it counts for.
    pub counts_for: (Date, u16),
    /// The reporter's id; notices have none.
    pub event_id: Option<[u8; 16]>,
    /// Keyed digest of the request, where it is still known.
    pub request: Option<[u8; 16]>,
    /// Its terms, each with its expiry date.
    pub terms: Vec<(Date, Term)>,
}

impl Entry {
    /// The entry of a record.
    pub fn of(trail: &Arc<Info>, header: &Header, contents: &Contents, request: Option<[u8; 16]>) -> Self {
        Self {
            trail: trail.clone(),
            seq: header.seq,
            day: header.day,
            counts_for: counts_for(header),
            event_id: contents.core.as_ref().and_then(|core| core.event_id.as_slice().try_into().ok()),
            request,
            terms: Term::of(header, contents),
        }
    }
}

/// Expiry date of a record's core and number of its class.
pub fn counts_for(header: &Header) -> (Date, u16) {
    let date = header.group_of(PartId::Core).map_or(Date::NEVER, |group| group.date);
    (date, u16::from(header.class as u8))
}

/// Writes the index.
pub struct Indexer {
    base: Arc<Base>,
    pending: Vec<Entry>,
    terms: usize,
    /// The oldest week whose event ids are kept.
    oldest_week: u32,
    /// Something was written since the last flush to disk.
    dirty: bool,
}

impl Indexer {
    /// Opens the index and catches up with what is stored. An index that is ahead of a trail is emptied and built
    /// anew; whether that happened.
    pub fn open(base: Arc<Base>) -> Result<(Self, bool), ReadError> {
        let mut indexer = Self { base: base.clone(), pending: Vec::new(), terms: 0, oldest_week: 0, dirty: false };
        let mut behind = Vec::new();
        let mut rebuilt = false;
        for meta in base.descriptions()? {
            let size = stored_size(base.db.as_ref(), meta.number)?;
            let indexed = number(base.index.get(Family::Indexed, &meta.number.to_be_bytes())?);
            if indexed > size {
                tracing::warn!(origin = meta.origin, "the index is ahead of its trail: it is built anew");
                rebuilt = true;
            }
            if indexed != size {
                behind.push(meta);
            }
        }
        if rebuilt {
            indexer.clear()?;
            behind = base.descriptions()?;
        }
        for (meta, origin) in behind.iter().filter_map(|meta| Some((meta, Origin::parse(&meta.origin)?))) {
            if let Some(info) = base.trail(&origin.controller())?.and_then(|last| last.of_line(meta.number)) {
                indexer.catch_up(&info)?;
            }
        }
        base.trails.close_unused();
        // Of what is expired a crash may have brought back what was removed and not yet durable.
        for job in reclaim::expired(&base) {
            indexer.forget(&job)?;
        }
        indexer.forget_closed()?;
        for job in rewrite::pending(&base)? {
            match indexer.erase(&job) {
                Err(error @ ReadError::DataLoss { .. }) => {
                    tracing::error!(%error, "the postings of what is erased stay until its trail can be read");
                }
                done => done?,
            }
        }
        Ok((indexer, rebuilt))
    }

    pub(super) fn base(&self) -> Arc<Base> {
        self.base.clone()
    }

    /// Writes rows beside those of entries.
    pub(super) fn derive(&mut self, batch: Batch) -> Result<(), store::Error> {
        self.base.index.derive(batch)?;
        self.dirty = true;
        Ok(())
    }

    /// Takes entries in the order of their records; writes them once a chunk is full.
    pub fn absorb(&mut self, entries: Vec<Entry>) -> Result<(), store::Error> {
        self.terms += entries.iter().map(|entry| 1 + entry.terms.len()).sum::<usize>();
        self.pending.extend(entries);
        if self.terms >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Number of entries not yet written.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what is gathered: afterwards a search finds it.
    pub fn flush(&mut self) -> Result<(), store::Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.terms = 0;
        let mut batch = Batch::default();
        self.forget_weeks(&mut batch);
        let mut found: HashMap<(Trail, Date, Term), Vec<u64>> = HashMap::new();
        let mut counters: HashMap<[u8; 14], u64> = HashMap::new();
        let mut ends: BTreeMap<Trail, End> = BTreeMap::new();
        for entry in self.pending.drain(..) {
            let info = &entry.trail;
            if let Some(id) = entry.event_id.filter(|_| week(entry.day) >= self.oldest_week) {
                let digest = entry.request.as_ref().map_or(&[][..], |digest| &digest[..]);
                let value = [&entry.seq.to_be_bytes()[..], digest].concat();
                batch.put(Family::EventId, keys::event_id(week(entry.day), info.number, &id), value);
            }
            for (date, term) in entry.terms {
                let seqs = found.entry((info.number, date, term)).or_default();
                if seqs.last() != Some(&entry.seq) {
                    seqs.push(entry.seq);
                }
            }
            let (date, class) = entry.counts_for;
            // What is expired is counted no more, and nothing of whom the key is destroyed.
            let expired = date != Date::NEVER && Some(date) <= self.base.zones.floor(info.zone.name());
            if expired || info.destroyed {
                ends.entry(info.number).or_insert_with(|| End::of(info)).size = entry.seq + 1;
                continue;
            }
            *counters.entry(keys::counter(info.number, date, class, entry.day)).or_default() += 1;
            let end = ends.entry(info.number).or_insert_with(|| End::of(info));
            end.size = entry.seq + 1;
        }
        // Most terms are those of many events: each is keyed once.
        let mut postings = Vec::with_capacity(found.len());
        for ((trail, date, term), seqs) in found {
            let end = ends.get_mut(&trail).expect("a term is of an entry");
            if let Some(prefix) = end.prefix(&self.base, date, &term) {
                postings.push((prefix, seqs));
            }
        }
        postings.sort_unstable();
        for (prefix, seqs) in postings {
            batch.put(Family::Posting, keys::posting(&prefix, seqs[0]), encode_seqs(&seqs));
        }
        for (key, more) in counters {
            let before = number(self.base.index.get(Family::Counter, &key)?);
            batch.put(Family::Counter, key, (before + more).to_be_bytes());
        }
        for (trail, end) in &ends {
            batch.put(Family::Indexed, trail.to_be_bytes(), end.size.to_be_bytes());
        }
        self.base.index.derive(batch)?;
        self.dirty = true;
        for End { info, size, keys } in ends.into_values() {
            info.publish_indexed(size, keys.into_keys());
        }
        Ok(())
    }

    /// Makes the index durable as it is, so that the next start has little to catch up.
    pub fn settle(&mut self) -> Result<(), store::Error> {
        if std::mem::take(&mut self.dirty) { self.base.index.flush() } else { Ok(()) }
    }

    fn catch_up(&mut self, info: &Arc<Info>) -> Result<(), ReadError> {
        const TOLD: u64 = 100_000;
        // What is past by the clock and not expired yet has its terms: by them it is found what holds cover of it.
        let expired = self.base.zones.floor(info.zone.name()).unwrap_or(Date::NEVER);
        let base = self.base.clone();
        let mut reader = Reader::new(&base, info, expired);
        let from = indexed(base.index.as_ref(), info)?;
        for seq in from..info.size() {
            // A notice is counted and has no terms: what it says is not looked at here.
            let header = reader.linked(seq)?.header;
            let contents = match header.kind {
                Kind::Event => reader.record(seq)?.contents,
                Kind::Notice => Contents::default(),
            };
            self.absorb(vec![Entry::of(info, &header, &contents, None)])?;
            if (seq - from) % TOLD == TOLD - 1 {
                tracing::info!(origin = %info.origin, done = seq + 1, of = info.size(), "the index is being built");
            }
        }
        Ok(self.flush()?)
    }

    /// Drops the event ids of weeks that are wholly past the window of retries.
    fn forget_weeks(&mut self, batch: &mut Batch) {
        let oldest = oldest_week(self.base.now());
        if oldest > self.oldest_week {
            self.oldest_week = oldest;
            batch.remove_range(Family::EventId, keys::event_id(0, 0, &[0; 16]), keys::event_id(oldest, 0, &[0; 16]));
        }
    }

    fn clear(&self) -> Result<(), store::Error> {
        let mut batch = Batch::default();
        for family in store::Database::Index.families() {
            // No key is as long as this, so none is after it.
            batch.remove_range(*family, [], [0xff; 64]);
        }
        self.base.index.derive(batch)
    }
}

/// How far a chunk takes a trail, and the index keys of its dates; none where the key is gone.
struct End {
    info: Arc<Info>,
    size: u64,
    keys: BTreeMap<Date, Option<Key>>,
}

impl End {
    fn of(info: &Arc<Info>) -> Self {
        Self { info: info.clone(), size: 0, keys: BTreeMap::new() }
    }

    /// What the postings of a term begin with. A date whose key is gone has expired: there is nothing left to find.
    fn prefix(&mut self, base: &Base, date: Date, term: &Term) -> Option<[u8; POSTING_PREFIX]> {
        let info = &self.info;
        let key = self.keys.entry(date).or_insert_with(|| info.date_key(&base.keyring, Use::Index, date));
        let keyed = term.keyed(key.as_ref()?.bytes());
        Some(keys::posting_prefix(date, info.zone_number, info.number, term.kind(), &keyed))
    }
}

/// Whether the event ids of that day are still kept.
pub fn remembers(day: Date, now: Timestamp) -> bool {
    week(day) >= oldest_week(now)
}

/// The oldest week of which event ids are kept.
fn oldest_week(now: Timestamp) -> u32 {
    week(Date::of_utc(now)).saturating_sub(WEEKS_BACK)
}

/// The weeks that event ids stand under and are still kept in: one seek per week, not a scan.
pub(super) fn remembered_weeks(index: &dyn store::Store, now: Timestamp) -> Result<Vec<u32>, store::Error> {
    let mut weeks = Vec::new();
    let mut from = Some(oldest_week(now));
    while let Some(week) = from {
        let scan = Scan { from: week.to_be_bytes().to_vec(), ..Scan::all(Family::EventId) };
        let first = index.first(scan)?;
        let found = first.and_then(|(key, _)| key.first_chunk().map(|week| u32::from_be_bytes(*week)));
        weeks.extend(found);
        from = found.and_then(|week| week.checked_add(1));
    }
    Ok(weeks)
}

/// The week of a day, as the keys of event ids name it.
pub(super) fn week(day: Date) -> u32 {
    day.days() / 7
}

/// Key of an event id that was recorded on that day.
pub(super) fn event_id_key(info: &Info, id: &[u8; 16], day: Date) -> [u8; 24] {
    keys::event_id(week(day), info.number, id)
}

/// What the keys of the event ids of one week and trail begin with.
pub(super) fn event_ids_of(week: u32, info: &Info) -> [u8; 8] {
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&keys::event_id(week, info.number, &[0; 16])[..8]);
    prefix
}

/// The number in a row; 0 if there is no such row.
pub(super) fn number(row: Option<Vec<u8>>) -> u64 {
    row.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Number of records of a trail that the index holds.
pub fn indexed(index: &dyn store::Store, info: &Info) -> Result<u64, store::Error> {
    Ok(number(index.get(Family::Indexed, &info.number.to_be_bytes())?))
}

/// Expiry dates that rows of a trail stand under: one seek per date, not a scan.
pub fn dates(store: &dyn store::Store, family: Family, info: &Info) -> Result<Vec<Date>, store::Error> {
    let mut dates = Vec::new();
    let mut from = Vec::new();
    while let Some((key, _)) = store.first(Scan { from: from.clone(), ..Scan::all(family) })? {
        let Some(date) = keys::date_of(&key) else { break };
        let wanted = keys::dated(date, info.zone_number, info.number);
        if key.starts_with(&wanted) {
            dates.push(date);
        }
        let here = &key[..wanted.len().min(key.len())];
        from = if here < &wanted[..] { wanted.to_vec() } else { keys::dated(date.plus_days(1), 0, 0).to_vec() };
    }
    Ok(dates)
}

/// What the index knows of an event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Position of the event.
    pub seq: u64,
    /// Keyed digest of its request; unknown after a rebuild.
    pub request: Option<[u8; 16]>,
}

/// Position and keyed digest of the event with that id, if it was recorded in the week of `day` or the one before.
pub fn event_id(base: &Base, info: &Info, id: &[u8; 16], day: Date) -> Result<Option<Known>, store::Error> {
    for back in 0..=WEEKS_BACK {
        let key = keys::event_id(week(day).saturating_sub(back), info.number, id);
        let Some(value) = base.index.get(Family::EventId, &key)? else { continue };
        let (seq, digest) = value
            .split_first_chunk::<8>()
            .ok_or_else(|| store::Error::Corrupt("an event id is not well-formed: delete the folder index".into()))?;
        return Ok(Some(Known { seq: u64::from_be_bytes(*seq), request: digest.try_into().ok() }));
    }
    Ok(None)
}

/// Packs ascending seqs; the first stands in the key.
pub fn encode_seqs(seqs: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + seqs.len());
    encode_varint(seqs.len() as u64 - 1, &mut bytes);
    for pair in seqs.windows(2) {
        encode_varint(pair[1] - pair[0], &mut bytes);
    }
    bytes
}

/// Unpacks what [`encode_seqs`] packed; `None` if it is none.
pub fn decode_seqs(first: u64, mut bytes: &[u8]) -> Option<Vec<u64>> {
    let more = decode_varint(&mut bytes).ok()?;
    let mut seqs = vec![first];
    for _ in 0..more {
        let step = decode_varint(&mut bytes).ok().filter(|step| *step > 0)?;
        seqs.push(seqs.last()?.checked_add(step)?);
    }
    bytes.is_empty().then_some(seqs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn seqs_round_trip(seqs in prop::collection::btree_set(any::<u64>(), 1..100)) {
            let seqs: Vec<u64> = seqs.into_iter().collect();
            prop_assert_eq!(decode_seqs(seqs[0], &encode_seqs(&seqs)), Some(seqs));
        }

        #[test]
        fn other_bytes_never_panic(first in any::<u64>(), bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            let _ = decode_seqs(first, &bytes);
        }
    }
}
