//! A running node: the handle that services hold. Hides the writer's thread, the indexer's thread and the queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::ask::{Caller, Ground, Question, log_access};
use super::base::Base;
use super::indexer::{Entry, Indexer};
use super::reader::{ReadError, Reader};
use super::search::{self, Page};
use super::trails::Info;
use super::vault::Of;
use super::writer::{RecordError, Recorded, Submission, Writer};
use crate::env::random;
use crate::model::event::Event;
use crate::model::identity::{Identity, Pseudonym};
use crate::model::origin::Controller;
use crate::model::query::{Cursor, Filter, Order};
use crate::model::record::Record;
use crate::store;

/// Bytes of events that may wait for the writer; what is over it waits at the client.
const BUDGET_BYTES: usize = 64 << 20;
/// Most events in one group.
const GROUP_MAX: usize = 2_048;
/// Groups that the writer may be ahead of the indexer.
const INDEX_QUEUE: usize = 64;
/// Entries rest at most this long before they are written, so that a crash leaves little to catch up.
const INDEX_REST: Duration = Duration::from_millis(200);

/// The answer to one event, when it comes.
pub type Pending = oneshot::Receiver<Result<Recorded, RecordError>>;

enum Inbox {
    Record(Box<Job>),
    /// Record what was taken before, then end.
    Close,
}

struct Job {
    submission: Submission,
    answer: oneshot::Sender<Result<Recorded, RecordError>>,
    // Held until the event is durable or refused: what waits and what is under way is bounded by bytes.
    permit: Option<OwnedSemaphorePermit>,
}

enum IndexJob {
    Entries(Vec<Entry>),
    Flush(oneshot::Sender<Result<(), store::Error>>),
    /// Write what was gathered, then end.
    Close,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such controller, or not yours: not told apart.
    #[error("no such controller, or you may not read its trail")]
    NoController,
    /// There is no such event.
    #[error("there is no such event in this trail")]
    NotFound,
    /// The page token is of another question.
    #[error("page_token")]
    Cursor,
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The question could not be recorded, so it is not answered.
    #[error("the question could not be recorded, so it is not answered: {0}")]
    Unrecorded(RecordError),
    /// The node is closing.
    #[error("akta is closing")]
    Closing,
}

/// A page of records with the people in them.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The trail.
    pub trail: Arc<Info>,
    /// The page.
    pub page: Page,
    /// Who the pseudonyms on it stand for.
    pub people: Vec<(Pseudonym, Identity)>,
}

/// A running node.
pub struct Node {
    base: Arc<Base>,
    inbox: mpsc::UnboundedSender<Inbox>,
    index: SyncSender<IndexJob>,
    budget: Arc<Semaphore>,
    stopped: Arc<AtomicBool>,
}

/// The threads of a node; joining them waits until everything taken is durable and indexed.
pub struct Threads {
    writer: JoinHandle<()>,
    indexer: JoinHandle<()>,
}

impl Threads {
    /// Waits for both, after [`Node::close`].
    pub fn join(self) {
        for thread in [self.writer, self.indexer] {
            if thread.join().is_err() {
                tracing::error!("a thread of the node panicked");
            }
        }
    }
}

impl Node {
    /// Recovers what is on disk, brings the index up to it, and starts.
    pub fn start(base: Arc<Base>) -> Result<(Self, Threads), ReadError> {
        let writer = Writer::open(base.clone())?;
        let (indexer, _) = Indexer::open(base.clone())?;
        let (inbox, jobs) = mpsc::unbounded_channel();
        let (index, index_jobs) = sync_channel(INDEX_QUEUE);
        let stopped = Arc::new(AtomicBool::new(false));
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(|error| ReadError::Store(store::Error::Failed(format!("start thread {name}: {error}"))))
        };
        let entries = index.clone();
        let flag = stopped.clone();
        let writer = spawn("akta-writer", Box::new(move || write(writer, jobs, entries, &flag)))?;
        let indexer = spawn("akta-indexer", Box::new(move || run_indexer(indexer, &index_jobs)))?;
        let node = Self { base, inbox, index, budget: Arc::new(Semaphore::new(BUDGET_BYTES)), stopped };
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

    /// Whether a failed commit has stopped the writer.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Hands an event to the writer at once, or refuses it because too much is waiting.
    pub fn submit(&self, controller: Controller, event: Event, bytes: usize) -> Result<Pending, RecordError> {
        let permit = self
            .budget
            .clone()
            .try_acquire_many_owned(permits(bytes))
            .map_err(|_| RecordError::Busy { reason: "too many events are waiting" })?;
        self.send(controller, event, true, Some(permit))
    }

