//! What goes on over a connection: each call is noted while it lasts, its request bounded as it arrives, and an answer that nobody reads is let go of.
//!
//! HTTP/2 lets a reader take an answer as slowly as it likes, so whoever never reads would keep the answer, and what
//! produces it, for ever. Here an answer goes out in pieces; if the next one has not been asked for within
//! [`UNREAD`], it is dropped, and a reader that comes back after all is told so.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use super::arrival::{Arrival, Arriving};
use super::limits::{UNREAD, UNREAD_TIGHT};
use super::line::Line;
use crate::metrics::Metrics;

/// Largest piece of an answer, in bytes: what one frame of HTTP/2 carries.
const PIECE: usize = 16 * 1024;

/// Room that an answer takes from others.
pub trait Room: fmt::Debug + Send + Sync {
    /// Whether somebody waits for some.
    fn is_wanted(&self) -> bool;
}

/// What an answer holds until all of it has gone out or was let go of. A service puts it into the extensions of its
/// response.
#[derive(Debug, Clone)]
pub struct Holds(pub Arc<dyn Room>);

/// A call under way.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// Since when a piece waits to be asked for, by [`Line::mark`]; 0 if none does.
    unread: AtomicU64,
    answer: Mutex<Answer>,
    arriving: Arc<Arriving>,
}

/// What is still to be sent.
#[derive(Debug, Default)]
struct Answer {
    body: Option<Body>,
    /// What is left of the last piece of the body.
    rest: Bytes,
    given_up: bool,
    holds: Option<Holds>,
}

/// A piece on its way: what the answer holds is held until it has gone out.
struct Piece {
    bytes: Bytes,
    _holds: Holds,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Call {
    pub(super) fn unread_since(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    pub(super) fn arriving(&self) -> &Arc<Arriving> {
        &self.arriving
    }

    /// How long its answer is waited for to be read: not long while others want its room.
    pub(super) fn patience(&self) -> Duration {
        let wanted = self.answer().holds.as_ref().is_some_and(|holds| holds.0.is_wanted());
        if wanted { UNREAD_TIGHT } else { UNREAD }
    }

    /// Lets go of the answer; whether there was one.
    pub(super) fn give_up(&self) -> bool {
        let mut answer = self.answer();
        if answer.body.is_none() && answer.rest.is_empty() {
            return false;
        }
        *answer = Answer { given_up: true, ..Answer::default() };
        true
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call as its line knows it; noted until this is dropped.
struct UnderWay {
    line: Arc<Line>,
    call: Arc<Call>,
    number: u64,
    told: Told,
}

/// What is counted of a call when it is over.
struct Told {
    metrics: Arc<Metrics>,
    method: &'static str,
    begun: Instant,
    /// None if the client left before it was known.
    status: Option<Code>,
}

impl Told {
    fn status_of(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get("grpc-status") {
            self.status = Some(Code::from_bytes(code.as_bytes()));
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let status = word(self.status.unwrap_or(Code::Cancelled));
        self.metrics.called(self.method, status, self.begun.elapsed().as_secs_f64());
    }
}

impl UnderWay {
    fn new(line: Arc<Line>, metrics: Arc<Metrics>, method: &'static str) -> Self {
        let call = Arc::new(Call::default());
        let number = line.begin(call.clone());
        let told = Told { metrics, method, begun: Instant::now(), status: None };
        Self { line, call, number, told }
    }
}

/// Notes whether a piece waits to be asked for.
fn note(line: &Line, call: &Call, waits: bool) {
    let since = if waits { line.mark(Instant::now()) } else { 0 };
    call.unread.store(since, Ordering::Relaxed);
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.line.finish(self.number);
    }
}

/// Puts the [`Peer`](super::Peer) into each request, bounds how it arrives and watches its answer. The outermost layer:
/// what is inside of it finds the peer.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Paths of the methods whose requests are streams: they may be silent between two messages for as long as they
    /// like.
    pub streams: &'static [&'static str],
    /// Paths of all methods; what else is called is counted as `other`.
    pub methods: &'static [&'static str],
    /// Where calls are counted.
    pub metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, watch: self.clone() }
    }
}

