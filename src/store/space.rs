//! Free space of the volume, and the reserve that is kept of it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

/// Largest reserve that is kept where none is set.
pub const RESERVE_MOST: u64 = 512 << 20;
/// Least reserve that is kept where none is set: a new log and a full write buffer or two (docs/operations.md).
pub const RESERVE_LEAST: u64 = 256 << 20;
/// Part of a volume that is kept between the two.
const RESERVE_SHARE: u64 = 8;
/// Part of the reserve that must be free above it before the guard lets go: table files come and go by tens of MiB.
const SLACK_SHARE: u64 = 8;
/// How long an answer of the system is good: at 100 MiB/s of events, 5 MiB.
const GOOD_FOR: Duration = Duration::from_millis(50);

/// How much room a volume has.
pub trait Space: Send + Sync {
    /// Bytes that this process may still write.
    fn free(&self) -> io::Result<u64>;

    /// Bytes of the whole volume.
    fn total(&self) -> io::Result<u64>;
}

/// The volume that a folder is on.
#[derive(Debug, Clone)]
pub struct Volume(PathBuf);

impl Volume {
    /// The volume of that folder, which exists.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl Space for Volume {
    fn free(&self) -> io::Result<u64> {
        // What is left for others than root, who may also use what the file system keeps for root.
        let volume = rustix::fs::statvfs(&self.0)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn total(&self) -> io::Result<u64> {
        let volume = rustix::fs::statvfs(&self.0)?;
        Ok(volume.f_blocks.saturating_mul(volume.f_frsize))
    }
}

/// A volume as large as a test says; without end unless it says otherwise.
#[derive(Debug)]
pub struct Scripted {
    total: u64,
    free: AtomicU64,
    fails: AtomicBool,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl Scripted {
    /// An empty volume of so many bytes.
    pub fn new(total: u64) -> Self {
        Self { total, free: AtomicU64::new(total), fails: AtomicBool::new(false) }
    }

    /// From now on so many bytes are free.
    pub fn leave(&self, free: u64) {
        self.free.store(free, Ordering::SeqCst);
    }

    /// From now on it fails to answer, or answers again.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    fn answer(&self, bytes: u64) -> io::Result<u64> {
        if self.fails.load(Ordering::SeqCst) { Err(io::Error::other("planned fault")) } else { Ok(bytes) }
    }
}

impl Space for Scripted {
    fn free(&self) -> io::Result<u64> {
        self.answer(self.free.load(Ordering::SeqCst))
    }

    fn total(&self) -> io::Result<u64> {
        self.answer(self.total)
    }
}

/// Keeps a part of the volume for what must be written even when nothing new is taken.
pub struct Reserve {
    space: Arc<dyn Space>,
    bytes: u64,
    good_for: Duration,
    touched: AtomicBool,
    asked: Mutex<Option<Instant>>,
}

impl fmt::Debug for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("bytes", &self.bytes).field("touched", &self.touched).finish_non_exhaustive()
    }
}

impl Reserve {
    /// Keeps `bytes` free; where none are given, an eighth of the volume, at least 256 and at most 512 MiB.
    pub fn new(space: Arc<dyn Space>, bytes: Option<u64>) -> Self {
        let bytes = bytes.unwrap_or_else(|| match space.total() {
            Ok(total) => (total / RESERVE_SHARE).clamp(RESERVE_LEAST, RESERVE_MOST),
            Err(_) => RESERVE_MOST,
        });
        Self { space, bytes, good_for: GOOD_FOR, touched: AtomicBool::new(false), asked: Mutex::new(None) }
    }

    /// Whether less than the reserve is free, so that nothing more may be taken. Says in the log when that begins and
    /// when it ends. The answer may be 50 ms old: asking takes a microsecond on a local disk, but a network's may take
    /// its time, and nobody waits for somebody else's asking.
    pub fn is_touched(&self) -> bool {
        let mut asked = match self.asked.try_lock() {
            Ok(asked) => asked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.touched.load(Ordering::Acquire),
        };
        if asked.is_none_or(|asked| asked.elapsed() >= self.good_for) {
            self.ask();
            *asked = Some(Instant::now());
        }
        self.touched.load(Ordering::Acquire)
    }

    /// Bytes free on the volume; `None` if it does not tell.
    pub fn free(&self) -> Option<u64> {
        self.space.free().ok()
    }

    fn ask(&self) {
        let touched = self.touched.load(Ordering::Acquire);
        // A volume that does not answer is no reason to refuse: whether it can be written to, the next commit shows.
        let free = self.space.free().unwrap_or(u64::MAX);
        let enough = if touched { self.bytes.saturating_add(self.bytes / SLACK_SHARE) } else { self.bytes };
        let now = free < enough;
        if now == touched {
            return;
        }
        self.touched.store(now, Ordering::Release);
        let reserve = self.bytes;
        if now {
            tracing::warn!(
                free,
                reserve,
                "the disk is nearly full: no event is taken until there is room; reads go on"
            );
        } else {
            tracing::info!(free, reserve, "there is room on the disk: events are taken again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_once(space: &Arc<Scripted>, bytes: Option<u64>) -> Reserve {
        Reserve { good_for: Duration::ZERO, ..Reserve::new(space.clone(), bytes) }
    }

    #[test]
    fn the_reserve_is_held_and_let_go() {
        let space = Arc::new(Scripted::new(10_000));
        let reserve = at_once(&space, Some(800));
        for (free, touched) in [(10_000, false), (800, false), (799, true), (800, true), (899, true), (900, false)] {
            space.leave(free);
            assert_eq!(reserve.is_touched(), touched, "{free} bytes free");
        }
    }

    #[test]
    fn an_answer_is_good_for_a_while() {
        let space = Arc::new(Scripted::new(10_000));
        let reserve = Reserve { good_for: Duration::MAX, ..Reserve::new(space.clone(), Some(800)) };
        assert!(!reserve.is_touched());
        space.leave(0);
        assert!(!reserve.is_touched(), "asked again too soon");
    }

    #[test]
    fn the_default_fits_the_volume() {
        for (total, bytes) in [(1 << 30, 256 << 20), (3 << 30, 384 << 20), (4 << 30, 512 << 20), (u64::MAX, 512 << 20)]
        {
            assert_eq!(at_once(&Arc::new(Scripted::new(total)), None).bytes, bytes, "of {total}");
        }
        let silent = Arc::new(Scripted::default());
        silent.fail(true);
        assert_eq!(at_once(&silent, None).bytes, RESERVE_MOST);
    }

    #[test]
    fn a_volume_that_does_not_answer_refuses_nothing() {
        let space = Arc::new(Scripted::new(10_000));
        let reserve = at_once(&space, Some(800));
        space.leave(0);
        assert!(reserve.is_touched());
        space.fail(true);
        assert!(!reserve.is_touched());
    }

    #[test]
    fn a_real_volume_answers() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let volume = Volume::of(folder.path());
        let (free, total) = (volume.free().expect("answers"), volume.total().expect("answers"));
        assert!(0 < free && free <= total, "{free} of {total}");
        assert!(Volume::of(folder.path().join("missing")).free().is_err());
    }
}
