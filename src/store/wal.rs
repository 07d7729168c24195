//! A look at RocksDB's write-ahead logs before RocksDB reads them.
//!
//! Point-in-time recovery takes what stands before the first damage and silently drops the rest, acknowledged or not.
//! After a power cut that is right: the last batch is torn, and nobody had an answer for it. But every batch is synced
//! before the next one is written, so an intact batch *beyond* a damaged one proves that something acknowledged was
//! damaged; such a log is refused.
//!
//! ```text
//! file     blocks of 32 KiB; a record never crosses into the next block, fewer than 7 bytes at its end stay unused
//! record   4 masked CRC32C of type and payload, little-endian · 2 length of the payload, little-endian · 1 type · payload
//! type     1 FULL · 2 FIRST · 3 MIDDLE · 4 LAST of a batch · 9, 10, 130 about the log itself · 0 nothing written
//! batch    8 sequence number · 4 number of changes, both little-endian · changes
//! ```
//!
//! What this cannot see: damage to the very last batch, which looks like a torn tail; and damage that spares no start
//! of a batch behind it. A log that is gone or cut short behind a whole record is RocksDB's to find, which notes the
//! sizes of closed logs in its manifest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Error;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
/// Sequence number and number of changes.
const BATCH_HEAD: usize = 12;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// Refuses the logs of a database's folder if a batch that was acknowledged is damaged in them. Reads them whole, in a
/// buffer of one block.
pub fn check(folder: &Path) -> Result<(), Error> {
    let mut scan = Scan::default();
    for path in logs(folder).map_err(|error| failed(folder, &error))? {
        scan.file(&path)?;
    }
    Ok(())
}

/// The logs of a folder in the order in which they were written; none if there is no folder.
fn logs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut logs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == "log")) {
            logs.push((number, path));
        }
    }
    logs.sort_unstable();
    Ok(logs.into_iter().map(|(_, path)| path).collect())
}

/// Where the logs stop being readable.
struct Stop {
    path: PathBuf,
    offset: u64,
    why: &'static str,
}

/// What is known between two records.
#[derive(Default)]
struct Scan {
    /// Sequence number after the last whole batch.
    next: Option<u64>,
    /// The damage that nothing intact was found behind so far.
    stop: Option<Stop>,
}

/// A batch of which the last fragment was not read yet.
struct Begun {
    offset: u64,
    /// As much of sequence number and number of changes as was read.
    head: Vec<u8>,
}

impl Begun {
    fn take(&mut self, payload: &[u8]) {
        let missing = BATCH_HEAD - self.head.len();
        self.head.extend_from_slice(&payload[..missing.min(payload.len())]);
    }

    fn head(&self) -> Option<(u64, u32)> {
        let (sequence, count) = self.head.split_first_chunk::<8>()?;
        Some((u64::from_le_bytes(*sequence), u32::from_le_bytes(count.try_into().ok()?)))
    }
}

impl Scan {
    fn file(&mut self, path: &Path) -> Result<(), Error> {
        let mut file = File::open(path).map_err(|error| failed(path, &error))?;
        let mut block = vec![0; BLOCK];
        let mut begun: Option<Begun> = None;
        let mut start = 0;
        // Whether the records of this file can still be told apart by walking from one to the next.
        let mut walking = true;
        loop {
            let length = fill(&mut file, &mut block).map_err(|error| failed(path, &error))?;
            let bytes = &block[..length];
            let mut at = 0;
            while walking && at < length && (length < BLOCK || length - at >= HEADER) {
                let offset = start + at as u64;
                let stopped = match record(&bytes[at..]) {
                    Ok(record) => {
                        let stopped = self.walk(path, offset, record, &mut begun)?;
                        if stopped.is_none() {
                            at += HEADER + record.payload.len();
                        }
                        stopped
                    }
                    Err(why) => Some((offset, why)),
                };
                if let Some((offset, why)) = stopped {
                    walking = false;
                    self.stop.get_or_insert_with(|| Stop { path: path.to_owned(), offset, why });
                }
            }
            if !walking {
                self.search(path, start, bytes, at)?;
            }
            start += length as u64;
            if length < BLOCK {
                break;
            }
        }
        if let Some(begun) = begun.filter(|_| walking) {
            let why = "the log ends within a batch";
            self.stop.get_or_insert_with(|| Stop { path: path.to_owned(), offset: begun.offset, why });
        }
        Ok(())
    }

