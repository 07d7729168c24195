//! What each caller may have under way at once, and how fast it may go.
//!
//! A caller is known by its name, whatever connections it comes over. Those who go over a bound of theirs are refused,
//! or not read on, before they take from others; a bound of all is there for memory and threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rates::{Rate, Used};
use crate::grpc::transport::calls::{Holds, Room};
use crate::model::date::Timestamp;

/// Callers that are told apart at once; more than that share one allowance.
const CALLERS_MAX: usize = 4_096;

/// Questions of one caller at once, those included whose answer is not read yet.
const QUESTIONS_OF_ONE: usize = 256;

/// The same of all, where callers are not told apart.
const QUESTIONS: usize = 4_096;

/// KiB of answers that are being made or have not been read, of all callers.
const ROOM: usize = 64 * 1_024;

/// The same of one caller.
const ROOM_OF_ONE: usize = 32 * 1_024;

/// Streams of events of one caller.
const STREAMS_OF_ONE: usize = 1_024;

/// Events on streams of one caller whose answers it has not read; beyond it none of them is read on.
const UNANSWERED_OF_ONE: usize = 65_536;

/// Verifications of trails at once, of all callers: each holds a thread and keeps the disk busy.
const VERIFICATIONS: usize = 4;

/// The same of one caller.
const VERIFICATIONS_OF_ONE: usize = 2;

/// Before a question that found no place is asked again.
pub const ASK_AGAIN: Duration = Duration::from_secs(1);

/// All callers.
pub struct Pace {
    rate: Rate,
    /// Whether callers are told apart.
    apart: bool,
    callers: Mutex<HashMap<String, Arc<Allowance>>>,
    /// Of callers beyond [`CALLERS_MAX`], or of all of them where they are not told apart.
    others: Arc<Allowance>,
    answers: Arc<Answers>,
    verifications: Arc<Semaphore>,
}

/// Room for answers.
#[derive(Debug)]
struct Answers {
    free: Arc<Semaphore>,
    /// Questions that wait for some.
    wanted: AtomicUsize,
}

/// One caller's.
pub struct Allowance {
    used: Mutex<Used>,
    questions: Arc<Semaphore>,
    room: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    unanswered: Arc<Semaphore>,
    verifications: Arc<Semaphore>,
}

/// A question's place.
pub struct Seat {
    question: OwnedSemaphorePermit,
    own: Arc<Semaphore>,
    answers: Arc<Answers>,
}

/// Room for an answer, and the place of its question, until all of it has gone out.
#[derive(Debug)]
pub struct Held {
    _question: OwnedSemaphorePermit,
    permits: [OwnedSemaphorePermit; 2],
    answers: Arc<Answers>,
}

/// What a verification holds while its thread runs.
pub type Verification = [OwnedSemaphorePermit; 2];

impl Pace {
    /// With that rate for each caller; of all together, where they are not told apart.
    pub fn new(rate: Rate, apart: bool) -> Self {
        let answers = Answers { free: Arc::new(Semaphore::new(ROOM)), wanted: AtomicUsize::new(0) };
        Self {
            rate,
            apart,
            callers: Mutex::default(),
            others: Arc::new(if apart { Allowance::default() } else { Allowance::of(QUESTIONS, ROOM, VERIFICATIONS) }),
            answers: Arc::new(answers),
            verifications: Arc::new(Semaphore::new(VERIFICATIONS)),
        }
    }

    /// The allowance of a caller.
    pub fn of(&self, name: &str) -> Arc<Allowance> {
        if !self.apart {
            return self.others.clone();
        }
        let mut callers = self.callers();
        if let Some(known) = callers.get(name) {
            return known.clone();
        }
        if callers.len() >= CALLERS_MAX {
            return self.others.clone();
        }
        callers.entry(name.to_owned()).or_default().clone()
    }

    /// Takes events and bytes of a caller's rate, or says how long to wait.
    ///
    /// # Errors
    ///
    /// The wait; nothing was taken.
    pub fn take(&self, of: &Allowance, events: u64, bytes: usize, now: Timestamp) -> Result<(), Duration> {
        of.used().take(self.rate, events, bytes as u64, now)
    }

