//! Where the demonstration keeps its data: a folder of the reader's choice, or one that is gone afterwards.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::env::{SystemEntropy, random};

/// A folder of its own; removed when dropped, unless the reader chose it.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    kept: bool,
}

impl Place {
    /// The folder `chosen`, which must be empty or missing; else a new temporary one.
    pub fn new(chosen: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = chosen else { return Self::temporary() };
        let cannot = |error| Failure(format!("data folder {}: {error}", path.display()));
        match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(false) => Err(Failure(format!(
                "data folder {} is not empty: give a new one with --data, or leave --data out",
                path.display()
            ))),
            Ok(true) => Ok(Self { path: path.to_owned(), kept: true }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(cannot)?;
                Ok(Self { path: path.to_owned(), kept: true })
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// A new temporary folder, readable by its owner only.
    pub fn temporary() -> Result<Self, Failure> {
        let name = crate::cli::text::hex(&random::<8>(&SystemEntropy));
        let path = std::env::temp_dir().join(format!("akta-demo-{name}"));
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure(format!("temporary folder {}: {error}; give a folder with --data", path.display()))
        })?;
        Ok(Self { path, kept: false })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays.
    pub fn kept(&self) -> bool {
        self.kept
    }

    /// A temporary copy.
    pub fn copy(&self) -> Result<Self, Failure> {
        let copy = Self::temporary()?;
        copy_all(&self.path, &copy.path).map_err(|error| {
            Failure(format!("copy {} to {}: {error}; is the disk full?", self.path.display(), copy.path.display()))
        })?;
        Ok(copy)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_and_a_temporary_one_goes() {
        let place = Place::temporary().unwrap();
        let path = place.path().to_owned();
        fs::create_dir(path.join("db")).unwrap();
        fs::write(path.join("db/file"), "x").unwrap();
        assert!(Place::new(Some(&path)).unwrap_err().0.contains("is not empty"));
        let copy = place.copy().unwrap();
        assert_eq!(fs::read(copy.path().join("db/file")).unwrap(), b"x");
        assert!(Place::new(Some(&path.join("new"))).unwrap().kept());
        drop(place);
        assert!(!path.exists());
    }
}
