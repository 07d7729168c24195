//! Exports of trails of every shape: the stranger sees in them what Akta sees in the folder, and finds what was altered.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use akta::cli::random::Random;
use akta::config::Listen;
use akta::model::date::Timestamp;
use akta::model::header::Kind;
use akta::model::record::Verdict;
use akta::server::{Options, Server};
use akta::store::disk::Disk;
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::reader::Reader;
use akta::trail::trails::Info;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::opinion::{Opinion, Trail};

use super::{run, shape};
use crate::node::{settings, trails, world};
use crate::tamper::TORTURE;

/// What of a line is proof, or is compared with the proof. All else is for reading: names that the vault gives, which
/// nothing in the file proves, and what the opened parts say as well.
const PROVED: [&str; 38] = [
    "a line, removed",
    "a line, twice",
    "two lines, swapped",
    "origin",
    "seq",
    "link",
    "header",
    "parts.part",
    "parts.expires_on",
    "parts.verdict",
    "openings.part",
    "openings.index",
    "openings.salt",
    "openings.content",
    "notice",
    "controller",
    "class",
    "event_id",
    "action",
    "outcome",
    "purpose",
    "occurred_at",
    "recorded_at",
    "resource_type",
    "ip",
    "actor.pseudonym",
    "on_behalf_of.pseudonym",
    "subjects.pseudonym",
    "checkpoint.note",
    "checkpoint.size",
    "checkpoint.verification_key",
    "checkpoint.consistency.old_size",
    "checkpoint.consistency.hashes",
    "end.origin",
    "end.records",
    "end.size",
    "end.head",
    "end.complete",
];

/// Whether the alteration must be found. Of an export that was narrowed nobody can tell how much was searched.
fn must_be_found(what: &str, whole: bool) -> bool {
    match what {
        "end.size" => whole,
        _ => PROVED.contains(&what),
    }
}

