//! Planted faults: worlds that lie to Akta as a bug in it would make them seem, switched on at run time. The simulation
//! is worth something only if it finds them.
//!
//! Each is planted at a door (store, file, entropy), so that no production code carries a switch: a commit that is not
//! synced looks the same from outside whether the writer or the disk forgot it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use akta::env::{Entropy, SeededEntropy};
use akta::model::notice::Says;
use akta::model::stored::NoticeCore;
use akta::store::files::{Files, MemoryFiles};
use akta::store::memory::MemoryStore;
use akta::store::{Batch, Change, Database, Error, Family, Row, Rows, Scan, Store};
use prost::Message;

/// What is wrong with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A group is acknowledged before it is synced.
    AckBeforeSync,
    /// The batch is durable before the vault rows that it needs.
    VaultAfterBatch,
    /// A new date key is used before the keyring is durable.
    KeyBeforeDurable,
    /// Opening goes on from the header row before the last: positions are given twice.
    ReusedSeq,
    /// Every frame is sealed under salts from one seed.
    ReusedSeed,
    /// Every value is sealed under one nonce.
    ReusedNonce,
    /// Event ids do not reach the index: a duplicate is not known any more after a crash.
    ForgottenDuplicate,
    /// A posting in thirty is lost.
    LostPosting,
    /// An index that lacks its newest records says that it has them.
    IndexAhead,
    /// The guard is not written.
    GuardSkipped,
    /// A batch loses its last frame.
    TornGroup,
    /// The core of a notice is lost.
    LostNotice,
    /// Numbers of records are not counted.
    LostCounter,
    /// What a trail tells of expiry is lost, with its header; all else of the batch arrives.
    ExpiryUntold,
    /// Frames of expired dates are not removed.
    FramesKept,
    /// One of them is put back.
    FrameBack,
    /// Those of later days go with them.
    FramesEarly,
    /// Postings of expired dates are not removed.
    PostingsKept,
    /// Nothing is reclaimed.
    NotReclaimed,
}

impl Plant {
    const ALL: [Self; 19] = [
        Self::AckBeforeSync,
        Self::VaultAfterBatch,
        Self::KeyBeforeDurable,
        Self::ReusedSeq,
        Self::ReusedSeed,
        Self::ReusedNonce,
        Self::ForgottenDuplicate,
        Self::LostPosting,
        Self::IndexAhead,
        Self::GuardSkipped,
        Self::TornGroup,
        Self::LostNotice,
        Self::LostCounter,
        Self::ExpiryUntold,
        Self::FramesKept,
        Self::FrameBack,
        Self::FramesEarly,
        Self::PostingsKept,
        Self::NotReclaimed,
    ];
}

/// Seeds that each fault gets; a fault that few find is a gap.
const SEEDS: u64 = 24;
const FOUND_BY_AT_LEAST: usize = 12;

#[test]
fn planted_faults_are_found() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let found = |plant: Option<Plant>| {
        let runs = (0..SEEDS).map(|seed| catch_unwind(AssertUnwindSafe(|| super::run(seed, false, plant))).err());
        runs.flatten().map(|panic| reason(&*panic)).collect::<Vec<_>>()
    };
    let control = found(None);
    let planted: Vec<_> = Plant::ALL.into_iter().map(|plant| (plant, found(Some(plant)))).collect();
    std::panic::set_hook(quiet);
    assert!(control.is_empty(), "without a fault nothing is found: {control:?}");
    println!("{:<20} found by, of {SEEDS} seeds; the first time by", "planted fault");
    for (plant, reasons) in &planted {
        println!("{:<20} {:>3}  {}", format!("{plant:?}"), reasons.len(), reasons.first().map_or("-", String::as_str));
    }
    for (plant, reasons) in planted {
        assert!(reasons.len() >= FOUND_BY_AT_LEAST, "{plant:?} is found by {} of {SEEDS} seeds", reasons.len());
    }
}

/// The first line of what a run died of.
fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or_default().lines().next().unwrap_or_default().chars().take(110).collect()
}

/// That store, as the fault makes it seem.
pub(crate) fn store(plant: Option<Plant>, database: Database, inner: MemoryStore) -> Arc<dyn Store> {
    match (plant, database) {
        (Some(Plant::ReusedSeq), Database::Db) => {
            forget_last_header(&inner);
            Arc::new(inner)
        }
        (Some(plant), _) => Arc::new(Lying { inner, plant, database }),
        (None, _) => Arc::new(inner),
    }
}

/// Those files, as the fault makes them seem.
pub(crate) fn files(plant: Option<Plant>, inner: MemoryFiles) -> Arc<dyn Files> {
    match plant {
        Some(plant @ (Plant::KeyBeforeDurable | Plant::GuardSkipped)) => Arc::new(LyingFiles { inner, plant }),
        _ => Arc::new(inner),
    }
}

/// That entropy, as the fault makes it seem.
pub(crate) fn entropy(plant: Option<Plant>, seed: u64) -> Arc<dyn Entropy> {
    let inner = SeededEntropy::new(seed);
    match plant {
        Some(Plant::ReusedSeed) => Arc::new(Repeating { inner, bytes: 32, after: AtomicU64::new(8) }),
        Some(Plant::ReusedNonce) => Arc::new(Repeating { inner, bytes: 12, after: AtomicU64::new(0) }),
        _ => Arc::new(inner),
    }
}

