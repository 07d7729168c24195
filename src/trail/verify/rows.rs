//! Rows of the history set that no record accounts for.

use std::collections::BTreeSet;

use super::Bad;
use super::walk::Walk;
use crate::model::stored::TrailMeta;
use crate::model::{frame, run};
use crate::store::{Family, Scan, keys};
use crate::trail::base::Base;
use crate::trail::indexer::dates;
use crate::trail::reader::Reader;
use crate::trail::trails::Info;

/// Header rows stand end to end, notices and subtrees are as many as were walked over, frames belong to records.
pub(super) fn check(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<(), Bad> {
    headers(base, info, walk.report.size)?;
    let notices = count(base, Family::Notice, info, |key| keys::seq_of(key).is_some_and(|seq| seq < walk.report.size))?;
    if notices != walk.report.notices {
        return Err(Bad::Trail(format!("{notices} notices are stored, {} are records", walk.report.notices)));
    }
    let subtrees = count(base, Family::Tree, info, |key| {
        let level = key.get(4).copied().map_or(0, u32::from);
        let covers = keys::seq_of(key).and_then(|index| (index + 1).checked_mul(1u64.checked_shl(8 * level)?));
        covers.is_some_and(|end| end <= walk.report.size)
    })?;
    if subtrees != walk.subtrees {
        return Err(Bad::Trail(format!("{subtrees} subtrees are stored, {} are whole", walk.subtrees)));
    }
    if base.keyring.is_absent() {
        return Ok(());
    }
    frames(base, info, walk.report.size)
}

/// Rows of trails that have no description.
pub(super) fn of_unknown_trails(base: &Base, metas: &[TrailMeta]) -> Vec<String> {
    let known: BTreeSet<u32> = metas.iter().map(|meta| meta.number).collect();
    let mut found = Vec::new();
    for family in [Family::Header, Family::Notice, Family::Tree] {
        let mut from = Some(0u32);
        while let Some(trail) = from {
            let scan = Scan { from: trail.to_be_bytes().to_vec(), ..Scan::all(family) };
            let row = match base.db.first(scan) {
                Ok(Some((key, _))) => key.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)),
                Ok(None) => break,
                Err(error) => {
                    found.push(error.to_string());
                    break;
                }
            };
            let Some(number) = row else {
                found.push(format!("the family {} has a row with a bad key", family.name()));
                break;
            };
            if !known.contains(&number) {
                found
                    .push(format!("the family {} has rows of a trail {number} that has no description", family.name()));
            }
            from = number.checked_add(1);
        }
    }
    found
}

fn headers(base: &Base, info: &Info, size: u64) -> Result<(), Bad> {
    let mut next = 0;
    for row in base.db.scan(Scan::prefix(Family::Header, &info.number.to_be_bytes())) {
        let (key, value) = row?;
        let first = keys::seq_of(&key).unwrap_or(u64::MAX);
        if first >= size {
            break;
        }
        if first != next {
            return Err(Bad::Record(first, "its header stands in a row that overlaps or leaves a gap".to_owned()));
        }
        next = first + run::count(&value).unwrap_or_default();
    }
    Ok(())
}

fn count(base: &Base, family: Family, info: &Info, counts: impl Fn(&[u8]) -> bool) -> Result<u64, Bad> {
    let mut found = 0;
    for row in base.db.scan(Scan::prefix(family, &info.number.to_be_bytes())) {
        found += u64::from(counts(&row?.0));
    }
    Ok(found)
}

/// Frames of one date do not overlap; the first and the last record of each have parts of that date.
fn frames(base: &Base, info: &Info, size: u64) -> Result<(), Bad> {
    let mut reader = Reader::headers(base, info);
    for date in dates(base.db.as_ref(), Family::Part, info)? {
        let mut next = 0;
        for row in base.db.scan(Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number))) {
            let (key, value) = row?;
            let first = keys::seq_of(&key).unwrap_or(u64::MAX);
            if first >= size {
                break;
            }
            let bad = |what: &str| Bad::Record(first, format!("a frame of {date} begins there, but {what}"));
            let count = frame::count(&value).map_err(|error| bad(&error.to_string()))?;
            let last = first.checked_add(u64::from(count)).and_then(|end| end.checked_sub(1));
            let last = last.filter(|_| count > 0).ok_or_else(|| bad("it spans nothing"))?;
            if first < next {
                return Err(bad("it overlaps the one before"));
            }
            next = last + 1;
            for seq in [first, last.min(size - 1)] {
                let header = reader.linked(seq)?.header;
                if seq == first && !header.groups.iter().any(|group| group.date == date) {
                    return Err(bad("that record has no parts of that date"));
                }
            }
        }
    }
    Ok(())
}
