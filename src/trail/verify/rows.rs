//! Rows of a trail in the history set that no record accounts for.

use super::Bad;
use super::walk::Walk;
use crate::model::header::Kind;
use crate::model::{frame, run};
use crate::store::{Family, Scan, keys};
use crate::trail::base::Base;
use crate::trail::indexer::dates;
use crate::trail::reader::Reader;
use crate::trail::trails::Info;

/// Header rows stand end to end, notices and subtrees belong to records walked over, and so do frames.
pub(super) fn check(base: &Base, info: &Info, walk: &Walk<'_>) -> Result<(), Bad> {
    let rows = Rows { base, info, size: walk.report.size, whole: walk.whole };
    rows.headers()?;
    rows.notices()?;
    rows.subtrees()?;
    rows.frames()
}

struct Rows<'a> {
    base: &'a Base,
    info: &'a Info,
    size: u64,
    /// Nothing may lie beyond `size`; else a writer may have put it there since.
    whole: bool,
}

impl Rows<'_> {
    /// The keys of a family's rows of this trail have that length; what is said of each row, up to the first that is bad.
    fn each(
        &self,
        family: Family,
        length: usize,
        mut judge: impl FnMut(&[u8], &[u8]) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        for row in self.base.db.scan(Scan::prefix(family, &self.info.number.to_be_bytes())) {
            let (key, value) = row?;
            if key.len() != length {
                return Err(Bad::Trail(format!("the family {} has a row with a bad key", family.name())));
            }
            judge(&key, &value)?;
        }
        Ok(())
    }

    /// Whether a row that begins at `seq` is beyond the records walked over, where there may be some by now.
    fn beyond(&self, seq: u64, what: &str) -> Result<bool, Bad> {
        if seq < self.size {
            return Ok(false);
        }
        let size = self.size;
        let bad =
            || Bad::Record(seq, format!("{what} of it is stored, but the trail has {size} records: some are gone"));
        if self.whole { Err(bad()) } else { Ok(true) }
    }

    fn headers(&self) -> Result<(), Bad> {
        let mut next = 0;
        self.each(Family::Header, 12, |key, value| {
            let first = keys::seq_of(key).unwrap_or(u64::MAX);
            if self.beyond(first, "a header")? {
                return Ok(());
            }
            if first != next {
                return Err(Bad::Record(first, "its header stands in a row that overlaps or leaves a gap".to_owned()));
            }
            next = first.saturating_add(run::count(value).unwrap_or_default());
            Ok(())
        })
    }

    fn notices(&self) -> Result<(), Bad> {
        let mut reader = Reader::headers(self.base, self.info).once();
        self.each(Family::Notice, 12, |key, _| {
            let seq = keys::seq_of(key).unwrap_or(u64::MAX);
            if self.beyond(seq, "a notice")? || reader.linked(seq)?.header.kind == Kind::Notice {
                return Ok(());
            }
            Err(Bad::Record(seq, "the core of a notice is stored of it, but it is an event".to_owned()))
        })
    }

    /// The walk has compared all that must be there.
    fn subtrees(&self) -> Result<(), Bad> {
        self.each(Family::Tree, 13, |key, _| {
            let (level, index) = (key[4], keys::seq_of(key).unwrap_or(u64::MAX));
            let leaves = 1u64.checked_shl(8 * u32::from(level)).filter(|_| level > 0);
            let end = leaves.zip(index.checked_add(1)).and_then(|(leaves, count)| leaves.checked_mul(count));
            match end {
                Some(end) if end <= self.size => Ok(()),
                Some(_) if !self.whole => Ok(()),
                Some(_) | None => Err(Bad::Trail(format!(
                    "subtree {index} of level {level} is stored, but the trail's {} records do not fill it",
                    self.size
                ))),
            }
        })
    }

    /// Frames of one date do not overlap; the first and the last record of each have parts of that date.
    fn frames(&self) -> Result<(), Bad> {
        let Self { base, info, size, whole } = *self;
        let mut reader = Reader::headers(base, info).once();
        let reclaimed = base.zones.marks(info.zone.name()).reclaimed;
        for date in dates(base.db.as_ref(), Family::Part, info)? {
            if Some(date) <= reclaimed {
                return Err(Bad::Trail(format!("there are parts of {date}, which are expired and were reclaimed")));
            }
            let mut next = 0;
            for row in base.db.scan(Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number))) {
                let (key, value) = row?;
                if key.len() != 18 {
                    return Err(Bad::Trail("the family part has a row with a bad key".to_owned()));
                }
                let first = keys::seq_of(&key).unwrap_or(u64::MAX);
                if self.beyond(first, "a frame")? {
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
                let mut named = |seq: u64| -> Result<bool, Bad> {
                    Ok(reader.linked(seq)?.header.groups.iter().any(|group| group.date == date))
                };
                if !named(first)? {
                    return Err(bad("that record has no parts of that date"));
                }
                // What was merged beside the walk may reach beyond the records walked over.
                if last >= size {
                    if whole {
                        return Err(bad("it spans records that the trail does not have"));
                    }
                } else if !named(last)? {
                    return Err(bad("the last record that it spans has no parts of that date"));
                }
            }
        }
        Ok(())
    }
}
