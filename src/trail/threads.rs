//! The threads of a node and what they are handed: the loops around [`Writer::step`], the [`Indexer`] and the guard, with the merging of
//! small rows in their gaps.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::base::Base;
use super::closing::{self, Closer};
use super::decision::Decision;
use super::expiry::reclaim::Reclaiming;
use super::expiry::{self, Expirer, reclaim};
use super::group::Answer;
use super::hold;
use super::identity::rewrite;
use super::indexer::{Entry, Indexer};
use super::keyring::Kek;
use super::merge::Postings;
use super::merger::{Merger, PostingsMerger};
use super::reader::ReadError;
use super::remover::Remover;
use super::rotation::RotateError;
use super::submission::Submission;
use super::waiting::Waiting;
use super::writer::{Step, Writer};
use crate::metrics::Metrics;
use crate::store;

/// Most decisions between two groups: each is a commit of its own, for which events wait.
const DECISIONS_MAX: usize = 8;
/// Under load, small rows are merged after this many groups.
const GROUPS_A_SLICE: u32 = 16;
/// Entries rest at most this long before they are written, so that a crash leaves little to catch up.
const INDEX_REST: Duration = Duration::from_millis(200);

/// The index is made durable this often while it grows: what a crash loses of it has to be caught up, and the digests
/// of requests in it are gone.
const INDEX_SETTLE: Duration = Duration::from_secs(60);

/// How often trails that grew are guarded; a checkpoint is at most so old.
const CADENCE: Duration = Duration::from_secs(1);

/// With nothing gathered there is nothing to wake for.
const IDLE: Duration = Duration::from_secs(3_600);

/// What the writer is handed.
pub(super) enum Inbox {
    Record(Box<Job>),
    /// Something about a controller is decided.
    Decide(Box<Decision>),
    /// An hour is closed: its small rows may be merged.
    Merge,
    /// What is past is to be expired, and whoever is to be is masked: somebody waits for it, or it is the time of day.
    Expire(Option<expiry::Asked>),
    /// The bytes of what was handed over are gone, or, false, not yet.
    Reclaimed(reclaim::Job, bool),
    /// The bytes of what was removed of somebody are gone, or, false, not yet.
    Removed(Arc<rewrite::Job>, bool),
    /// The bytes of what a controller entrusted are gone, or, false, not yet.
    Ended(closing::Job, bool),
    /// A key is to be replaced.
    Rotate(Rotation),
    /// Somebody copies what must be of one moment: nothing is written meanwhile.
    Still(Box<dyn FnOnce() + Send>),
    /// Record what was taken before, then end.
    Close,
}

/// Which key is to be replaced, and who waits for it.
pub(super) enum Rotation {
    /// That which signs checkpoints.
    Signing(oneshot::Sender<Result<(), RotateError>>),
    /// That which the keyring is sealed under, by this one; the answer: whether it was another.
    Kek(Box<Kek>, oneshot::Sender<Result<bool, RotateError>>),
}

/// Submissions that came at once and where their answers go.
pub(super) struct Job {
    pub(super) submissions: Vec<Submission>,
    pub(super) answer: oneshot::Sender<Vec<Answer>>,
    // Held until they are durable or refused: what waits and what is under way is bounded by bytes.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Of a stream, which goes on without the answer.
    pub(super) streamed: bool,
}

impl Job {
    /// Number of its events.
    pub(super) fn events(&self) -> usize {
        self.submissions.iter().map(|submission| submission.events.len()).sum()
    }
}

/// What the indexer is handed.
pub(super) enum IndexJob {
    Entries(Vec<Entry>),
    Flush(oneshot::Sender<Result<(), store::Error>>),
    /// Merge these once there is nothing else to do.
    Merge(Postings),
    /// Remove what is expired, then hand it on to have its bytes reclaimed.
    Forget(reclaim::Job),
    /// Remove what was erased of somebody, then likewise.
    Erase(Arc<rewrite::Job>),
    /// Remove everything of a controller that is closed, then likewise.
    End(closing::Job),
    /// Write what was gathered, then end.
    Close,
}