    /// Goes on by one intact record; where and why the log stops if the record is out of place.
    fn walk(
        &mut self,
        path: &Path,
        offset: u64,
        record: Record<'_>,
        begun: &mut Option<Begun>,
    ) -> Result<Option<(u64, &'static str)>, Error> {
        match (record.kind, begun.as_mut()) {
            (FULL | FIRST, None) => *begun = Some(Begun { offset, head: Vec::with_capacity(BATCH_HEAD) }),
            (FULL | FIRST, Some(begun)) => return Ok(Some((begun.offset, "the batch has no end"))),
            (MIDDLE | LAST, Some(_)) => {}
            (MIDDLE | LAST, None) => return Ok(Some((offset, "the batch has no beginning"))),
            // About the log itself, or by RocksDB's rule to be passed over.
            _ => return Ok(None),
        }
        let Some(batch) = begun.as_mut() else { return Ok(None) };
        let known = batch.head().is_some();
        batch.take(record.payload);
        let head = batch.head();
        if let Some((sequence, count)) = head.filter(|_| !known) {
            self.batch(path, batch.offset, sequence, count)?;
        }
        if matches!(record.kind, FULL | LAST) {
            let Some((sequence, count)) = head else {
                return Ok(Some((batch.offset, "the batch is too short")));
            };
            // Behind a stop it stays what it was: what a later log must begin with to go on there.
            if self.stop.is_none() {
                self.next = Some(sequence.saturating_add(count.into()));
            }
            *begun = None;
        }
        Ok(None)
    }

    /// An intact batch met by walking.
    fn batch(&mut self, path: &Path, offset: u64, sequence: u64, count: u32) -> Result<(), Error> {
        if self.stop.is_none() {
            return Ok(());
        }
        if self.next == Some(sequence) {
            // A later log that goes on where the stop left off: the torn batch was found at an earlier start, which
            // began this log and ended before the old one was removed. Nothing is missing between them.
            self.stop = None;
            return Ok(());
        }
        // RocksDB begins a log after a stop with a batch without changes: it acknowledges nothing.
        if count > 0 { self.refuse(path, offset) } else { Ok(()) }
    }

    /// Looks for an intact start of a batch in a block behind a stop.
    ///
    /// At every byte, since the length of a damaged record may itself be damaged, so that nobody knows where the next
    /// one begins. A start that is none would need a CRC that matches by chance, one in 2^32 at some hundred places a
    /// block, or a copy of a log within a record: what users control is sealed before it gets here. Middles and ends of
    /// batches prove nothing: a power cut may bring the later pages of a batch to the disk and not the earlier ones.
    fn search(&self, path: &Path, start: u64, bytes: &[u8], from: usize) -> Result<(), Error> {
        for at in from..bytes.len() {
            let kind = bytes.get(at + 6);
            if !kind.is_some_and(|kind| matches!(*kind, FULL | FIRST)) {
                continue;
            }
            let Ok(record) = record(&bytes[at..]) else { continue };
            let mut batch = Begun { offset: 0, head: Vec::with_capacity(BATCH_HEAD) };
            batch.take(record.payload);
            let acknowledges = match batch.head() {
                Some((_, count)) => count > 0,
                // A first fragment at the end of a block may be too short to say.
                None => record.kind == FIRST,
            };
            if acknowledges {
                return self.refuse(path, start + at as u64);
            }
        }
        Ok(())
    }

    fn refuse(&self, path: &Path, beyond: u64) -> Result<(), Error> {
        let Some(Stop { path: at, offset, why }) = &self.stop else { return Ok(()) };
        Err(Error::Corrupt(format!(
            "log {} at byte {offset}: {why}, and an intact batch stands beyond it, in {} at byte {beyond}: what is \
             damaged had been acknowledged. Opening would drop it and everything after it, so nothing was opened; keep \
             this folder for whoever examines it, and restore from a copy",
            at.display(),
            path.display()
        )))
    }
}

/// One intact record.
#[derive(Clone, Copy)]
struct Record<'a> {
    kind: u8,
    payload: &'a [u8],
}

