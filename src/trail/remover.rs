//! The job that finishes removals, slice by slice between the groups of the writer: frames first, then the indexer's part, then
//! the bytes, on the reclaiming thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::base::Base;
use super::identity::rewrite::{self, Frames, Job};
use super::threads::IndexJob;
use super::writer::Writer;

/// Belongs to the writer's thread.
pub(super) struct Remover {
    frames: VecDeque<Frames>,
    /// Handed on and not yet heard of.
    under_way: Vec<Arc<Job>>,
}

impl Remover {
    /// With what was left when the node stopped.
    pub(super) fn begin(base: &Base) -> Self {
        let mut remover = Self { frames: VecDeque::new(), under_way: Vec::new() };
        remover.again(base);
        remover
    }

    /// Takes up what the vault says is left to be done, but for what is under way.
    pub(super) fn again(&mut self, base: &Base) {
        let jobs = rewrite::pending(base).unwrap_or_else(|error| {
            tracing::error!(%error, "what was removed of people has bytes left: they are looked for again within the hour");
            Vec::new()
        });
        for job in jobs {
            if self.has(&job) {
                continue;
            }
            match Frames::of(base, &job) {
                Ok(frames) => self.frames.push_back(frames),
                Err(error) => {
                    tracing::error!(%error, "what is erased is not removed yet: it is tried again within the hour")
                }
            }
        }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.frames.is_empty()
    }

    /// Rewrites some more frames; those of one removal done, hands it on.
    pub(super) fn slice(&mut self, writer: &mut Writer, index: &SyncSender<IndexJob>) {
        let Some(frames) = self.frames.front_mut() else { return };
        match frames.slice(&writer.base()) {
            Ok(true) => {}
            Ok(false) => {
                let job = frames.job();
                self.frames.pop_front();
                if index.send(IndexJob::Erase(job.clone())).is_ok() {
                    self.under_way.push(job);
                }
            }
            Err(error) => writer.fail(&error),
        }
    }

    /// The bytes are gone, or not yet: then they have their turn again.
    pub(super) fn removed(&mut self, writer: &mut Writer, job: &Arc<Job>, done: bool) {
        self.under_way.retain(|own| !own.is(job));
        if done
            && !writer.is_stopped()
            && let Err(error) = writer.removed(job)
        {
            writer.fail(&error);
        }
    }

    fn has(&self, job: &Job) -> bool {
        self.under_way.iter().any(|own| own.is(job)) || self.frames.iter().any(|frames| frames.job().is(job))
    }
}