    /// Takes them whatever there is; how long to wait before more is read.
    pub fn owe(&self, of: &Allowance, events: u64, bytes: usize, now: Timestamp) -> Duration {
        of.used().owe(self.rate, events, bytes as u64, now)
    }

    /// A place for a question; none if that caller has too many under way.
    pub fn seat(&self, of: &Allowance) -> Option<Seat> {
        let question = of.questions.clone().try_acquire_owned().ok()?;
        Some(Seat { question, own: of.room.clone(), answers: self.answers.clone() })
    }

    /// What a verification needs; none if there are too many.
    pub fn verification(&self, of: &Allowance) -> Option<Verification> {
        let own = of.verifications.clone().try_acquire_owned().ok()?;
        Some([own, self.verifications.clone().try_acquire_owned().ok()?])
    }

    /// Forgets callers that have nothing under way and used nothing lately. To be called about once a second.
    pub fn turn(&self, now: Timestamp) {
        self.callers().retain(|_, allowance| Arc::strong_count(allowance) > 1 || !allowance.is_idle(now));
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<String, Arc<Allowance>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self::of(QUESTIONS_OF_ONE, ROOM_OF_ONE, VERIFICATIONS_OF_ONE)
    }
}

impl Allowance {
    fn of(questions: usize, room: usize, verifications: usize) -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self {
            used: Mutex::default(),
            questions: of(questions),
            room: of(room),
            streams: of(STREAMS_OF_ONE),
            unanswered: of(UNANSWERED_OF_ONE),
            verifications: of(verifications),
        }
    }

    /// A place for a stream; none if there are too many.
    pub fn stream(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }

    /// Waits until the answers to so many events may be held; until they are read.
    pub async fn unanswered(&self, events: usize) -> Option<OwnedSemaphorePermit> {
        self.unanswered.clone().acquire_many_owned(u32::try_from(events).unwrap_or(u32::MAX)).await.ok()
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        let all = [
            (&self.questions, QUESTIONS_OF_ONE),
            (&self.room, ROOM_OF_ONE),
            (&self.streams, STREAMS_OF_ONE),
            (&self.unanswered, UNANSWERED_OF_ONE),
            (&self.verifications, VERIFICATIONS_OF_ONE),
        ];
        all.into_iter().all(|(places, all)| places.available_permits() == all) && self.used().is_rested(now)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Waits for room for an answer of so many bytes: of the caller's first, so that its other questions wait there and
    /// not where everybody does.
    pub async fn room(self, bytes: usize) -> Option<Held> {
        let Self { question, own, answers } = self;
        let own = own.acquire_many_owned(kib(bytes)).await.ok()?;
        let all = answers.take(kib(bytes)).await?;
        Some(Held { _question: question, permits: [own, all], answers })
    }
}

impl Held {
    /// Gives back what is more than that; as a response carries it until it has gone out.
    pub fn down_to(mut self, bytes: usize) -> Holds {
        for permit in &mut self.permits {
            let more = permit.num_permits().saturating_sub(kib(bytes) as usize);
            drop(permit.split(more));
        }
        Holds(Arc::new(self))
    }
}

impl Room for Held {
    fn is_wanted(&self) -> bool {
        self.answers.wanted.load(Ordering::Relaxed) > 0
    }
}

impl Answers {
    async fn take(&self, kib: u32) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.free.clone().try_acquire_many_owned(kib) {
            return Some(permit);
        }
        let _wants = Wants::new(&self.wanted);
        self.free.clone().acquire_many_owned(kib).await.ok()
    }
}

/// Counted as long as it is there, also if whoever waits is dropped.
struct Wants<'a>(&'a AtomicUsize);

impl<'a> Wants<'a> {
    fn new(wanted: &'a AtomicUsize) -> Self {
        wanted.fetch_add(1, Ordering::Relaxed);
        Self(wanted)
    }
}

