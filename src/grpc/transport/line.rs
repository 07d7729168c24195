//! Connections while they last: what each was let in with, what goes on over it, when it must end.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::arrival::Room;
use super::calls::{self, Call};
use super::limits::{AGE, AGE_GRACE, CALLS_FEW, IDLE, SETTLED, SILENT, UNREAD, UNREAD_TIGHT};
use super::tls::Loaded;
use super::{Peer, Role};
use crate::model::date::Timestamp;

/// Why a connection is ended from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its certificate, or that of an authority, is not taken any more.
    Revoked,
    /// The last second of its certificate has passed.
    Expired,
    /// It was told to end, and did not.
    Age,
    /// No call for long.
    Idle,
    /// No call at all since it was opened.
    Silent,
    /// No call at present, and others find no place.
    Displaced,
    /// The other end takes no bytes.
    Unread,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revoked => "its certificate is not taken any more",
            Self::Expired => "its certificate has ended",
            Self::Age => "it was told to end long ago",
            Self::Idle => "there was no call for long",
            Self::Silent => "it made no call",
            Self::Displaced => "it made no call, and another needs its place",
            Self::Unread => "the other end does not read",
        })
    }
}

/// A certificate that a connection was let in with.
#[derive(Debug)]
pub(super) struct Shown {
    /// The client's own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Its last second.
    pub(super) not_after: Timestamp,
}

/// A connection.
#[derive(Debug)]
pub struct Line {
    role: Role,
    peer: Peer,
    shown: Option<Shown>,
    opened: Instant,
    /// Since when the network takes no bytes, as [`Self::mark`] has it.
    unsent: AtomicU64,
    room: Room,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Ends it; gone once it was used.
    end: Option<oneshot::Sender<()>>,
    /// Calls under way, by a number of their own.
    calls: HashMap<u64, Arc<Call>>,
    next: u64,
    /// When the last of them ended.
    quiet: Instant,
    /// Room that its answers hold, also once they are given up, while bytes of them are on their way.
    held: Vec<Weak<dyn calls::Room>>,
}

impl Line {
    /// A connection that was opened now, and what its socket waits for.
    pub(super) fn new(
        role: Role,
        peer: Peer,
        shown: Option<Shown>,
        room: Room,
        now: Instant,
    ) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (end, ended) = oneshot::channel();
        let state = Mutex::new(State { end: Some(end), calls: HashMap::new(), next: 0, quiet: now, held: Vec::new() });
        (Arc::new(Self { role, peer, shown, opened: now, unsent: AtomicU64::new(0), room, state }), ended)
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Room for requests that have not arrived whole.
    pub(super) fn room(&self) -> Room {
        self.room.clone()
    }

