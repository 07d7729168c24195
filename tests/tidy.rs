//! The house rules as a test: rings import only downward, each thing of the world has one door, files stay small,
//! documents do not point at what is not there.

use std::fs;
use std::path::{Path, PathBuf};

/// Rings from the bottom up, by the module below `src/` that they live in.
const RINGS: [(&str, &[&str]); 14] = [
    ("model", &[]),
    ("env", &["model"]),
    ("store", &["model"]),
    ("https", &[]),
    ("metrics", &[]),
    ("trail", &["model", "env", "store", "metrics"]),
    // `env` and `store` stay out of the edge: it sees the trail and the model only.
    ("grpc", &["model", "trail", "https", "metrics"]),
    ("client", &["model", "grpc"]),
    ("kek", &["model", "env", "trail", "https"]),
    ("telemetry", &[]),
    ("config", &["model", "trail", "grpc"]),
    ("server", &["model", "env", "store", "trail", "grpc", "config", "telemetry", "metrics"]),
    ("cli", &["model", "env", "store", "trail", "grpc", "client", "kek", "config", "server", "telemetry"]),
    ("lib", &["model", "env", "store", "trail", "grpc", "client", "kek", "config", "server", "telemetry", "cli"]),
];

/// Words that may stand in one place only: the word, its homes, why.
const HOMES: [(&str, &[&str], &str); 14] = [
    ("rocksdb::", &["src/store/rocks.rs"], "the only home of RocksDB"),
    ("SystemTime::now", &["src/env.rs"], "the door of time"),
    ("Timestamp::now", &["src/env.rs"], "the door of time"),
    ("getrandom::", &["src/env.rs"], "the door of randomness"),
    ("aes_gcm::", &["src/model/seal.rs"], "the only home of the cipher"),
    ("zstd::", &["src/model/frame.rs"], "the only home of compression"),
    ("tracing_subscriber::", &["src/telemetry.rs"], "logs are set up once"),
    ("ureq::", &["src/https.rs"], "the door to other machines"),
    ("prometheus_client::", &["src/metrics.rs"], "the only home of counts and times"),
    ("aws_sigv4::", &["src/kek/aws.rs"], "the only home of AWS's signatures"),
    ("jsonwebtoken::", &["src/grpc/auth"], "the only home of tokens"),
    // Where a first folder is made, a trail opened, a group written, rows merged: always on the writer's thread, or
    // before it starts, as a restore does. A test spoils a folder that nobody has open.
    (
        "db.commit",
        &[
            "src/trail/base.rs",
            "src/trail/opening.rs",
            "src/trail/writer.rs",
            "src/trail/merger.rs",
            "src/trail/identity/rewrite.rs",
            "src/trail/restore/freeze.rs",
            "src/trail/restore/succeed.rs",
            "src/trail/expiry/run/tests.rs",
            "src/trail/identity/tests/proof.rs",
        ],
        "I4: one writer",
    ),
    // The example, a key, and what is Akta's own words from beginning to end.
    (
        "println!",
        &["src/cli/keys.rs", "src/cli/keys", "src/cli/bench", "src/trail/folding/tests.rs"],
        "what is shown goes through say, table or json of cli/text.rs, which let nothing pass that a terminal obeys",
    ),
    ("prost_types::", &["src/grpc", "src/client", "src/cli"], "times of the wire stay at the edge"),
];

/// `tokio`, `tonic` and files stay out of the pure ring; the wire stays out of the trail.
const BANNED: [(&str, &[&str]); 4] = [
    ("src/model", &["tokio::", "tonic::", "std::fs", "std::net::Tcp", "std::thread", "tracing::", "Instant::now"]),
    ("src/trail", &["tonic::", "grpc::", "clap::", "std::fs"]),
    ("src/trail/sequencer.rs", &["tokio::", "store::rocks", "std::thread"]),
    ("src/store", &["tokio::", "tonic::"]),
];

/// Longest file, tests in it included. Past it, ask which noun is hiding.
const LINES_MAX: usize = 480;

