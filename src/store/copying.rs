//! Copying folders of databases, file by file, durable when it returns.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Copies the files of a folder, which holds no others, to one that is made for them; `each` hears of the bytes of each file, and only
/// those files are copied whose name `wanted` says yes to. Readable by their owner alone.
///
/// # Errors
///
/// There is such a folder already, or the disk fails.
pub fn folder(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool, mut each: impl FnMut(u64)) -> io::Result<()> {
    make(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if !entry.file_type()?.is_file() || !wanted(&name.to_string_lossy()) {
            continue;
        }
        each(file(&entry.path(), &to.join(&name))?);
    }
    sync_names(to)
}

/// Copies one file; its bytes.
pub fn file(from: &Path, to: &Path) -> io::Result<u64> {
    let bytes = fs::copy(from, to)?;
    let copied = File::options().write(true).open(to)?;
    copied.set_permissions(Permissions::from_mode(0o600))?;
    copied.sync_all()?;
    Ok(bytes)
}

/// Puts a file with these bytes, durable when it returns but for its name.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a folder durable, and the folders in it: their files' bytes, and their names.
pub fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_names(folder)
}

/// Makes a folder that is its owner's alone.
pub fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// Makes a folder its owner's alone.
pub fn close(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Removes a folder and what is in it, if it is there.
pub fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

/// The names in a folder, each with its path, in no order.
pub fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let all = fs::read_dir(folder)?;
    all.map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))).collect()
}

/// Makes durable which names a folder has.
pub fn sync_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The text of a file; none if there is no such file.
pub fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives a folder its name, durable when it returns.
pub fn name(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_names(parent)
}

/// Bytes of the files of a folder.
pub fn bytes(of: &Path) -> io::Result<u64> {
    fs::read_dir(of)?.try_fold(0, |sum, entry| Ok(sum + entry?.metadata()?.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_once() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        make(&from).expect("makes");
        for (name, bytes) in [("a.sst", &b"rows"[..]), ("CURRENT", b"MANIFEST"), ("copy", b"")] {
            fs::write(from.join(name), bytes).expect("writes");
        }
        let mut copied = 0;
        folder(&from, &to, |name| name != "copy", |bytes| copied += bytes).expect("copies");
        assert_eq!((copied, bytes(&to).expect("reads")), (12, 12));
        assert!(!to.join("copy").exists());
        assert_eq!(fs::read(to.join("a.sst")).expect("reads"), b"rows");
        assert!(folder(&from, &to, |_| true, |_| ()).is_err(), "it is there already");
        name(&to, &root.path().join("named")).expect("names");
        assert!(!to.exists() && root.path().join("named").exists());
    }
}
