//! The doors of time and randomness.
//!
//! Nothing else in the crate reads a clock or the operating system's randomness, so a seeded simulation is an
//! ordinary test: it passes [`ManualClock`] and [`SeededEntropy`] where the server passes the real ones.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::model::date::Timestamp;

/// Wall time.
pub trait Clock: Send + Sync {
    /// Now. May step back; who needs monotony keeps the highest value seen.
    fn now(&self) -> Timestamp;
}

/// Randomness for keys, salts, seeds and nonces.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::of_system(std::time::SystemTime::now())
    }
}

/// The machine's clock, and so much ahead of it. For trying out what comes on a later day.
#[derive(Debug, Clone, Copy)]
pub struct ClockAhead(pub Duration);

impl Clock for ClockAhead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness there are no keys: nothing sensible is left to do.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A clock that stands still until it is told to move. For tests and the demonstration.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.nanos()))
    }

    /// Moves the clock to `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.nanos(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// Reproducible bytes from a seed: the BLAKE3 output of seed and call number. Never for real keys.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    calls: AtomicU64,
    // Held while a call is drawn, so that threads cannot interleave within one.
    turn: Mutex<()>,
}

impl SeededEntropy {
    /// Entropy that gives the same bytes for the same seed and order of calls.
    pub fn new(seed: u64) -> Self {
        Self { seed, calls: AtomicU64::new(0), turn: Mutex::new(()) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_be_bytes()).update(&call.to_be_bytes());
        hasher.finalize_xof().fill(bytes);
    }
}
