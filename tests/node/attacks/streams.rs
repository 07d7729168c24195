//! Streams and frames that cost the sender nothing: resets, pings, settings, headers.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::Target;
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RESET, SETTINGS, call, frame, header, message,
};

const CALL: &str = "/akta.v1.IngestService/RecordEvent";

/// CANCEL.
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

/// ENHANCE_YOUR_CALM.
const CALM: u32 = 11;

/// So long for an answer that must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opened and reset at once: the connection is ended after a few.
pub(super) async fn reset_before(at: &Target) {
    for number in 0..at.many(10, 2_000) {
        let mut raw = at.raw(true).await.expect("is let in");
        let mut bytes = Vec::new();
        for _ in 0..200 {
            let stream = raw.stream();
            bytes.extend(frame(HEADERS, END_HEADERS, stream, &call(CALL, &[])));
            bytes.extend(frame(RESET, 0, stream, &CANCEL));
        }
        raw.send(&bytes).await;
        let seen = raw.read(usize::MAX, PATIENCE).await;
        assert!(seen.goaway == Some(CALM) || seen.closed, "connection {number}: {seen:?}");
    }
}

/// A whole message each, then the reset: the work is begun and not wanted.
pub(super) async fn reset_after(at: &Target) {
    for _ in 0..at.many(10, 200) {
        let mut raw = at.raw(true).await.expect("is let in");
        for _ in 0..at.many(20, 200) {
            let mut bytes = Vec::new();
            for _ in 0..20 {
                let stream = raw.stream();
                bytes.extend(frame(HEADERS, END_HEADERS, stream, &call(CALL, &[])));
                bytes.extend(frame(DATA, END_STREAM, stream, &message(&[])));
                bytes.extend(frame(RESET, 0, stream, &CANCEL));
            }
            if !raw.send(&bytes).await {
                break;
            }
        }
    }
}

pub(super) async fn pings(at: &Target) {
    flood(at, &frame(PING, 0, 0, &[7; 8])).await;
}

pub(super) async fn settings(at: &Target) {
    // SETTINGS_MAX_FRAME_SIZE, as it is anyway.
    flood(at, &frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0x40, 0])).await;
}

/// The same frame over and over, and no answer is read.
async fn flood(at: &Target, frame: &[u8]) {
    let lot = frame.repeat(4_096);
    for _ in 0..at.many(2, 8) {
        let mut raw = at.raw(true).await.expect("is let in");
        for _ in 0..at.many(16, 1_024) {
            // Not taken any more: the server does not read either, which is as good as any answer.
            let sent = tokio::time::timeout(Duration::from_millis(500), raw.send(&lot)).await;
            if !sent.is_ok_and(|sent| sent) {
                break;
            }
        }
    }
}

/// More than the limit, whole: the call is refused, the connection goes on or is ended.
pub(super) async fn huge_headers(at: &Target) {
    for _ in 0..at.many(10, 1_000) {
        let mut raw = at.raw(true).await.expect("is let in");
        let stream = raw.stream();
        let block = [call(CALL, &[]), header("x-large", &"a".repeat(60_000))].concat();
        let mut pieces = block.chunks(16_000).peekable();
        let mut bytes = frame(HEADERS, 0, stream, pieces.next().unwrap());
        while let Some(piece) = pieces.next() {
            let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            bytes.extend(frame(CONTINUATION, last, stream, piece));
        }
        raw.send(&bytes).await;
        let seen = raw.read(1, PATIENCE).await;
        let refused = !seen.statuses.is_empty() || !seen.resets.is_empty() || seen.goaway.is_some() || seen.closed;
        assert!(refused, "{seen:?}");
    }
}

/// CONTINUATION after CONTINUATION: the connection is ended long before memory is.
pub(super) async fn endless_headers(at: &Target) {
    for _ in 0..at.many(5, 200) {
        let mut raw = at.raw(true).await.expect("is let in");
        let stream = raw.stream();
        let piece = header("x-more", &"a".repeat(16_000));
        raw.send(&frame(HEADERS, 0, stream, &call(CALL, &[]))).await;
        let mut sent = 0;
        while sent < 64 << 20 && raw.send(&frame(CONTINUATION, 0, stream, &piece)).await {
            sent += piece.len();
        }
        let seen = raw.read(1, PATIENCE).await;
        assert!(sent < 64 << 20 && (seen.closed || seen.goaway.is_some()), "{sent} bytes, {seen:?}");
    }
}