    /// Hands an event to the writer as soon as there is room: flow control for streams.
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
            .acquire_many_owned(permits(bytes))
            .await
            .map_err(|_| RecordError::Busy { reason: "akta is closing" })?;
        self.send(controller, event, true, Some(permit))
    }

    /// Waits for the answer to an event. A writer that vanished leaves it unknown.
    pub async fn answer(pending: Pending) -> Result<Recorded, RecordError> {
        pending.await.unwrap_or(Err(RecordError::Uncertain))
    }

    fn send(
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

    /// Answers a question with one page; the question is durable in the trail before it returns.
    pub async fn search(
        self: &Arc<Self>,
        caller: &Caller,
        ground: &Ground,
        controller: &Controller,
        question: Question,
        limit: usize,
        token: &str,
    ) -> Result<Answer, AskError> {
        let trail = self.base.trails.get(controller).ok_or(AskError::NoController)?;
        let start = start(&question, controller, token, trail.size())?;
        let shape = question.shape();
        let (node, info) = (self.clone(), trail.clone());
        self.flush_index().await?;
        let (page, people) = blocking(move || {
            let filter = Filter {
                subject: node.resolve(&info, question.subject.as_ref())?,
                actor: node.resolve(&info, question.actor.as_ref())?,
                ip: question.ip,
                actions: question.actions,
                since: question.since,
                until: question.until,
            };
            let page = search::search(&node.base, &info, &filter, question.order, start, limit)?;
            let people = node.people(&info, &page.records)?;
            Ok((page, people))
        })
        .await?;
        self.log(caller, ground, controller, "SearchEvents", &shape, page.records.len()).await?;
        Ok(Answer { trail, page, people })
    }

    /// Shows one event; the question is durable in the trail before it returns.
    pub async fn get(
        self: &Arc<Self>,
        caller: &Caller,
        ground: &Ground,
        controller: &Controller,
        key: EventKey,
    ) -> Result<Answer, AskError> {
        let trail = self.base.trails.get(controller).ok_or(AskError::NoController)?;
        let size = trail.size();
        let (node, info) = (self.clone(), trail.clone());
        self.flush_index().await?;
        let found = blocking(move || {
            let seq = match key {
                EventKey::Seq(seq) => Some(seq).filter(|seq| *seq < size),
                EventKey::EventId(id) => search::by_event_id(&node.base, &info, &id, size).map_err(ReadError::from)?,
            };
            let Some(seq) = seq else { return Ok(None) };
            let today = node.base.today(&info.zone);
            let record = Reader::new(&node.base, &info, today).record(seq)?;
            let people = node.people(&info, std::slice::from_ref(&record))?;
            Ok(Some((record, people)))
        })
        .await?;
        self.log(caller, ground, controller, "GetEvent", key.shape(), usize::from(found.is_some())).await?;
        let (record, people) = found.ok_or(AskError::NotFound)?;
        Ok(Answer { trail, page: Page { records: vec![record], next: None, size }, people })
    }

    fn resolve(&self, info: &Info, identity: Option<&Identity>) -> Result<Option<Vec<Pseudonym>>, ReadError> {
        Ok(identity.map(|identity| search::pseudonyms(&self.base, info, identity)).transpose()?)
    }

    fn people(&self, info: &Info, records: &[Record]) -> Result<Vec<(Pseudonym, Identity)>, ReadError> {
        let of = Of { controller: &info.controller, key: &info.key };
        let mut pseudonyms: Vec<Pseudonym> = records
            .iter()
            .flat_map(|record| {
                let actor = record.contents.actor.iter().flat_map(|actor| [&actor.pseudonym, &actor.on_behalf_of]);
                actor.chain(record.contents.subjects.iter().map(|subject| &subject.pseudonym))
            })
            .filter_map(|bytes| Pseudonym::from_slice(bytes))
            .collect();
        pseudonyms.sort_unstable();
        pseudonyms.dedup();
        let mut people = Vec::with_capacity(pseudonyms.len());
        for pseudonym in pseudonyms {
            if let Some(identity) = self.base.vault.identity(of, &pseudonym)? {
                people.push((pseudonym, identity));
            }
        }
        Ok(people)
    }

    async fn log(
        &self,
        caller: &Caller,
        ground: &Ground,
        controller: &Controller,
        call: &str,
        shape: &str,
        rows: usize,
    ) -> Result<(), AskError> {
        let id = uuid::Builder::from_random_bytes(random(self.base.world.entropy.as_ref())).into_uuid();
        let event = log_access(caller, ground, id.into_bytes(), call, shape, rows);
        // Reads of the trail are recorded whatever waits: they take no budget.
        let pending = self.send(controller.clone(), event, false, None).map_err(AskError::Unrecorded)?;
        Self::answer(pending).await.map_err(AskError::Unrecorded)?;
        Ok(())
    }

    /// Waits until everything published so far can be found.
    async fn flush_index(&self) -> Result<(), AskError> {
        let (done, flushed) = oneshot::channel();
        let index = self.index.clone();
        // The queue may be full for a moment; waiting for it must not hold up the runtime.
        tokio::task::spawn_blocking(move || index.send(IndexJob::Flush(done)))
            .await
            .map_err(|_| AskError::Closing)?
            .map_err(|_| AskError::Closing)?;
        let flushed = flushed.await.map_err(|_| AskError::Closing)?;
        Ok(flushed.map_err(ReadError::from)?)
    }
}

