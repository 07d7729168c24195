//! What goes on over a connection: each call is noted while it lasts, its request bounded as it arrives, and an answer that nobody reads is let go of.
//!
//! HTTP/2 lets a reader take an answer as slowly as it likes, so whoever never reads would keep the answer, and what
//! produces it, for ever. Here an answer goes out in pieces; if the next one has not been asked for within
//! [`UNREAD`](super::limits::UNREAD), it is dropped, and a reader that comes back after all is told so.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tower::{Layer, Service};

use super::arrival::{Arrival, Arriving};
use super::line::Line;

/// Largest piece of an answer, in bytes: what one frame of HTTP/2 carries.
const PIECE: usize = 16 * 1024;

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
}

impl Call {
    pub(super) fn unread_since(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    pub(super) fn arriving(&self) -> &Arc<Arriving> {
        &self.arriving
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
}

impl UnderWay {
    fn new(line: Arc<Line>) -> Self {
        let call = Arc::new(Call::default());
        let number = line.begin(call.clone());
        Self { line, call, number }
    }

    /// Notes whether a piece waits to be asked for.
    fn unread(&self, waits: bool) {
        let since = if waits { self.line.mark(Instant::now()) } else { 0 };
        self.call.unread.store(since, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.line.finish(self.number);
    }
}

/// Puts the [`Peer`](super::Peer) into each request, bounds how it arrives and watches its answer. The outermost layer:
/// what is inside of it finds the peer.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// Paths of the methods whose requests are streams: they may be silent between two messages for as long as they
    /// like.
    pub streams: &'static [&'static str],
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, watch: *self }
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
        let extensions = request.extensions_mut();
        let call = extensions.remove::<Arc<Line>>().map(|line| {
            extensions.insert(line.peer().clone());
            UnderWay::new(line)
        });
        if let Some(UnderWay { line, call, .. }) = &call {
            let single = !self.watch.streams.contains(&request.uri().path());
            request = request.map(|body| Arrival::of(body, call.arriving.clone(), line.room(), single));
        }
        let answered = self.inner.call(request);
        Box::pin(async move {
            let response = answered.await?;
            Ok(match call {
                Some(call) => response.map(|body| Pieces::of(call, body)),
                None => response,
            })
        })
    }
}

/// An answer in pieces.
struct Pieces(UnderWay);

impl Pieces {
    fn of(call: UnderWay, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        call.call.answer().body = Some(body);
        call.unread(true);
        Body::new(Self(call))
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let call = &self.get_mut().0;
        let mut answer = call.call.answer();
        if answer.rest.is_empty() {
            if std::mem::take(&mut answer.given_up) {
                let mut trailers = HeaderMap::new();
                unread().add_header(&mut trailers)?;
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            let Some(body) = &mut answer.body else { return Poll::Ready(None) };
            let Poll::Ready(next) = Pin::new(body).poll_frame(cx) else {
                call.unread(false);
                return Poll::Pending;
            };
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => answer.rest = data,
                other => {
                    *answer = Answer::default();
                    call.unread(false);
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
        let piece = answer.rest.split_to(length);
        call.unread(true);
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

fn unread() -> Status {
    Status::resource_exhausted("the answer was let go of: nothing of it was read for a minute; ask again and read on")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::grpc::transport::Peer;
    use crate::grpc::transport::arrival::{Hall, Room};
    use crate::grpc::transport::limits::UNREAD;
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
        let room = Room::new(Hall::new());
        Line::new(Peer::Unix { uid: 1, gid: 1, pid: None }, None, room, Instant::now()).0
    }

    fn answer(line: &Arc<Line>, sizes: &[usize]) -> (Body, Arc<()>) {
        let held = Arc::new(());
        let data = sizes.iter().rev().map(|size| Bytes::from(vec![0; *size])).collect();
        (Pieces::of(UnderWay::new(line.clone()), Body::new(Fixed { data, _held: held.clone() })), held)
    }

    #[test]
    fn an_answer_goes_out_in_pieces_and_whole() {
        let line = line();
        let (mut body, held) = answer(&line, &[5, 3 * PIECE, PIECE + 1]);
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
        let (mut body, held) = answer(&line, &[3 * PIECE]);
        let (mut other, other_held) = answer(&line, &[PIECE]);
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
}
