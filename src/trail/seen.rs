//! Event ids seen lately: what the index does not hold yet, and what is staged in the step under way.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::indexer::Entry;
use super::trails::Info;
use crate::store::keys::Trail;

/// Ids kept before those that the index holds are let go.
const KEEP: usize = 65_536;

/// Where the first event of an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Staged in the step under way.
    InStep(Staged),
    /// Durable at this position.
    Durable(u64),
}

/// An event of the step under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Staged {
    /// Which submission.
    pub(super) submission: usize,
    /// Which event in it.
    pub(super) event: usize,
}

/// The first sight of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    /// Hash of its request.
    pub(super) request: [u8; 32],
    /// Where it is.
    pub(super) place: Place,
}

type Name = (Trail, [u8; 16]);

/// Event ids seen lately.
#[derive(Default)]
pub(super) struct Seen {
    first: HashMap<Name, First>,
    /// Number of the step under way.
    step: u64,
    /// Ids kept before the next sweep.
    keep: usize,
}

struct First {
    request: [u8; 32],
    seq: u64,
    /// Where it was staged, and in which step: durable if that is not the one under way.
    staged: Staged,
    step: u64,
    // A trail that was closed meanwhile is indexed to its end.
    trail: Weak<Info>,
}

impl Seen {
    /// The first sight of an id, if it was lately.
    pub(super) fn find(&self, trail: Trail, id: &[u8; 16]) -> Option<Sight> {
        let first = self.first.get(&(trail, *id))?;
        let place = if first.step == self.step { Place::InStep(first.staged) } else { Place::Durable(first.seq) };
        Some(Sight { request: first.request, place })
    }

    /// Remembers an event of the step under way.
    pub(super) fn stage(&mut self, entry: &Entry, request: [u8; 32], staged: Staged) {
        if let Some(id) = entry.event_id {
            let trail = Arc::downgrade(&entry.trail);
            let first = First { request, seq: entry.seq, staged, step: self.step, trail };
            self.first.insert((entry.trail.number, id), first);
        }
    }

    /// The step under way became durable. Ids that the index holds by now are let go once there are many.
    pub(super) fn keep(&mut self) {
        self.step += 1;
        if self.first.len() > self.keep.max(KEEP) {
            self.first.retain(|_, first| first.trail.upgrade().is_some_and(|trail| first.seq >= trail.indexed()));
            // While the index lags, sweeping at every group would find little.
            self.keep = 2 * self.first.len();
        }
    }
}
