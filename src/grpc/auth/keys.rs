//! The keys of one issuer as they were read last, and when they are to be read again.
//!
//! | what | when |
//! |---|---|
//! | read again | after the source's rhythm; [`RETRY_AFTER`] where reading failed |
//! | read sooner | a token names a key that is not there, but [`GAP`] apart |
//! | kept | [`KEEP`] from the last reading that succeeded; then nobody of this issuer is let in |

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::jwks::KeySet;
use crate::model::date::Timestamp;

/// A source that failed is asked again after this long.
pub const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Time between two readings that unknown key ids caused: made-up ids must not turn Akta against the issuer.
pub const GAP: Duration = Duration::from_secs(30);
/// How long keys are trusted while their source does not answer. So long a key that was withdrawn for a leak could
/// still be used by who can also keep Akta from the source; a shorter time turns outages of the issuer into ones here.
pub const KEEP: Duration = Duration::from_secs(12 * 60 * 60);

/// Keys of an issuer. Read by every call, changed by the refreshing thread.
pub struct Keys {
    rhythm: Duration,
    state: RwLock<State>,
    /// Number of the set in force; who waits for another one watches it.
    read: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    set: Arc<KeySet>,
    /// When the set was read, or found unchanged, last.
    read_at: Option<Timestamp>,
    /// When the source was asked last.
    asked_at: Option<Timestamp>,
    failed: bool,
    wanted: bool,
}

/// A set and its number, which changes with the set.
pub(super) type Numbered = (Arc<KeySet>, u64);

impl Keys {
    /// No keys yet; read every `rhythm`.
    pub fn new(rhythm: Duration) -> Self {
        Self { rhythm, state: RwLock::default(), read: watch::Sender::new(0) }
    }

    /// The keys in force; `None` if they were never read, or too long ago.
    pub(super) fn current(&self, now: Timestamp) -> Option<Numbered> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        // Also with the clock set back to before that.
        let fresh = state.read_at.is_some_and(|read_at| now < read_at.plus(KEEP));
        fresh.then(|| (state.set.clone(), *self.read.borrow()))
    }

    /// Whether the source is to be asked.
    pub fn due(&self, now: Timestamp) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(asked_at) = state.asked_at else { return true };
        let rhythm = if state.failed { RETRY_AFTER.min(self.rhythm) } else { self.rhythm };
        // A clock that was set back: the plan is void.
        now < asked_at || now >= asked_at.plus(rhythm) || (state.wanted && now >= asked_at.plus(GAP))
    }

    /// Asks for keys sooner, since one was not there: what tells of the reading, if there is one to come now.
    pub(super) fn want(&self, now: Timestamp) -> Option<watch::Receiver<u64>> {
        // Before the mark is set, so that its reading is not missed.
        let read = self.read.subscribe();
        self.state.write().unwrap_or_else(PoisonError::into_inner).wanted = true;
        self.due(now).then_some(read)
    }

    /// The source gave a set: another one, or the same again (`None`).
    pub fn took(&self, now: Timestamp, set: Option<KeySet>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.read_at = Some(now);
        state.asked(now, false);
        let other = set.map(|set| state.set = Arc::new(set)).is_some();
        // Within the lock, so that set and number change at once. Who waits is told also where nothing changed.
        self.read.send_modify(|number| *number += u64::from(other));
    }

    /// The source did not answer: the old keys stay.
    pub fn failed(&self, now: Timestamp) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).asked(now, true);
        self.read.send_modify(|_| {});
    }

    /// Whether the source failed when it was asked last.
    pub fn is_failing(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).failed
    }
}

impl State {
    fn asked(&mut self, now: Timestamp, failed: bool) {
        self.asked_at = Some(now);
        self.failed = failed;
        self.wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000_000_000_000).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn keys_are_kept_for_a_stated_time() {
        let keys = Keys::new(RHYTHM);
        assert!(keys.current(at(0)).is_none());
        keys.took(at(0), Some(KeySet::default()));
        keys.failed(at(300));
        assert!(keys.current(at(KEEP.as_secs() - 1)).is_some());
        assert!(keys.current(at(KEEP.as_secs())).is_none());
        keys.took(at(KEEP.as_secs()), None);
        let (_, number) = keys.current(at(KEEP.as_secs())).expect("were read");
        assert_eq!(number, 1, "the same set keeps its number");
        keys.took(at(KEEP.as_secs()), Some(KeySet::default()));
        assert_eq!(keys.current(at(KEEP.as_secs())).map(|(_, number)| number), Some(2));
    }

    #[test]
    fn the_source_is_asked_by_rhythm_after_failure_and_when_wanted() {
        let keys = Keys::new(RHYTHM);
        assert!(keys.due(at(0)), "never asked");
        keys.took(at(0), None);
        assert!(!keys.due(at(299)) && keys.due(at(300)));
        keys.failed(at(300));
        assert!(!keys.due(at(329)) && keys.due(at(330)));
        keys.took(at(330), None);
        assert!(keys.want(at(359)).is_none(), "made-up ids wait");
        assert!(!keys.due(at(359)) && keys.due(at(360)));
        keys.took(at(360), None);
        assert!(!keys.due(at(390)), "the wish was for the last reading");
        assert!(keys.want(at(390)).is_some());
        assert!(keys.due(at(100)), "the clock was set back");
    }
}
