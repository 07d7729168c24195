//! Whether the index holds exactly what the records give.

use super::Bad;
use super::walk::Walk;
use crate::model::date::Date;
use crate::model::record::Record;
use crate::model::seal::Use;
use crate::model::term::Term;
use crate::store::keys::{self, POSTING_PREFIX};
use crate::store::{Family, Scan};
use crate::trail::base::Base;
use crate::trail::indexer::{self, decode_seqs};
use crate::trail::reader::Reader;
use crate::trail::trails::Info;

const REMEDY: &str = "stop akta and delete the folder index: it is built anew";

/// Order-free digest of a multiset of (posting, seq): equal sums mean equal sets, but for a chance of 2^-128.
pub(super) struct Sum {
    key: [u8; 32],
    total: u128,
    count: u64,
}

impl Sum {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, total: 0, count: 0 }
    }

    pub(super) fn add(&mut self, prefix: &[u8], seq: u64) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(prefix).update(&seq.to_be_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        self.total = self.total.wrapping_add(u128::from_be_bytes(bytes));
        self.count += 1;
    }
}

/// What the postings of a term begin with; `None` if its date is past or has no key.
pub(super) fn prefix(base: &Base, info: &Info, today: Date, date: Date, term: &Term) -> Option<[u8; POSTING_PREFIX]> {
    if date <= today {
        return None;
    }
    let key = info.date_key(&base.keyring, Use::Index, date)?;
    let keyed = term.keyed(key.bytes());
    Some(keys::posting_prefix(date, info.zone_number, info.number, term.kind(), &keyed))
}

/// The index knows the event id of a record, as long as it must.
pub(super) fn event_id(base: &Base, info: &Info, record: &Record) -> Result<(), Bad> {
    let core = record.contents.core.as_ref();
    let id = core.and_then(|core| <[u8; 16]>::try_from(core.event_id.as_slice()).ok());
    let Some(id) = id.filter(|_| indexer::remembers(record.header.day, base.now())) else { return Ok(()) };
    let found = indexer::event_id(base, info, &id, record.header.day)?;
    if found.is_some_and(|found| found.seq == record.header.seq) {
        return Ok(());
    }
    Err(Bad::Record(record.header.seq, format!("the index does not hold its event id: {REMEDY}")))
}

/// The index holds exactly the terms of the records walked over, and counts them.
pub(super) fn check(base: &Base, info: &Info, walk: &mut Walk<'_>) -> Result<(), Bad> {
    if base.keyring.is_absent() {
        // Terms are keyed: without keys there is nothing to compare with.
        return Ok(());
    }
    counters(base, info, walk)?;
    let mut found = Sum::new(walk.expected.key);
    for date in indexer::dates(base.index.as_ref(), Family::Posting, info)? {
        if date <= walk.today {
            continue;
        }
        for row in base.index.scan(Scan::prefix(Family::Posting, &keys::dated(date, info.zone_number, info.number))) {
            let (key, value) = row?;
            let Some((prefix, _)) = key.split_first_chunk::<POSTING_PREFIX>() else {
                return Err(Bad::Trail(format!("the index holds a posting with a bad key: {REMEDY}")));
            };
            let seqs = keys::seq_of(&key).and_then(|first| decode_seqs(first, &value));
            let bad = || Bad::Trail(format!("the index holds a posting that is not well-formed: {REMEDY}"));
            // What came while the walk was under way is not its business.
            for seq in seqs.ok_or_else(bad)?.into_iter().filter(|seq| *seq < walk.indexed) {
                found.add(prefix, seq);
            }
        }
    }
    walk.report.postings = found.count;
    if (found.total, found.count) == (walk.expected.total, walk.expected.count) {
        return Ok(());
    }
    Err(first_unindexed(base, info, walk)?)
}

fn counters(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<(), Bad> {
    let mut found = std::collections::BTreeMap::new();
    for row in base.index.scan(Scan::prefix(Family::Counter, &info.number.to_be_bytes())) {
        let (key, value) = row?;
        if let (Ok(key), Ok(value)) = ((*key).try_into(), (*value).try_into()) {
            found.insert(key, u64::from_be_bytes(value));
        }
    }
    // A trail that grows meanwhile has more of them.
    let grows = indexer::indexed(base.index.as_ref(), info)? != walk.indexed;
    if grows || found == walk.counters {
        return Ok(());
    }
    Err(Bad::Trail(format!("the index counts other numbers of records than there are: {REMEDY}")))
}

/// The sums differ: names the first record that the index lacks, else says that it holds too much.
fn first_unindexed(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<Bad, Bad> {
    let mut reader = Reader::new(base, info, walk.today);
    for seq in 0..walk.indexed {
        let record = reader.record(seq)?;
        for (date, term) in Term::of(&record.header, &record.contents) {
            let Some(prefix) = prefix(base, info, walk.today, date, &term) else { continue };
            let mut holds = false;
            for row in base.index.scan(Scan::prefix(Family::Posting, &prefix)) {
                let (key, value) = row?;
                let seqs = keys::seq_of(&key).and_then(|first| decode_seqs(first, &value)).unwrap_or_default();
                holds |= seqs.binary_search(&seq).is_ok();
            }
            if !holds {
                return Ok(Bad::Record(seq, format!("the index does not find it by one of its terms: {REMEDY}")));
            }
        }
    }
    Ok(Bad::Trail(format!("the index holds postings that no record gives: {REMEDY}")))
}
