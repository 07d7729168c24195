//! Keeping copies beside a running node: on a thread of its own, which asks the writer to stand still for the set that must be of one
//! moment.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Copies, CopyError, forgettable, history};
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
    pub fn begin(node: Arc<Node>, disk: Disk, copies: Copies, rhythm: Rhythm) -> std::io::Result<Self> {
        let (ending, ended) = sync_channel(1);
        let keeping = Keeping { node, disk, copies, rhythm, generation: None, forgettable_at: None };
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
    copies: Copies,
    rhythm: Rhythm,
    /// The keyring's generation at the last forgettable set.
    generation: Option<u64>,
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
        let last = self.copies.histories()?.pop();
        let rhythm = self.rhythm;
        // A clock that was set back waits for nothing.
        let due = |since: i64, after: i64| !(0..after).contains(&since);
        if last.is_none_or(|last| due(seconds(last.at), i64::from(rhythm.every_hours) * HOUR_SECONDS)) {
            let (db, copies) = (self.disk.db.clone(), self.copies.clone());
            history(db.as_ref(), &copies, now, rhythm.keep_days, || self.forgettable(now))?;
            tracing::info!("the history was copied");
        } else if meta::generation(self.disk.db.as_ref())? != self.generation
            || self.forgettable_at.is_none_or(|at| due(seconds(at), FORGETTABLE_SECONDS))
        {
            self.forgettable(now)?;
        }
        let last = self.copies.histories()?.pop().map(|last| last.at);
        let [history, forgettable] = [last, self.forgettable_at].map(|at| at.map(|at| at.parts().0));
        self.node.base().metrics.copied(history, forgettable);
        Ok(())
    }

    fn forgettable(&mut self, now: Timestamp) -> Result<(), CopyError> {
        let (disk, copies) = (self.disk.clone(), self.copies.clone());
        let made = self.node.still(move || {
            let generation = meta::generation(disk.db.as_ref())?;
            forgettable(&disk, &copies)?;
            Ok::<_, CopyError>(generation)
        });
        self.generation = made.ok_or(CopyError::Closing)??;
        self.forgettable_at = Some(now);
        Ok(())
    }
}
