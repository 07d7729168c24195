//! Write-ahead logs: any bytes are judged, and a log that breaks off is never refused for it. The first byte says what the
//! rest is: two logs as they are; or sizes of batches, of which a log is written, then cut or altered.

use std::fs;
use std::path::PathBuf;

use akta::store::{Error, wal};

use super::input::Input;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
}

/// Logs, or what to make one of.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    if input.byte() % 2 == 1 {
        return written(&mut input);
    }
    let first = usize::from(u16::from_be_bytes(input.array()));
    let logs = [input.take(first), input.0];
    let judged = judged(&logs);
    assert!(!matches!(judged, Err(Error::Failed(_) | Error::Locked(_))), "{judged:?}");
    // A log alone that is taken is taken up to any byte of it.
    if judged_alone(input.0).is_ok() {
        for part in 1..4 {
            assert_eq!(judged_alone(&input.0[..input.0.len() * part / 4]), Ok(()), "cut short");
        }
    }
}

fn judged_alone(log: &[u8]) -> Result<(), Error> {
    judged(&[log, b""])
}

fn judged(logs: &[&[u8]]) -> Result<(), Error> {
    FOLDER.with(|folder| {
        let path = |number: usize| -> PathBuf { folder.path().join(format!("{number:06}.log")) };
        for (number, log) in logs.iter().enumerate() {
            fs::write(path(number), log).unwrap();
        }
        wal::check(folder.path())
    })
}

/// A log as it is written: taken as it is and cut anywhere; with a bit turned before its last batch, refused.
fn written(input: &mut Input<'_>) {
    let mut log = Vec::new();
    let mut starts = Vec::new();
    for number in 0..1 + input.byte() % 6 {
        let size = usize::from(u16::from_be_bytes(input.array())) << (input.byte() % 2);
        starts.push(batch(&mut log, number.into(), size));
    }
    assert_eq!(judged_alone(&log), Ok(()));
    let cut = input.place(log.len() + 1);
    assert_eq!(judged_alone(&log[..cut]), Ok(()), "cut at {cut}");
    let last = *starts.last().unwrap();
    if last == 0 {
        return;
    }
    let at = input.place(last);
    // Fewer than 7 bytes at the end of a block are not in use.
    let unused = |at: usize| log[at..at + HEADER.min(BLOCK - at % BLOCK)].iter().all(|byte| *byte == 0);
    if BLOCK - at % BLOCK < HEADER && unused(at) {
        return;
    }
    let mut altered = log.clone();
    altered[at] ^= 1 << (input.byte() % 8);
    let judged = judged_alone(&altered);
    assert!(matches!(judged, Err(Error::Corrupt(_))), "altered at {at}, the last batch at {last}: {judged:?}");
}

/// Adds a batch of one change to a log; where it begins.
fn batch(log: &mut Vec<u8>, number: u64, size: usize) -> usize {
    let mut payload = [&number.to_le_bytes()[..], &1u32.to_le_bytes()].concat();
    payload.extend((0..size).map(|at| (at * 31 + 7) as u8));
    let mut rest = payload.as_slice();
    let mut begin = None;
    loop {
        let left = BLOCK - log.len() % BLOCK;
        if left < HEADER {
            log.resize(log.len() + left, 0);
            continue;
        }
        let (now, after) = rest.split_at(rest.len().min(left - HEADER));
        let kind = match (begin.is_none(), after.is_empty()) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        begin.get_or_insert(log.len());
        let typed = [&[kind], now].concat();
        log.extend(crc32c::crc32c(&typed).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes());
        log.extend(u16::try_from(now.len()).unwrap().to_le_bytes());
        log.extend(typed);
        rest = after;
        if rest.is_empty() {
            return begin.unwrap();
        }
    }
}
