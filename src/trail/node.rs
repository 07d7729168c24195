//! A running node: the handle that services hold. Hides the writer's thread, the indexer's thread and the queues.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, channel, sync_channel};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::base::Base;
use super::base::OpenError;
use super::expiry::reclaim;
use super::group::Answer;
use super::hold;
use super::indexer::Indexer;
use super::keyring::Kek;
use super::merger::{Merger, PostingsMerger};
use super::rotation::RotateError;
use super::submission::{RecordError, Submission};
use super::threads::{self, Inbox, IndexJob, Job, Rotation, Threads};
use super::trails::Info;
use super::writer::Writer;
use crate::metrics::Standing;
use crate::model::date::Timestamp;
use crate::model::event::Event;
use crate::model::origin::Controller;
use crate::store::space::Reserve;

/// Bytes of events of calls that may wait for the writer, and as many of streams; what is over it waits at the client.
/// Apart, for streams fill theirs whenever the writer is behind, and calls that find no room are refused.
const BUDGET_BYTES: usize = 32 << 20;
/// Groups that the writer may be ahead of the indexer.
const INDEX_QUEUE: usize = 64;

/// Why events are refused while the reserve is touched.
const DISK_FULL: &str = "the disk is nearly full: the operator must make room; nothing else stops, and events are \
                          taken again as soon as there is room";

/// The answers to what was handed over at once, one per submission, when they come.
pub type Pending = oneshot::Receiver<Vec<Answer>>;

/// A running node.
pub struct Node {
    pub(super) base: Arc<Base>,
    pub(super) inbox: mpsc::UnboundedSender<Inbox>,
    pub(super) index: SyncSender<IndexJob>,
    /// Of calls, and of streams.
    budget: Arc<Semaphore>,
    streams_budget: Arc<Semaphore>,
    reserve: Reserve,
    stopped: watch::Receiver<bool>,
    /// Counts the turns of the guard.
    pub(super) turns: watch::Receiver<u64>,
}

impl Node {
    /// Recovers what is on disk, brings the index up to it, and starts; takes events while `reserve` is untouched.
    pub fn start(base: Arc<Base>, reserve: Reserve) -> Result<(Self, Threads), OpenError> {
        let writer = Writer::open(base.clone())?;
        let (indexer, _) = Indexer::open(base.clone())?;
        let (inbox, jobs) = mpsc::unbounded_channel();
        let (index, index_jobs) = sync_channel(INDEX_QUEUE);
        let (flag, stopped) = watch::channel(false);
        let entries = index.clone();
        let metrics = base.metrics.clone();
        let (merger, postings) = (Merger::new(base.clone()), PostingsMerger::new(base.clone()));
        let writer = threads::spawn("akta-writer", move || {
            threads::write(writer, merger, jobs, entries, &flag, &metrics);
        })?;
        let (reclaims, expired) = channel();
        let indexer = threads::spawn("akta-indexer", move || {
            threads::index(indexer, postings, &index_jobs, &reclaims);
        })?;
        let (on, told) = (base.clone(), inbox.clone());
        let reclaimer = threads::spawn("akta-reclaim", move || reclaim::run(&on, &expired, &told))?;
        let (guarding, ended) = sync_channel(1);
        let (turn, turns) = watch::channel(0);
        let (guarded, hours) = (base.clone(), inbox.clone());
        let guard = threads::spawn("akta-guard", move || threads::guard(&guarded, &ended, &turn, &hours))?;
        let [budget, streams_budget] = [(); 2].map(|()| Arc::new(Semaphore::new(BUDGET_BYTES)));
        let node = Self { base, inbox, index, budget, streams_budget, reserve, stopped, turns };
        Ok((node, Threads { writer, indexer, reclaimer, guard, guarding }))
    }

    /// What the node stands on.
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// Replaces the key that signs checkpoints; every trail tells of it.
    pub async fn rotate_signing_key(&self) -> Result<(), RotateError> {
        let (answer, answered) = oneshot::channel();
        self.rotate(Rotation::Signing(answer), answered).await
    }

    /// Seals the keyring under this KEK, if it is under another; whether it was. If it fails, both must be kept.
    pub async fn rotate_kek(&self, kek: Kek) -> Result<bool, RotateError> {
        let (answer, answered) = oneshot::channel();
        self.rotate(Rotation::Kek(Box::new(kek), answer), answered).await
    }