#[test]
fn exports_show_what_the_folder_holds_and_no_less() {
    let count = if *TORTURE { 20 } else { 4 };
    let altered = if *TORTURE { 300 } else { 60 };
    let tally = Mutex::new(BTreeMap::<String, u32>::new());
    let wrong = run("exports_show_what_the_folder_holds_and_no_less", count, |stranger, seed| {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let made = shape::make(&data, 1_000 + 16 * seed, 0);
        if made.marks.contains(&shape::Mark::NoGuard) {
            return Ok(());
        }
        let exports = export(folder.path(), &data);
        let now = Timestamp::of_system(SystemTime::now());
        let disk = Disk::open_read_only(&data, None).unwrap();
        let base = Base::open_read_only(disk, Some(Kek::dev()), settings("UTC"), world(now, 1).0).unwrap();
        for (file, whole) in &exports {
            let said = stranger.export(file, now);
            if said["verdict"] != "good" {
                return Err(format!("{}: {:?}", file.display(), Opinion::of_stranger(&said).shown()));
            }
            let seen = Opinion::of_stranger(&said).trails;
            if *whole {
                let (origin, there) = seen.into_iter().next().unwrap();
                let here = sight(&base, &origin, there.size);
                if here != there {
                    return Err(format!("{origin}: {here:?}\n  the export: {there:?}"));
                }
            }
            count_up(&tally, if *whole { "whole exports agreed" } else { "narrowed exports good" });
        }
        let random = &mut Random::new(seed);
        // One that cannot be served has nothing to alter.
        let turns = if exports.is_empty() { 0 } else { altered };
        for turn in 0..turns {
            let (file, whole) = &exports[random.index(exports.len())];
            let text = std::fs::read_to_string(file).unwrap();
            let Some((what, text)) = alter(&text, random) else { continue };
            let copy = folder.path().join("altered.jsonl");
            std::fs::write(&copy, text).unwrap();
            let said = stranger.export(&copy, now);
            let opinion = Opinion::of_stranger(&said);
            let proved = must_be_found(&what, *whole);
            count_up(&tally, &format!("{what}: {}", if opinion.found { "found" } else { "not found" }));
            if said["verdict"] == "refused" || opinion.found != proved {
                let words = opinion.shown();
                return Err(format!(
                    "turn {turn}: {what} was altered in {}: {} {words}",
                    file.display(),
                    said["verdict"]
                ));
            }
        }
        Ok(())
    });
    let Some(wrong) = wrong else { return };
    let tally = tally.into_inner().unwrap();
    println!("{tally:#?}");
    assert!(wrong.is_empty(), "{} of {count} folders:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tally["whole exports agreed"] >= 4 && tally["narrowed exports good"] >= 2, "{tally:?}");
}

fn count_up(tally: &Mutex<BTreeMap<String, u32>>, what: &str) {
    *tally.lock().unwrap().entry(what.to_owned()).or_default() += 1;
}

/// Serves the folder and exports the first two trails of schools, the first also narrowed; which of the files are whole.
fn export(folder: &Path, data: &Path) -> Vec<(PathBuf, bool)> {
    let socket = folder.join("socket");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = Options {
        data: data.to_owned(),
        guard: None,
        listen: Listen::Unix(socket.clone()).into(),
        kek: Kek::dev(),
        settings: settings("Europe/Warsaw"),
        access: akta::config::Access::Everybody,
        places: akta::model::recipient::Places::default(),
        copies: None,
        dev: false,
        clock: Arc::new(akta::env::SystemClock),
    };
    let server = runtime.block_on(Server::start(options)).unwrap();
    let mut files = Vec::new();
    for (controller, since) in [("school-0", None), ("school-1", None), ("school-0", Some("2025-03-30"))] {
        let file = folder.join(format!("{controller}-{}.jsonl", since.unwrap_or("whole")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_akta"));
        command.args(["export", "--purpose", "security", "--controller", controller, "--output"]).arg(&file);
        command.arg("--server").arg(format!("unix:{}", socket.display()));
        command.args(since.into_iter().flat_map(|since| ["--since", since]));
        let output = command.output().unwrap();
        // Not every folder has a second trail.
        if output.status.success() {
            files.push((file, since.is_none()));
        } else {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // One whose clock was ahead of the real one, by which it is served, cannot record that it is read.
            let expected = ["no such controller", "clock is more than a day behind the trail"];
            assert!(expected.iter().any(|expected| said.contains(expected)), "{controller}: {said}");
        }
    }
    runtime.block_on(server.stop());
    files
}

/// What Akta sees of the first `size` records of a trail.
fn sight(base: &Base, origin: &str, size: u64) -> Trail {
    let infos = trails(base).unwrap();
    let info: &Info = infos.iter().find(|info| info.origin.as_str() == origin).unwrap();
    let mut reader = Reader::new(base, info, base.today(&info.zone));
    let mut seen = Trail { size, root: STANDARD.encode(base.root(info, size).unwrap().root.0), ..Trail::default() };
    for seq in 0..size {
        let record = reader.record(seq).unwrap();
        seen.head = STANDARD.encode(record.link.0);
        match record.header.kind {
            Kind::Event => seen.events += 1,
            Kind::Notice => seen.notices += 1,
        }
        for verdict in &record.verdicts {
            match verdict {
                Verdict::Intact => seen.intact += 1,
                // What holds keep is not in an export.
                Verdict::Expired | Verdict::Held => seen.expired += 1,
                Verdict::Sealed => seen.sealed += 1,
                Verdict::Erased => panic!("nobody is erased here"),
            }
        }
    }
    seen
}

/// Alters an export in one place: what that is called, and the text; `None` where nothing changes.
fn alter(text: &str, random: &mut Random) -> Option<(String, String)> {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = random.index(lines.len());
    let changed;
    let what = match random.index(8) {
        0 => {
            lines.remove(at);
            "a line, removed".to_owned()
        }
        1 => {
            lines.insert(at, lines[at]);
            "a line, twice".to_owned()
        }
        2 => {
            let other = random.index(lines.len());
            if lines[other] == lines[at] {
                return None;
            }
            lines.swap(at, other);
            "two lines, swapped".to_owned()
        }
        _ => {
            // The last two lines are a kind of their own: they come up more often than their number.
            let at = if random.index(4) == 0 { lines.len() - 1 - random.index(2.min(lines.len())) } else { at };
            let mut line: Value = serde_json::from_str(lines[at]).unwrap();
            let count = leaves(&mut line, "", &mut |_, _| ());
            let (chosen, mut now) = (random.index(count), 0);
            let mut name = String::new();
            leaves(&mut line, "", &mut |path, leaf| {
                if now == chosen {
                    name = path.to_owned();
                    change(leaf, random);
                }
                now += 1;
            });
            changed = line.to_string();
            if changed == lines[at] {
                return None;
            }
            lines[at] = &changed;
            name
        }
    };
    Some((what, lines.iter().map(|line| format!("{line}\n")).collect()))
}

/// Every value within a line, by the names that lead to it; how many.
fn leaves(value: &mut Value, path: &str, each: &mut dyn FnMut(&str, &mut Value)) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, each)
            })
            .sum(),
        Value::Array(items) => items.iter_mut().map(|item| leaves(item, path, each)).sum(),
        leaf => {
            each(path, leaf);
            1
        }
    }
}

fn change(leaf: &mut Value, random: &mut Random) {
    *leaf = match &*leaf {
        Value::String(text) if text.is_empty() => Value::from("x"),
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            let at = random.index(letters.len());
            letters[at] = if letters[at] == '0' { '1' } else { '0' };
            Value::from(letters.into_iter().collect::<String>())
        }
        Value::Number(number) => Value::from(number.as_u64().map_or(0, |number| number.wrapping_add(1))),
        Value::Bool(is) => Value::from(!is),
        other => other.clone(),
    };
}
