//! The writer: sole owner of what changes. [`Writer::step`] records one group; the thread is a loop around it.

use std::sync::Arc;

use super::base::Base;
use super::expiry::Expired;
use super::group::{Answer, Group, Staged, WriteError};
use super::indexer::Entry;
use super::seen::Seen;
use super::submission::{RecordError, Submission};
use super::trails::{Head, Info};
use crate::model::notice::{self, Says};
use crate::model::origin::Controller;
use crate::model::seal::Use;
use crate::store::{Batch, Family, keys};

/// What one step did.
pub struct Step {
    /// One answer per submission, in order.
    pub results: Vec<Answer>,
    /// What is to be indexed, in order.
    pub entries: Vec<Entry>,
    heads: Vec<(Arc<Info>, Head)>,
}

impl Step {
    /// Lets readers see the new heads. Before that the indexer has the entries, so that a question that covers a
    /// record finds it.
    pub fn publish(&self) {
        for (info, head) in &self.heads {
            info.publish(*head);
        }
    }

    /// This one, and what was done after it.
    pub(super) fn and(mut self, next: Self) -> Self {
        self.results.extend(next.results);
        self.entries.extend(next.entries);
        self.heads.extend(next.heads);
        self
    }

    pub(super) fn nothing() -> Self {
        Self { results: Vec::new(), entries: Vec::new(), heads: Vec::new() }
    }

    /// Of a trail that was opened alone.
    pub(super) fn of_opening(info: &Arc<Info>, entries: Vec<Entry>) -> Self {
        let position = info.position();
        let head = Head { size: position.size, root: position.tree.root() };
        Self { results: Vec::new(), entries, heads: vec![(info.clone(), head)] }
    }

    fn refused(count: usize, refusal: RecordError) -> Self {
        Self { results: vec![Err(refusal); count], entries: Vec::new(), heads: Vec::new() }
    }
}

/// Records groups. There is one per node.
pub struct Writer {
    pub(super) base: Arc<Base>,
    seen: Seen,
    generation: u64,
    stopped: bool,
}

impl Writer {
    /// Goes on where the trails stand on disk, with keys that were being replaced, and with what is past. That the keyring is open for writing is noted in the node's own trail.
    pub fn open(base: Arc<Base>) -> Result<Self, WriteError> {
        Ok(Self::open_expiring(base)?.0)
    }

    /// As [`Self::open`]; and what was past and needed nobody's word to be expired.
    pub fn open_expiring(base: Arc<Base>) -> Result<(Self, Expired), WriteError> {
        let mut writer = Self { base: base.clone(), seen: Seen::default(), generation: 0, stopped: false };
        writer.finish_rotations()?;
        writer.finish_holds()?;
        writer.finish_endings()?;
        writer.finish_removals()?;
        let expired = writer.expire_at_start()?;
        writer.mask_due()?.publish();
        writer.forget_removals()?;
        writer.finish_restore()?;
        let opened = notice::keyring_opened(base.keyring.generation(), base.keyring.is_dev());
        // The indexer is opened after this, and finds it.
        writer.notice(&Controller::node(), opened)?.publish();
        Ok((writer, expired))
    }

    /// Records nothing any more: what is recorded could not be found.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// A commit failed, or nobody knows: records nothing any more.
    pub(super) fn fail(&mut self, error: &WriteError) {
        tracing::error!(%error, "a commit failed or is uncertain: the writer stops, only reopening decides");
        self.stopped = true;
    }

    /// Whether a commit failed, after which nothing is recorded any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Records what was submitted, as one group: durable together.
    pub fn step(&mut self, submissions: Vec<Submission>) -> Step {
        let count = submissions.len();
        if let Err(stopped) = self.check_running() {
            return Step::refused(count, stopped);
        }
        self.record(submissions).unwrap_or_else(|error| {
            self.fail(&error);
            Step::refused(count, RecordError::Uncertain)
        })
    }

    /// Nothing is recorded any more once a commit failed.
    pub(super) fn check_running(&self) -> Result<(), RecordError> {
        let reason = "the writer has stopped after a failed write; restart akta";
        if self.stopped { Err(RecordError::Busy { reason }) } else { Ok(()) }
    }

    pub(super) fn base(&self) -> Arc<Base> {
        self.base.clone()
    }

    fn record(&mut self, submissions: Vec<Submission>) -> Result<Step, WriteError> {
        let base = self.base.clone();
        let mut group = Group::new(&base);
        for submission in submissions {
            group.submit(&mut self.seen, submission)?;
        }
        self.commit(group)
    }

    /// Records what a trail says about itself.
    pub(super) fn notice(&mut self, controller: &Controller, says: Says) -> Result<Step, WriteError> {
        let base = self.base.clone();
        let mut group = Group::new(&base);
        let info = base.trail(controller)?;
        let before = info.as_ref().map_or(base.now(), |info| info.position().recorded_at);
        let recorded_at = base.now().max(before);
        group.stage(info, controller, recorded_at)?;
        let Staged { info, sequencer } = group.staged.get_mut(controller).expect("was staged above");
        let placed = sequencer.notice(says, recorded_at);
        let entry = Entry::of(info, &placed.header, &Default::default(), None);
        group.entries.push(entry);
        self.commit(group)
    }

    pub(super) fn commit(&mut self, group: Group<'_>) -> Result<Step, WriteError> {
        self.commit_with(group, Batch::default())
    }

    /// Writes a group together with these rows.
    pub(super) fn commit_with(&mut self, group: Group<'_>, mut batch: Batch) -> Result<Step, WriteError> {
        let base = self.base.clone();
        let Group { draft, staged, answers, entries, opened, .. } = group;
        let mut step = Step { results: answers, entries, heads: opened };
        if staged.is_empty() && batch.is_empty() {
            return Ok(step);
        }
        let mut positions = Vec::with_capacity(staged.len());
        for Staged { info, sequencer } in staged.into_values() {
            let key = |date| info.date_key(&base.keyring, Use::Seal, date);
            let position = sequencer.finish(&mut batch, key).map_err(WriteError::NoKey)?;
            positions.push((info, position));
        }
        let generation = base.keyring.generation();
        if generation != self.generation {
            batch.put(Family::Meta, keys::META_GENERATION, generation.to_be_bytes());
        }

        // Order: keyring and new trails (while staging) → vault → batch. From here on a crash leaves at worst people
        // without records.
        base.vault.commit(draft)?;
        // The commit point. Once this returns, every record of the group is durable, chained and provable, and a
        // restart finds exactly them; if it fails, nobody knows, so nothing more is written by this process.
        self.write(batch, generation)?;

        self.seen.keep();
        for (info, position) in positions {
            step.heads.push((info.clone(), Head { size: position.size, root: position.tree.root() }));
            info.set_position(position);
        }
        Ok(step)
    }

    /// Writes rows under the keyring of that generation.
    pub(super) fn write(&mut self, batch: Batch, generation: u64) -> Result<(), WriteError> {
        self.base.db.commit(batch)?;
        self.generation = generation;
        Ok(())
    }
}
