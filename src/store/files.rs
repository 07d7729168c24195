//! Small files: the keyring, rewritten in place, and the guard, appended to. Real, and a faulty twin in memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::{Call, Fate, Fault, Faults};

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
    faults: Faults,
}

impl MemoryFiles {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another folder with the same bytes.
    pub fn copy(&self) -> Self {
        let files = self.state().files.clone();
        Self(Arc::new(Mutex::new(MemoryState { files, faults: Faults::default() })))
    }

    /// Looks at its faults, or plans one.
    pub fn faults<T>(&self, look: impl FnOnce(&mut Faults) -> T) -> T {
        look(&mut self.state().faults)
    }

    /// Ends the process; the bytes stay. What had struck.
    pub fn crash(&self) -> Option<(Call, Fault)> {
        self.state().faults.end()
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryState {
    /// Brings so many of `bytes` to the disk as the fate of the call lets arrive, then answers.
    fn write(
        &mut self,
        call: Call,
        bytes: &[u8],
        apply: impl FnOnce(&mut Self, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let fault = match self.faults.meet(call) {
            Fate::Gone => return Err(io::Error::other("the disk is gone")),
            Fate::Good => return apply(self, bytes),
            Fate::Fails(fault) => fault,
        };
        let arriving = match fault {
            Fault::Lost => 0,
            Fault::AppliedThenFailed => bytes.len(),
            Fault::Torn(arriving) => arriving.min(bytes.len()),
        };
        apply(self, &bytes[..arriving])?;
        Err(io::Error::other(format!("planned fault: {call:?} {}", fault.name())))
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Vec<u8>> {
        self.files.get_mut(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Files for MemoryFiles {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        state.write(Call::Read, &[], |_, _| Ok(()))?;
        Ok(state.files.get(name).cloned())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.state().write(Call::Create, bytes, |state, arrived| {
            // Whole or not at all.
            if arrived.len() == bytes.len() {
                state.files.insert(name.to_owned(), bytes.to_vec());
            }
            Ok(())
        })
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.state().write(Call::Overwrite, bytes, |state, arrived| {
            let target = state.file(name)?.get_mut(offset..offset + arrived.len());
            target.ok_or_else(|| io::Error::other("beyond the file"))?.copy_from_slice(arrived);
            Ok(())
        })
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.state().write(Call::Append, bytes, |state, arrived| {
            state.file(name)?.extend_from_slice(arrived);
            Ok(())
        })
    }
}
