//! Small files: the keyring, rewritten in place, and the guard, appended to. Real, and a faulty twin in memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of one folder, by name.
pub trait Files: Send + Sync {
    /// The whole file; `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Creates a file with these bytes, whole or not at all, durable when it answers.
    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Overwrites bytes of an existing file at `offset`, durable when it answers. A crash may tear it.
    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Adds bytes at the end of an existing file, durable when it answers. A crash may tear it.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// Files of a folder on disk, readable by their owner only.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The files of that folder, which exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl Files for Folder {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let aside = self.0.join(format!(".{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, self.0.join(name))?;
        // The name is durable only when its folder is.
        File::open(&self.0)?.sync_all()
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.0.join(name))?;
        file.write_all_at(bytes, offset)?;
        file.sync_data()
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.0.join(name))?;
        file.write_all(bytes)?;
        // The length is data here: fdatasync writes it too.
        file.sync_data()
    }
}

/// Files in memory that fail on command; shared by those who open it one after another, as a disk is.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<MemoryState>>);

#[derive(Debug, Default)]
struct MemoryState {
    files: BTreeMap<String, Vec<u8>>,
    /// Writes until one is torn, and how many of its bytes arrive.
    tear: Option<(u32, usize)>,
    broken: bool,
}

impl MemoryFiles {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the write after `writes` more ones stop after `bytes` bytes; every further call fails.
    pub fn tear_after(&self, writes: u32, bytes: usize) {
        self.state().tear = Some((writes, bytes));
    }

    /// Ends the process: faults are over, the bytes stay.
    pub fn crash(&self) {
        let mut state = self.state();
        state.tear = None;
        state.broken = false;
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryState {
    /// How many of `length` bytes the next write brings to the disk.
    fn arriving(&mut self, length: usize) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::other("the disk is gone"));
        }
        match &mut self.tear {
            Some((0, bytes)) => {
                self.broken = true;
                Ok((*bytes).min(length))
            }
            Some((writes, _)) => {
                *writes -= 1;
                Ok(length)
            }
            None => Ok(length),
        }
    }

    fn answer(&self) -> io::Result<()> {
        if self.broken { Err(io::Error::other("planned fault: torn write")) } else { Ok(()) }
    }
}

impl Files for MemoryFiles {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.state().files.get(name).cloned())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.arriving(bytes.len())? == bytes.len() {
            state.files.insert(name.to_owned(), bytes.to_vec());
        }
        state.answer()
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let arriving = state.arriving(bytes.len())?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let file = state.files.get_mut(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let target = file.get_mut(offset..offset + arriving).ok_or_else(|| io::Error::other("beyond the file"))?;
        target.copy_from_slice(&bytes[..arriving]);
        state.answer()
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let arriving = state.arriving(bytes.len())?;
        let file = state.files.get_mut(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        file.extend_from_slice(&bytes[..arriving]);
        state.answer()
    }
}