/// The threads of a node; joining them waits until everything taken is durable and indexed.
pub struct Threads {
    pub(super) writer: JoinHandle<()>,
    pub(super) indexer: JoinHandle<()>,
    pub(super) reclaimer: JoinHandle<()>,
    pub(super) guard: JoinHandle<()>,
    /// Dropped to end the guard, once nothing grows any more.
    pub(super) guarding: SyncSender<()>,
}

impl Threads {
    /// Waits for all of them, after [`super::node::Node::close`].
    pub fn join(self) {
        let wait = |thread: JoinHandle<()>| {
            if thread.join().is_err() {
                tracing::error!("a thread of the node panicked");
            }
        };
        wait(self.writer);
        wait(self.indexer);
        wait(self.reclaimer);
        drop(self.guarding);
        wait(self.guard);
    }
}

/// Starts a named thread.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, ReadError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| ReadError::Store(store::Error::Failed(format!("start thread {name}: {error}"))))
}

/// The writer's loop: take one submission and whatever else already waits, record them, answer. With nothing to take,
/// small rows are merged.
pub(super) fn write(
    mut writer: Writer,
    mut merger: Merger,
    mut jobs: mpsc::UnboundedReceiver<Inbox>,
    index: SyncSender<IndexJob>,
    stopped: &watch::Sender<bool>,
    metrics: &Metrics,
) {
    let mut since_slice = 0;
    let mut waiting = Waiting::default();
    let mut expirer = Expirer::new(writer.base());
    // What was not reclaimed when the node stopped.
    let mut reclaiming = hand_over(expiry::reclaim::pending(&writer.base()), &index);
    let mut remover = Remover::begin(&writer.base());
    let mut closer = Closer::default();
    end(closer.again(&writer.base()), &index);
    loop {
        let at_rest = (merger.is_idle() && remover.is_idle()) || writer.is_stopped();
        let idle = waiting.is_empty() && expirer.is_idle() && closer.is_idle() && at_rest;
        let mut next = if idle { jobs.blocking_recv() } else { jobs.try_recv().ok() };
        if next.is_none() && waiting.is_empty() && expirer.is_idle() && closer.is_idle() && jobs.is_closed() {
            break;
        }
        let (mut decisions, mut rotations) = (Vec::new(), Vec::new());
        while let Some(inbox) = next {
            match inbox {
                Inbox::Record(job) => waiting.add(*job),
                // Each has a group of its own: it is made, or refused, for itself.
                Inbox::Decide(decision) => decisions.push(*decision),
                Inbox::Merge => since_slice = if begin(&mut merger) { 0 } else { since_slice },
                Inbox::Expire(asked) => {
                    mask(&mut writer, &index);
                    remover.again(&writer.base());
                    end(closer.again(&writer.base()), &index);
                    expirer.begin(asked);
                }
                Inbox::Reclaimed(job, done) => {
                    reclaiming = reclaiming.saturating_sub(1);
                    if done {
                        reclaimed(&mut writer, &job);
                    }
                }
                Inbox::Removed(job, done) => remover.removed(&mut writer, &job, done),
                Inbox::Ended(job, done) => closer.ended(&mut writer, &job, done),
                Inbox::Rotate(rotation) => rotations.push(rotation),
                Inbox::Still(work) => work(),
                // Whoever comes later is refused; who came before is still in the queue.
                Inbox::Close => jobs.close(),
            }
            next = if decisions.len() < DECISIONS_MAX { jobs.try_recv().ok() } else { None };
        }
        let group = waiting.group();
        since_slice += 1;
        if !merger.is_idle()
            && !writer.is_stopped()
            && ((group.is_empty() && decisions.is_empty()) || since_slice >= GROUPS_A_SLICE)
        {
            since_slice = 0;
            match merger.slice() {
                Ok(Some(postings)) => {
                    let _ = index.send(IndexJob::Merge(postings));
                }
                Ok(None) => {}
                Err(error) => writer.fail(&error),
            }
        }
        if !group.is_empty() {
            record(&mut writer, group, &index, metrics);
        }
        for decision in decisions {
            if decision.make(&mut writer, &mut closer, &index) {
                remover.again(&writer.base());
            }
        }
        end(closer.slice(&mut writer), &index);
        if !remover.is_idle() && !writer.is_stopped() {
            remover.slice(&mut writer, &index);
        }
        for rotation in rotations {
            rotate(&mut writer, rotation, &index);
        }
        if !expirer.is_idle() {
            let slice = expirer.slice(&mut writer);
            if let Some(mut step) = slice.step {
                publish(&mut writer, &mut step, &index);
            }
            reclaiming += hand_over(slice.job, &index);
            // What failed to be reclaimed has its turn again, with the next run.
            if expirer.is_idle() && reclaiming == 0 && !writer.is_stopped() {
                reclaiming = hand_over(expiry::reclaim::pending(&writer.base()), &index);
            }
        }
        if writer.is_stopped() {
            stopped.send_replace(true);
        }
    }
    let _ = index.send(IndexJob::Close);
}

