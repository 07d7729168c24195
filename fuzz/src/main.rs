//! The fuzzer: libFuzzer around one of the targets, which the variable AKTA_FUZZ names. Run it with `scripts/fuzz`.
#![no_main]

use std::sync::LazyLock;

#[path = "../targets/mod.rs"]
mod targets;

/// The check of the target that was asked for.
static CHECK: LazyLock<targets::Check> = LazyLock::new(|| {
    let name = std::env::var("AKTA_FUZZ").unwrap_or_default();
    let found = targets::ALL.iter().find(|(target, _)| *target == name);
    found.unwrap_or_else(|| panic!("AKTA_FUZZ names no target: see scripts/fuzz --list")).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| CHECK(bytes));