#[test]
fn rings_import_only_downward() {
    for (path, text) in sources("src") {
        let ring = ring_of(&path);
        let Some((_, may)) = RINGS.iter().find(|(name, _)| *name == ring) else {
            assert!(ring == "main", "{} belongs to no ring: add it to RINGS", path.display());
            continue;
        };
        for line in code(&text).filter(|line| line.contains("crate::")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                assert!(
                    used.is_empty() || used == ring || may.contains(&used.as_str()),
                    "{}: the ring {ring} must not import {used}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_world_has_one_door_each() {
    for (path, text) in sources("src") {
        for (word, homes, why) in HOMES {
            let home = homes.iter().any(|home| path.starts_with(home));
            assert!(home || !code(&text).any(|line| uses(line, word)), "{} uses {word}: {why}", path.display());
        }
        for (folder, words) in BANNED {
            for word in words.iter().filter(|_| path.starts_with(folder) && !is_test(&path)) {
                assert!(!code(&text).any(|line| uses(line, word)), "{} must not use {word}", path.display());
            }
        }
    }
}

#[test]
fn files_are_small_and_say_what_they_own() {
    for (path, text) in ["src", "tests", "benches", "examples", "fuzz"].into_iter().flat_map(sources) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: which noun is hiding in it?", path.display());
        let opens = text.lines().next().unwrap_or_default();
        assert!(
            opens.starts_with("//!") || opens.starts_with("#![doc"),
            "{} does not say what it owns",
            path.display()
        );
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for path in files(Path::new("."), "md") {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let from = path.parent().unwrap_or(Path::new("."));
            assert!(from.join(target).exists(), "{} points at {target}, which is not there", path.display());
        }
    }
}

/// Each duty is done, planned, or somebody else's; what is done names what shows it, and those names lead somewhere.
#[test]
fn every_duty_has_a_state() {
    let page = fs::read_to_string("docs/duties.md").unwrap_or_default();
    let (head, rest) = page.split_once("## Duties from the policies").expect("has the table");
    let (policies, law) = rest.split_once("## Duties from the law").expect("has the table");
    let rows = |text: &str| {
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("| state |"));
        rows.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let (policies, retention) = policies.split_once("## Retention classes").expect("has the table");
    let numbers: Vec<_> = rows(policies).iter().map(|row| row[0].clone()).collect();
    assert_eq!(numbers, (1..=44).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!((rows(retention).len(), rows(law).len()), (12, 41));
    for row in [rows(policies), rows(retention), rows(law)].concat() {
        assert_eq!(row.len(), 4, "{row:?}");
        let [done, planned, other] = ["done", "planned", "not ours"].map(|state| row[2].starts_with(state));
        assert!(done || planned || other, "{row:?} has no state");
        assert!(
            !done || row[3].contains('*') || row[3].contains('`'),
            "{row:?} is done and names nothing that shows it"
        );
        for short in row[3].split('*').skip(1).step_by(2) {
            assert!(head.contains(&format!("*{short}*")), "{row:?}: {short} is no short name");
        }
    }
    for named in
        page.split('`').skip(1).step_by(2).filter(|name| name.starts_with("tests/") || name.starts_with("src/"))
    {
        assert!(Path::new(named).exists(), "docs/duties.md names {named}, which is not there");
    }
}

/// The lines of a source that are code: no comments, nothing after the tests begin.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// Whether a line uses a path that begins with `word`, and not one that merely ends with it.
fn uses(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| line[..at].chars().next_back().is_none_or(|before| !(before.is_alphanumeric() || before == '_')))
}

/// Tests of a ring in files of their own may look at what it left on disk.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

fn ring_of(path: &Path) -> String {
    let inner = path.strip_prefix("src").unwrap_or(path);
    let first = inner.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let found = files(Path::new(folder), "rs");
    assert!(!found.is_empty(), "{folder} has no sources");
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap_or_default())).collect()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path.strip_prefix("./").map(Path::to_owned).unwrap_or(path));
        }
    }
    found
}