    /// Does something on the thread of the writer, which records nothing meanwhile; waits for it. `None`: there is no writer any more.
    /// Not to be called on a thread of the runtime.
    pub(super) fn still<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, done) = sync_channel(1);
        // Whoever asked may be gone.
        let work = move || drop(answer.send(work()));
        self.inbox.send(Inbox::Still(Box::new(work))).ok()?;
        done.recv().ok()
    }

    async fn rotate<T>(
        &self,
        rotation: Rotation,
        answered: oneshot::Receiver<Result<T, RotateError>>,
    ) -> Result<T, RotateError> {
        self.inbox.send(Inbox::Rotate(rotation)).map_err(|_| RotateError::Closing)?;
        answered.await.unwrap_or(Err(RotateError::Closing))
    }

    /// Takes no more events; what was taken is recorded and indexed before [`Threads::join`] returns.
    pub fn close(&self) {
        self.budget.close();
        self.streams_budget.close();
        let _ = self.inbox.send(Inbox::Close);
    }

    /// Turns true once a failed commit has stopped the writer.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.clone()
    }

    /// Hands events to the writer at once, all or none, or refuses them because too much is waiting or the disk is
    /// nearly full.
    pub fn submit(&self, controller: Controller, events: Vec<Event>, bytes: usize) -> Result<Pending, RecordError> {
        let permit = self
            .budget
            .clone()
            .try_acquire_many_owned(permits(&events, bytes))
            .map_err(|_| RecordError::Busy { reason: "too many events are waiting" })?;
        self.admit()?;
        self.hand_over(vec![Submission { controller, events, may_open: true }], Some(permit))
    }

    /// Hands events to the writer as soon as there is room, each on its own: flow control for streams. A disk that is
    /// nearly full is not waited for: that may take hours, and the reporter should hear of it.
    ///
    /// Cancel-safe: all of them are handed over or none.
    pub async fn submit_when_room(
        &self,
        events: Vec<(Controller, Event)>,
        bytes: usize,
    ) -> Result<Pending, RecordError> {
        let permit = self
            .streams_budget
            .clone()
            .acquire_many_owned(permits(events.iter().map(|(_, event)| event), bytes))
            .await
            .map_err(|_| RecordError::Busy { reason: "akta is closing" })?;
        self.admit()?;
        let alone = |(controller, event)| Submission { controller, events: vec![event], may_open: true };
        self.hand_over_as(events.into_iter().map(alone).collect(), Some(permit), true)
    }

    /// How the node stands now; what only the edge knows is left out.
    pub fn standing(&self) -> Standing {
        let of = |lag: u64, info: Arc<Info>| lag.saturating_add(info.size().saturating_sub(info.indexed()));
        let guarded_at = Timestamp::from_nanos(self.base.guarded_at.load(Ordering::Relaxed));
        let free = self.budget.available_permits() + self.streams_budget.available_permits();
        let age = self.base.now().parts().0.saturating_sub(guarded_at.parts().0);
        let reminder = hold::remind(&self.base, self.base.now(), false);
        Standing {
            holds: reminder.later(),
            holds_due: reminder.due,
            holds_overdue: reminder.overdue,
            queue_bytes: (2 * BUDGET_BYTES).saturating_sub(free) as u64,
            index_lag: self.base.trails.all_open().into_iter().fold(0, of),
            guard_age: u64::try_from(age).unwrap_or_default(),
            expiry_pending: self.base.expiry_lag(),
            reclaim_pending: self.base.reclaim_lag(),
            disk_free: self.reserve.free(),
            stopped: *self.stopped.borrow(),
            ..Standing::default()
        }
    }

    /// Waits for the answer to one submission. A writer that vanished leaves it unknown.
    pub async fn answer(pending: Pending) -> Answer {
        pending.await.ok().and_then(|mut answers| answers.pop()).unwrap_or(Err(RecordError::Uncertain))
    }

    /// Refuses what comes from outside while the disk is nearly full. What the node writes for itself, such as the
    /// record of a read, goes by [`Self::hand_over`] alone and may use the reserve.
    pub(super) fn admit(&self) -> Result<(), RecordError> {
        if self.reserve.is_touched() { Err(RecordError::Busy { reason: DISK_FULL }) } else { Ok(()) }
    }

    pub(super) fn hand_over(
        &self,
        submissions: Vec<Submission>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Pending, RecordError> {
        self.hand_over_as(submissions, permit, false)
    }

    fn hand_over_as(
        &self,
        submissions: Vec<Submission>,
        permit: Option<OwnedSemaphorePermit>,
        streamed: bool,
    ) -> Result<Pending, RecordError> {
        let (answer, pending) = oneshot::channel();
        self.inbox
            .send(Inbox::Record(Box::new(Job { submissions, answer, permit, streamed })))
            .map_err(|_| RecordError::Busy { reason: "akta is closing" })?;
        Ok(pending)
    }
}

fn permits<'a>(events: impl IntoIterator<Item = &'a Event>, bytes: usize) -> u32 {
    // What an event takes beside its bytes: the structures around them.
    let around: usize = events.into_iter().map(|event| 512 + 128 * event.subjects.len()).sum();
    u32::try_from((bytes + around).min(BUDGET_BYTES)).unwrap_or(u32::MAX)
}