/// Hands over to the indexer what is to be removed and reclaimed; how much that is.
fn hand_over(jobs: impl IntoIterator<Item = reclaim::Job>, index: &SyncSender<IndexJob>) -> usize {
    jobs.into_iter().filter(|job| index.send(IndexJob::Forget(job.clone())).is_ok()).count()
}

/// Hands over to the indexer what is left of controllers.
fn end(jobs: impl IntoIterator<Item = closing::Job>, index: &SyncSender<IndexJob>) {
    // An indexer that is gone has stopped the writer, too.
    jobs.into_iter().for_each(|job| drop(index.send(IndexJob::End(job))));
}

fn reclaimed(writer: &mut Writer, job: &reclaim::Job) {
    if !writer.is_stopped()
        && let Err(error) = writer.reclaimed(job)
    {
        writer.fail(&error);
    }
}

/// Masks whoever is to be by now.
fn mask(writer: &mut Writer, index: &SyncSender<IndexJob>) {
    if writer.is_stopped() {
        return;
    }
    match writer.mask_due() {
        Ok(mut step) => publish(writer, &mut step, index),
        Err(error) => writer.fail(&error),
    }
    if let Err(error) = writer.forget_removals() {
        writer.fail(&error);
    }
}

fn begin(merger: &mut Merger) -> bool {
    merger.begin().inspect_err(|error| tracing::error!(%error, "small rows are not merged")).is_ok()
}

fn record(writer: &mut Writer, group: Vec<Job>, index: &SyncSender<IndexJob>, metrics: &Metrics) {
    let mut submissions = Vec::with_capacity(group.len());
    let mut waiting = Vec::with_capacity(group.len());
    for Job { submissions: own, answer, permit, .. } in group {
        waiting.push((submissions.len(), answer, permit));
        submissions.extend(own);
    }
    let begun = Instant::now();
    let mut step = writer.step(submissions);
    let recorded = step.results.iter().flatten().map(Vec::len).sum();
    metrics.group(recorded, begun.elapsed().as_secs_f64());
    publish(writer, &mut step, index);
    // Last to first: who waits for the first answer of a stream then finds the others there, and wakes once.
    for (from, answer, _permit) in waiting.into_iter().rev() {
        // A reporter that hung up does not want to know.
        let _ = answer.send(step.results.split_off(from));
    }
}

/// The indexer hears of a record before anybody sees it: who has a receipt, or a size, finds the record.
pub(super) fn publish(writer: &mut Writer, step: &mut Step, index: &SyncSender<IndexJob>) {
    let entries = std::mem::take(&mut step.entries);
    if !entries.is_empty() && index.send(IndexJob::Entries(entries)).is_err() {
        tracing::error!("the indexer is gone: what is recorded cannot be found, so the writer stops; restart akta");
        writer.stop();
    }
    step.publish();
}

/// Replaces a key. What waits for it is told once readers see what the trails say of it.
fn rotate(writer: &mut Writer, rotation: Rotation, index: &SyncSender<IndexJob>) {
    if writer.is_stopped() {
        // Who waits sees that nobody answers.
        return;
    }
    match rotation {
        Rotation::Signing(answer) => {
            let done = writer.rotate_signing_key().map_err(|error| {
                writer.fail(&error);
                error.into()
            });
            let _ = answer.send(done.map(|mut step| publish(writer, &mut step, index)));
        }
        Rotation::Kek(kek, answer) => {
            let done = writer.rotate_kek(*kek).inspect_err(|error| {
                if let RotateError::Write(error) = error {
                    writer.fail(error);
                }
            });
            let _ = answer.send(done.map(|step| match step {
                Some(mut step) => {
                    publish(writer, &mut step, index);
                    true
                }
                None => false,
            }));
        }
    }
}

