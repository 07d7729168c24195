//! Makes a folder that is kept for ever: a data folder of the format at hand, with what it must say.
//!
//! ```text
//! format-N/data/          db/ vault/ index/ keyring guard LOCK     without RocksDB's own LOG, LOCK and OPTIONS
//! format-N/kek            the key-encryption key, base64: made for this folder, protects nothing
//! format-N/checkpoint     a signed note of the first trail, older than its last record
//! format-N/vkey           the key that signed it
//! format-N/export.jsonl   what `akta export` wrote of that trail
//! format-N/expected.json  what stands in the folder, and when it is read
//! ```
//!
//! Three sessions under fixed seeds and a fixed clock: parts of the first are past by then; two zones; the last session
//! is cut off, so that rows stand in the logs alone. The keyring is as it is on disk, 2 MiB: the keys in it do not shrink.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use akta::model::date::{Date, Timestamp, Zone};
use akta::model::origin::Controller;
use akta::model::policy::Class;
use akta::model::seal::Key;
use akta::model::stored::NoticeCore;
use akta::store::disk::Disk;
use akta::store::{Family, Scan};
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::meta::FORMAT;
use akta::trail::proof;
use akta::trail::verify::verify;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::{Value, json};

use crate::decided;
use crate::events::{Drawn, report};
use crate::expected;
use crate::node::{Node, copy, settings, world};
use crate::served;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const SEED: u64 = 1_001;
/// Noon UTC, after the last record: the same day in every zone of the folder.
const READ: &str = "2026-09-14T12:00:00Z";

/// Kinds of notices that there are.
const KINDS: usize = 17;

/// What the folder is asked for; by action: LOGIN, UPDATE.
fn questions(drawn_id: &str) -> Vec<Value> {
    let of = |controller: &str, fields: Value| {
        let mut question = fields.as_object().unwrap().clone();
        question.insert("controller".to_owned(), controller.into());
        Value::Object(question)
    };
    vec![
        of("school-12", json!({"subject": "pupil:pupil-3"})),
        of("school-12", json!({"actor": "staff:staff-4"})),
        of("school-12", json!({"on_behalf_of": "guardian:parent3@example.org"})),
        of("school-12", json!({"ip": "192.0.2.5"})),
        of("school-12", json!({"action": 16})),
        of("school-12", json!({"action": 5})),
        of("school-12", json!({"resource_type": "mark-sheet"})),
        of("school-12", json!({"since": "2026-09-11T00:00:00Z", "until": "2026-09-11T12:00:00Z"})),
        of("school-12", json!({"actor": "caller:dev"})),
        of("school-12", json!({"event_id": drawn_id})),
        of("school-7", json!({"subject": "pupil:pupil-5"})),
        of("exchange", json!({"actor": "staff:staff-1"})),
    ]
}

/// The KEK of frozen folders.
pub(crate) fn kek() -> Kek {
    Kek::new(Key::new(kek_bytes()))
}

fn kek_bytes() -> [u8; 32] {
    *blake3::hash(b"the public key of frozen folders").as_bytes()
}

/// Opens a folder for writing, as a start does.
pub(crate) fn start(data: &Path, now: Timestamp, seed: u64, zone: &str) -> Node {
    Node::start(Disk::open(data, None).unwrap(), kek(), zone, world(now, seed)).unwrap()
}

/// Opens a folder without writing, with or without its KEK.
pub(crate) fn read(data: &Path, now: Timestamp, keys: bool) -> Base {
    let disk = Disk::open_read_only(data, None).unwrap();
    Base::open_read_only(disk, keys.then(kek), settings("UTC"), world(now, 7).0).unwrap()
}