/// Names one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKey {
    /// By position.
    Seq(u64),
    /// By the reporter's id.
    EventId([u8; 16]),
}

impl EventKey {
    fn shape(self) -> &'static str {
        match self {
            Self::Seq(_) => "seq",
            Self::EventId(_) => "event_id",
        }
    }
}

fn permits(bytes: usize) -> u32 {
    // What an event takes beside its bytes: the structures around them.
    u32::try_from((bytes + 512).min(BUDGET_BYTES)).unwrap_or(u32::MAX)
}

fn start(question: &Question, controller: &Controller, token: &str, size: u64) -> Result<Cursor, AskError> {
    let digest = question.digest(controller);
    if token.is_empty() {
        let next = match question.order {
            Order::NewestFirst => u64::MAX,
            Order::OldestFirst => 0,
        };
        return Ok(Cursor { size, next, question: digest });
    }
    Cursor::decode(token).filter(|cursor| cursor.question == digest && cursor.size <= size).ok_or(AskError::Cursor)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, AskError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| AskError::Closing)?;
    Ok(done?)
}

/// The writer's loop: take one event and whatever else already waits, record them, answer.
fn write(
    mut writer: Writer,
    mut jobs: mpsc::UnboundedReceiver<Inbox>,
    index: SyncSender<IndexJob>,
    stopped: &AtomicBool,
) {
    while let Some(first) = jobs.blocking_recv() {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(inbox) = next {
            match inbox {
                Inbox::Record(job) => group.push(*job),
                // Whoever comes later is refused; who came before is still in the queue.
                Inbox::Close => jobs.close(),
            }
            next = if group.len() < GROUP_MAX { jobs.try_recv().ok() } else { None };
        }
        let (submissions, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.submission, (job.answer, job.permit))).unzip();
        let step = writer.step(submissions);
        stopped.store(writer.is_stopped(), Ordering::Relaxed);
        // The indexer hears of a record before its reporter does: who has a receipt finds the record.
        if !step.entries.is_empty() && index.send(IndexJob::Entries(step.entries)).is_err() {
            tracing::error!("the indexer is gone: searches will be refused until a restart");
        }
        for ((answer, _permit), result) in answers.into_iter().zip(step.results) {
            // A reporter that hung up does not want to know.
            let _ = answer.send(result);
        }
    }
    let _ = index.send(IndexJob::Close);
}

/// The indexer's loop: gather, write when a chunk is full, when somebody waits, or after a rest.
fn run_indexer(mut indexer: Indexer, jobs: &Receiver<IndexJob>) {
    loop {
        let result = match jobs.recv_timeout(INDEX_REST) {
            Ok(IndexJob::Entries(entries)) => indexer.absorb(entries),
            Ok(IndexJob::Flush(done)) => {
                let result = indexer.flush();
                let _ = done.send(result.clone());
                result
            }
            Err(RecvTimeoutError::Timeout) => indexer.flush(),
            Ok(IndexJob::Close) | Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = result {
            tracing::error!(%error, "the index cannot be written: searches are refused; it is caught up at the next start");
            return;
        }
    }
    let last = indexer.flush().and_then(|()| indexer.close());
    if let Err(error) = last {
        tracing::error!(%error, "the index was not closed: it is caught up at the next start");
    }
}
