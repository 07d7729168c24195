//! The indexer: postings and event ids, derived from records, written behind the writer.
//!
//! ```text
//! posting  value = LEB128 varints: number of seqs less one, then the differences of ascending seqs, from the first
//! event_id value = seq u64 · digest of the request 32, keyed by the controller's key; absent after a rebuild
//! indexed  value = number of records indexed u64
//! ```
//!
//! Postings of a chunk, its event ids and `indexed` go in one batch, so after a crash the index is caught up from
//! `indexed`. Dropping it loses nothing.

use std::collections::HashMap;
use std::sync::Arc;

use prost::encoding::{decode_varint, encode_varint};

use super::base::Base;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::date::Date;
use crate::model::seal::{Key, Use};
use crate::model::term::Term;
use crate::store::keys::{POSTING_PREFIX, Trail};
use crate::store::{self, Batch, Family, Scan, keys};

/// Terms gathered before they are written without being asked.
pub const CHUNK: usize = 65_536;

/// What one record can be found by.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its trail.
    pub trail: Arc<Info>,
    /// Its position.
    pub seq: u64,
    /// The reporter's id; notices have none.
    pub event_id: Option<[u8; 16]>,
    /// Keyed digest of the request, where it is still known.
    pub request: Option<[u8; 32]>,
    /// Its terms, each with its expiry date.
    pub terms: Vec<(Date, Term)>,
}

/// Writes the index.
pub struct Indexer {
    base: Arc<Base>,
    pending: Vec<Entry>,
    terms: usize,
}

impl Indexer {
    /// Opens the index and catches up with the published heads. An index that is ahead of its trail is
    /// emptied and built anew; whether that happened.
    pub fn open(base: Arc<Base>) -> Result<(Self, bool), ReadError> {
        let mut indexer = Self { base, pending: Vec::new(), terms: 0 };
        let mut rebuilt = false;
        for info in indexer.base.trails.all() {
            if indexer.indexed(&info)? > info.size() {
                tracing::warn!(origin = %info.origin, "the index is ahead of its trail: it is built anew");
                rebuilt = true;
            }
        }
        if rebuilt {
            indexer.clear()?;
        }
        for info in indexer.base.trails.all() {
            info.add_dates(indexer.dates(&info)?);
            info.publish_indexed(indexer.indexed(&info)?);
            indexer.catch_up(&info)?;
        }
        Ok((indexer, rebuilt))
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
        let mut postings: HashMap<[u8; POSTING_PREFIX], Vec<u64>> = HashMap::new();
        let mut index_keys: HashMap<(Trail, Date), Option<Key>> = HashMap::new();
        let mut ends: HashMap<Trail, (Arc<Info>, u64)> = HashMap::new();
        for entry in self.pending.drain(..) {
            let info = &entry.trail;
            if let Some(id) = entry.event_id {
                let value =
                    [&entry.seq.to_be_bytes()[..], entry.request.as_ref().map_or(&[], |digest| &digest[..])].concat();
                batch.put(Family::EventId, keys::event_id(info.number, &id), value);
            }
            for (date, term) in &entry.terms {
                let key = index_keys
                    .entry((info.number, *date))
                    .or_insert_with(|| info.date_key(&self.base.keyring, Use::Index, *date));
                // A date whose key is gone has expired: there is nothing left to find.
                let Some(key) = key else { continue };
                let prefix =
                    keys::posting_prefix(*date, info.zone_number, info.number, term.kind(), &term.keyed(key.bytes()));
                let seqs = postings.entry(prefix).or_default();
                if seqs.last() != Some(&entry.seq) {
                    seqs.push(entry.seq);
                }
            }
            info.add_dates(entry.terms.iter().map(|(date, _)| *date));
            ends.insert(info.number, (info.clone(), entry.seq + 1));
        }
        let mut postings: Vec<_> = postings.into_iter().collect();
        postings.sort_unstable();
        for (prefix, seqs) in postings {
            batch.put(Family::Posting, keys::posting(&prefix, seqs[0]), encode_seqs(&seqs));
        }
        for (number, (_, end)) in &ends {
            batch.put(Family::Indexed, number.to_be_bytes(), end.to_be_bytes());
        }
        self.base.index.derive(batch)?;
        for (info, end) in ends.into_values() {
            info.publish_indexed(end);
        }
        Ok(())
    }

    /// Number of records of a trail that the index holds.
    pub fn indexed(&self, info: &Info) -> Result<u64, store::Error> {
        let value = self.base.index.get(Family::Indexed, &info.number.to_be_bytes())?;
        Ok(value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// Makes the index durable as it is, so that the next start has nothing to catch up.
    pub fn close(&self) -> Result<(), store::Error> {
        self.base.index.flush()
    }

    fn catch_up(&mut self, info: &Arc<Info>) -> Result<(), ReadError> {
        let today = self.base.today(&info.zone);
        let base = self.base.clone();
        let mut reader = Reader::new(&base, info, today);
        for seq in self.indexed(info)?..info.size() {
            let record = reader.record(seq)?;
            let event_id = record.contents.core.as_ref().and_then(|core| core.event_id.as_slice().try_into().ok());
            let terms = Term::of(&record.header, &record.contents);
            self.absorb(vec![Entry { trail: info.clone(), seq, event_id, request: None, terms }])?;
        }
        Ok(self.flush()?)
    }

    fn dates(&self, info: &Info) -> Result<Vec<Date>, store::Error> {
        dates(self.base.index.as_ref(), info)
    }

    fn clear(&self) -> Result<(), store::Error> {
        for family in [Family::Posting, Family::EventId, Family::Indexed] {
            let mut batch = Batch::default();
            for row in self.base.index.scan(Scan::all(family)) {
                batch.remove(family, row?.0);
            }
            self.base.index.derive(batch)?;
        }
        Ok(())
    }
}

/// Expiry dates that postings of a trail stand under: one seek per date, not a scan.
fn dates(index: &dyn store::Store, info: &Info) -> Result<Vec<Date>, store::Error> {
    let mut dates = Vec::new();
    let mut from = Vec::new();
    while let Some((key, _)) = index.first(Scan { from: from.clone(), ..Scan::all(Family::Posting) })? {
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
    pub request: Option<[u8; 32]>,
}

/// Position and keyed digest of the event with that id, as far as the index knows.
pub fn event_id(base: &Base, info: &Info, id: &[u8; 16]) -> Result<Option<Known>, store::Error> {
    let Some(value) = base.index.get(Family::EventId, &keys::event_id(info.number, id))? else { return Ok(None) };
    let (seq, digest) = value
        .split_first_chunk::<8>()
        .ok_or_else(|| store::Error::Corrupt("an event id is not well-formed: delete the folder index".into()))?;
    Ok(Some(Known { seq: u64::from_be_bytes(*seq), request: digest.try_into().ok() }))
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
