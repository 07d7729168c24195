//! HTTP/2 by hand: frames as no client library would send them.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// Kinds of frames (RFC 9113, section 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Flags.
pub(super) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header, neither indexed nor compressed (RFC 7541, section 6.2.2).
pub(super) fn header(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let mut rest = text.len();
        if rest < 127 {
            bytes.push(u8::try_from(rest).unwrap());
        } else {
            bytes.push(127);
            rest -= 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The headers of a call.
pub(super) fn call(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let own = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", path),
        (":authority", "127.0.0.1"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    own.iter().chain(more).flat_map(|(name, value)| header(name, value)).collect()
}

/// A message with its length before it.
pub(super) fn message(bytes: &[u8]) -> Vec<u8> {
    let mut whole = vec![0];
    whole.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    whole.extend(bytes);
    whole
}

/// A connection.
pub(super) struct Raw {
    io: TlsStream<TcpStream>,
    unread: Vec<u8>,
    next: u32,
    /// Bytes of data that the server takes on a new stream, on streams beside that, and on all together.
    initial: i64,
    credits: HashMap<u32, i64>,
    credit: i64,
    /// What came and was not told yet.
    seen: Seen,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// `grpc-status` of answers, or 0 where it could not be found in a frame of headers.
    pub(super) statuses: Vec<u32>,
    /// Error code of GOAWAY.
    pub(super) goaway: Option<u32>,
    /// Error codes of streams that were reset.
    pub(super) resets: Vec<u32>,
    /// Whether the server closed it.
    pub(super) closed: bool,
}

impl Raw {
    /// Connects and says hello, with windows as large as they may be if `wide`, else without any.
    pub(super) async fn open(address: &str, tls: &Arc<ClientConfig>, wide: bool) -> Option<Self> {
        let socket = TcpStream::connect(address).await.ok()?;
        socket.set_nodelay(true).ok()?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let io = TlsConnector::from(tls.clone()).connect(name, socket).await.ok()?;
        let (unread, credits) = (Vec::new(), HashMap::new());
        let mut raw = Self { io, unread, next: 1, initial: -1, credits, credit: 65_535, seen: Seen::default() };
        let window = if wide { 0x7fff_ffff_u32 } else { 0 };
        // SETTINGS_HEADER_TABLE_SIZE 0, so that answers are not indexed; SETTINGS_INITIAL_WINDOW_SIZE.
        let mut settings = vec![0, 1, 0, 0, 0, 0, 0, 4];
        settings.extend(window.to_be_bytes());
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend(frame(SETTINGS, 0, 0, &settings));
        if wide {
            hello.extend(frame(WINDOW, 0, 0, &0x7000_0000_u32.to_be_bytes()));
        }
        if !raw.send(&hello).await {
            return None;
        }
        // Until the server has said how much it takes; of the answers themselves nothing is read.
        while raw.initial < 0 {
            raw.hear(Duration::from_secs(10)).await.then_some(())?;
        }
        raw.send(&frame(SETTINGS, ACK, 0, &[])).await.then_some(raw)
    }

    /// Sends data of a stream, as far as the server takes it; if it does not, hears what it says for a while. Whether it
    /// took it.
    pub(super) async fn data(&mut self, stream: u32, bytes: &[u8], patience: Duration) -> bool {
        let length = i64::try_from(bytes.len()).unwrap();
        while self.credit < length || self.initial + self.credits.get(&stream).copied().unwrap_or_default() < length {
            if patience.is_zero() || !self.hear(patience).await {
                return false;
            }
        }
        self.credit -= length;
        *self.credits.entry(stream).or_default() -= length;
        self.send(&frame(DATA, 0, stream, bytes)).await
    }

    /// The number of a new stream.
    pub(super) fn stream(&mut self) -> u32 {
        let stream = self.next;
        self.next += 2;
        stream
    }

    /// Sends; whether the server still takes it, within ten seconds.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        matches!(tokio::time::timeout(Duration::from_secs(10), sending).await, Ok(Ok(())))
    }

    /// Begins a call; its stream.
    pub(super) async fn begin(&mut self, path: &str, more: &[(&str, &str)], body: &[u8], ends: bool) -> u32 {
        let stream = self.stream();
        let mut bytes = frame(HEADERS, END_HEADERS, stream, &call(path, more));
        bytes.extend(frame(DATA, if ends { END_STREAM } else { 0 }, stream, body));
        self.send(&bytes).await;
        stream
    }

    /// Reads until so many answers have ended, the server closes, or nothing comes for a while.
    pub(super) async fn read(&mut self, answers: usize, patience: Duration) -> Seen {
        self.take();
        while self.seen.statuses.len() + self.seen.resets.len() < answers
            && self.seen.goaway.is_none_or(|code| code == 0)
        {
            if !self.hear(patience).await {
                break;
            }
        }
        std::mem::take(&mut self.seen)
    }

    /// Reads what comes next; whether something did.
    async fn hear(&mut self, patience: Duration) -> bool {
        let mut buffer = vec![0; 64 * 1_024];
        match tokio::time::timeout(patience, self.io.read(&mut buffer)).await {
            Err(_) => return false,
            Ok(Ok(0) | Err(_)) => {
                self.seen.closed = true;
                return false;
            }
            Ok(Ok(read)) => self.unread.extend(&buffer[..read]),
        }
        self.take();
        true
    }

    fn take(&mut self) {
        let seen = &mut self.seen;
        loop {
            let Some(head) = self.unread.first_chunk::<9>() else { return };
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            if self.unread.len() < 9 + length {
                return;
            }
            let payload: Vec<u8> = self.unread.drain(..9 + length).skip(9).collect();
            let code = |at: usize| payload.get(at..at + 4).map(|four| u32::from_be_bytes(four.try_into().unwrap()));
            match kind {
                HEADERS if flags & END_STREAM != 0 => seen.statuses.push(status(&payload)),
                RESET => seen.resets.extend(code(0)),
                GOAWAY => seen.goaway = code(4),
                WINDOW => {
                    let more = i64::from(code(0).unwrap_or_default());
                    *if stream == 0 { &mut self.credit } else { self.credits.entry(stream).or_default() } += more;
                }
                SETTINGS if flags & ACK == 0 => {
                    let mut settings = payload.chunks_exact(6);
                    let window = settings.find(|setting| setting[..2] == [0, 4]);
                    let window = window.map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()));
                    self.initial = window.map_or(65_535, i64::from);
                }
                _ => {}
            }
        }
    }
}