/// The indexer's loop: gather, write when a chunk is full, when somebody waits, or after a rest. With nothing to take,
/// small rows are merged.
pub(super) fn index(
    mut indexer: Indexer,
    mut merger: PostingsMerger,
    jobs: &Receiver<IndexJob>,
    reclaimer: &Sender<Reclaiming>,
) {
    // When what is gathered has rested long enough; fixed by the first entry of a chunk.
    let mut due: Option<Instant> = None;
    let mut settled = Instant::now();
    loop {
        let rest = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
        let wait = if merger.is_idle() { rest } else { Duration::ZERO };
        let mut result = match jobs.recv_timeout(wait) {
            Ok(IndexJob::Entries(entries)) => indexer.absorb(entries),
            Ok(IndexJob::Flush(done)) => {
                let result = indexer.flush();
                let _ = done.send(result.clone());
                result
            }
            Ok(IndexJob::Merge(postings)) => {
                merger.add(postings);
                Ok(())
            }
            Ok(IndexJob::Forget(job)) => indexer.forget(&job).map(|()| drop(reclaimer.send(Reclaiming::Expired(job)))),
            Ok(IndexJob::Erase(job)) => match indexer.erase(&job) {
                Ok(()) => {
                    let _ = reclaimer.send(Reclaiming::Removed(job));
                    Ok(())
                }
                Err(ReadError::Store(error)) => Err(error),
                // Not for good: it has its turn again within the hour.
                Err(error) => {
                    tracing::error!(%error, "the postings of what is erased stay until its trail can be read");
                    job.wait();
                    let _ = reclaimer.send(Reclaiming::Removed(job));
                    Ok(())
                }
            },
            Ok(IndexJob::End(job)) => {
                indexer.forget_controller(&job).map(|()| drop(reclaimer.send(Reclaiming::Closed(job))))
            }
            Err(RecvTimeoutError::Timeout) if rest.is_zero() => indexer.flush(),
            Err(RecvTimeoutError::Timeout) => merger.slice(),
            Ok(IndexJob::Close) | Err(RecvTimeoutError::Disconnected) => break,
        };
        due = if indexer.pending() == 0 { None } else { due.or_else(|| Some(Instant::now() + INDEX_REST)) };
        if result.is_ok() && settled.elapsed() >= INDEX_SETTLE {
            settled = Instant::now();
            result = indexer.settle();
        }
        if let Err(error) = result {
            tracing::error!(%error, "the index cannot be written: the writer stops with it; it is caught up at the next start");
            return;
        }
    }
    let last = indexer.flush().and_then(|()| indexer.settle());
    if let Err(error) = last {
        tracing::error!(%error, "the index was not closed: it is caught up at the next start");
    }
}

/// The guard's loop: once per cadence, and once more at the end. Whoever waits for a checkpoint hears of each turn, and
/// the writer of each closed hour: what is past by then is to be expired.
pub(super) fn guard(
    base: &Base,
    ended: &Receiver<()>,
    turns: &watch::Sender<u64>,
    writer: &mpsc::UnboundedSender<Inbox>,
) {
    const HOUR: i64 = 3_600_000_000_000;
    let Some(guard) = &base.guard else { return };
    base.guarded_at.store(base.now().nanos(), Ordering::Relaxed);
    let mut hour = base.now().nanos() / HOUR;
    hold::remind(base, base.now(), true);
    loop {
        let last = !matches!(ended.recv_timeout(CADENCE), Err(RecvTimeoutError::Timeout));
        match guard.tick(base) {
            Ok(()) => base.guarded_at.store(base.now().nanos(), Ordering::Relaxed),
            Err(error) => tracing::error!(%error, "the guard cannot be written: no checkpoint leaves until it can"),
        }
        turns.send_modify(|turn| *turn += 1);
        if last {
            return;
        }
        let now = base.now().nanos() / HOUR;
        if now / 24 != hour / 24 {
            hold::remind(base, base.now(), true);
        }
        if now != std::mem::replace(&mut hour, now) {
            let _ = writer.send(Inbox::Merge);
            let _ = writer.send(Inbox::Expire(None));
        }
    }
}