/// Of one trail that has several header rows the last goes, as if opening had not seen it.
fn forget_last_header(db: &MemoryStore) {
    let rows: Vec<Row> = db.scan(Scan::all(Family::Header)).map_while(Result::ok).collect();
    let last = rows.windows(2).rev().find(|pair| pair[0].0[..4] == pair[1].0[..4]);
    if let Some([_, (key, _)]) = last {
        let mut batch = Batch::default();
        batch.remove(Family::Header, key.to_vec());
        let _ = db.commit(batch);
    }
}

struct Lying {
    inner: MemoryStore,
    plant: Plant,
    database: Database,
}

impl Lying {
    /// What of a batch arrives.
    fn arriving(&self, batch: Batch) -> Batch {
        let mut kept = Batch::default();
        let changes = batch.into_changes();
        let untold = self.plant == Plant::ExpiryUntold && changes.iter().any(tells_of_expiry);
        let last_frame = changes.iter().rposition(|change| matches!(change, Change::Put(Family::Part, ..)));
        for (at, change) in changes.into_iter().enumerate() {
            match change {
                Change::Put(family, key, value) => {
                    let lost = match self.plant {
                        Plant::ForgottenDuplicate => family == Family::EventId,
                        Plant::LostPosting => {
                            family == Family::Posting && key.iter().map(|b| u32::from(*b)).sum::<u32>() % 30 == 0
                        }
                        Plant::IndexAhead => family == Family::Posting || family == Family::Counter,
                        Plant::TornGroup => Some(at) == last_frame,
                        Plant::LostNotice => family == Family::Notice && !key.ends_with(&[0; 8]),
                        Plant::LostCounter => family == Family::Counter,
                        Plant::ExpiryUntold => {
                            untold && matches!(family, Family::Header | Family::Notice | Family::Tree)
                        }
                        _ => false,
                    };
                    if !lost {
                        kept.put(family, key, value);
                    }
                }
                Change::Remove(family, key) => kept.remove(family, key),
                Change::RemoveRange(family, from, to) => match (self.plant, family) {
                    (Plant::FramesKept, Family::Part) | (Plant::PostingsKept, Family::Posting) => {}
                    (Plant::FramesEarly, Family::Part) => {
                        // What lives for two years, too: few days have parts of their own.
                        let date = u32::from_be_bytes(*to.first_chunk().unwrap_or(&[0; 4]));
                        kept.remove_range(family, from, (date + 1_000).to_be_bytes());
                    }
                    (Plant::FrameBack, Family::Part) => {
                        let scan = Scan { from: from.clone(), to: Some(to.clone()), ..Scan::all(family) };
                        let back = self.inner.first(scan).ok().flatten();
                        kept.remove_range(family, from, to);
                        if let Some((key, value)) = back {
                            kept.put(family, key, value);
                        }
                    }
                    _ => kept.remove_range(family, from, to),
                },
            }
        }
        kept
    }
}

fn tells_of_expiry(change: &Change) -> bool {
    let Change::Put(Family::Notice, _, core) = change else { return false };
    NoticeCore::decode(core.as_slice()).is_ok_and(|core| matches!(core.kind, Some(Says::Expired(_))))
}

impl Store for Lying {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        match (self.plant, self.database) {
            (Plant::AckBeforeSync, Database::Db) | (Plant::VaultAfterBatch, Database::Vault) => {
                self.inner.derive(batch)
            }
            _ => self.inner.commit(self.arriving(batch)),
        }
    }

    fn derive(&self, batch: Batch) -> Result<(), Error> {
        self.inner.derive(self.arriving(batch))
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(family, key)
    }

    fn scan(&self, scan: Scan) -> Rows<'_> {
        self.inner.scan(scan)
    }

    fn drop_files(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.inner.drop_files(family, from, to)
    }

    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        if self.plant == Plant::NotReclaimed { Ok(()) } else { self.inner.reclaim(family, from, to) }
    }

    fn rewrite(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.inner.rewrite(family, from, to)
    }

    fn flush(&self) -> Result<(), Error> {
        match (self.plant, self.database) {
            (Plant::AckBeforeSync, Database::Db) | (Plant::VaultAfterBatch, Database::Vault) => Ok(()),
            _ => self.inner.flush(),
        }
    }
}

struct LyingFiles {
    inner: MemoryFiles,
    plant: Plant,
}

impl Files for LyingFiles {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.read(name)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.inner.create(name, bytes)
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.plant == Plant::KeyBeforeDurable { Ok(()) } else { self.inner.overwrite(name, offset, bytes) }
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.plant == Plant::GuardSkipped { Ok(()) } else { self.inner.append(name, bytes) }
    }
}

/// After the first draws of that length, which make the keyring, every one is the same.
struct Repeating {
    inner: SeededEntropy,
    bytes: usize,
    after: AtomicU64,
}

impl Entropy for Repeating {
    fn fill(&self, bytes: &mut [u8]) {
        self.inner.fill(bytes);
        let fresh = self.after.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if bytes.len() == self.bytes && !fresh {
            bytes.fill(7);
        }
    }
}