/// The value of `grpc-status` in a block of headers. Its name may be compressed by Huffman's code, as h2 does; the value
/// of one or two digits is too, where that is shorter.
fn status(block: &[u8]) -> u32 {
    // "grpc-status" by the code of RFC 7541, appendix B.
    const NAME: [u8; 8] = [0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f];
    // Digits are 5 bits (0, 1, 2) or 6 (3 to 9), padded by ones.
    for name in [NAME.as_slice(), b"grpc-status"] {
        let Some(at) = block.windows(name.len()).position(|window| window == name) else { continue };
        let Some((length, value)) = block.get(at + name.len()..).and_then(|rest| rest.split_first()) else { continue };
        let value = &value[..usize::from(length & 127).min(value.len())];
        if length & 128 == 0 {
            return std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        }
        let (mut bits, mut count) = (0_u64, 0);
        for byte in value {
            (bits, count) = (bits << 8 | u64::from(*byte), count + 8);
        }
        let mut number = 0;
        while count >= 5 {
            let five = (bits >> (count - 5)) & 31;
            if five <= 2 {
                (number, count) = (number * 10 + u32::try_from(five).unwrap(), count - 5);
            } else if count >= 6 && (bits >> (count - 6)) & 63 <= 31 {
                let six = (bits >> (count - 6)) & 63;
                (number, count) = (number * 10 + u32::try_from(six).unwrap() - 25 + 3, count - 6);
            } else {
                break;
            }
        }
        return number;
    }
    0
}

#[test]
fn a_status_is_read_however_it_is_written() {
    // 8 is 011110, 14 is 00001 011010, padded by ones.
    for (value, expected) in [
        (vec![0x81, 0b0111_1011], 8),
        (vec![0x82, 0b0000_1011, 0b0101_1111], 14),
        (vec![0x01, b'8'], 8),
        (vec![0x02, b'1', b'2'], 12),
        (vec![0x81, 0b0000_0111], 0),
    ] {
        let name = header("grpc-status", "");
        let block = [&name[..name.len() - 1], &value].concat();
        assert_eq!(status(&block), expected, "{value:?}");
    }
}
