//! What a notice tells of trimmed headers, and whether that can be true, as far as it can be seen from itself.

use super::{RESTATED_MAX, STEP, last_date};
use crate::model::date::Date;
use crate::model::header::{Header, Kind, Link};
use crate::model::stored::HeadersTrimmed;
use crate::model::tree::Hash;

/// A checkpoint that somebody keeps: size and root of a tree of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Number of records.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// Headers that were trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// Those before were trimmed earlier; a multiple of [`STEP`].
    pub start: u64,
    /// The first header that is kept; a multiple of [`STEP`].
    pub first: u64,
    /// Link of the last that is not: the `previous` of header `first`.
    pub link: Link,
    /// Root of the tree of the first `first` records.
    pub root: Hash,
    /// Everything of them was dated so or before.
    pub through: Date,
    /// A checkpoint at or above `first` that is kept elsewhere.
    pub below: Seen,
    /// Headers of the notices from `start` to `first`, ascending. Those before `start` are restated by the notice
    /// that trimmed them, whose own header is either kept or restated in turn.
    pub restated: Vec<Header>,
}

/// Why a notice of trimming cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrue {
    /// A field is missing or has another length.
    #[error("has a field of another length: {0}")]
    Form(&'static str),
    /// A boundary is not at the end of a step, or what is trimmed is empty.
    #[error("trims from {start} to {first}: not whole steps of {STEP}")]
    Step {
        /// Where it begins.
        start: u64,
        /// Where it ends.
        first: u64,
    },
    /// The checkpoint that it is below does not cover it.
    #[error("trims to {first}, beyond the {size} records of the checkpoint that it names")]
    Beyond {
        /// Where it ends.
        first: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The checkpoint is of the same size and has another root.
    #[error("names two roots of {0} records")]
    Roots(u64),
    /// A restated header is none, or of an event, out of order, or out of the range.
    #[error("restates as number {0} what is no header of a notice in its place")]
    Restated(usize),
    /// A notice that it trims was not past.
    #[error("trims notice {seq}, of which something was dated {date}")]
    TooMuch {
        /// Its position.
        seq: u64,
        /// The date.
        date: Date,
    },
    /// More than one notice may restate.
    #[error("restates {0} notices, more than {RESTATED_MAX}")]
    TooMany(usize),
}

impl Trimmed {
    /// As its notice tells it.
    pub fn told(&self) -> HeadersTrimmed {
        HeadersTrimmed {
            start: self.start,
            first: self.first,
            link: self.link.0.to_vec(),
            root: self.root.0.to_vec(),
            through: self.through.days(),
            checkpoint_size: self.below.size,
            checkpoint_root: self.below.root.0.to_vec(),
            notices: self.restated.iter().map(Header::encode).collect(),
        }
    }

    /// What a notice tells.
    ///
    /// # Errors
    ///
    /// It cannot be true, whatever else the trail has.
    pub fn read(told: &HeadersTrimmed) -> Result<Self, Untrue> {
        let hash = |bytes: &[u8], name| Hash::from_slice(bytes).ok_or(Untrue::Form(name));
        if told.notices.len() > RESTATED_MAX {
            return Err(Untrue::TooMany(told.notices.len()));
        }
        let restated = told.notices.iter().enumerate();
        let restated = restated.map(|(at, bytes)| Header::decode(bytes).map_err(|_| Untrue::Restated(at)));
        let trimmed = Self {
            start: told.start,
            first: told.first,
            link: Link(hash(&told.link, "link")?.0),
            root: hash(&told.root, "root")?,
            through: Date::from_days(told.through),
            below: Seen { size: told.checkpoint_size, root: hash(&told.checkpoint_root, "checkpoint_root")? },
            restated: restated.collect::<Result<_, _>>()?,
        };
        trimmed.check()?;
        Ok(trimmed)
    }

    fn check(&self) -> Result<(), Untrue> {
        let Self { start, first, below, .. } = *self;
        if !start.is_multiple_of(STEP) || !first.is_multiple_of(STEP) || first <= start {
            return Err(Untrue::Step { start, first });
        }
        if below.size < first {
            return Err(Untrue::Beyond { first, size: below.size });
        }
        if below.size == first && below.root != self.root {
            return Err(Untrue::Roots(first));
        }
        let mut from = start;
        for (at, header) in self.restated.iter().enumerate() {
            if header.kind != Kind::Notice || !(from..first).contains(&header.seq) {
                return Err(Untrue::Restated(at));
            }
            from = header.seq + 1;
            if let Some(date) = last_date(header).filter(|date| *date > self.through) {
                return Err(Untrue::TooMuch { seq: header.seq, date });
            }
        }
        // Where the last record of the range is a notice, its header says what the link is.
        match self.restated.last() {
            Some(last) if last.seq + 1 == first && last.link() != self.link => {
                Err(Untrue::Restated(self.restated.len() - 1))
            }
            // Every trail begins with a notice.
            _ if start == 0 && self.restated.first().is_none_or(|opening| opening.seq != 0) => Err(Untrue::Restated(0)),
            _ => Ok(()),
        }
    }

    /// The header of a notice that is restated here.
    pub fn header(&self, seq: u64) -> Option<&Header> {
        let at = self.restated.binary_search_by_key(&seq, |header| header.seq).ok()?;
        Some(&self.restated[at])
    }
}
