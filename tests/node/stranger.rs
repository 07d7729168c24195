//! The verifier in Python, asked about a folder or an export.
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::binary::shown;

/// It finds nothing.
pub(crate) fn finds_nothing(python: &OsStr, words: &[&str], path: &Path) {
    let ask = || {
        let mut command = Command::new(python);
        command.args(["-m", "verifier"]).args(words).arg("--json").arg(path).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("PYTHONPATH", "tests").env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
    };
    // The package that reads RocksDB for it crashes now and then where processors are busy, which says nothing of what it reads:
    // no status, but a signal. It is asked again.
    let mut output = ask();
    for _ in 0..4 {
        if output.status.code().is_none() {
            output = ask();
        }
    }
    assert!(output.status.success(), "{words:?}: {}", shown(&output));
}