    /// A moment of this connection as a number, never 0.
    pub(super) fn mark(&self, now: Instant) -> u64 {
        1 + u64::try_from(now.saturating_duration_since(self.opened).as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Notes whether the network takes bytes.
    pub(super) fn sent(&self, taken: bool) {
        if taken {
            self.unsent.store(0, Ordering::Relaxed);
        } else if self.unsent.load(Ordering::Relaxed) == 0 {
            self.unsent.store(self.mark(Instant::now()), Ordering::Relaxed);
        }
    }

    /// Notes a call; its number.
    pub(super) fn begin(&self, call: Arc<Call>) -> u64 {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.calls.insert(number, call);
        self.room.calls(true);
        number
    }

    /// Whether it has more calls under way than it may while there are many of all.
    pub(super) fn is_crowded(&self) -> bool {
        self.room.is_crowded() && self.state().calls.len() > CALLS_FEW
    }

    /// Notes that an answer holds that room.
    pub(super) fn holds(&self, room: &Arc<dyn calls::Room>) {
        let mut state = self.state();
        state.held.retain(|held| held.strong_count() > 0);
        state.held.push(Arc::downgrade(room));
    }

    /// How long it has had no call under way, and whether it ever had one; `None` if it has one, or has hardly begun.
    fn quiet(&self, now: Instant) -> Option<(bool, Duration)> {
        let state = self.state();
        let quiet = now.saturating_duration_since(state.quiet);
        (state.calls.is_empty() && state.end.is_some() && quiet >= SETTLED).then_some((state.next == 0, quiet))
    }

    /// Notes that a call ended.
    pub(super) fn finish(&self, call: u64) {
        let mut state = self.state();
        // One that was given up is under way until it is dropped, but does not keep the connection.
        if state.calls.remove(&call).is_some() && state.calls.is_empty() {
            state.quiet = Instant::now();
        }
        self.room.calls(false);
    }

    /// Ends the connection, if it has not been ended yet.
    pub(super) fn end(&self, why: End) {
        // Dropped or sent to: both reach the socket.
        if self.state().end.take().is_some() {
            tracing::info!(peer = ?self.peer, "connection closed: {why}");
        }
    }

    /// Lets go of answers that nobody reads, and of requests that nobody sends on; why the connection must end, if it must.
    pub(super) fn look(&self, now: Instant, wall: Timestamp) -> Option<End> {
        let age = now.saturating_duration_since(self.opened);
        let long = |since: u64, bound: Duration| since != 0 && self.mark(now).saturating_sub(since) >= millis(bound);
        let mut state = self.state();
        let patience = self.room.patience();
        state.calls.values().for_each(|call| call.arriving().look(now, patience));
        let before = state.calls.len();
        state.calls.retain(|_, call| !(long(call.unread_since(), call.patience()) && call.give_up()));
        if before > 0 && state.calls.is_empty() {
            state.quiet = now;
        }
        let quiet = state.calls.is_empty().then(|| now.saturating_duration_since(state.quiet));
        let silent = state.next == 0;
        let wanted = state.held.iter().filter_map(Weak::upgrade).any(|room| room.is_wanted());
        let unread = if wanted { UNREAD_TIGHT } else { UNREAD };
        drop(state);
        // Valid throughout its last second.
        if self.shown.as_ref().is_some_and(|shown| shown.not_after.parts().0 < wall.parts().0) {
            Some(End::Expired)
        } else if age >= AGE + AGE_GRACE {
            Some(End::Age)
        } else if long(self.unsent.load(Ordering::Relaxed), unread) {
            Some(End::Unread)
        } else {
            quiet.and_then(|quiet| match silent {
                true => (quiet >= SILENT).then_some(End::Silent),
                false => (quiet >= IDLE).then_some(End::Idle),
            })
        }
    }

    /// Whether what is in force now would still let it in.
    pub(super) fn stands(&self, loaded: &Loaded, wall: Timestamp) -> bool {
        self.shown.as_ref().is_none_or(|shown| loaded.takes(&shown.chain, wall))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// All connections of a server.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<HashMap<usize, Arc<Line>>>);

impl Lines {
    /// Notes one.
    pub(super) fn add(&self, line: &Arc<Line>) {
        self.all().insert(Self::key(line), line.clone());
    }

    /// Forgets one.
    pub(super) fn remove(&self, line: &Arc<Line>) {
        self.all().remove(&Self::key(line));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all().len()
    }

    /// Ends the connection that is in use least: of those that never made a call the oldest, else that whose last one
    /// ended first; of that listener, if one is given. Whether there was one.
    pub(super) fn displace(&self, of: Option<Role>, now: Instant) -> bool {
        let all = self.snapshot();
        let quiet = all.iter().filter(|line| of.is_none_or(|role| line.role == role));
        let least = quiet.filter_map(|line| Some((line.quiet(now)?, line))).max_by_key(|(quiet, _)| *quiet);
        let Some((_, line)) = least else { return false };
        line.end(End::Displaced);
        true
    }

    /// Ends what is past a bound.
    pub(super) fn look(&self, now: Instant, wall: Timestamp) {
        for line in self.snapshot() {
            if let Some(why) = line.look(now, wall) {
                line.end(why);
            }
        }
    }

    /// Ends what would not be let in any more.
    pub(super) fn recheck(&self, loaded: &Loaded, wall: Timestamp) {
        for line in self.snapshot().iter().filter(|line| !line.stands(loaded, wall)) {
            line.end(End::Revoked);
        }
    }

    /// A line stays where it is while somebody holds it, and the map does.
    fn key(line: &Arc<Line>) -> usize {
        Arc::as_ptr(line).addr()
    }

    /// Copied, so that no socket waits for the lock while certificates are checked.
    fn snapshot(&self) -> Vec<Arc<Line>> {
        self.all().values().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<usize, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::transport::arrival::Hall;
    use crate::grpc::transport::limits::CALLS_MANY;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn line(not_after: Option<i64>) -> (Arc<Line>, Instant, oneshot::Receiver<()>) {
        let opened = Instant::now();
        let shown = not_after.map(|millis| Shown { chain: Vec::new(), not_after: at(millis) });
        let room = Room::new(Hall::new());
        let (line, ended) = Line::new(Role::Api, Peer::Unix { uid: 1, gid: 1, pid: None }, shown, room, opened);
        (line, opened, ended)
    }

    #[test]
    fn a_connection_ends_at_the_first_bound_it_passes() {
        let second = Duration::from_secs(1);
        // Last second of its certificate, whether a call is under way, how long it has been open, the wall, the end.
        let rows = [
            (None, false, SILENT - second, 0, None),
            (None, false, SILENT, 0, Some(End::Silent)),
            (None, true, IDLE, 0, None),
            (None, true, AGE + AGE_GRACE - second, 0, None),
            (None, true, AGE + AGE_GRACE, 0, Some(End::Age)),
            (Some(2_000), true, second, 2_999, None),
            (Some(2_000), true, second, 3_000, Some(End::Expired)),
        ];
        for (not_after, called, open, wall, end) in rows {
            let (line, opened, _ended) = line(not_after);
            if called {
                line.begin(Arc::new(Call::default()));
            }
            assert_eq!(line.look(opened + open, at(wall)), end, "open {open:?}, wall {wall}");
        }
    }

    #[test]
    fn it_is_quiet_from_the_end_of_its_last_call() {
        let (line, opened, mut ended) = line(None);
        let calls = [line.begin(Arc::new(Call::default())), line.begin(Arc::new(Call::default()))];
        calls.iter().for_each(|call| line.finish(*call));
        let later = Instant::now() + IDLE;
        assert_eq!(line.look(opened + IDLE - Duration::from_secs(1), at(0)), None);
        assert_eq!(line.look(later, at(0)), Some(End::Idle));
        assert!(ended.try_recv().is_err_and(|state| state == oneshot::error::TryRecvError::Empty));
        line.end(End::Idle);
        assert!(ended.try_recv().is_err_and(|state| state == oneshot::error::TryRecvError::Closed), "the socket hears");
    }

    #[test]
    fn bytes_that_nobody_takes_end_it() {
        let (line, opened, _ended) = line(None);
        line.begin(Arc::new(Call::default()));
        let wall = at(0);
        let later = Instant::now() + UNREAD + Duration::from_secs(1);
        line.sent(false);
        assert_eq!(line.look(opened + UNREAD / 2, wall), None);
        assert_eq!(line.look(later, wall), Some(End::Unread));
        line.sent(true);
        assert_eq!(line.look(later, wall), None);
    }

    #[test]
    fn who_makes_no_call_gives_its_place_to_others() {
        let lines = Lines::default();
        let open: Vec<_> = (0..4).map(|_| line(None)).collect();
        let [(busy, ..), (quiet, ..), (silent, ..), (other, ..)] = open.as_slice() else { unreachable!("are four") };
        busy.begin(Arc::new(Call::default()));
        quiet.finish(quiet.begin(Arc::new(Call::default())));
        [busy, quiet, silent].into_iter().for_each(|line| lines.add(line));
        let now = Instant::now() + SETTLED;
        assert!(!lines.displace(None, Instant::now() + SETTLED / 2), "all have hardly begun");
        assert!(!lines.displace(Some(Role::Ops), now), "none is of that listener");
        let ended = |line: &Arc<Line>| line.state().end.is_none();
        for expected in [silent, quiet] {
            assert!(!ended(expected) && lines.displace(Some(Role::Api), now) && ended(expected));
        }
        assert!(!lines.displace(None, now) && !ended(busy) && !ended(other), "whoever calls stays");
    }

    #[test]
    fn where_many_call_those_with_many_calls_make_room() {
        let hall = Hall::new();
        let open = || {
            Line::new(
                Role::Api,
                Peer::Unix { uid: 1, gid: 1, pid: None },
                None,
                Room::new(hall.clone()),
                Instant::now(),
            )
            .0
        };
        let (many, few) = (open(), open());
        let mut begun = Vec::new();
        let mut begin =
            |line: &Arc<Line>, calls| (0..calls).for_each(|_| begun.push(line.begin(Arc::new(Call::default()))));
        begin(&few, CALLS_FEW);
        begin(&many, CALLS_MANY - CALLS_FEW);
        assert!(!many.is_crowded() && !few.is_crowded());
        begin(&many, 1);
        assert!(many.is_crowded() && !few.is_crowded());
        begin(&few, 1);
        assert!(few.is_crowded());
        many.finish(0);
        few.finish(0);
        assert!(!many.is_crowded(), "it is not any more");
    }
}
