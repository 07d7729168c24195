//! A test that cannot run here says so, in a file that `make test` reads.
#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::Write;

/// Notes that a test does not run here. The test returns after it.
pub(crate) fn skip(name: &str, reason: &str) {
    println!("SKIPPED {name}: {reason}");
    if let Some(list) = std::env::var_os("AKTA_SKIPS") {
        let mut list: File = OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "SKIPPED {name}: {reason}").unwrap();
    }
}
