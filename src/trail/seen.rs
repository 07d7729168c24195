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
    durable: HashMap<Name, ([u8; 32], u64, Arc<Info>)>,
    staged: HashMap<Name, ([u8; 32], u64, Arc<Info>, usize)>,
}

impl Seen {
    /// The first sight of an id, if it was lately.
    pub(super) fn find(&self, controller: &Controller, id: &[u8; 16]) -> Option<Sight> {
        let name = (controller.clone(), *id);
        if let Some((request, _, _, index)) = self.staged.get(&name) {
            return Some(Sight { request: *request, place: Place::InStep(*index) });
        }
        let (request, seq, _) = self.durable.get(&name)?;
        Some(Sight { request: *request, place: Place::Durable(*seq) })
    }

    /// Remembers an event of the step under way, whose result will have that index.
    pub(super) fn stage(&mut self, controller: &Controller, entry: &Entry, request: [u8; 32], index: usize) {
        if let Some(id) = entry.event_id {
            self.staged.insert((controller.clone(), id), (request, entry.seq, entry.trail.clone(), index));
        }
    }

    /// The step under way became durable. Ids that the index holds by now are let go once there are many.
    pub(super) fn keep(&mut self) {
        let staged = self.staged.drain().map(|(name, (request, seq, info, _))| (name, (request, seq, info)));
        self.durable.extend(staged);
        if self.durable.len() > KEEP {
            self.durable.retain(|_, (_, seq, info)| *seq >= info.indexed());
        }
    }
}
