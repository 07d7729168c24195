//! Requests while they arrive: how much of them may be in memory unfinished, and for how long.
//!
//! A message is decoded when it is whole, and memory for all of it is set aside when its first bytes are read, so whoever
//! sends the beginnings of many fills memory at little cost. A message that does not arrive in one piece therefore takes
//! room for its whole length before anything of it is handed on: of its connection's, and a large one of everybody's too.
//! Whoever lets it wait for long is refused; and soon, while others want the room. Time in which this side does not read
//! is not counted.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use super::limits::{ARRIVING, ARRIVING_EACH, ARRIVING_FREE, ARRIVING_SMALL, CALLS_MANY, UNSENT, UNSENT_TIGHT};

/// What room is counted in.
const UNIT: u64 = 1_024;

/// Room of all connections for large messages that are unfinished.
#[derive(Debug)]
pub(super) struct Hall {
    free: Arc<Semaphore>,
    /// Messages that want some.
    wanted: AtomicUsize,
    /// Calls under way, of all connections.
    calls: AtomicUsize,
}

impl Hall {
    pub(super) fn new() -> Arc<Self> {
        let free = Arc::new(Semaphore::new(units(ARRIVING) as usize));
        Arc::new(Self { free, wanted: AtomicUsize::new(0), calls: AtomicUsize::new(0) })
    }

    /// Takes room for a message, in turn, so that a large one is not passed by for ever.
    async fn take(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        if let Ok(held) = self.free.clone().try_acquire_many_owned(units) {
            return Some(held);
        }
        let _wants = Wants::new(&self.wanted);
        self.free.clone().acquire_many_owned(units).await.ok()
    }

    /// How long a message may be waited for now.
    fn patience(&self) -> Duration {
        let tight = self.wanted.load(Ordering::Relaxed) > 0 || self.calls() > CALLS_MANY;
        if tight { UNSENT_TIGHT } else { UNSENT }
    }

    /// Number of calls under way, of all connections.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
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

/// Room of one connection, and the hall.
#[derive(Debug, Clone)]
pub(super) struct Room {
    own: Arc<Semaphore>,
    hall: Arc<Hall>,
}

/// What a message holds: of its connection's room, and of the hall's.
type Held = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

impl Room {
    /// A connection's.
    pub(super) fn new(hall: Arc<Hall>) -> Self {
        Self { own: Arc::new(Semaphore::new(units(ARRIVING_EACH) as usize)), hall }
    }

    /// Takes room for a message, when there is some; of the connection's first, so that its others wait there and not
    /// where everybody does.
    async fn take(self, bytes: u64) -> Option<Held> {
        // What is longer is refused as soon as it is looked at.
        let units = units(bytes.min(ARRIVING_EACH));
        let own = self.own.acquire_many_owned(units).await.ok()?;
        let large = bytes > ARRIVING_SMALL;
        Some((own, if large { Some(self.hall.take(units).await?) } else { None }))
    }

    /// Whether there are many calls under way.
    pub(super) fn is_crowded(&self) -> bool {
        self.hall.calls() > CALLS_MANY
    }