impl Drop for Wants<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1_024).min(ROOM_OF_ONE)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn callers_are_bounded_and_idle_ones_forgotten() {
        let pace = Pace::new(Rate { events: Some(1), bytes: None }, true);
        for number in 0..CALLERS_MAX {
            let of = pace.of(&number.to_string());
            assert_eq!(pace.take(&of, 2, 0, at(0)), Ok(()));
        }
        let late = pace.of("late");
        assert!(Arc::ptr_eq(&late, &pace.of("later")), "they share what there is");
        let held = pace.of("7");
        pace.turn(at(1));
        assert_eq!(pace.callers().len(), CALLERS_MAX, "they owe");
        pace.turn(at(2));
        assert_eq!(pace.callers().len(), 1, "of the one, something is held");
        assert!(Arc::ptr_eq(&held, &pace.of("7")));
    }

    #[test]
    fn verifications_have_few_places_and_one_caller_not_all() {
        let pace = Pace::new(Rate::default(), true);
        let (one, two, three) = (pace.of("one"), pace.of("two"), pace.of("three"));
        let first: Vec<_> = (0..3).map(|_| pace.verification(&one)).collect();
        assert_eq!(first.iter().flatten().count(), VERIFICATIONS_OF_ONE);
        let second: Vec<_> = (0..3).map(|_| pace.verification(&two)).collect();
        assert_eq!(second.iter().flatten().count(), VERIFICATIONS_OF_ONE);
        assert!(pace.verification(&three).is_none(), "all are taken");
        drop(first);
        assert!(pace.verification(&three).is_some());
    }

    #[test]
    fn answers_take_room_until_they_are_read() {
        let pace = Pace::new(Rate::default(), true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let ask = async |name: &str| {
                let seat = pace.seat(&pace.of(name)).expect("has a place");
                let mut asking = Box::pin(seat.room(16 << 20));
                // Once is enough: nobody gives room back meanwhile.
                let now = std::future::poll_fn(|cx| std::task::Poll::Ready(asking.as_mut().poll(cx))).await;
                match now {
                    std::task::Poll::Ready(held) => Ok(held.expect("is open")),
                    std::task::Poll::Pending => Err(asking),
                }
            };
            let (first, second) = (ask("one").await, ask("one").await);
            assert!(first.is_ok() && second.is_ok());
            let third = ask("one").await;
            assert!(third.is_err(), "one caller's room is full");
            assert_eq!(pace.answers.wanted.load(Ordering::Relaxed), 0, "which concerns nobody else");
            let (other, another) = (ask("two").await.ok().expect("has room"), ask("two").await);
            let waits = ask("three").await;
            let held = other.down_to(16 << 20);
            assert!(waits.is_err() && held.0.is_wanted(), "all room is taken");
            let small = another.ok().expect("has room").down_to(0);
            let got = waits.expect_err("waits").await;
            assert!(got.is_some() && !held.0.is_wanted());
            drop((small, held, got, first, second, third));
            assert_eq!(pace.answers.free.available_permits(), ROOM);
        });
    }

    #[test]
    fn questions_at_once_are_bounded() {
        let pace = Pace::new(Rate::default(), true);
        let of = pace.of("one");
        let seats: Vec<_> = (0..=QUESTIONS_OF_ONE).map(|_| pace.seat(&of)).collect();
        assert!(seats.last().is_some_and(Option::is_none) && seats.iter().flatten().count() == QUESTIONS_OF_ONE);
        assert!(pace.seat(&pace.of("two")).is_some());
        // Where all are one, it has as much as all.
        let pace = Pace::new(Rate::default(), false);
        let (one, two) = (pace.of("one"), pace.of("two"));
        let seats: Vec<_> = (0..QUESTIONS).map(|_| pace.seat(&one)).collect();
        assert!(seats.iter().all(Option::is_some) && pace.seat(&two).is_none());
        let verifications: Vec<_> = (0..VERIFICATIONS).map(|_| pace.verification(&one)).collect();
        assert!(verifications.iter().all(Option::is_some) && pace.verification(&two).is_none());
    }
}
