//! The socket of a connection, as the gRPC server reads and writes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::line::{Line, Lines};

/// Its kinds.
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// Its place among the listener's and among all.
pub(super) type Places = [OwnedSemaphorePermit; 2];

/// A connection that was let in. Fails from the moment that it is ended from this side; frees its places when dropped.
pub struct Connection {
    io: Io,
    line: Arc<Line>,
    lines: Arc<Lines>,
    /// Gone once it has spoken.
    ended: Option<oneshot::Receiver<()>>,
    _places: Places,
}

impl Connection {
    pub(super) fn new(
        io: Io,
        line: Arc<Line>,
        lines: Arc<Lines>,
        ended: oneshot::Receiver<()>,
        places: Places,
    ) -> Self {
        lines.add(&line);
        Self { io, line, lines, ended: Some(ended), _places: places }
    }

    /// Fails if it was ended; else sees to it that the task that asks is woken when it is.
    fn open(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(ended) = &mut self.ended {
            if Pin::new(ended).poll(cx).is_pending() {
                return Ok(());
            }
            self.ended = None;
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn stream(&mut self) -> Pin<&mut dyn Stream> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream),
            Io::Tls(stream) => Pin::new(stream.as_mut()),
            Io::Unix(stream) => Pin::new(stream),
        }
    }

    fn sent<T>(&self, result: Poll<T>) -> Poll<T> {
        self.line.sent(result.is_ready());
        result
    }
}

/// What is read and written.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Connected for Connection {
    type ConnectInfo = Arc<Line>;

    fn connect_info(&self) -> Arc<Line> {
        self.line.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.open(cx)?;
        self.stream().poll_read(cx, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.open(cx)?;
        let sent = self.stream().poll_write(cx, bytes);
        self.sent(sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open(cx)?;
        let sent = self.stream().poll_write_vectored(cx, bytes);
        self.sent(sent)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
            Io::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open(cx)?;
        let sent = self.stream().poll_flush(cx);
        self.sent(sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open(cx)?;
        self.stream().poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.lines.remove(&self.line);
    }
}
