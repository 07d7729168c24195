//! A node in this process, on a real folder, under a clock and dice that the test holds: the parts that
//! `akta serve` runs in threads, step by step.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use akta::env::{ManualClock, SeededEntropy};
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::origin::{Controller, Origin};
use akta::store::disk::Disk;
use akta::store::{Batch, Family};
use akta::trail::base::{Base, OpenError, Settings, World};
use akta::trail::expiry::{Expired, reclaim};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::merge::Pass;
use akta::trail::position::stored_size;
use akta::trail::reader::ReadError;
use akta::trail::submission::Submission;
use akta::trail::trails::Info;
use akta::trail::writer::{Step, Writer};

/// A node that is open for writing.
pub(crate) struct Node {
    pub(crate) disk: Disk,
    pub(crate) base: Arc<Base>,
    pub(crate) writer: Writer,
    pub(crate) indexer: Indexer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) now: Timestamp,
    /// The index was ahead of a trail, and was built anew.
    pub(crate) rebuilt: bool,
    /// The index was behind a trail, and was caught up.
    pub(crate) behind: bool,
}

/// Settings of `--dev`, with that zone for new trails.
pub(crate) fn settings(zone: &str) -> Settings {
    Settings {
        authority: "akta.test".to_owned(),
        zone: Zone::named(zone).unwrap(),
        open_controllers: true,
        controllers: Vec::new(),
        new_guard: false,
        disk_reserve: None,
    }
}

/// The world at that moment, with randomness from a seed.
pub(crate) fn world(now: Timestamp, seed: u64) -> (World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now));
    (World { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) }, clock)
}

impl Node {
    /// Opens the folder as a start does.
    pub(crate) fn open(folder: &Path, now: Timestamp, seed: u64, zone: &str) -> Result<Self, OpenError> {
        Self::start(Disk::open(folder, None)?, Kek::dev(), zone, world(now, seed))
    }

    /// Starts on a disk that is open.
    pub(crate) fn start(
        disk: Disk,
        kek: Kek,
        zone: &str,
        (world, clock): (World, Arc<ManualClock>),
    ) -> Result<Self, OpenError> {
        let now = world.clock.now();
        let base = Arc::new(Base::open(disk.clone(), kek, settings(zone), world)?);
        let behind = base.descriptions()?.iter().any(|meta| {
            let indexed = base.index.get(Family::Indexed, &meta.number.to_be_bytes()).ok().flatten();
            let size = stored_size(base.db.as_ref(), meta.number).unwrap_or_default();
            indexed.is_none_or(|indexed| *indexed != size.to_be_bytes())
        });
        let writer = Writer::open(base.clone())?;
        let (indexer, rebuilt) = Indexer::open(base.clone())?;
        Ok(Self { disk, base, writer, indexer, clock, now, rebuilt, behind })
    }

    /// Time goes on.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.clock.set(self.now);
    }

    /// Records these as one group; all must be taken.
    pub(crate) fn record(&mut self, submissions: Vec<Submission>) {
        let step = self.writer.step(submissions);
        for result in &step.results {
            assert!(result.is_ok(), "drawn events are taken: {result:?}");
        }
        self.take(step);
    }

    /// Replaces the key that signs checkpoints.
    pub(crate) fn replace_signing_key(&mut self) {
        let step = self.writer.rotate_signing_key().unwrap();
        self.take(step);
    }

    /// Seals the keyring under another KEK.
    pub(crate) fn replace_kek(&mut self, kek: Kek) {
        let step = self.writer.rotate_kek(kek).unwrap().expect("it is another");
        self.take(step);
    }

    /// Expires what is past; what was done.
    pub(crate) fn expire(&mut self, confirmed: Option<Date>) -> Expired {
        let indexer = &mut self.indexer;
        let done = self.writer.expire(confirmed, |step| {
            step.publish();
            indexer.absorb(step.entries).unwrap();
        });
        done.unwrap()
    }

    /// Its bytes go; of how many zones there were any.
    pub(crate) fn reclaim(&mut self) -> usize {
        let jobs = reclaim::pending(&self.base);
        for job in &jobs {
            self.indexer.forget(job).unwrap();
            assert!(reclaim::reclaim(&self.base, job, || true).unwrap());
            self.writer.reclaimed(job).unwrap();
        }
        jobs.len()
    }

    fn take(&mut self, step: Step) {
        step.publish();
        self.indexer.absorb(step.entries).unwrap();
    }

    /// What was recorded so far can be found, and survives a crash.
    pub(crate) fn settle(&mut self) {
        self.indexer.flush().unwrap();
        self.indexer.settle().unwrap();
    }

    /// The guard's turn.
    pub(crate) fn guard(&self) {
        self.base.guard.as_ref().unwrap().tick(&self.base).unwrap();
    }

    /// Merges the small rows of a trail below `to`, in `db/` and in the index.
    pub(crate) fn merge(&mut self, info: &Arc<Info>, to: u64) {
        self.indexer.flush().unwrap();
        let Some(mut pass) = Pass::begin(&self.base, info.clone(), to).unwrap() else { return };
        let mut done = false;
        while !done {
            let mut batch = Batch::default();
            done = pass.slice(&self.base, 1_000, &mut batch).unwrap();
            if !batch.is_empty() {
                self.base.db.commit(batch).unwrap();
            }
        }
        let (mut postings, mut done) = (pass.postings(), false);
        while !done {
            let mut batch = Batch::default();
            done = postings.slice(&self.base, 1_000, &mut batch).unwrap();
            if !batch.is_empty() {
                self.base.index.derive(batch).unwrap();
            }
        }
    }

    /// The trail of that controller.
    pub(crate) fn trail(&self, controller: &Controller) -> Arc<Info> {
        self.base.trail(controller).unwrap().unwrap()
    }

    /// Ends in good order, with everything in sorted files.
    pub(crate) fn close(mut self) {
        self.settle();
        self.guard();
        self.disk.db.flush().unwrap();
        self.disk.vault.flush().unwrap();
    }
}

/// All trails of an open folder, by controller.
pub(crate) fn trails(base: &Base) -> Result<Vec<Arc<Info>>, ReadError> {
    let origins = base.descriptions()?.into_iter().filter_map(|meta| Origin::parse(&meta.origin));
    let infos: Result<Vec<_>, _> = origins.map(|origin| base.trail(&origin.controller())).collect();
    Ok(infos?.into_iter().flatten().collect())
}

/// Copies a folder with everything in it. What RocksDB never writes to again is linked, which is quicker.
///
/// A store that is open takes its old files away a moment after a flush has ended: what was copied while that went on
/// is thrown away and copied again.
pub(crate) fn copy(from: &Path, to: &Path) {
    let once = || -> io::Result<bool> {
        let before = names(from)?;
        copy_once(from, to)?;
        Ok(before == names(from)?)
    };
    for _ in 0..1_000 {
        match once() {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => assert!(error.kind() == ErrorKind::NotFound, "{}: {error}", from.display()),
        }
        if to.exists() {
            std::fs::remove_dir_all(to).unwrap();
        }
    }
    panic!("{} never stands still", from.display());
}

/// Every file below a folder.
fn names(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.extend(names(&entry.path())?);
        }
        all.insert(entry.path());
    }
    Ok(all)
}

fn copy_once(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_once(&entry.path(), &target)?;
        } else if [".sst", "OPTIONS-", "LOG.old."].iter().any(|part| target.to_string_lossy().contains(part)) {
            std::fs::hard_link(entry.path(), target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