/// Makes the folder of the format at hand within `folder`.
///
/// # Errors
/// It is there: what was released is never made again.
pub(crate) fn make(folder: &Path) -> Result<std::path::PathBuf, String> {
    let target = folder.join(format!("format-{FORMAT}"));
    if target.exists() {
        return Err(format!("{} is there: a frozen folder is never made again", target.display()));
    }
    let scratch = tempfile::tempdir().unwrap();
    let live = scratch.path().join("live");
    std::fs::create_dir(&live).unwrap();
    std::fs::write(live.join("LOCK"), "").unwrap();
    let (checkpoint, vkey) = record(&live);

    let aside = scratch.path().join("made");
    std::fs::create_dir(&aside).unwrap();
    freeze(&live, &aside.join("data"), scratch.path());
    let write = |name: &str, text: &str| std::fs::write(aside.join(name), text).unwrap();
    write("kek", &format!("{}\n", STANDARD.encode(kek_bytes())));
    write("checkpoint", &checkpoint);
    write("vkey", &format!("{vkey}\n"));

    let now = Timestamp::parse(READ).unwrap();
    let copied = scratch.path().join("exported");
    copy(&live, &copied);
    let node = start(&copied, now, SEED + 9, "UTC");
    write("export.jsonl", &served::export(&node, &Controller::new("school-12").unwrap()));
    write("expected.json", &format!("{:#}\n", expectation(&aside.join("data"), now)));

    // Whole or not at all.
    let beside = folder.join(format!(".format-{FORMAT}.new"));
    std::fs::create_dir_all(folder).unwrap();
    copy_apart(&aside, &beside);
    std::fs::rename(&beside, &target).unwrap();
    Ok(target)
}

/// Three sessions; the checkpoint after the second, with the key that signed it.
fn record(live: &Path) -> (String, String) {
    let schools = ["school-12", "school-7"].map(|name| Controller::new(name).unwrap());
    let mut drawn = Drawn::new(SEED);
    let mut node = start(live, Timestamp::parse("2026-09-01T09:00:00Z").unwrap(), SEED, "Europe/Warsaw");
    // Its core is past when the folder is read.
    node.record(vec![drawn.import(&schools[0], node.now, 5)]);
    report(&mut node, &mut drawn, &schools, 50);
    decided::all_kinds(&mut node, &schools[0], 100);
    decided::chooses(&mut node, &schools[0]);
    decided::holds(&mut node, &schools[0], 200);
    report(&mut node, &mut drawn, &schools, 50);
    for school in &schools {
        let info = node.trail(school);
        node.merge(&info, info.size() * 3 / 4);
    }
    node.guard();
    node.replace_signing_key();
    // There and back: the folder has one KEK.
    for kek in [Kek::new(Key::new([9; 32])), kek()] {
        node.replace_kek(kek);
    }
    let now = node.now;
    node.close();

    drawn.term = 1;
    let mut node = start(live, now.plus(9 * DAY), SEED + 1, "America/New_York");
    let exchange = Controller::new("exchange").unwrap();
    decided::alone(&mut node, &schools[0], 100);
    report(&mut node, &mut drawn, &[schools[0].clone(), schools[1].clone(), exchange.clone()], 90);
    decided::all_kinds(&mut node, &schools[1], 100);
    let info = node.trail(&schools[0]);
    node.merge(&info, info.size() - 20);
    node.guard();
    let signed = proof::sign(&node.base, &info, info.guarded().unwrap()).unwrap();
    let now = node.now;
    node.close();

    drawn.term = 2;
    let mut node = start(live, now.plus(DAY / 24), SEED + 2, "UTC");
    report(&mut node, &mut drawn, &[schools[0].clone(), exchange], 20);
    // Cut off: what was recorded now stands in the logs.
    node.settle();
    node.guard();
    assert!(node.now < Timestamp::parse(READ).unwrap(), "it is read after the last record");
    (signed.note, signed.verification_key)
}

/// Copies what counts, and nothing that tells where it was made.
fn freeze(from: &Path, to: &Path, place: &Path) {
    std::fs::create_dir(to).unwrap();
    let place = place.to_string_lossy().into_owned();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (name, path) = (entry.file_name().into_string().unwrap(), entry.path());
        if path.is_dir() {
            freeze(&path, &to.join(&name), Path::new(&place));
        } else if !(name.starts_with("LOG")
            || name.starts_with("OPTIONS-")
            || (name == "LOCK" && path.with_file_name("CURRENT").exists()))
        {
            let bytes = std::fs::read(&path).unwrap();
            let told = bytes.windows(place.len()).any(|window| window == place.as_bytes());
            assert!(!told, "{name} tells where it was made");
            std::fs::write(to.join(&name), bytes).unwrap();
        }
    }
}

