//! Searching: postings narrow down, records decide.
//!
//! Every candidate is read and checked against the filter, so a search finds exactly what a plain scan finds.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringTreemap;

use super::base::Base;
use super::indexer::{self, decode_seqs};
use super::plan::AHEAD_MAX;
use super::position::stored_size;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use super::vault::Of;
use crate::model::date::Date;
use crate::model::facts::Facts;
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::query::{Cursor, Filter, Include, Order};
use crate::model::record::Record;
use crate::model::seal::Use;
use crate::model::term::Term;
use crate::store::{self, Family, Scan, keys};

/// Time ranges up to this many days are looked up day by day; longer ones are scanned.
const DAYS_MAX: u32 = 400;

/// A page ends early rather than exceed this: gRPC clients take 4 MiB unless told otherwise.
const PAGE_BYTES_MAX: usize = 2 << 20;

/// A page ends after this many records were read for it, with few rows or none: a scan can be left off.
const SCAN_MAX: usize = 50_000;

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The rows, in the order asked for.
    pub records: Vec<Record>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
    /// Number of records in the trail that the search covers.
    pub size: u64,
}

/// Finds records below `start.size`, from `start.next` on, at most `limit`, fewer if they are large. The index holds
/// all of them.
pub fn search(
    base: &Base,
    info: &Info,
    filter: &Filter,
    order: Order,
    start: Cursor,
    limit: usize,
) -> Result<Page, ReadError> {
    search_including(base, info, filter, Include::default(), order, start, limit)
}

/// As [`search`], with more in the rows, or more rows, as `include` says.
pub fn search_including(
    base: &Base,
    info: &Info,
    filter: &Filter,
    include: Include,
    order: Order,
    start: Cursor,
    limit: usize,
) -> Result<Page, ReadError> {
    let today = base.today(&info.zone);
    let mut reader = Reader::new(base, info, today).with_openings(include.openings);
    let newest = filter.facts.since.map(|_| newest(&mut reader, start.size)).transpose()?;
    let terms = alternatives(filter, newest);
    let within = recorded(&mut reader, &filter.facts, start.size)?;
    let seqs = candidates(base, info, &terms, order, start, within, today)?;
    let hidden = Hiding::of(base, info, include);
    page(&mut reader, seqs, start, limit, |record| {
        if hidden.hides(record) {
            // A position that is left out would be a gap: its row says nothing.
            record.withhold();
            return Ok(include.notices);
        }
        Ok(include.notices || filter.matches(&record.header, &record.contents))
    })
}

/// People whose records are left out.
pub(super) struct Hiding(Arc<HashSet<Pseudonym>>);

impl Hiding {
    /// Nobody, where these are asked for too.
    pub(super) fn of(base: &Base, info: &Info, include: Include) -> Self {
        Self(if include.restricted { Arc::default() } else { base.vault.hidden().of(&info.controller) })
    }

    /// Whether a record names one of them.
    pub(super) fn hides(&self, record: &Record) -> bool {
        let mut people = record.contents.people().filter_map(Pseudonym::from_slice);
        !self.0.is_empty() && people.any(|who| self.0.contains(&who))
    }

    /// Whether one of these people is among them.
    pub(super) fn has(&self, people: &[Pseudonym]) -> bool {
        people.iter().any(|who| self.0.contains(who))
    }
}

/// Reads records in that order until the page is full; those that are wanted.
pub(super) fn page(
    reader: &mut Reader<'_>,
    seqs: Seqs,
    start: Cursor,
    limit: usize,
    mut wanted: impl FnMut(&mut Record) -> Result<bool, ReadError>,
) -> Result<Page, ReadError> {
    let mut records = Vec::new();
    let mut bytes = 0;
    let mut next = None;
    for (scanned, seq) in seqs.enumerate() {
        if scanned == SCAN_MAX {
            next = Some(Cursor { next: seq, ..start });
            break;
        }
        let mut record = reader.record(seq)?;
        if wanted(&mut record)? {
            bytes += record.wire_bytes();
            if records.len() == limit || (bytes > PAGE_BYTES_MAX && !records.is_empty()) {
                next = Some(Cursor { next: seq, ..start });
                break;
            }
            records.push(record);
        }
    }
    Ok(Page { records, next, size: start.size })
}