    /// A call begins, or ends.
    pub(super) fn calls(&self, more: bool) {
        if more {
            self.hall.calls.fetch_add(1, Ordering::Relaxed);
        } else {
            self.hall.calls.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How long a message may be waited for now.
    pub(super) fn patience(&self) -> Duration {
        self.hall.patience()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// How long a request has been waited for.
#[derive(Debug, Default)]
pub(super) struct Arriving(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Before the present wait.
    before: Duration,
    /// The present one: since when, and who is to be told.
    now: Option<(Instant, Waker)>,
    refused: bool,
}

impl Arriving {
    /// Refuses a request that was waited for too long.
    pub(super) fn look(&self, now: Instant, patience: Duration) {
        let mut waiting = self.waiting();
        let Some((since, _)) = &waiting.now else { return };
        if waiting.before + now.saturating_duration_since(*since) >= patience
            && let Some((_, waker)) = waiting.now.take()
        {
            waiting.refused = true;
            drop(waiting);
            waker.wake();
        }
    }

    fn waits(&self, waker: &Waker, now: Instant) {
        let mut waiting = self.waiting();
        let since = waiting.now.take().map_or(now, |(since, _)| since);
        waiting.now = Some((since, waker.clone()));
    }

    /// What was waited for came; `whole` begins the count anew.
    fn came(&self, whole: bool) {
        let mut waiting = self.waiting();
        if let Some((since, _)) = waiting.now.take() {
            waiting.before += since.elapsed();
        }
        if whole {
            waiting.before = Duration::ZERO;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one message ends and the next begins: five bytes before each say how long it is.
#[derive(Debug, Default)]
pub struct Lengths {
    prefix: [u8; 5],
    have: usize,
    /// Of the message under way, prefix not counted.
    whole: u64,
    rest: u64,
}

impl Lengths {
    /// Passes over data; whether a message ended in it.
    pub fn pass(&mut self, mut data: &[u8]) -> bool {
        let mut ended = false;
        while !data.is_empty() {
            if self.rest > 0 {
                let now = usize::try_from(self.rest).unwrap_or(usize::MAX).min(data.len());
                self.rest -= now as u64;
                ended |= self.rest == 0;
                data = &data[now..];
                continue;
            }
            let now = (self.prefix.len() - self.have).min(data.len());
            self.prefix[self.have..self.have + now].copy_from_slice(&data[..now]);
            self.have += now;
            data = &data[now..];
            if self.have == self.prefix.len() {
                let [_, length @ ..] = self.prefix;
                self.whole = u32::from_be_bytes(length).into();
                (self.rest, self.have) = (self.whole, 0);
                ended |= self.whole == 0;
            }
        }
        ended
    }

    /// Whether a message was begun and is not whole.
    pub fn within(&self) -> bool {
        self.rest > 0 || self.have > 0
    }
}

/// A request's body, bounded.
pub(super) struct Arrival {
    inner: Body,
    arriving: Arc<Arriving>,
    room: Room,
    /// Requests of one message are waited for until their end; those of many, only within a message.
    single: bool,
    lengths: Lengths,
    held: Option<Held>,
    taking: Option<Pin<Box<dyn Future<Output = Option<Held>> + Send>>>,
    /// Read, but not handed on before there is room.
    kept: Option<Bytes>,
}

impl Arrival {
    pub(super) fn of(inner: Body, arriving: Arc<Arriving>, room: Room, single: bool) -> Body {
        let lengths = Lengths::default();
        Body::new(Self { inner, arriving, room, single, lengths, held: None, taking: None, kept: None })
    }

    fn pass(&mut self, data: &[u8]) {
        let whole = self.lengths.pass(data) && !self.single;
        if whole {
            self.held = None;
        }
        if self.lengths.rest > 0 && self.lengths.whole > ARRIVING_FREE && self.held.is_none() {
            self.taking = Some(Box::pin(self.room.clone().take(self.lengths.whole)));
        }
        self.arriving.came(whole);
    }
}

impl HttpBody for Arrival {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.arriving.waiting().refused {
            return Poll::Ready(Some(Err(Status::resource_exhausted(
                "the message did not arrive within a minute and was not applied: send it again",
            ))));
        }
        if this.kept.is_none() {
            let Poll::Ready(next) = Pin::new(&mut this.inner).poll_frame(cx) else {
                if this.single || this.lengths.within() {
                    this.arriving.waits(cx.waker(), Instant::now());
                }
                return Poll::Pending;
            };
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => {
                    this.pass(&data);
                    this.kept = Some(data);
                }
                other => {
                    this.held = None;
                    this.arriving.came(true);
                    return Poll::Ready(
                        other.map(|frame| frame.map(|frame| frame.map_or_else(|end| end, Frame::data))),
                    );
                }
            }
        }
        if let Some(taking) = &mut this.taking {
            this.held = ready!(taking.as_mut().poll(cx));
            this.taking = None;
        }
        Poll::Ready(this.kept.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.kept.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A body of which so much has arrived.
    struct Sent(VecDeque<Bytes>);

    impl HttpBody for Sent {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            self.0.pop_front().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).expect("is short").to_be_bytes());
        bytes.resize(5 + length, 7);
        bytes
    }

    fn arrival(sent: &[&[u8]], room: &Room, single: bool) -> (Body, Arc<Arriving>) {
        let arriving = Arc::<Arriving>::default();
        let sent = Sent(sent.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect());
        (Arrival::of(Body::new(sent), arriving.clone(), room.clone(), single), arriving)
    }

    /// Reads until it has to wait: bytes, and whether it was refused.
    fn read(body: &mut Body) -> (usize, bool) {
        let mut bytes = 0;
        loop {
            match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(Ok(frame))) => bytes += frame.into_data().map_or(0, |data| data.len()),
                Poll::Ready(Some(Err(_))) => return (bytes, true),
                Poll::Ready(None) | Poll::Pending => return (bytes, false),
            }
        }
    }

    #[test]
    fn messages_are_told_apart_however_they_are_cut() {
        let bytes = [message(0), message(3), message(300), message(1)].concat();
        for cut in 1..bytes.len() {
            let mut lengths = Lengths::default();
            let mut ends = Vec::new();
            for (number, piece) in bytes.chunks(cut).enumerate() {
                let ended = lengths.pass(piece);
                ends.push((number * cut, number * cut + piece.len(), ended, lengths.within()));
            }
            for (from, to, ended, within) in ends {
                let borders = [5, 13, 318, 324];
                assert_eq!(within, !borders.contains(&to), "cut {cut}, at {to}");
                assert_eq!(ended, borders.iter().any(|at| (from + 1..=to).contains(at)), "cut {cut}, at {to}");
            }
        }
    }

    #[test]
    fn halves_take_room_and_wholes_give_it_back() {
        let hall = Hall::new();
        let room = Room::new(hall.clone());
        let whole = message(6 << 20);
        let (half, rest) = whole.split_at(1 << 20);
        let free = hall.free.available_permits();
        let (mut first, _) = arrival(&[half, rest], &room, true);
        let (mut second, _) = arrival(&[half, rest], &room, true);
        let (mut third, _) = arrival(&[half, rest], &room, true);
        let (mut small, _) = arrival(&[&message(100)[..50], &message(100)[50..]], &room, true);
        assert_eq!(read(&mut first).0, whole.len());
        assert_eq!(read(&mut second).0, whole.len());
        assert_eq!(read(&mut third).0, 0, "two of 6 MiB leave too little of 16");
        assert_eq!(read(&mut small).0, 105, "small ones never wait");
        assert_eq!(hall.free.available_permits(), free - 2 * 6 * 1_024);
        drop(first);
        assert_eq!(read(&mut third).0, whole.len());
        drop((second, third));
        assert_eq!(hall.free.available_permits(), free);
        // A message that begins where another ends is counted for itself.
        let both = [message(20 << 10), whole.clone()].concat();
        let (mut mixed, _) = arrival(&[&both[..10 << 10], &both[10 << 10..30 << 10], &both[30 << 10..]], &room, false);
        assert_eq!(read(&mut mixed).0, both.len());
        assert_eq!(hall.free.available_permits(), free);
        // On a stream the end of the message is enough.
        let (mut stream, _) = arrival(&[half, rest], &room, false);
        assert_eq!(read(&mut stream).0, whole.len());
        assert_eq!(hall.free.available_permits(), free);
    }

    #[test]
    fn who_does_not_send_on_is_refused() {
        let room = Room::new(Hall::new());
        let message = message(100);
        // What has arrived, whether one message is all; whether it is refused in the end.
        let rows: [(&[&[u8]], bool, bool); 6] = [
            (&[], true, true),
            (&[&message[..3]], true, true),
            (&[&message], true, true),
            (&[], false, false),
            (&[&message], false, false),
            (&[&message, &message[..50]], false, true),
        ];
        for (sent, single, refused) in rows {
            let (mut body, arriving) = arrival(sent, &room, single);
            assert!(!read(&mut body).1);
            arriving.look(Instant::now() + UNSENT / 2, room.patience());
            assert!(!read(&mut body).1, "in time");
            arriving.look(Instant::now() + UNSENT, room.patience());
            assert_eq!(read(&mut body).1, refused, "{sent:?}, {single}");
        }
    }

    #[test]
    fn who_holds_room_that_others_want_is_refused_soon() {
        let hall = Hall::new();
        let bytes = message(6 << 20);
        let half = &bytes[..1 << 20];
        let mut slow = Vec::new();
        for _ in 0..5 {
            let room = Room::new(hall.clone());
            slow.extend([arrival(&[half], &room, true), arrival(&[half], &room, true)]);
        }
        slow.iter_mut().for_each(|(body, _)| assert_eq!(read(body).0, half.len()));
        let soon = Instant::now() + UNSENT_TIGHT;
        let mut look = |hall: &Hall| {
            slow.iter_mut()
                .filter(|(_, arriving)| {
                    arriving.look(soon, hall.patience());
                    arriving.waiting().refused
                })
                .count()
        };
        assert_eq!(look(&hall), 0, "nobody wants it");
        let room = Room::new(hall.clone());
        let (mut other, _) = arrival(&[half, &bytes[half.len()..]], &room, true);
        // A small one does without.
        let (mut small, _) = arrival(&[&message(60 << 10)[..9 << 10]], &room, true);
        assert_eq!((read(&mut small).0, read(&mut other).0), (9 << 10, 0));
        assert_eq!(look(&hall), 10, "somebody does");
        slow.iter_mut().for_each(|(body, _)| assert!(read(body).1));
        slow.clear();
        assert_eq!(read(&mut other).0, bytes.len());
        assert_eq!(hall.patience(), UNSENT);
    }
}
