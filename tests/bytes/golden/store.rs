//! Golden rows of a whole store: a node records three events, reads its trail once, merges, and every row of every
//! family, the keyring and the guard are as they were. Vault rows and the keyring also stand opened.
//!
//! Randomness here depends on the number of bytes asked for alone, so that who asks first does not matter; the first
//! keyring has drawn keys.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use akta::env::{Entropy, ManualClock, SeededEntropy};
use akta::grpc::{api, convert};
use akta::model::caller::Caller;
use akta::model::date::{Date, Timestamp};
use akta::model::frame::Builder;
use akta::model::identity::identity_bytes;
use akta::model::origin::Controller;
use akta::model::seal::{Key, Use};
use akta::model::stored::{Keyring as Message, Purpose, VaultAccount};
use akta::store::disk::Disk;
use akta::store::files::MemoryFiles;
use akta::store::memory;
use akta::store::space::Scripted;
use akta::store::{Database, Family, Scan, Store};
use akta::trail::ask::{Asked, Ground, log_access};
use akta::trail::base::World;
use akta::trail::keyring::{Kek, Keyring};
use akta::trail::submission::Submission;
use akta::trail::trails::Info;
use prost::Message as _;

use super::records::OPENED;
use super::sealed::{bare, full, register};
use super::sheet::{Sheet, hex};
use crate::node::{Node, trails};
use crate::served;

/// The same bytes for the same number of bytes.
struct ByLength;

impl Entropy for ByLength {
    fn fill(&self, bytes: &mut [u8]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.finalize_xof().fill(bytes);
    }
}

fn school() -> Controller {
    Controller::new("school-12").unwrap()
}

/// A node in memory that recorded all of it.
fn node() -> Node {
    let store = || Arc::new(memory::Disk::new().open()) as Arc<dyn Store>;
    let files = Arc::new(MemoryFiles::new());
    Keyring::open(files.clone(), Kek::dev(), &SeededEntropy::new(1), 0).unwrap();
    let disk = Disk {
        db: store(),
        vault: store(),
        index: store(),
        files,
        guard: Arc::new(MemoryFiles::new()),
        space: Arc::new(Scripted::default()),
    };
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(OPENED)));
    let world = World { clock: clock.clone(), entropy: Arc::new(ByLength) };
    let mut node = Node::start(disk, Kek::dev(), "Europe/Warsaw", (world, clock)).unwrap();
    let events = |messages: Vec<api::Event>| {
        let events = messages.into_iter().map(|message| convert::event(Some(message)).unwrap().1).collect();
        vec![Submission { controller: school(), events, may_open: true }]
    };
    node.record(events(vec![full(), bare()]));
    node.record(events(vec![register()]));
    let read = log_access(
        &Caller::dev(),
        &Ground { purpose: Purpose::Security as i32, text: "T-18".to_owned() },
        [0xee; 16],
        Asked { call: "SearchEvents", shape: "subject".to_owned(), export: false },
        3,
    );
    node.record(vec![Submission { controller: school(), events: vec![read], may_open: false }]);
    let info = node.trail(&school());
    node.merge(&info, 4);
    node.settle();
    node.guard();
    node
}

fn rows(store: &dyn Store, family: Family) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(Scan::all(family)).map(|row| row.map(|(key, value)| (key.into(), value.into())).unwrap()).collect()
}

fn number<const N: usize>(key: &[u8], at: usize) -> [u8; N] {
    key[at..at + N].try_into().unwrap()
}

#[test]
fn a_store_is_golden() {
    let node = node();
    let mut sheet = Sheet::new("store");
    let infos = trails(&node.base).unwrap();
    for (database, store) in
        [(Database::Db, &node.disk.db), (Database::Vault, &node.disk.vault), (Database::Index, &node.disk.index)]
    {
        for family in database.families() {
            let rows = rows(store.as_ref(), *family);
            sheet.about(&format!("{}/ {}: {} rows", database.folder(), family.name(), rows.len()));
            // No tree is as large as a row of the tree needs: evidence.txt has one. Nothing is under hold and nobody
            // is being removed: messages.txt and keys.txt have what is in such rows.
            assert_eq!(rows.is_empty(), matches!(family, Family::Tree | Family::Held | Family::Removal), "{family:?}");
            for (at, (key, value)) in rows.into_iter().enumerate() {
                let name = format!("{} {at}", family.name());
                sheet.bytes(&format!("{name} key"), &key);
                match family {
                    Family::Part => {
                        let node = &node;
                        let info = infos.iter().find(|info| info.number.to_be_bytes() == key[6..10]).unwrap().clone();
                        sheet.opens(&name, value, move |value| frame(node, &info, &key, value));
                    }
                    Family::Row => {
                        for (half, plain) in halves(&node, &key, &value).into_iter().enumerate() {
                            sheet.bytes(&format!("{name} half {half} opened"), plain);
                        }
                        sheet.bytes(&name, value);
                    }
                    _ => sheet.bytes(&name, value),
                }
            }
        }
    }
    keyring(&node, &mut sheet);
    sheet.about("The file guard.");
    sheet.text("guard", &String::from_utf8(node.disk.guard.read("guard").unwrap().unwrap()).unwrap());
    sheet.check();
}

/// What stands in clear before a frame, and what it opens to.
fn frame(node: &Node, info: &Info, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let date = Date::from_days(u32::from_be_bytes(number(key, 0)));
    let seal = info.date_key(&node.base.keyring, Use::Seal, date)?;
    let frame = Builder::reopen(&seal, &info.link, date, u64::from_be_bytes(number(key, 10)), value).ok()?;
    Some([value.get(..18)?, &frame.pack().1].concat())
}