/// The pseudonyms that an identity has in any domain. Draws none.
pub fn pseudonyms(base: &Base, info: &Info, identity: &Identity) -> Result<Vec<Pseudonym>, store::Error> {
    let of = Of { controller: &info.controller, key: &info.key };
    let found = Domain::ALL.into_iter().map(|domain| base.vault.find(of, identity, domain));
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Position of the event with that id, if it is below `size` and was recorded in this week or the one before.
pub fn by_event_id(base: &Base, info: &Info, id: &[u8; 16], size: u64) -> Result<Option<u64>, store::Error> {
    let day = Date::of_utc(base.now());
    Ok(indexer::event_id(base, info, id, day)?.map(|known| known.seq).filter(|seq| *seq < size))
}

/// Positions in `range`, among them all records that satisfy a filter, as far as terms whose date is after `today` tell;
/// `None` where they do not. What the index does not hold yet is among them.
pub(super) fn among(
    base: &Base,
    info: &Info,
    filter: &Filter,
    range: Range<u64>,
    today: Date,
) -> Result<Option<RoaringTreemap>, ReadError> {
    let size = stored_size(base.db.as_ref(), info.number)?;
    // Read before the postings are: they are written together, so all below it have theirs.
    let indexed = indexer::indexed(base.index.as_ref(), info)?;
    if indexed > size {
        // Of another copy, and about to be built anew.
        return Ok(None);
    }
    let mut reader = Reader::headers(base, info);
    let newest = filter.facts.since.map(|_| newest(&mut reader, size)).transpose()?;
    let Some(mut found) = postings(base, info, &alternatives(filter, newest), today)? else { return Ok(None) };
    found.remove_range(..range.start);
    found.remove_range(range.end..);
    found.insert_range(range.start.max(indexed)..range.end.max(indexed));
    Ok(Some(found))
}

/// Positions, in the order asked for.
pub(super) type Seqs = Box<dyn Iterator<Item = u64>>;

fn candidates(
    base: &Base,
    info: &Info,
    terms: &[Vec<Term>],
    order: Order,
    start: Cursor,
    within: Range<u64>,
    today: Date,
) -> Result<Seqs, store::Error> {
    let found = postings(base, info, terms, today)?;
    Ok(ordered(found, order, start, within))
}

/// The positions that were found, by default all, as far as they are still to come.
pub(super) fn ordered(found: Option<RoaringTreemap>, order: Order, start: Cursor, within: Range<u64>) -> Seqs {
    let range = match order {
        Order::NewestFirst => within.start..within.end.min(start.next.saturating_add(1)),
        Order::OldestFirst => within.start.max(start.next)..within.end,
    };
    let Some(mut found) = found else {
        return match order {
            Order::NewestFirst => Box::new(range.rev()),
            Order::OldestFirst => Box::new(range),
        };
    };
    found.remove_range(..range.start);
    found.remove_range(range.end..);
    match order {
        Order::NewestFirst => Box::new(found.into_iter().rev()),
        Order::OldestFirst => Box::new(found.into_iter()),
    }
}

/// Positions that the index gives for what must be there; `None` where nothing must.
fn postings(
    base: &Base,
    info: &Info,
    alternatives: &[Vec<Term>],
    today: Date,
) -> Result<Option<RoaringTreemap>, store::Error> {
    let mut found: Option<RoaringTreemap> = None;
    for terms in alternatives {
        let mut any = RoaringTreemap::new();
        for date in info.dates_after(base.index.as_ref(), today)? {
            let Some(key) = info.date_key(&base.keyring, Use::Index, date) else { continue };
            for term in terms {
                let keyed = term.keyed(key.bytes());
                let prefix = keys::posting_prefix(date, info.zone_number, info.number, term.kind(), &keyed);
                for row in base.index.scan(Scan::prefix(Family::Posting, &prefix)) {
                    let (key, value) = row?;
                    let seqs = keys::seq_of(&key).and_then(|first| decode_seqs(first, &value));
                    any.extend(seqs.ok_or_else(|| {
                        store::Error::Corrupt(
                            "a posting is not well-formed: delete the index folder, it is built anew".into(),
                        )
                    })?);
                }
            }
        }
        found = Some(match found {
            Some(found) => found & any,
            None => any,
        });
        if found.as_ref().is_some_and(RoaringTreemap::is_empty) {
            break;
        }
    }
    Ok(found)
}

/// Positions below `size`, among them all that were recorded in the time asked for: days never go back along a trail.
fn recorded(reader: &mut Reader<'_>, facts: &Facts, size: u64) -> Result<Range<u64>, ReadError> {
    let mut first_on = |day: Date| -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            if reader.linked(middle)?.header.day < day { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    };
    let start = facts.recorded_since.map_or(Ok(0), |since| first_on(Date::of_utc(since)))?;
    let end = facts.recorded_until.map_or(Ok(size), |until| first_on(Date::of_utc(until).plus_days(1)))?;
    Ok(start..end)
}

/// The last day on which one of the first `size` records can have happened.
///
/// The clock does not know it, for it may have been set back; the trail does: recorded time never goes back along it,
/// and no event was taken further ahead of that than [`AHEAD_MAX`].
fn newest(reader: &mut Reader<'_>, size: u64) -> Result<Date, ReadError> {
    let Some(last) = size.checked_sub(1) else { return Ok(Date::default()) };
    let day = reader.linked(last)?.header.day;
    Ok(Date::of_utc(day.plus_days(1).start().plus(AHEAD_MAX)))
}

/// For each condition of a filter that is indexed, the terms of which one must be there. Nothing happened after the
/// day `newest`, which is known where a time range begins.
fn alternatives(filter: &Filter, newest: Option<Date>) -> Vec<Vec<Term>> {
    let facts = &filter.facts;
    let mut all = Vec::new();
    if let Some(subject) = &filter.subject {
        all.push(subject.iter().copied().map(Term::Subject).collect());
    }
    if let Some(actor) = &filter.actor {
        all.push(actor.iter().copied().map(Term::Actor).collect());
    }
    if let Some(principal) = &filter.on_behalf_of {
        all.push(principal.iter().copied().map(Term::OnBehalfOf).collect());
    }
    if let Some(ip) = &facts.ip {
        all.push(vec![Term::Ip(ip.clone())]);
    }
    if !facts.resource_types.is_empty() {
        all.push(facts.resource_types.iter().cloned().map(Term::ResourceType).collect());
    }
    if !facts.actions.is_empty() {
        all.push(facts.actions.iter().copied().map(Term::Action).collect());
    }
    if let (Some(since), Some(newest)) = (facts.since, newest) {
        let first = Date::of_utc(since);
        let last = facts.until.map_or(newest, |until| Date::of_utc(until).min(newest));
        if last.days().saturating_sub(first.days()) <= DAYS_MAX {
            all.push((first.days()..=last.days()).map(|day| Term::Day(Date::from_days(day))).collect());
        }
    }
    all
}
