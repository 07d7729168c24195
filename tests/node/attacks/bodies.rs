//! Messages that do not come, are not what they say, or say more than they are.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tonic::Code;

use super::Target;
use super::frames::{DATA, END_HEADERS, HEADERS, call, frame, message};

const CALL: &str = "/akta.v1.IngestService/RecordEvents";

const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever takes nothing for so long has refused it.
const REFUSED: Duration = Duration::from_millis(300);

/// The first half of the headers, then nothing.
pub(super) async fn unfinished_headers(at: &Target) {
    let mut held = Vec::new();
    for _ in 0..at.many(100, 600) {
        let mut raw = at.raw(true).await.expect("is let in");
        let stream = raw.stream();
        raw.send(&frame(HEADERS, 0, stream, &call(CALL, &[]))).await;
        held.push(raw);
    }
    if at.long {
        // They made no call, so they are told to go.
        tokio::time::sleep(Duration::from_secs(40)).await;
        for raw in &mut held {
            assert!(raw.read(usize::MAX, PATIENCE).await.closed, "is ended");
        }
    }
}

/// Begun calls on many connections, of which a byte comes now and then.
pub(super) async fn unfinished(at: &Target) {
    let mut held = Vec::new();
    for _ in 0..at.many(20, 150) {
        let mut raw = at.raw(true).await.expect("is let in");
        let mut calls = Vec::new();
        for _ in 0..at.many(50, 250) {
            let mut begun = vec![0];
            begun.extend((4_u32 << 20).to_be_bytes());
            begun.extend([7; 20]);
            calls.push(raw.begin(CALL, &[], &begun, false).await);
        }
        held.push((raw, calls));
    }
    for _ in 0..at.many(1, 20) {
        for (raw, calls) in &mut held {
            let drip: Vec<_> = calls.iter().flat_map(|stream| frame(DATA, 0, *stream, &[7])).collect();
            raw.send(&drip).await;
        }
        if at.long {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }
}

/// A message that says it is compressed is refused, whatever it would become.
pub(super) async fn bombs(at: &Target) {
    // The beginning of 4 GiB of zeros by gzip: each of the repeated bytes stands for some hundred.
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xec, 0xc1];
    bomb.extend(vec![0; 512 << 10]);
    for (encoding, flag) in [("gzip", 1), ("deflate", 1), ("zstd", 1), ("br", 1), ("identity", 1)] {
        for _ in 0..at.many(2, 200) {
            let mut raw = at.raw(true).await.expect("is let in");
            let mut body = message(&bomb);
            body[0] = flag;
            let stream = raw.stream();
            raw.send(&frame(HEADERS, END_HEADERS, stream, &call(CALL, &[("grpc-encoding", encoding)]))).await;
            for piece in body.chunks(16_000) {
                // A server that refused it reads no more of it.
                if !raw.data(stream, piece, REFUSED).await {
                    break;
                }
            }
            let seen = raw.read(1, PATIENCE).await;
            let status = seen.statuses.first().copied();
            // Compressed by what is not known; or compressed, though the headers say that it is not.
            let expected = if encoding == "identity" { Code::InvalidArgument } else { Code::Unimplemented };
            assert_eq!(status, Some(expected as u32), "{encoding}: {seen:?}");
        }
    }
}

/// Longer than may be: refused by its length alone.
pub(super) async fn lengths(at: &Target) {
    for length in [u32::MAX, 1 << 31, (6 << 20) + 1] {
        for _ in 0..at.many(10, 500) {
            let mut raw = at.raw(true).await.expect("is let in");
            let mut begun = vec![0];
            begun.extend(length.to_be_bytes());
            begun.extend([7; 100]);
            raw.begin(CALL, &[], &begun, false).await;
            let seen = raw.read(1, PATIENCE).await;
            assert_eq!(seen.statuses.first().copied(), Some(Code::ResourceExhausted as u32), "{length}: {seen:?}");
        }
    }
}