/// Both halves of a vault row, opened by the page alone.
fn halves(node: &Node, key: &[u8], value: &[u8]) -> [Vec<u8>; 2] {
    let bucket = u16::from_be_bytes(number(key, 0));
    let bucket_key = node.base.keyring.bucket_keys(bucket).unwrap().now;
    let controller = node.trail(&school()).key.clone();
    let vault_key = Key::derive("akta v1 vault key", &[bucket_key.bytes(), controller.bytes()]);
    let length = usize::from(u16::from_be_bytes(number(value, 1)));
    let (account, contact) = value[3..].split_at(length);
    let open = |half: u8, sealed: &[u8]| match sealed {
        [] => Vec::new(),
        sealed => vault_key.open(&[&[1, half][..], key].concat(), sealed).unwrap().to_vec(),
    };
    [open(0, account), open(1, contact)]
}

fn keyring(node: &Node, sheet: &mut Sheet<'_>) {
    let file = node.disk.files.read("keyring").unwrap().unwrap();
    let (a, b) = file.split_at(1 << 20);
    assert_eq!((a, b.len()), (b, 1 << 20), "slots are alike, 1 MiB each");
    let length = usize::try_from(u32::from_be_bytes(number(a, 18))).unwrap();
    let sealed = &a[22..22 + length];
    assert!(a[22 + length..].iter().all(|byte| *byte == 0));
    let plain = Key::derive("akta v1 dev kek", &[]).open(&a[..18], sealed).unwrap();
    sheet.about(
        "The file keyring: what stands before the sealed Keyring in a slot; BLAKE3 of the sealed, of the plain.",
    );
    sheet.bytes("keyring slot", &a[..22]);
    sheet.bytes("keyring sealed, hash", blake3::hash(sealed).as_bytes());
    sheet.bytes("keyring plain, hash", blake3::hash(&plain).as_bytes());
    let ring = Message::decode(plain.as_slice()).unwrap();
    sheet.about("Its fields: number of keys, the first, the last.");
    let mut keys = |name: &str, keys: &[u8]| {
        let ends = [&keys[..32], &keys[keys.len() - 32..]].map(hex).join(" ");
        sheet.text(name, &format!("{} {ends}", keys.len() / 32));
    };
    keys("keyring controller_keys", &ring.controller_keys);
    keys("keyring bucket_keys", &ring.bucket_keys);
    keys("keyring lasting_key", &ring.lasting_key);
    keys("keyring signing_seed", &ring.signing_seed);
    for zone in &ring.zones {
        keys(&format!("keyring zone {} from {}", zone.zone, zone.first_date), &zone.keys);
    }
}

/// That the names of rows come from the contexts that keys.txt has.
#[test]
fn rows_are_named_as_the_page_says() {
    let node = node();
    let info = node.trail(&school());
    let lasting = node.base.keyring.lasting_key();
    let mut seen = 0;
    for (key, value) in rows(node.disk.vault.as_ref(), Family::Row) {
        let account = VaultAccount::decode(halves(&node, &key, &value)[0].as_slice()).unwrap();
        let id = if account.id.is_empty() { "anna@example.org" } else { &account.id };
        let identity = identity_bytes(&school(), &account.namespace, id);
        let chosen = Key::derive("akta v1 vault bucket", &[lasting.bytes()]).hash(&identity);
        let bucket = u16::from_be_bytes([chosen[0], chosen[1]]) >> 4;
        let bucket_key = node.base.keyring.bucket_keys(bucket).unwrap().now;
        let domain = u8::try_from(account.domain).unwrap();
        let hash = Key::derive("akta v1 vault row", &[bucket_key.bytes()]).hash(&[&identity[..], &[domain]].concat());
        assert_eq!(key, [&bucket.to_be_bytes()[..], &hash].concat());
        let name = Key::derive("akta v1 vault pseudonym", &[lasting.bytes()]).hash(&account.pseudonym);
        assert_eq!(node.disk.vault.get(Family::Pseudonym, &name).unwrap().as_deref(), Some(&key[..]));
        seen += 1;
    }
    assert_eq!(seen, rows(node.disk.vault.as_ref(), Family::Pseudonym).len());
    let request_key = Key::derive("akta v1 request key", &[info.key.bytes()]);
    let known = rows(node.disk.index.as_ref(), Family::EventId);
    for message in [full(), bare(), register()] {
        let (_, event) = convert::event(Some(message)).unwrap();
        let (_, value) = known.iter().find(|(key, _)| key[8..] == event.core.event_id).unwrap();
        assert_eq!(value[8..], request_key.hash(event.request())[..16]);
    }
}

#[test]
fn export_lines_are_golden() {
    let node = node();
    let export = served::export(&node, &school());
    let mut sheet = Sheet::new("export");
    sheet.about("akta export of that store's school: a line for each record, then what came.");
    let (mut records, mut checkpoints) = (0, 0);
    for line in export.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(checkpoint) = value.get("checkpoint") {
            // Of whatever size the guard had reached: evidence.txt has one.
            checkpoints += 1;
            let names: Vec<_> = checkpoint.as_object().unwrap().keys().map(String::as_str).collect();
            sheet.text("fields of checkpoint", &names.join(" "));
            sheet.text("old size", &checkpoint["consistency"]["old_size"].to_string());
            sheet.text("verification key", checkpoint["verification_key"].as_str().unwrap());
        } else if value.get("end").is_some() {
            sheet.text("end", line);
        } else {
            sheet.text(&format!("record {records}"), line);
            records += 1;
        }
    }
    assert_eq!((records, checkpoints), (5, 1));
    sheet.check();
}
