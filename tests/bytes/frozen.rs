//! Folders of every numbered format, kept for ever: today's Akta opens each, finds nothing, says what it said then,
//! goes on from there, and builds its index anew. The verifier in Python agrees.
//!
//! `make frozen` makes the folder of a new number. Here one is made each time in a scratch place, so that what makes
//! it is tested too, and held to the same.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use akta::model::checkpoint::Checkpoint;
use akta::model::date::Timestamp;
use akta::model::header::Link;
use akta::model::origin::{Controller, Origin};
use akta::model::proof::verify_consistency;
use akta::model::tiles;
use akta::model::vkey::Vkey;
use akta::store::{Family, keys};
use akta::trail::base::Base;
use akta::trail::leaves::Leaves;
use akta::trail::meta::FORMAT;
use akta::trail::proof;
use akta::trail::reader::Reader;
use akta::trail::verify::verify;
use serde_json::Value;

use crate::binary::shown;
use crate::events::{Drawn, report};
use crate::expected;
use crate::freezer::{copy_apart, make, read, start};
use crate::skip::skip;

/// A folder made now, in a scratch place.
static SCRATCH: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let scratch = tempfile::tempdir().unwrap();
    let made = make(scratch.path()).unwrap();
    (scratch, made)
});

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bytes/frozen")
}

/// Those that are kept, and the scratch one.
fn folders() -> Vec<PathBuf> {
    let kept = std::fs::read_dir(home()).into_iter().flatten().map(|entry| entry.unwrap().path());
    kept.filter(|path| path.is_dir()).chain([SCRATCH.1.clone()]).collect()
}

/// A frozen folder, copied: what is kept is never opened itself.
struct Frozen {
    folder: PathBuf,
    scratch: tempfile::TempDir,
    expected: Value,
    now: Timestamp,
}

/// What formats 1 and 2 called expired was past by the clock alone. From format 3 on a part is expired by a notice, and what
/// is merely past is opened as long as its key is there, as in these folders, which tell of no expiry.
fn opened_if_past(expected: &mut Value) {
    if expected["format"].as_u64() >= Some(3) {
        return;
    }
    for trail in expected["trails"].as_array_mut().unwrap() {
        let parts = &mut trail["parts"];
        let [intact, past] = ["intact", "expired"].map(|state| parts[state].as_u64().unwrap());
        (parts["intact"], parts["expired"]) = ((intact + past).into(), 0.into());
    }
}

impl Frozen {
    fn at(folder: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut expected: Value = serde_json::from_str(&text(&folder.join("expected.json"))).unwrap();
        opened_if_past(&mut expected);
        let now = Timestamp::parse(expected["read_at"].as_str().unwrap()).unwrap();
        Self { folder: folder.to_owned(), scratch, expected, now }
    }

    /// A fresh copy of its data folder.
    fn copy(&self, name: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        copy_apart(&self.folder.join("data"), &path);
        path
    }

    /// Searches answer as they did, within the records that there were.
    fn answers(&self, base: &Base) {
        self.compare(base, |_| {});
    }

    /// They find the same; who was reported since may have another name by now.
    fn finds(&self, base: &Base) {
        self.compare(base, |answer| _ = answer.as_object_mut().unwrap().remove("people"));
    }

    fn compare(&self, base: &Base, leave_out: impl Fn(&mut Value)) {
        let searches = self.expected["searches"].as_array().unwrap();
        assert!(searches.len() >= 10);
        for expected in searches {
            let size = self.size(expected["controller"].as_str().unwrap());
            let (mut is, mut was) = (expected::answered(base, expected, size), expected.clone());
            [&mut is, &mut was].into_iter().for_each(&leave_out);
            assert_eq!(is, was, "{}", self.folder.display());
        }
    }

    fn size(&self, controller: &str) -> u64 {
        let mut trails = self.expected["trails"].as_array().unwrap().iter();
        trails.find(|trail| trail["origin"].as_str().unwrap().split('/').nth(1) == Some(controller)).unwrap()["size"]
            .as_u64()
            .unwrap()
    }

