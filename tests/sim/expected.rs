//! What the plain model expects of a group: which events are new, which were reported before, what is refused.

use std::collections::HashMap;

use akta::model::origin::Controller;

use super::Sim;
use super::story::{Known, Report};

/// What must become of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Recorded, event by event.
    Recorded(Vec<Fate>),
    /// Refused whole: the event at that place has the id of another one.
    Refused(usize),
    /// A single event under the id of another one, of which Akta may know the id alone: refused, or taken for the one
    /// at that position.
    Either(u64),
}

/// What must become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    New,
    /// It is recorded at that position.
    Durable(u64),
    /// It is that event of that submission of this group.
    Earlier(usize, usize),
}

/// Where an id of this group is, and what was reported under it.
type Staged<'a> = HashMap<(&'a Controller, [u8; 16]), (usize, usize, i32)>;

impl Sim {
    /// In order: what comes first stands.
    pub(crate) fn expected(&self, group: &[Report]) -> Vec<Expected> {
        let mut staged = Staged::new();
        let mut all = Vec::with_capacity(group.len());
        for (at, (controller, events)) in group.iter().enumerate() {
            let (mut own, mut fates) = (Staged::new(), Vec::new());
            let mut refused = None;
            for (index, known) in events.iter().enumerate() {
                let name = (controller, known.event_id);
                let (fate, same) = match (own.get(&name).or(staged.get(&name)), self.first(controller, known)) {
                    (Some((submission, event, action)), _) => {
                        (Fate::Earlier(*submission, *event), *action == known.action)
                    }
                    (None, Some((seq, first))) if first.action == known.action => (Fate::Durable(seq), true),
                    (None, Some((_, first))) if first.sure => (Fate::New, false),
                    (None, Some((seq, _))) => {
                        refused = Some(Expected::Either(seq));
                        break;
                    }
                    (None, None) => {
                        own.insert(name, (at, index, known.action));
                        (Fate::New, true)
                    }
                };
                if !same {
                    refused = Some(Expected::Refused(index));
                    break;
                }
                fates.push(fate);
            }
            all.push(refused.unwrap_or_else(|| {
                staged.extend(own);
                Expected::Recorded(fates)
            }));
        }
        all
    }

    /// The first event with that id in the model, and its position.
    fn first(&self, controller: &Controller, known: &Known) -> Option<(u64, &Known)> {
        (1u64..).zip(self.model.get(controller)?).find(|(_, first)| first.event_id == known.event_id)
    }
}