/// Copies without links: a kept folder must share no file with what is written to, and may lie on another volume.
pub(crate) fn copy_apart(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_apart(&entry.path(), &target),
            false => _ = std::fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// What the folder says, and that it is as rich as it should be.
fn expectation(data: &Path, now: Timestamp) -> Value {
    let looked = tempfile::tempdir().unwrap();
    let copied = looked.path().join("data");
    copy(data, &copied);
    let base = Arc::new(read(&copied, now, true));
    let report = verify(&base, |_, _, _| {});
    assert_eq!(report.findings, []);
    assert!(report.trails.iter().any(|trail| trail.groups_held > 0), "nothing is held");
    rich(&base);
    let trails = expected::trails(&report);
    let size = |controller: &str| {
        let named = report.trails.iter().find(|trail| trail.origin.split('/').nth(1) == Some(controller));
        named.unwrap().size
    };
    let id = last_event_id(&base);
    let asked = questions(&id);
    let searches: Vec<_> = asked
        .iter()
        .map(|asked| expected::answered(&base, asked, size(asked["controller"].as_str().unwrap())))
        .collect();
    for answer in &searches {
        assert!(!answer["seqs"].as_array().unwrap().is_empty(), "nothing is found by {answer}");
    }
    json!({
        "format": FORMAT, "read_at": READ, "today": READ.split('T').next(),
        "made_by": format!("akta {}", env!("CARGO_PKG_VERSION")), "trails": trails, "searches": searches,
    })
}

/// The id of the newest event of the first school that is known by its id.
fn last_event_id(base: &Base) -> String {
    let info = base.trail(&Controller::new("school-12").unwrap()).unwrap().unwrap();
    let mut reader = akta::trail::reader::Reader::new(base, &info, base.today(&info.zone));
    let record = reader.record(info.size() - 1).unwrap();
    uuid::Uuid::from_slice(&record.contents.core.unwrap().event_id).unwrap().to_string()
}

/// Every family has rows, every class records, both zones parts, and something is past.
fn rich(base: &Base) {
    let keys = |family| {
        let store = match family {
            Family::Counter => &base.index,
            _ => &base.db,
        };
        store.scan(Scan::all(family)).map(|row| row.unwrap().0).collect::<Vec<_>>()
    };
    for family in [Family::Header, Family::Part, Family::Notice, Family::Tree, Family::Meta] {
        assert!(!keys(family).is_empty(), "{family:?} has no rows");
    }
    let counters = keys(Family::Counter);
    for class in Class::ALL {
        let number = u16::from(class as u8).to_be_bytes();
        assert!(counters.iter().any(|key| key[8..10] == number), "no record of {class:?}");
    }
    let zones: std::collections::BTreeSet<_> = keys(Family::Part).iter().map(|key| key[4..6].to_vec()).collect();
    assert!(zones.len() >= 2, "one zone alone");
    let today = Zone::named("Europe/Warsaw").unwrap().date(base.now()).days();
    let kinds: std::collections::BTreeSet<_> = base
        .db
        .scan(Scan::all(Family::Notice))
        .map(|row| NoticeCore::decode(&*row.unwrap().1).unwrap().kind.as_ref().map(std::mem::discriminant))
        .map(|kind| format!("{kind:?}"))
        .collect();
    assert_eq!(kinds.len(), KINDS, "{kinds:?}");
    let past = keys(Family::Part).iter().any(|key| u32::from_be_bytes(key[..4].try_into().unwrap()) <= today);
    let merged = base.db.first(Scan::prefix(Family::Meta, b"merged/")).unwrap();
    assert!(past && merged.is_some() && Date::from_days(today) > Date::NEVER);
}
