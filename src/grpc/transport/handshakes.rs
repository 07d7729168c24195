//! Places for handshakes. Whoever connects and says nothing gives up its own to those who come after it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::limits::{GIVEN_UP, SETTLED};

/// All of them.
pub(super) struct Handshakes {
    places: Arc<Semaphore>,
    /// Those under way, the oldest first, and how each hears that it must give up.
    begun: Mutex<VecDeque<(Instant, oneshot::Sender<()>)>>,
}

/// A place, and what ends when it has to be given up.
type Place = (OwnedSemaphorePermit, oneshot::Receiver<()>);

impl Handshakes {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), begun: Mutex::default() }
    }

    /// A place for a handshake that begins now, if need be that of the oldest.
    pub(super) async fn begin(&self, now: Instant) -> Option<Place> {
        let places = self.places.clone();
        let place = match places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) if self.give_up_oldest(now) => {
                tokio::time::timeout(GIVEN_UP, places.acquire_owned()).await.ok()?.ok()?
            }
            Err(_) => return None,
        };
        let (end, given_up) = oneshot::channel();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|(_, end)| !end.is_closed());
        begun.push_back((now, end));
        Some((place, given_up))
    }

    /// Whether there was one that has had time enough.
    fn give_up_oldest(&self, now: Instant) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|(_, end)| !end.is_closed());
        let settled = begun.front().is_some_and(|(since, _)| now.saturating_duration_since(*since) >= SETTLED);
        // Dropped: whoever shakes hands hears of it.
        settled.then(|| begun.pop_front()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_up_its_place_once_it_had_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let handshakes = Arc::new(Handshakes::new(2));
            let now = Instant::now();
            let (first, given_up) = handshakes.begin(now).await.expect("has a place");
            let second = handshakes.begin(now).await.expect("has a place");
            assert!(handshakes.begin(now + SETTLED / 2).await.is_none(), "both have hardly begun");
            let (held, third) = tokio::join!(
                async {
                    let _ = given_up.await;
                    drop(first);
                },
                handshakes.begin(now + SETTLED)
            );
            let ((), third) = (held, third.expect("has the place of the first"));
            drop(second);
            let fourth = handshakes.begin(now + SETTLED).await.expect("has a place");
            assert!(handshakes.begin(now + SETTLED).await.is_none(), "those left have hardly begun");
            drop((third, fourth));
            assert_eq!(handshakes.places.available_permits(), 2);
        });
    }
}
