//! A pass: all slices of one trail, one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::base::Base;
use super::super::meta;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::{frames, headers, postings};
use crate::model::date::Date;
use crate::store::{self, Batch, Family, Scan, keys};

/// Most records of one pass: what a restart has to do again.
const RECORDS_MAX: u64 = 1 << 20;

/// One pass over the rows of a trail in `db/`: its headers, then the frames of every date that they name.
pub struct Pass {
    info: Arc<Info>,
    from: u64,
    to: u64,
    dates: BTreeSet<Date>,
    stage: Stage,
}

/// What the next slice reads, from which position on.
enum Stage {
    Headers(u64),
    Frames(Date, u64),
    Done,
}

impl Pass {
    /// The pass over what came since the last one, up to `to` (the size of the trail when its hour was closed), or
    /// part of it; `None` if nothing came.
    pub fn begin(base: &Base, info: Arc<Info>, to: u64) -> Result<Option<Self>, store::Error> {
        let from = meta::merged(base.db.as_ref(), &info.controller)?;
        let to = to.min(info.size()).min(from.saturating_add(RECORDS_MAX));
        if from >= to {
            return Ok(None);
        }
        let row = |seq| keys::trail_seq(info.number, seq);
        let first = room_before(base, Family::Header, from, row)?;
        Ok(Some(Self { info, from, to, dates: BTreeSet::new(), stage: Stage::Headers(first) }))
    }

    /// Plans the next slice of at most `rows` rows, which the caller commits at once where the batch is not empty;
    /// whether it was the last one. The last batch remembers how far the trail is merged.
    ///
    /// # Errors
    /// Damage: the pass is over, the rows stay as they are, a human must look.
    pub fn slice(&mut self, base: &Base, rows: usize, batch: &mut Batch) -> Result<bool, ReadError> {
        let info = self.info.as_ref();
        self.stage = match self.stage {
            Stage::Headers(at) => match headers(base, info, at..self.to, rows, &mut self.dates, batch)?.next {
                Some(at) => Stage::Headers(at),
                None => self.frames_of(base, self.dates.first().copied())?,
            },
            Stage::Frames(date, at) => match frames(base, info, date, at..self.to, rows, batch)?.next {
                Some(at) => Stage::Frames(date, at),
                None => self.frames_of(base, self.dates.range(date.plus_days(1)..).next().copied())?,
            },
            Stage::Done => Stage::Done,
        };
        let done = matches!(self.stage, Stage::Done);
        if done {
            batch.put(Family::Meta, keys::merged(&info.controller), self.to.to_be_bytes());
        }
        Ok(done)
    }

    /// What is to be merged in the index after it.
    pub fn postings(self) -> Postings {
        Postings { info: self.info, to: self.to, dates: self.dates, at: None }
    }

    fn frames_of(&self, base: &Base, date: Option<Date>) -> Result<Stage, store::Error> {
        let Some(date) = date else { return Ok(Stage::Done) };
        let row = |seq| keys::part(date, self.info.zone_number, self.info.number, seq);
        Ok(Stage::Frames(date, room_before(base, Family::Part, self.from, row)?))
    }
}

/// Where the second last row before `from` begins: if there is room in it, it is filled up. The last one may have
/// reached beyond the end of the pass before, which then left both alone.
fn room_before<K: AsRef<[u8]>>(
    base: &Base,
    family: Family,
    from: u64,
    row: impl Fn(u64) -> K,
) -> Result<u64, store::Error> {
    let mut first = from;
    for _ in 0..2 {
        let to = Some(row(first).as_ref().to_vec());
        let scan = Scan { family, from: row(0).as_ref().to_vec(), to, descending: true };
        let Some(before) = base.db.first(scan)?.and_then(|(key, _)| keys::seq_of(&key)) else { break };
        first = before;
    }
    Ok(first)
}

/// One pass over the postings of a trail, on the dates that records of a [`Pass`] name. It needs no memory of its own:
/// what a crash keeps it from is merged with the next records of the same dates, and what is indexed anew comes in
/// large rows.
pub struct Postings {
    info: Arc<Info>,
    to: u64,
    dates: BTreeSet<Date>,
    at: Option<Vec<u8>>,
}

impl Postings {
    /// Plans the next slice of at most `rows` rows, which the caller writes at once where the batch is not empty;
    /// whether it was the last one.
    ///
    /// # Errors
    /// A row that is not well-formed.
    pub fn slice(&mut self, base: &Base, rows: usize, batch: &mut Batch) -> Result<bool, store::Error> {
        let Some(date) = self.dates.first().copied() else { return Ok(true) };
        self.at = postings(base, &self.info, date, self.to, self.at.as_deref(), rows, batch)?.next;
        if self.at.is_none() {
            self.dates.pop_first();
        }
        Ok(self.dates.is_empty())
    }
}
