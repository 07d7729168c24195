//! Keeping copies beside a running node: on a thread of its own, which asks the writer to stand still for the set that must be of one
//! moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Copies, CopyError, forgettable, history, stand_still};
use crate::model::date::Timestamp;
use crate::store::disk::Disk;
use crate::trail::meta;
use crate::trail::node::Node;

/// How often it is looked whether something was forgotten.
const LOOK: Duration = Duration::from_secs(20);
/// A forgettable set is made so often, whatever was forgotten: people and names come, too.
const FORGETTABLE_SECONDS: i64 = 15 * 60;
const HOUR_SECONDS: i64 = 3_600;

/// When copies are made, and how long they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Hours from one history to the next.
    pub every_hours: u32,
    /// Days for which a history is kept: at most 90.
    pub keep_days: u32,
}

/// Makes copies until it is dropped.
pub struct Keeper {
    thread: Option<JoinHandle<()>>,
    ending: Option<SyncSender<()>>,
}

impl Keeper {
    /// Begins: with a set of both, if the newest history is older than the rhythm says.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or read, or no thread started.
    pub fn begin(
        node: Arc<Node>,
        disk: Disk,
        staging: PathBuf,
        copies: Copies,
        rhythm: Rhythm,
    ) -> std::io::Result<Self> {
        let (ending, ended) = sync_channel(1);
        let (generation, history_at, forgettable_at) = (None, None, None);
        let keeping = Keeping { node, disk, staging, copies, rhythm, generation, history_at, forgettable_at };
        let thread = std::thread::Builder::new().name("akta-copies".to_owned()).spawn(move || keeping.run(&ended))?;
        Ok(Self { thread: Some(thread), ending: Some(ending) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.ending.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that makes copies panicked");
        }
    }
}

struct Keeping {
    node: Arc<Node>,
    disk: Disk,
    /// Where hard links are made, on the volume of the data.
    staging: PathBuf,
    copies: Copies,
    rhythm: Rhythm,
    /// The keyring's generation at the last forgettable set.
    generation: Option<u64>,
    /// When this process made the last history.
    history_at: Option<Timestamp>,
    forgettable_at: Option<Timestamp>,
}

impl Keeping {
    fn run(mut self, ended: &Receiver<()>) {
        loop {
            if let Err(error) = self.turn() {
                self.node.base().metrics.copy_failed();
                tracing::error!(%error, "no copy was made: what was made before stays; it is tried again");
            }
            match ended.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn turn(&mut self) -> Result<(), CopyError> {
        let now = self.node.base().now();
        let seconds = |at: Timestamp| now.parts().0.saturating_sub(at.parts().0);
        // A clock that was set back waits for nothing.
        let due = |at: Option<Timestamp>, after: i64| at.is_none_or(|at| !(0..after).contains(&seconds(at)));
        self.copies.prune(now, self.rhythm.keep_days)?;
        // First, and whatever becomes of the history: what was forgotten must go from here, too.
        if meta::generation(self.disk.db.as_ref())? != self.generation || due(self.forgettable_at, FORGETTABLE_SECONDS)
        {
            self.forgettable(now)?;
        }
        let last = self.copies.histories()?.pop().map(|last| last.at);
        if due(self.history_at.or(last), i64::from(self.rhythm.every_hours) * HOUR_SECONDS) {
            let (db, copies) = (self.disk.db.clone(), self.copies.clone());
            history(db.as_ref(), &copies, now, || self.forgettable(now))?;
            self.history_at = Some(now);
            tracing::info!("the history was copied");
        }
        let last = self.copies.histories()?.pop().map(|last| last.at);
        let [history, forgettable] = [last, self.forgettable_at].map(|at| at.map(|at| at.parts().0));
        self.node.base().metrics.copied(history, forgettable);
        Ok(())
    }

    fn forgettable(&mut self, now: Timestamp) -> Result<(), CopyError> {
        let (disk, staging) = (self.disk.clone(), self.staging.clone());
        // The writer waits for hard links alone.
        let still = self.node.still(move || stand_still(&disk, &staging)).ok_or(CopyError::Closing)??;
        forgettable(&still, &self.copies)?;
        self.generation = still.generation;
        self.forgettable_at = Some(now);
        Ok(())
    }
}
