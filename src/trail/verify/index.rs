//! Whether the index holds exactly what the records give.

use super::Bad;
use super::walk::Walk;
use crate::model::date::{Date, Timestamp};
use crate::model::header::Kind;
use crate::model::part::PartId;
use crate::model::record::Record;
use crate::model::seal::Use;
use crate::model::term::Term;
use crate::store::keys::{self, POSTING_PREFIX};
use crate::store::{Family, Scan};
use crate::trail::base::Base;
use crate::trail::indexer::{self, decode_seqs};
use crate::trail::reader::Reader;
use crate::trail::trails::Info;

pub(super) const REMEDY: &str = "stop akta and delete the folder index: it is built anew";

/// Where the kind of a term stands in a posting's key, and that of addresses.
const ADDRESS_AT: usize = 10;
const ADDRESS: u8 = 3;

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
pub(super) fn event_id(
    base: &Base,
    info: &Info,
    latest: Timestamp,
    record: &Record,
    expected: &mut Sum,
) -> Result<(), Bad> {
    // Once its date is past, an index that is built anew does not have it.
    let past = record.header.group_of(PartId::Core).is_some_and(|group| group.date <= base.today(&info.zone));
    let core = record.contents.core.as_ref().filter(|_| !past);
    let id = core.and_then(|core| <[u8; 16]>::try_from(core.event_id.as_slice()).ok());
    let Some(id) = id.filter(|_| indexer::remembers(record.header.day, latest)) else { return Ok(()) };
    let seq = record.header.seq;
    expected.add(&indexer::event_id_key(info, &id, record.header.day), seq);
    let found = indexer::event_id(base, info, &id, record.header.day)?;
    if found.is_some_and(|found| found.seq == seq) {
        return Ok(());
    }
    Err(Bad::Record(seq, format!("the index does not hold its event id: {REMEDY}")))
}

/// The index holds exactly what the records walked over give. Without keys, its terms are only looked at for their form,
/// and event ids for the week that they stand under.
pub(super) fn check(base: &Base, info: &Info, walk: &mut Walk<'_>) -> Result<(), Bad> {
    let indexed = indexer::indexed(base.index.as_ref(), info)?;
    if walk.whole && indexed > walk.report.size {
        // It is written behind the trail, so it cannot be ahead of one that has everything.
        let size = walk.report.size;
        let what = format!(
            "the index holds {indexed} records, the trail {size}: some are gone, or the index is of another copy"
        );
        return Err(Bad::Record(size, what));
    }
    if base.index.get(Family::Indexed, &info.number.to_be_bytes())?.is_some_and(|bytes| bytes.len() != 8) {
        return Err(Bad::Trail(format!("the index does not say how many records it holds: {REMEDY}")));
    }
    counters(base, info, walk)?;
    postings(base, info, walk)?;
    event_ids(base, info, walk)
}

fn postings(base: &Base, info: &Info, walk: &mut Walk<'_>) -> Result<(), Bad> {
    let mut found = Sum::new(walk.expected.key);
    let reclaimed = base.zones.marks(info.zone.name()).reclaimed;
    for date in indexer::dates(base.index.as_ref(), Family::Posting, info)? {
        if Some(date) <= reclaimed {
            return Err(Bad::Trail(format!("the index holds postings of {date}, which is expired: {REMEDY}")));
        }
        // What is past is to be removed; nobody looks there.
        if date <= walk.today {
            continue;
        }
        for row in base.index.scan(Scan::prefix(Family::Posting, &keys::dated(date, info.zone_number, info.number))) {
            let (key, value) = row?;
            let bad = |what: &str| Bad::Trail(format!("the index holds a posting that {what}: {REMEDY}"));
            let Some((prefix, rest)) = key.split_first_chunk::<POSTING_PREFIX>().filter(|(_, rest)| rest.len() == 8)
            else {
                return Err(bad("has a bad key"));
            };
            let seqs = keys::seq_of(rest).and_then(|first| decode_seqs(first, &value));
            for seq in seqs.ok_or_else(|| bad("is not well-formed"))? {
                if key[ADDRESS_AT] == ADDRESS && walk.removed.has_no_net(seq) {
                    continue;
                }
                if seq < walk.indexed {
                    found.add(prefix, seq);
                } else if walk.whole {
                    // What came while a walk beside the writer was under way is not its business.
                    return Err(bad("is of a record which the index does not hold yet"));
                }
            }
        }
    }
    walk.report.postings = found.count;
    if base.keyring.is_absent() || (found.total, found.count) == (walk.expected.total, walk.expected.count) {
        return Ok(());
    }
    Err(first_unindexed(base, info, walk)?)
}

