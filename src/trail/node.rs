//! A running node: the handle that services hold. Hides the writer's thread, the indexer's thread and the queues.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::base::Base;
use super::indexer::Indexer;
use super::reader::ReadError;
use super::threads::{self, Inbox, IndexJob, Job, Threads};
use super::writer::{RecordError, Recorded, Submission, Writer};
use crate::model::event::Event;
use crate::model::origin::Controller;
use crate::store::space::Reserve;

/// Bytes of events that may wait for the writer; what is over it waits at the client.
const BUDGET_BYTES: usize = 64 << 20;
/// Groups that the writer may be ahead of the indexer.
const INDEX_QUEUE: usize = 64;

/// Why events are refused while the reserve is touched.
const DISK_FULL: &str = "the disk is nearly full: the operator must make room; nothing else stops, and events are \
                         taken again as soon as there is room";

/// The answer to one event, when it comes.
pub type Pending = oneshot::Receiver<Result<Recorded, RecordError>>;

/// A running node.
pub struct Node {
    pub(super) base: Arc<Base>,
    inbox: mpsc::UnboundedSender<Inbox>,
    pub(super) index: SyncSender<IndexJob>,
    budget: Arc<Semaphore>,
    reserve: Reserve,
    stopped: watch::Receiver<bool>,
}

impl Node {
    /// Recovers what is on disk, brings the index up to it, and starts; takes events while `reserve` is untouched.
    pub fn start(base: Arc<Base>, reserve: Reserve) -> Result<(Self, Threads), ReadError> {
        let writer = Writer::open(base.clone())?;
        let (indexer, _) = Indexer::open(base.clone())?;
        let (inbox, jobs) = mpsc::unbounded_channel();
        let (index, index_jobs) = sync_channel(INDEX_QUEUE);
        let (flag, stopped) = watch::channel(false);
        let entries = index.clone();
        let writer = threads::spawn("akta-writer", move || threads::write(writer, jobs, entries, &flag))?;
        let indexer = threads::spawn("akta-indexer", move || threads::index(indexer, &index_jobs))?;
        let node = Self { base, inbox, index, budget: Arc::new(Semaphore::new(BUDGET_BYTES)), reserve, stopped };
        Ok((node, Threads { writer, indexer }))
    }

    /// What the node stands on.
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// Takes no more events; what was taken is recorded and indexed before [`Threads::join`] returns.
    pub fn close(&self) {
        self.budget.close();
        let _ = self.inbox.send(Inbox::Close);
    }

    /// Turns true once a failed commit has stopped the writer.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.clone()
    }

    /// Hands an event to the writer at once, or refuses it because too much is waiting or the disk is nearly full.
    pub fn submit(&self, controller: Controller, event: Event, bytes: usize) -> Result<Pending, RecordError> {
        let permit = self
            .budget
            .clone()
            .try_acquire_many_owned(permits(&event, bytes))
            .map_err(|_| RecordError::Busy { reason: "too many events are waiting" })?;
        self.admit()?;
        self.send(controller, event, true, Some(permit))
    }

    /// Hands an event to the writer as soon as there is room: flow control for streams. A disk that is nearly full is
    /// not waited for: that may take hours, and the reporter should hear of it.
    ///
    /// Cancel-safe: an event is handed over whole or not at all.
    pub async fn submit_when_room(
        &self,
        controller: Controller,
        event: Event,
        bytes: usize,
    ) -> Result<Pending, RecordError> {
        let permit = self
            .budget
            .clone()
            .acquire_many_owned(permits(&event, bytes))
            .await
            .map_err(|_| RecordError::Busy { reason: "akta is closing" })?;
        self.admit()?;
        self.send(controller, event, true, Some(permit))
    }

    /// Waits for the answer to an event. A writer that vanished leaves it unknown.
    pub async fn answer(pending: Pending) -> Result<Recorded, RecordError> {
        pending.await.unwrap_or(Err(RecordError::Uncertain))
    }

    /// Refuses what comes from outside while the disk is nearly full. What the node writes for itself, such as the
    /// record of a read, goes by [`Self::send`] alone and may use the reserve.
    fn admit(&self) -> Result<(), RecordError> {
        if self.reserve.is_touched() { Err(RecordError::Busy { reason: DISK_FULL }) } else { Ok(()) }
    }

    pub(super) fn send(
        &self,
        controller: Controller,
        event: Event,
        may_open: bool,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Pending, RecordError> {
        let (answer, pending) = oneshot::channel();
        let submission = Submission { controller, event, may_open };
        self.inbox
            .send(Inbox::Record(Box::new(Job { submission, answer, permit })))
            .map_err(|_| RecordError::Busy { reason: "akta is closing" })?;
        Ok(pending)
    }
}

fn permits(event: &Event, bytes: usize) -> u32 {
    // What an event takes beside its bytes: the structures around them.
    u32::try_from((bytes + 512 + 128 * event.subjects.len()).min(BUDGET_BYTES)).unwrap_or(u32::MAX)
}
