//! The disk ring: atomic batches over ordered keys, and two small files. Knows nothing about audit.
//!
//! [`family`] names the databases and their families, [`keys`] every key. [`rocks`] is the only home of RocksDB,
//! [`memory`] its deterministic twin, with [`faults`] on command. [`files`] holds the keyring file, real and faulty, [`copying`] copies whole folders. [`wal`]
//! looks for damage before RocksDB opens, [`space`] at the free space.

pub mod copying;
pub mod disk;
pub mod family;
pub mod faults;
pub mod files;
pub mod keys;
pub mod memory;
pub mod rocks;
pub mod space;
pub mod wal;

use std::fmt;
use std::path::Path;

pub use family::{Database, Family};

/// A key and its value.
pub type Row = (Box<[u8]>, Box<[u8]>);

/// Changes that take effect together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts a value under a key.
    Put(Family, Vec<u8>, Vec<u8>),
    /// Removes a key.
    Remove(Family, Vec<u8>),
    /// Removes every key from the first, inclusive, to the second, exclusive.
    RemoveRange(Family, Vec<u8>, Vec<u8>),
}

impl Batch {
    /// Puts a row.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put(family, key.into(), value.into()));
    }

    /// Removes a row.
    pub fn remove(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Remove(family, key.into()));
    }

    /// Removes every row from `from`, inclusive, to `to`, exclusive. What this batch put there before goes too.
    pub fn remove_range(&mut self, family: Family, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.changes.push(Change::RemoveRange(family, from.into(), to.into()));
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes, in order.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

/// Which rows, in which order.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Where.
    pub family: Family,
    /// From this key on, inclusive.
    pub from: Vec<u8>,
    /// Up to this key, exclusive; `None`: to the end.
    pub to: Option<Vec<u8>>,
    /// Descending instead of ascending.
    pub descending: bool,
}

impl Scan {
    /// All rows of a family.
    pub fn all(family: Family) -> Self {
        Self { family, from: Vec::new(), to: None, descending: false }
    }

    /// All rows whose key begins with `prefix`.
    pub fn prefix(family: Family, prefix: &[u8]) -> Self {
        Self { family, from: prefix.to_vec(), to: successor(prefix), descending: false }
    }

    /// Rows from `from` up to and including `through`, descending: its first row is the last at or before `through`.
    pub fn back(family: Family, from: &[u8], through: &[u8]) -> Self {
        let mut to = through.to_vec();
        to.push(0);
        Self { family, from: from.to_vec(), to: Some(to), descending: true }
    }
}

/// The least key above every key with that prefix.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut next = prefix[..=kept].to_vec();
    next[kept] += 1;
    Some(next)
}

/// Why the disk could not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The stored bytes are not what was written; a human must look.
    Corrupt(String),
    /// Another process has the store open.
    Locked(String),
    /// Anything else, in the words of the disk.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(why) => write!(f, "the stored bytes are damaged: {why}"),
            Self::Locked(why) => write!(f, "the store is in use: {why}"),
            Self::Failed(why) => write!(f, "the disk failed: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// What a store holds in memory, in bytes. Bounded for the store as a whole, whatever the number of trails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Blocks that were read lately.
    pub cache: u64,
    /// Indexes and filters of the open tables.
    pub tables: u64,
    /// Rows that were written lately and are not yet in a table.
    pub buffers: u64,
}

impl Memory {
    /// All of it.
    pub fn sum(self) -> u64 {
        self.cache + self.tables + self.buffers
    }
}

/// Rows in the order asked for.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, Error>> + 'a>;

/// One database.
pub trait Store: Send + Sync {
    /// Writes a batch atomically and answers when it survives a power cut. After an error it is not known whether
    /// it took effect: only reopening decides.
    fn commit(&self, batch: Batch) -> Result<(), Error>;

    /// Writes a batch atomically without making it durable: a crash may lose it, never half of it, and never one
    /// before it without losing it too. For what can be derived again.
    fn derive(&self, batch: Batch) -> Result<(), Error>;

    /// The value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Rows of a range. Short-lived: do not keep it across other work.
    fn scan(&self, scan: Scan) -> Rows<'_>;

    /// Makes everything written so far durable, derived rows too.
    fn flush(&self) -> Result<(), Error>;

    /// Lets go of files that hold nothing but rows from `from`, inclusive, to `to`, exclusive: the cheap part of removing many rows.
    /// Which of the rows are gone then is not known, nor which older values of theirs came to light: nobody may read them any more, and
    /// [`Batch::remove_range`] must follow.
    fn drop_files(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error>;

    /// Makes the bytes go of rows that were removed, from `from`, inclusive, to `to`, exclusive: out of logs and files. Changes no row,
    /// so it may run beside whoever writes and reads; it takes its time.
    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error>;

    /// Makes the bytes go of rows that were removed or written over, from `from`, inclusive, to `to`, exclusive, where others stay.
    /// As [`Self::reclaim`], but that nothing tells whether it came to the end of it.
    fn rewrite(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error>;

    /// Copies all rows as of this moment, those that were only derived as well, to a folder that is not there yet: a database that opens
    /// as this one. By hard links where the folder is on the same volume, so that it takes little time and room. A store without
    /// files cannot.
    fn checkpoint(&self, folder: &Path) -> Result<(), Error> {
        Err(Error::Failed(format!("copy to {}: this store has no files", folder.display())))
    }

    /// What it holds in memory.
    fn memory(&self) -> Memory {
        Memory::default()
    }

    /// The first row of a scan, of which nothing is kept in memory: for what is looked at once.
    fn peek(&self, scan: Scan) -> Result<Option<Row>, Error> {
        self.first(scan)
    }

    /// The first row of a scan.
    fn first(&self, scan: Scan) -> Result<Option<Row>, Error> {
        self.scan(scan).next().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_ends_a_prefix() {
        for (prefix, next) in
            [(&[1u8, 2][..], Some(vec![1, 3])), (&[1, 0xff], Some(vec![2])), (&[0xff, 0xff], None), (&[], None)]
        {
            assert_eq!(successor(prefix), next, "{prefix:?}");
        }
    }
}