fn counters(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<(), Bad> {
    let reclaimed = base.zones.marks(info.zone.name()).reclaimed;
    let mut found: std::collections::BTreeMap<[u8; 14], u64> = std::collections::BTreeMap::new();
    for row in base.index.scan(Scan::prefix(Family::Counter, &info.number.to_be_bytes())) {
        let (key, value) = row?;
        let (Ok(key), Ok(value)) = (<[u8; 14]>::try_from(&*key), (*value).try_into()) else {
            return Err(Bad::Trail(format!("the index holds a counter that is not well-formed: {REMEDY}")));
        };
        let date = keys::counted(&key).map_or(Date::NEVER, |(date, _)| date);
        if date != Date::NEVER && Some(date) <= reclaimed {
            return Err(Bad::Trail(format!("the index counts records of {date}, which is expired: {REMEDY}")));
        }
        if date != Date::NEVER && date <= walk.today {
            continue;
        }
        found.insert(key, u64::from_be_bytes(value));
    }
    // A trail that grows meanwhile has more of them.
    let grows = !walk.whole && indexer::indexed(base.index.as_ref(), info)? != walk.indexed;
    if grows || found == walk.counters {
        return Ok(());
    }
    Err(Bad::Trail(format!("the index counts other numbers of records than there are: {REMEDY}")))
}

/// Event ids of the weeks that are remembered are those of the records, and no others. Nobody reads those of other weeks.
fn event_ids(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<(), Bad> {
    let mut found = Sum::new(walk.event_ids.key);
    let rows = |mut look: Look<'_>| -> Result<(), Bad> {
        for week in indexer::remembered_weeks(base.index.as_ref(), walk.latest)? {
            for row in base.index.scan(Scan::prefix(Family::EventId, &indexer::event_ids_of(week, info))) {
                let (key, value) = row?;
                let seq = value.first_chunk().map(|seq| u64::from_be_bytes(*seq));
                let formed = key.len() == 24 && matches!(value.len(), 8 | 24);
                let Some(seq) = seq.filter(|_| formed) else {
                    return Err(Bad::Trail(format!("the index holds an event id that is not well-formed: {REMEDY}")));
                };
                look(&key, seq)?;
            }
        }
        Ok(())
    };
    rows(Box::new(|key, seq| {
        if seq < walk.indexed {
            found.add(key, seq);
        } else if walk.whole {
            return Err(foreign_id(seq));
        }
        Ok(())
    }))?;
    if (found.total, found.count) == (walk.event_ids.total, walk.event_ids.count) {
        return Ok(());
    }
    // Every record's id is there, so some are too many: those of records that are past are good until their week is.
    // Without keys all are like those: only their weeks show.
    let reader = match base.keyring.is_absent() {
        true => Reader::headers(base, info),
        false => Reader::new(base, info, walk.today),
    };
    let mut reader = reader.once();
    rows(Box::new(|key, seq| {
        if seq >= walk.indexed {
            return Ok(());
        }
        let record = reader.record(seq)?;
        let Some(core) = &record.contents.core else {
            let event = record.header.kind == Kind::Event;
            let week = key.starts_with(&indexer::event_ids_of(indexer::week(record.header.day), info));
            return if event && week { Ok(()) } else { Err(foreign_id(seq)) };
        };
        let id = <[u8; 16]>::try_from(core.event_id.as_slice()).ok();
        let own = id.is_some_and(|id| *key == indexer::event_id_key(info, &id, record.header.day));
        if own { Ok(()) } else { Err(foreign_id(seq)) }
    }))
}

/// Looks at one event id: its key, and the record that it leads to.
type Look<'a> = Box<dyn FnMut(&[u8], u64) -> Result<(), Bad> + 'a>;

fn foreign_id(seq: u64) -> Bad {
    Bad::Record(seq, format!("the index leads an event id to it which it does not have: {REMEDY}"))
}

/// The sums differ: names the first record that the index lacks, else says that it holds too much.
fn first_unindexed(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<Bad, Bad> {
    let mut reader = Reader::new(base, info, walk.today);
    for seq in 0..walk.indexed {
        let record = reader.record(seq)?;
        for (date, term) in Term::of(&record.header, &record.contents) {
            if matches!(term, Term::Ip(_)) && walk.removed.has_no_net(seq) {
                continue;
            }
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