/// A service whose calls are watched.
#[derive(Debug, Clone)]
pub struct Watched<S> {
    inner: S,
    watch: Watch,
}

impl<S> Service<Request<Body>> for Watched<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let method = self.watch.methods.iter().find(|method| **method == path);
        let method = method.and_then(|method| method.strip_prefix('/')).unwrap_or("other");
        let extensions = request.extensions_mut();
        let mut call = extensions.remove::<Arc<Line>>().map(|line| {
            extensions.insert(line.peer().clone());
            UnderWay::new(line, self.watch.metrics.clone(), method)
        });
        if let Some(call) = &mut call
            && call.line.is_crowded()
        {
            call.told.status = Some(Code::Unavailable);
            return Box::pin(async { Ok(crowded().into_http()) });
        }
        if let Some(UnderWay { line, call, .. }) = &call {
            let single = !self.watch.streams.contains(&request.uri().path());
            request = request.map(|body| Arrival::of(body, call.arriving.clone(), line.room(), single));
        }
        let answered = self.inner.call(request);
        Box::pin(async move {
            let mut response = answered.await?;
            let holds = response.extensions_mut().remove::<Holds>();
            Ok(match call {
                Some(mut call) => {
                    call.told.status_of(response.headers());
                    response.map(|body| Pieces::of(call, body, holds))
                }
                None => response,
            })
        })
    }
}

/// An answer in pieces.
struct Pieces(UnderWay);

impl Pieces {
    fn of(call: UnderWay, body: Body, holds: Option<Holds>) -> Body {
        if body.is_end_stream() {
            return body;
        }
        if let Some(Holds(room)) = &holds {
            call.line.holds(room);
        }
        *call.call.answer() = Answer { body: Some(body), holds, ..Answer::default() };
        note(&call.line, &call.call, true);
        Body::new(Self(call))
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let UnderWay { line, call, told, .. } = &mut self.get_mut().0;
        let unread = |waits| note(line, call, waits);
        let mut answer = call.answer();
        if answer.rest.is_empty() {
            if std::mem::take(&mut answer.given_up) {
                let mut trailers = HeaderMap::new();
                let_go().add_header(&mut trailers)?;
                told.status_of(&trailers);
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            let Some(body) = &mut answer.body else { return Poll::Ready(None) };
            let Poll::Ready(next) = Pin::new(body).poll_frame(cx) else {
                unread(false);
                return Poll::Pending;
            };
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => answer.rest = data,
                other => {
                    *answer = Answer::default();
                    unread(false);
                    if let Some(Ok(Err(trailers))) = &other
                        && let Some(trailers) = trailers.trailers_ref()
                    {
                        told.status_of(trailers);
                    }
                    return Poll::Ready(other.map(|frame| {
                        frame.map(|frame| match frame {
                            Ok(data) => Frame::data(data),
                            Err(trailers) => trailers,
                        })
                    }));
                }
            }
        }
        let length = answer.rest.len().min(PIECE);
        let bytes = answer.rest.split_to(length);
        let piece = match &answer.holds {
            Some(holds) => Bytes::from_owner(Piece { bytes, _holds: holds.clone() }),
            None => bytes,
        };
        unread(true);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        let answer = self.0.call.answer();
        answer.rest.is_empty() && !answer.given_up && answer.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn let_go() -> Status {
    Status::resource_exhausted(
        "the answer was let go of: nothing of it was read for a minute, or for two seconds while others wanted its room; ask again and read on",
    )
}

fn crowded() -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(1)));
    let told =
        "not applied, try again: many calls are under way, and more on this connection than it may have meanwhile";
    Status::with_error_details(Code::Unavailable, told, details)
}

