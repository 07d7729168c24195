//! The disk below: what a sync costs, what a folder takes, a folder that goes away again.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::Failure;

/// Where runs put their data folders: made here; removed at the end unless it is to stay.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    stays: bool,
}

impl Place {
    /// `data`, which stays; or a temporary folder on a disk: in TMPDIR, else in /var/tmp, for /tmp is often memory.
    pub fn new(data: Option<PathBuf>) -> Result<Self, Failure> {
        let stays = data.is_some();
        let path = data.unwrap_or_else(|| {
            let parent = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
            parent.join(format!("akta-bench-{}", std::process::id()))
        });
        fs::create_dir_all(&path).map_err(|error| format!("make {}: {error}; give --data DIR", path.display()))?;
        Ok(Self { path, stays })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data folder of one run, which must not be there yet.
    pub fn run(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        if path.exists() {
            return Err(Failure(format!("{} is there already: remove it, or give another --data DIR", path.display())));
        }
        Ok(path)
    }

    /// Removes a run's folder that nobody wants to keep.
    pub fn done(&self, run: &Path) {
        if !self.stays {
            let _ = fs::remove_dir_all(run);
        }
    }

    /// Type of its file system, as /proc/self/mounts has it.
    pub fn file_system(&self) -> String {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mounts = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        });
        let on = mounts.filter(|(point, _)| path.starts_with(point)).max_by_key(|(point, _)| point.len());
        on.map_or("unknown", |(_, kind)| kind).to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.stays {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Bytes that a folder takes on the disk, as du counts them.
pub fn taken(path: &Path) -> Result<u64, Failure> {
    let metadata = fs::symlink_metadata(path)?;
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            bytes += taken(&entry?.path())?;
        }
    }
    Ok(bytes)
}

/// How long each of `count` appends of 4 KiB with fdatasync takes in that folder.
pub fn syncs(folder: &Path, count: usize) -> Result<Vec<Duration>, Failure> {
    let path = folder.join("fdatasync");
    let mut file = File::create(&path)?;
    let block = [0x5a; 4096];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_given_stays_and_a_run_is_never_mixed_with_another() {
        let parent = tempfile::tempdir().unwrap();
        let given = parent.path().join("given");
        let place = Place::new(Some(given.clone())).unwrap();
        let run = place.run("stream-1").unwrap();
        fs::create_dir(&run).unwrap();
        fs::write(run.join("file"), [1; 10_000]).unwrap();
        assert!(taken(&run).unwrap() >= 10_000);
        assert!(place.run("stream-1").is_err());
        assert_eq!(syncs(place.path(), 3).unwrap().len(), 3);
        place.done(&run);
        drop(place);
        assert!(run.exists());
    }
}