    fn vkey(&self) -> Vkey {
        text(&self.folder.join("vkey")).trim().parse().unwrap()
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::open(text(&self.folder.join("checkpoint")).as_bytes(), &self.vkey()).unwrap()
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// With AKTA_FROZEN it is made there, to be kept.
#[test]
fn a_folder_is_made() {
    let made = match std::env::var_os("AKTA_FROZEN") {
        Some(place) => make(Path::new(&place)).unwrap(),
        None => SCRATCH.1.clone(),
    };
    println!("made {}", made.display());
    let refused = make(made.parent().unwrap()).unwrap_err();
    assert!(refused.ends_with("is there: a frozen folder is never made again"), "{refused}");
    let bytes: u64 = files(&made).iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    let keyring = std::fs::metadata(made.join("data/keyring")).unwrap().len();
    assert!(bytes - keyring < 2 << 20, "{bytes} bytes are too many to be kept");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// From the first numbered format on, the format at hand has its folder.
#[test]
fn the_format_at_hand_is_frozen() {
    assert!(
        FORMAT == 0 || home().join(format!("format-{FORMAT}")).is_dir(),
        "no frozen folder of format {FORMAT}: make frozen"
    );
}

#[test]
fn frozen_folders_read_as_they_did() {
    for folder in folders() {
        let frozen = Frozen::at(&folder);
        let data = frozen.copy("data");
        let base = read(&data, frozen.now, true);
        let format = base.db.get(Family::Meta, keys::META_FORMAT).unwrap().unwrap();
        let named = u64::from(u32::from_be_bytes(format.try_into().unwrap()));
        assert_eq!(frozen.expected["format"].as_u64(), Some(named));
        assert_eq!(folder.file_name().unwrap().to_str(), Some(format!("format-{named}").as_str()));
        let seen = verify(&base, |_, _, _| {});
        assert_eq!((&seen.findings[..], seen.sealed, seen.unguarded), (&[][..], false, false));
        assert_eq!(expected::trails(&seen), frozen.expected["trails"], "{}", folder.display());
        frozen.answers(&base);
        let blind = verify(&read(&data, frozen.now, false), |_, _, _| {});
        assert_eq!((&blind.findings[..], blind.sealed), (&[][..], true), "without keys");
        exported(&frozen, &base);
    }
}

/// The export beside it is of its trail, link by link.
fn exported(frozen: &Frozen, base: &Base) {
    let info = base.trail(&Controller::new("school-12").unwrap()).unwrap().unwrap();
    let mut reader = Reader::headers(base, &info);
    let mut records = 0;
    let lines = text(&frozen.folder.join("export.jsonl"));
    for line in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let Some(header) = line["header"].as_str() else { continue };
        let header: Vec<u8> =
            (0..header.len() / 2).map(|at| u8::from_str_radix(&header[2 * at..2 * at + 2], 16).unwrap()).collect();
        // It was made by a node, which told at its start of what was past.
        if records == info.size() {
            continue;
        }
        let linked = reader.linked(records).unwrap();
        assert_eq!((line["seq"].as_u64(), linked.link), (Some(records), Link::of(&header)));
        assert_eq!(line["link"].as_str(), Some(linked.link.to_string().as_str()));
        records += 1;
    }
    assert_eq!(records, info.size());
    assert!(lines.lines().last().unwrap().contains("\"complete\":true"));
}

#[test]
fn frozen_folders_go_on() {
    for folder in folders() {
        let frozen = Frozen::at(&folder);
        let data = frozen.copy("data");
        let mut node = start(&data, frozen.now, 5, "Asia/Tokyo");
        assert!(!node.rebuilt, "the index is taken as it is");
        frozen.answers(&node.base);

        let checkpoint = frozen.checkpoint();
        let controller = Origin::parse(&checkpoint.origin).unwrap().controller();
        let before = frozen.size(controller.as_str());
        assert!(checkpoint.size < before);
        let mut drawn = Drawn::new(77);
        let newcomer = Controller::new("newcomer").unwrap();
        report(&mut node, &mut drawn, &[controller.clone(), newcomer], 40);
        let info = node.trail(&controller);
        node.merge(&info, info.size() - 5);
        frozen.finds(&node.base);
        node.guard();

        let head = info.guarded().unwrap();
        assert!(head.size > before && head == info.head());
        for size in [before, head.size] {
            let leaves = Leaves::new(&node.base, &info);
            let way = tiles::consistency_proof(&leaves, checkpoint.size, size).unwrap();
            let root = node.base.root(&info, size).unwrap().root;
            verify_consistency(checkpoint.size, &checkpoint.root, size, &root, &way).unwrap();
        }
        assert_eq!(proof::sign(&node.base, &info, head).unwrap().verification_key, frozen.vkey().to_string());
        let now = node.now;
        node.close();
        drop(info);

        let base = read(&data, now, true);
        let seen = verify(&base, |_, _, _| {});
        assert_eq!(seen.findings, [], "{}", folder.display());
        assert_eq!(seen.trails.len(), frozen.expected["trails"].as_array().unwrap().len() + 1);
    }
}

#[test]
fn a_frozen_index_is_built_anew() {
    for folder in folders() {
        let frozen = Frozen::at(&folder);
        let data = frozen.copy("data");
        std::fs::remove_dir_all(data.join("index")).unwrap();
        let mut node = start(&data, frozen.now, 5, "UTC");
        assert!(node.behind);
        node.indexer.flush().unwrap();
        frozen.answers(&node.base);
        assert_eq!(verify(&node.base, |_, _, _| {}).findings, []);
    }
}

#[test]
fn the_verifier_in_python_agrees() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip(
            "the_verifier_in_python_agrees",
            "AKTA_PYTHON does not name a Python with the verifier's packages",
        );
    };
    for folder in folders() {
        let frozen = Frozen::at(&folder);
        let today = frozen.expected["today"].as_str().unwrap();
        let run = |command: &str, what: &Path, more: &[&str]| -> Value {
            let mut verifier = Command::new(&python);
            verifier.current_dir(env!("CARGO_MANIFEST_DIR"));
            verifier.envs([("PYTHONPATH", "tests"), ("PYTHONDONTWRITEBYTECODE", "1")]);
            verifier.args(["-m", "verifier", command]).arg(what).args(["--today", today, "--json", "--checkpoint"]);
            verifier.arg(folder.join("checkpoint")).args(["--vkey", &frozen.vkey().to_string()]).args(more);
            let output = verifier.output().unwrap();
            assert!(output.status.success(), "{}", shown(&output));
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let kek = folder.join("kek");
        let found = run("folder", &frozen.copy("data"), &["--kek-file", kek.to_str().unwrap()]);
        assert_eq!((&found["verdict"], &found["opened"]), (&Value::from("good"), &Value::from(true)));
        let trails = frozen.expected["trails"].as_array().unwrap();
        assert_eq!(found["trails"].as_array().unwrap().len(), trails.len());
        let named = |parts: &Value| ["intact", "expired", "sealed"].map(|state| parts[state].as_u64());
        for expected in trails {
            let mut all = found["trails"].as_array().unwrap().iter();
            let trail = all.find(|trail| trail["origin"] == expected["origin"]).unwrap();
            for name in ["size", "notices", "root", "people", "postings"] {
                assert_eq!(trail[name], expected[name], "{name} of {}", expected["origin"]);
            }
            assert_eq!(named(&trail["parts"]), named(&expected["parts"]), "parts of {}", expected["origin"]);
        }
        let found = run("export", &folder.join("export.jsonl"), &[]);
        assert_eq!(found["verdict"], "good", "{found}");
    }
}
