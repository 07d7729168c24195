//! The inputs that fuzzing found worth keeping, and seeds from real encodings, given to the checks of `fuzz/targets`.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

/// Most inputs of one target: as many as say something each.
const INPUTS_MAX: usize = 40;
/// Most bytes of one input.
const BYTES_MAX: u64 = 100_000;

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = format!("fuzz/corpus/{target}");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

#[test]
fn corpora_hold_their_properties() {
    let mut broken = Vec::new();
    for (target, check) in targets::ALL {
        check(b"");
        for path in inputs(target) {
            let bytes = fs::read(&path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| check(&bytes))).is_err() {
                broken.push(format!("scripts/fuzz --once {target} {}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{} inputs break a property:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn corpora_and_targets_are_the_same_names_and_stay_small() {
    let targets: BTreeSet<String> = targets::ALL.iter().map(|(target, _)| (*target).to_owned()).collect();
    let folders = fs::read_dir("fuzz/corpus").unwrap();
    let corpora: BTreeSet<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(corpora, targets);
    for target in &targets {
        let inputs = inputs(target);
        assert!((1..=INPUTS_MAX).contains(&inputs.len()), "{target} has {} inputs", inputs.len());
        for path in inputs {
            assert!(path.metadata().unwrap().len() <= BYTES_MAX, "{} is large", path.display());
        }
    }
}

/// The archive of RocksDB fits the bindings that the main lock names; and what is fuzzed is what is built.
#[test]
fn corpora_are_fuzzed_with_the_locked_packages() {
    let (ours, theirs) = (locked("Cargo.lock"), locked("fuzz/Cargo.lock"));
    for (name, versions) in &theirs {
        if let Some(known) = ours.get(name) {
            assert!(versions.is_subset(known), "fuzz/Cargo.lock has {name} {versions:?}, Cargo.lock {known:?}");
        }
    }
    assert!(theirs.contains_key("librocksdb-sys") && theirs.contains_key("libfuzzer-sys"));
}

fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut packages = BTreeMap::<_, BTreeSet<_>>::new();
    for package in text.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim_start_matches(" = ").trim_matches('"').to_owned()
        };
        packages.entry(value("name")).or_default().insert(value("version"));
    }
    packages
}
