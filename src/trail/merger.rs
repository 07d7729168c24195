//! The job that merges small rows, slice by slice, between the groups of the writer and the chunks of the indexer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::base::Base;
use super::group::WriteError;
use super::merge::{Pass, Postings};
use super::reader::ReadError;
use crate::model::origin::{Controller, Origin};
use crate::store::{self, Batch};

/// Rows of one slice: what somebody may have to wait for.
const ROWS: usize = 4_096;

/// Merges the rows of `db/`; belongs to the writer's thread, the only one that commits there.
pub(super) struct Merger {
    base: Arc<Base>,
    waiting: VecDeque<Controller>,
    pass: Option<Pass>,
}

impl Merger {
    pub(super) fn new(base: Arc<Base>) -> Self {
        Self { base, waiting: VecDeque::new(), pass: None }
    }

    /// An hour is closed: every trail has its turn.
    pub(super) fn begin(&mut self) -> Result<(), store::Error> {
        if self.is_idle() {
            let metas = self.base.descriptions()?.into_iter().filter(|meta| !meta.frozen);
            let origins = metas.filter_map(|meta| Origin::parse(&meta.origin));
            self.waiting = origins.map(|origin| origin.controller()).collect();
        }
        Ok(())
    }

    /// Whether there is nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.pass.is_none() && self.waiting.is_empty()
    }

    /// Merges one slice; what is then to be merged in the index. Damage ends the pass of that trail alone: a human
    /// must look, nothing is merged over it. A failed commit is as any other.
    pub(super) fn slice(&mut self) -> Result<Option<Postings>, WriteError> {
        match self.try_slice() {
            Err(WriteError::Read(error @ ReadError::DataLoss { .. })) => {
                tracing::error!(%error, "small rows are not merged");
                self.pass = None;
                Ok(None)
            }
            done => done,
        }
    }

    fn try_slice(&mut self) -> Result<Option<Postings>, WriteError> {
        let Some(pass) = &mut self.pass else {
            let Some(controller) = self.waiting.pop_front() else { return Ok(None) };
            if let Some(info) = self.base.trail(&controller)? {
                let to = info.size();
                self.pass = Pass::begin(&self.base, info, to)?;
            }
            return Ok(None);
        };
        let mut batch = Batch::default();
        let last = pass.slice(&self.base, ROWS, &mut batch)?;
        if !batch.is_empty() {
            // Synced: an intact record in the log behind a damaged one always means that something durable was lost.
            self.base.db.commit(batch)?;
        }
        Ok(self.pass.take_if(|_| last).map(Pass::postings))
    }
}

/// Merges postings; belongs to the indexer's thread.
pub(super) struct PostingsMerger {
    base: Arc<Base>,
    waiting: VecDeque<Postings>,
}

impl PostingsMerger {
    pub(super) fn new(base: Arc<Base>) -> Self {
        Self { base, waiting: VecDeque::new() }
    }

    pub(super) fn add(&mut self, postings: Postings) {
        self.waiting.push_back(postings);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Merges one slice.
    pub(super) fn slice(&mut self) -> Result<(), store::Error> {
        let Some(postings) = self.waiting.front_mut() else { return Ok(()) };
        let mut batch = Batch::default();
        let last = postings.slice(&self.base, ROWS, &mut batch)?;
        if !batch.is_empty() {
            self.base.index.derive(batch)?;
        }
        if last {
            self.waiting.pop_front();
        }
        Ok(())
    }
}
