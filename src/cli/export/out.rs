//! Where an export goes: stdout, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Failure;
use crate::cli::text::json;

/// Lines on their way to a file or to stdout.
pub(super) struct Out {
    to: To,
}

enum To {
    Stdout(BufWriter<Stdout>),
    /// Written beside its place under another name; removed again unless it is finished.
    File {
        writer: BufWriter<File>,
        aside: PathBuf,
        path: PathBuf,
        finished: bool,
    },
}

impl Out {
    /// Lines to that file, or to stdout.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { to: To::Stdout(BufWriter::new(io::stdout())) }) };
        let name = path.file_name().ok_or_else(|| Failure(format!("{} is not the name of a file", path.display())))?;
        let mut aside = std::ffi::OsString::from(".");
        aside.push(name);
        aside.push(".new");
        let aside = path.with_file_name(aside);
        // An export holds names: it is its owner's alone from the first byte on, whatever was left over before.
        let _ = std::fs::remove_file(&aside);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&aside);
        let file = file.map_err(|error| Failure(format!("write {}: {error}", aside.display())))?;
        Ok(Self { to: To::File { writer: BufWriter::new(file), aside, path: path.to_owned(), finished: false } })
    }

    /// Writes one line.
    pub(super) fn line(&mut self, value: &Value) -> Result<(), Failure> {
        let written = match &mut self.to {
            To::Stdout(writer) => writeln!(writer, "{}", json(value)),
            To::File { writer, .. } => writeln!(writer, "{}", json(value)),
        };
        written.map_err(failure)
    }

    /// Everything is written: makes it durable under its name.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        match &mut self.to {
            To::Stdout(writer) => writer.flush().map_err(failure),
            To::File { writer, aside, path, finished } => {
                writer.flush().map_err(failure)?;
                writer.get_ref().sync_all().map_err(failure)?;
                std::fs::rename(aside, &*path).map_err(failure)?;
                *finished = true;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failure)
            }
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let To::File { aside, finished: false, .. } = &self.to {
            let _ = std::fs::remove_file(aside);
        }
    }
}

fn failure(error: io::Error) -> Failure {
    Failure(format!("the export could not be written: {error}; run it again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as object;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.jsonl");
        let names = || std::fs::read_dir(folder.path()).expect("reads").count();

        let mut out = Out::open(Some(&path)).expect("opens");
        out.line(&object!({"seq": 0})).expect("writes");
        assert!(!path.exists());
        drop(out);
        assert_eq!(names(), 0, "what was cut off leaves nothing");

        let mut out = Out::open(Some(&path)).expect("opens");
        out.line(&object!({"seq": 0})).expect("writes");
        out.finish().expect("finishes");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "{\"seq\":0}\n");
        assert_eq!(std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(names(), 1);
        assert!(Out::open(Some(&folder.path().join("none/out.jsonl"))).is_err());
    }
}