/// The record that `bytes`, the rest of a block, begin with; why there is none.
fn record(bytes: &[u8]) -> Result<Record<'_>, &'static str> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Err("the log ends within a record") };
    let [c0, c1, c2, c3, low, high, kind] = *header;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if kind == 0 && length == 0 {
        // Space that was taken in advance, or lost. RocksDB would pass over the block without a word.
        return Err("nothing is written there");
    }
    // Types of recycled logs (5 to 8, 11, 131) have a longer header. Akta recycles none.
    if !matches!(kind, FULL | FIRST | MIDDLE | LAST | 9 | 10 | 128..=130 | 132..) {
        return Err("a record has no type that is written here");
    }
    let payload = rest.get(..length).ok_or("a record is longer than what is there")?;
    let crc = crc32c::crc32c(&bytes[6..HEADER + length]).rotate_right(15).wrapping_add(0xa282_ead8);
    if crc != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err("a checksum does not match");
    }
    Ok(Record { kind, payload })
}

/// Reads until `block` is full or the file ends; how many bytes.
fn fill(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match file.read(&mut block[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rocks::RocksStore;
    use super::super::{Batch, Database, Family, Row, Scan as Rows, Store};
    use super::*;

    /// A database as a crash leaves it: opened, written to in batches, copied while it is open.
    struct Crashed {
        folder: tempfile::TempDir,
        /// The rows after each batch, the first entry before any.
        states: Vec<Vec<Row>>,
        /// Length of the last log after each batch.
        lengths: Vec<u64>,
    }

    impl Crashed {
        /// Writes one batch of one row for each of `sizes`, in bytes of its value.
        fn after(sizes: &[usize]) -> Self {
            let live = tempfile::tempdir().expect("temporary folder");
            let store = RocksStore::open(live.path(), Database::Db).expect("opens");
            let db = live.path().join("db");
            let length = || last_log(&db).metadata().expect("is there").len();
            let (mut states, mut lengths) = (vec![rows(&store)], vec![length()]);
            for (number, size) in sizes.iter().enumerate() {
                let mut batch = Batch::default();
                // Not all alike: a block of equal bytes would hide a misplaced read.
                let value: Vec<u8> = (0..*size).map(|at| (at * 31 + number) as u8).collect();
                batch.put(Family::Meta, (number as u32).to_be_bytes(), value);
                store.commit(batch).expect("commits");
                states.push(rows(&store));
                lengths.push(length());
            }
            Self { folder: copied(live.path()), states, lengths }
        }

        fn log(&self) -> PathBuf {
            last_log(&self.folder.path().join("db"))
        }

        fn bytes(&self) -> Vec<u8> {
            std::fs::read(self.log()).expect("reads")
        }

        /// The rows that a start finds if the log held these bytes, or its refusal.
        fn opened(&self, log: &[u8]) -> Result<Vec<Row>, Error> {
            let folder = copied(self.folder.path());
            let db = folder.path().join("db");
            std::fs::write(last_log(&db), log).expect("writes");
            check(&db)?;
            RocksStore::open(folder.path(), Database::Db).map(|store| rows(&store))
        }
    }

    fn rows(store: &RocksStore) -> Vec<Row> {
        store.scan(Rows::all(Family::Meta)).collect::<Result<_, _>>().expect("reads")
    }

    fn last_log(db: &Path) -> PathBuf {
        logs(db).expect("lists").pop().expect("there is one")
    }

    fn copied(from: &Path) -> tempfile::TempDir {
        let to = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(to.path().join("db")).expect("makes a folder");
        for entry in std::fs::read_dir(from.join("db")).expect("lists") {
            let path = entry.expect("lists").path();
            std::fs::copy(&path, to.path().join("db").join(path.file_name().expect("has one"))).expect("copies");
        }
        to
    }

    fn why(result: Result<Vec<Row>, Error>) -> String {
        match result {
            Err(Error::Corrupt(why)) => why,
            other => panic!("is not refused as damaged: {other:?}"),
        }
    }

    #[test]
    fn a_torn_tail_loses_the_last_batch_only() {
        // The last batch crosses from the first block into the second.
        for sizes in [&[20, 20, 24][..], &[20, 32_600, 160]] {
            let crashed = Crashed::after(sizes);
            let log = crashed.bytes();
            let [.., before, end] = crashed.lengths[..] else { panic!("two lengths") };
            assert_eq!(log.len() as u64, end);
            let [.., without, with] = &crashed.states[..] else { panic!("two states") };
            for cut in before..end {
                let opened = crashed.opened(&log[..cut as usize]).expect("a torn tail is normal");
                assert_eq!(&opened, without, "cut at {cut}");
            }
            assert_eq!(&crashed.opened(&log).expect("opens"), with);
            // What the file was given in advance is not written.
            let longer = [&log[..], &[0; 70_000]].concat();
            assert_eq!(&crashed.opened(&longer).expect("opens"), with);
        }
    }

    #[test]
    fn damage_before_an_acknowledged_batch_is_refused() {
        let crashed = Crashed::after(&[20, 20, 40_000, 20, 70_000, 20]);
        // Type, length, checksum and content in turn; a hole of zeros.
        let spoils: [fn(&mut [u8]); 5] =
            [|b| b[6] ^= 2, |b| b[5] ^= 0x40, |b| b[0] ^= 1, |b| b[19] ^= 1, |b| b.fill(0)];
        for (batch, at) in crashed.lengths[..5].iter().enumerate() {
            for spoil in spoils {
                let mut log = crashed.bytes();
                spoil(&mut log[*at as usize..][..30]);
                let why = why(crashed.opened(&log));
                assert!(why.contains(&format!("at byte {at}:")) && why.contains(".log"), "batch {batch}: {why}");
                assert!(why.contains("restore from a copy"), "{why}");
            }
        }
    }

    #[test]
    fn a_later_log_decides_too() {
        let crashed = Crashed::after(&[20, 20, 20]);
        let torn = &crashed.bytes()[..crashed.lengths[3] as usize - 1];
        std::fs::write(crashed.log(), torn).expect("writes");
        let torn_log = crashed.log();
        // A start finds the torn tail and goes on in a new log; the old one comes back, as after a power cut.
        let live = copied(crashed.folder.path());
        let store = RocksStore::open(live.path(), Database::Db).expect("opens");
        assert_eq!(rows(&store), crashed.states[2]);
        for stage in 0..2 {
            let again = copied(live.path());
            let db = again.path().join("db");
            std::fs::copy(&torn_log, db.join(torn_log.file_name().expect("has one"))).expect("copies");
            assert_eq!(logs(&db).expect("lists").len(), 2);
            assert_eq!(check(&db), Ok(()), "stage {stage}");
            let found = RocksStore::open(again.path(), Database::Db).expect("opens");
            assert_eq!(rows(&found), rows(&store));
            let mut batch = Batch::default();
            batch.put(Family::Meta, "later", "row");
            store.commit(batch).expect("commits");
        }
        // Had the first log lost one batch more, the second would not go on where it stops.
        let again = copied(live.path());
        let db = again.path().join("db");
        let shorter = &torn[..crashed.lengths[2] as usize - 1];
        std::fs::write(db.join(torn_log.file_name().expect("has one")), shorter).expect("writes");
        let why = why(check(&db).map(|()| Vec::new()));
        assert!(why.contains(&format!("at byte {}:", crashed.lengths[1])), "{why}");
    }

    #[test]
    fn no_folder_and_no_log_are_fine() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert_eq!(check(&folder.path().join("db")), Ok(()));
        for name in ["LOG", "7.log.old", "x.log", "000007.sst", "000008.log"] {
            std::fs::write(folder.path().join(name), "").expect("writes");
        }
        assert_eq!(check(folder.path()), Ok(()));
        assert_eq!(logs(folder.path()).expect("lists").len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is damaged, nothing is lost without a word, unless nothing intact stands behind it.
        #[test]
        fn damage_never_shortens_silently(
            sizes in prop::collection::vec(prop_oneof![1..200_usize, 30_000..70_000_usize], 1..6),
            places in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
        ) {
            let crashed = Crashed::after(&sizes);
            let mut log = crashed.bytes();
            let mut damaged = vec![false; sizes.len()];
            for (place, bit) in places {
                let at = place.index(log.len());
                log[at] ^= 1 << bit;
                damaged[crashed.lengths.partition_point(|length| *length <= at as u64) - 1] = true;
            }
            match crashed.opened(&log) {
                Err(Error::Corrupt(_)) => {}
                Err(other) => panic!("{other}"),
                Ok(rows) => {
                    let kept = crashed.states.iter().position(|state| *state == rows);
                    // Two flips may undo each other, or fall on the unused end of a block.
                    let lost = &damaged[kept.expect("the rows after some batch")..];
                    prop_assert!(lost.iter().all(|damaged| *damaged), "{} are lost of {damaged:?}", lost.len());
                }
            }
        }

        /// The check takes any bytes for a log.
        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..100_000)) {
            let folder = tempfile::tempdir().expect("temporary folder");
            std::fs::write(folder.path().join("000001.log"), bytes).expect("writes");
            let _ = check(folder.path());
        }
    }
}
