//! Event ids seen lately: what the index does not hold yet, and what is staged in the step under way.

use std::collections::HashMap;
use std::sync::Arc;

use super::indexer::Entry;
use super::trails::Info;
use crate::model::origin::Controller;

/// Ids kept before those that the index holds are let go.
const KEEP: usize = 65_536;

/// Where the first event of an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Staged: its result has this index in the step under way.
    InStep(usize),
    /// Durable at this position.
    Durable(u64),
}

/// The first sight of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    /// Hash of its request.
    pub(super) request: [u8; 32],
    /// Where it is.
    pub(super) place: Place,
}

type Name = (Controller, [u8; 16]);

/// Event ids seen lately.
#[derive(Default)]
pub(super) struct Seen {
    durable: HashMap<Name, First>,
    /// Each with the index of its result in the step under way.
    staged: HashMap<Name, (First, usize)>,
    /// Ids kept before the next sweep.
    keep: usize,
}

struct First {
    request: [u8; 32],
    seq: u64,
    trail: Arc<Info>,
}

impl Seen {
    /// The first sight of an id, if it was lately.
    pub(super) fn find(&self, controller: &Controller, id: &[u8; 16]) -> Option<Sight> {
        let name = (controller.clone(), *id);
        if let Some((first, index)) = self.staged.get(&name) {
            return Some(Sight { request: first.request, place: Place::InStep(*index) });
        }
        let first = self.durable.get(&name)?;
        Some(Sight { request: first.request, place: Place::Durable(first.seq) })
    }

    /// Remembers an event of the step under way, whose result will have that index.
    pub(super) fn stage(&mut self, controller: &Controller, entry: &Entry, request: [u8; 32], index: usize) {
        if let Some(id) = entry.event_id {
            let first = First { request, seq: entry.seq, trail: entry.trail.clone() };
            self.staged.insert((controller.clone(), id), (first, index));
        }
    }

    /// The step under way became durable. Ids that the index holds by now are let go once there are many.
    pub(super) fn keep(&mut self) {
        self.durable.extend(self.staged.drain().map(|(name, (first, _))| (name, first)));
        if self.durable.len() > self.keep.max(KEEP) {
            self.durable.retain(|_, first| first.seq >= first.trail.indexed());
            // While the index lags, sweeping at every group would find little.
            self.keep = 2 * self.durable.len();
        }
    }
}