/// A status as the protocol spells it.
pub fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::transport::arrival::{self, Hall};
    use crate::grpc::transport::{Peer, Role};
    use crate::model::date::Timestamp;

    /// Frames of data, the last first; `_held` is shared as long as it is there.
    struct Fixed {
        data: Vec<Bytes>,
        _held: Arc<()>,
    }

    impl HttpBody for Fixed {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.data.pop().map(|data| Ok(Frame::data(data))))
        }
    }

    fn next(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    fn length(frame: Poll<Option<Result<Frame<Bytes>, Status>>>) -> Option<usize> {
        let Poll::Ready(frame) = frame else { panic!("the body waits") };
        frame.map(|frame| frame.expect("no error").into_data().expect("is data").len())
    }

    fn line() -> Arc<Line> {
        let room = arrival::Room::new(Hall::new());
        Line::new(Role::Api, Peer::Unix { uid: 1, gid: 1, pid: None }, None, room, Instant::now()).0
    }

    fn answer(line: &Arc<Line>, sizes: &[usize], holds: Option<Holds>) -> (Body, Arc<()>) {
        let held = Arc::new(());
        let data = sizes.iter().rev().map(|size| Bytes::from(vec![0; *size])).collect();
        let call = UnderWay::new(line.clone(), Arc::default(), "other");
        (Pieces::of(call, Body::new(Fixed { data, _held: held.clone() }), holds), held)
    }

    #[test]
    fn an_answer_goes_out_in_pieces_and_whole() {
        let line = line();
        let (mut body, held) = answer(&line, &[5, 3 * PIECE, PIECE + 1], None);
        let expected = [5, PIECE, PIECE, PIECE, PIECE, 1];
        for size in expected {
            assert!(!body.is_end_stream());
            assert_eq!(length(next(&mut body)), Some(size));
        }
        assert_eq!(length(next(&mut body)), None);
        assert!(body.is_end_stream() && Arc::strong_count(&held) == 1);
    }

    #[test]
    fn an_answer_that_nobody_reads_is_let_go_of() {
        let wall = Timestamp::from_nanos(0);
        let soon = || Instant::now() + UNREAD / 2;
        let late = || Instant::now() + UNREAD + Duration::from_secs(1);
        let line = line();
        let (mut body, held) = answer(&line, &[3 * PIECE], None);
        let (mut other, other_held) = answer(&line, &[PIECE], None);
        assert_eq!(length(next(&mut body)), Some(PIECE));
        line.look(soon(), wall);
        assert_eq!((length(next(&mut body)), Arc::strong_count(&held)), (Some(PIECE), 2), "it may be slow");
        while length(next(&mut other)).is_some() {}
        line.look(late(), wall);
        assert_eq!(Arc::strong_count(&held), 1, "what produces it is gone");
        assert_eq!(Arc::strong_count(&other_held), 1, "read to its end");
        let Poll::Ready(Some(Ok(frame))) = next(&mut body) else { panic!("the reader is told") };
        let trailers = frame.into_trailers().expect("are trailers");
        assert_eq!(trailers.get("grpc-status").map(|code| code.as_bytes()), Some(&b"8"[..]));
        assert!(matches!(next(&mut body), Poll::Ready(None)) && body.is_end_stream());
    }

    /// Room that others want, or do not.
    #[derive(Debug)]
    struct Wanted(bool);

    impl Room for Wanted {
        fn is_wanted(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn room_is_held_until_the_last_piece_has_gone_out_and_not_long_if_others_want_it() {
        let wall = Timestamp::from_nanos(0);
        let soon = || Instant::now() + UNREAD_TIGHT + Duration::from_secs(1);
        for wanted in [false, true] {
            let line = line();
            let room: Arc<dyn Room> = Arc::new(Wanted(wanted));
            let known = Arc::downgrade(&room);
            let (mut body, held) = answer(&line, &[2 * PIECE], Some(Holds(room)));
            let Poll::Ready(Some(Ok(first))) = next(&mut body) else { panic!("there is a piece") };
            assert_eq!(line.look(soon(), wall), None);
            assert_eq!(Arc::strong_count(&held), if wanted { 1 } else { 2 }, "let go of soon: {wanted}");
            drop(body);
            assert_eq!(known.strong_count(), 1, "the first piece is still on its way");
            // Which the network does not take.
            line.sent(false);
            assert_eq!(line.look(soon(), wall), wanted.then_some(crate::grpc::transport::line::End::Unread));
            drop(first);
            assert_eq!(known.strong_count(), 0);
            assert_eq!(line.look(soon(), wall), None, "it holds nothing that others want");
        }
    }
}
