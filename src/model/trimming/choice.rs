//! How far a trail may be trimmed: header by header, in order, from where it was trimmed to before.

use super::last_date;
use super::told::{Seen, Trimmed};
use super::{RESTATED_MAX, STEP};
use crate::model::date::Date;
use crate::model::header::{Header, Kind, Link};
use crate::model::tree::{self, Frontier};

/// What decides, besides the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What is dated so or before is past: told in the trail, its keys destroyed, its bytes removed.
    pub through: Date,
    /// The first record of which something is held, or that a removal not yet finished lists; `None`: none is.
    pub in_use: Option<u64>,
    /// A checkpoint that somebody outside keeps: what is trimmed can be shown to have been under it.
    pub below: Seen,
}

/// Why a record and those after it stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A part of it is not past.
    #[error("something of it is dated {0}, which is not past")]
    Dated(Date),
    /// It is held, or a removal waits on it.
    #[error("something of it is held, or being removed")]
    InUse,
    /// It is not under the checkpoint.
    #[error("it is not under the checkpoint of {0} records that is kept elsewhere")]
    Beyond(u64),
    /// One notice has no place for more: another step goes on from here.
    #[error("one notice restates {RESTATED_MAX} notices at most: the next goes on")]
    Full,
    /// It does not follow the record before: what is damaged is evidence, and stays.
    #[error("it does not follow the record before: run akta verify")]
    Unlinked,
}

/// Looks at headers until one has to stay.
#[derive(Debug, Clone)]
pub struct Choice {
    facts: Facts,
    start: u64,
    tree: Frontier,
    link: Link,
    restated: Vec<Header>,
    found: Option<Trimmed>,
    stop: Option<(u64, Stop)>,
}

impl Choice {
    /// Goes on where the trail was trimmed to: `tree` is that of all headers before, `link` that of the last of them;
    /// for a trail that never was, the empty one and [`Link::of_origin`].
    pub fn new(tree: Frontier, link: Link, facts: Facts) -> Self {
        let start = tree.size();
        Self { facts, start, tree, link, restated: Vec::new(), found: None, stop: None }
    }

    /// Takes the next header, in order. Once one has to stay this is `false`, and nothing more is taken.
    pub fn take(&mut self, header: &Header) -> bool {
        if self.stop.is_some() {
            return false;
        }
        if let Err(stop) = self.may_go(header) {
            self.stop = Some((self.tree.size(), stop));
            return false;
        }
        let bytes = header.encode();
        self.tree.append(tree::leaf_hash(&bytes), |_, _, _| ());
        self.link = Link::of(&bytes);
        if header.kind == Kind::Notice {
            self.restated.push(header.clone());
        }
        if self.tree.size().is_multiple_of(STEP) {
            self.found = Some(Trimmed {
                start: self.start,
                first: self.tree.size(),
                link: self.link,
                root: self.tree.root(),
                through: self.facts.through,
                below: self.facts.below,
                restated: self.restated.clone(),
            });
        }
        true
    }

    fn may_go(&self, header: &Header) -> Result<(), Stop> {
        let seq = self.tree.size();
        if header.seq != seq || header.previous != self.link {
            return Err(Stop::Unlinked);
        }
        if seq >= self.facts.below.size {
            return Err(Stop::Beyond(self.facts.below.size));
        }
        if self.facts.in_use.is_some_and(|first| first <= seq) {
            return Err(Stop::InUse);
        }
        if let Some(date) = last_date(header).filter(|date| *date > self.facts.through) {
            return Err(Stop::Dated(date));
        }
        if header.kind == Kind::Notice && self.restated.len() == RESTATED_MAX {
            return Err(Stop::Full);
        }
        Ok(())
    }

    /// What the notice would tell; `None` if no whole step may go. Its root is computed from the headers:
    /// whoever trims compares it with the stored tree's first.
    pub fn trimmed(&self) -> Option<&Trimmed> {
        self.found.as_ref()
    }

    /// The first record that has to stay, and why; `None` while none was met.
    pub fn stop(&self) -> Option<(u64, Stop)> {
        self.stop
    }
}
