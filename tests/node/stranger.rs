//! The verifier in Python, asked about a folder or an export.
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::binary::shown;

/// It finds nothing.
pub(crate) fn finds_nothing(python: &OsStr, words: &[&str], path: &Path) {
    let mut command = Command::new(python);
    command.args(["-m", "verifier"]).args(words).arg("--json").arg(path).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.env("PYTHONPATH", "tests").env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", shown(&output));
}
