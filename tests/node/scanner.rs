//! Looks for planted values in a data folder: in its files, and in all of its rows, packed or not, in many forms.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::{Path, PathBuf};

use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Scan, Store};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::support::data;

/// A value that must not be found, and what it is.
pub(crate) struct Planted {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) what: String,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file, relative to the scanned folder.
    File(PathBuf),
    /// A row of a family: in its key, or in its value.
    Row(Family, &'static str),
    /// A row of a column family of a database's folder.
    Raw(&'static str, String),
}

pub(crate) fn assert_none(place: &str, found: Vec<Found>, allowed: impl Fn(&Found) -> bool) {
    let bad: Vec<_> = found.into_iter().filter(|found| !allowed(found)).collect();
    assert!(bad.is_empty(), "{} planted values {place}:\n{}", bad.len(), lines(&bad));
}

fn lines(found: &[Found]) -> String {
    found.iter().map(|found| format!("{found:?}")).collect::<Vec<_>>().join("\n")
}

/// Puts a marker into a family in three ways, expects the scan to find each, and removes it again.
pub(crate) fn assert_found(folder: &Path, family: Family, marker: &Planted) {
    let home = Database::ALL.into_iter().find(|database| database.families().contains(&family)).unwrap();
    let in_key = [b"key ".as_slice(), &marker.bytes].concat();
    let mut packer = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY).unwrap();
    let packed = [b"before", packer.compress(&marker.bytes.repeat(3)).unwrap().as_slice(), b"behind"].concat();
    let rows = [
        (b"plain key".to_vec(), marker.bytes.clone(), "value"),
        (in_key, b"plain value".to_vec(), "key"),
        (b"plain key".to_vec(), packed, "value"),
    ];
    for (key, value, side) in rows {
        change(folder, home, |batch| batch.put(family, key.clone(), value));
        let found = scan_files(folder, std::slice::from_ref(marker));
        let home_folder = Path::new("data").join(home.folder());
        let in_table = |path: &Path| path.starts_with(&home_folder) && path.extension().is_some_and(|end| end == "sst");
        let tables = |found: &Found| matches!(&found.place, Place::File(path) if in_table(path));
        assert!(found.iter().any(tables), "the marker is not found in the tables of {home:?}: {found:?}");
        let there = Found { what: marker.what.clone(), place: Place::Row(family, side) };
        assert_eq!(scan_rows(folder, std::slice::from_ref(marker)), [there]);
        let raw = Found { what: marker.what.clone(), place: Place::Raw(home.folder(), family.name().to_owned()) };
        assert_eq!(scan_raw(folder, std::slice::from_ref(marker)), [raw]);
        change(folder, home, |batch| batch.remove(family, key));
    }
}

/// Puts all of these into one row, expects each scan to find every one, and removes it again.
pub(crate) fn assert_all_found(folder: &Path, family: Family, markers: &[Planted]) {
    let home = Database::ALL.into_iter().find(|database| database.families().contains(&family)).unwrap();
    let value: Vec<u8> = markers.iter().flat_map(|marker| [marker.bytes.as_slice(), b"\0"].concat()).collect();
    change(folder, home, |batch| batch.put(family, b"plain key", value));
    let want: Vec<_> = markers.iter().map(|marker| marker.what.clone()).collect();
    for (place, found) in [
        ("in files", scan_files(folder, markers)),
        ("in rows", scan_rows(folder, markers)),
        ("in rows, past Akta", scan_raw(folder, markers)),
    ] {
        let missing: Vec<_> = want.iter().filter(|what| !found.iter().any(|found| found.what == **what)).collect();
        // Tables are packed: of what repeats itself not all stands there in clear.
        assert!(missing.is_empty() || place == "in files" && missing.len() < want.len(), "{place}: {missing:?}");
    }
    change(folder, home, |batch| batch.remove(family, b"plain key"));
}

/// Changes rows of a database past all of Akta, and compacts it.
fn change(folder: &Path, home: Database, change: impl FnOnce(&mut Batch)) {
    let store = RocksStore::open(&data(folder), home).unwrap();
    let mut batch = Batch::default();
    change(&mut batch);
    store.commit(batch).unwrap();
    store.compact().unwrap();
}

/// Every file below `folder`, whatever it is for: databases, keyring, lock, the node's own log.
pub(crate) fn scan_files(folder: &Path, planted: &[Planted]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            count += 1;
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            let hits = look(&std::fs::read(entry.path()).unwrap(), planted);
            found.extend(hits.into_iter().map(|what| Found { what, place: Place::File(path.clone()) }));
        }
    }
    assert!(count > 12, "three databases are more than {count} files");
    by_chance_removed(found, planted)
}

/// Every key and every value of every family, as RocksDB gives them back.
pub(crate) fn scan_rows(folder: &Path, planted: &[Planted]) -> Vec<Found> {
    let mut found = Vec::new();
    for database in Database::ALL {
        let store = RocksStore::open(&data(folder), database).unwrap();
        for family in database.families() {
            let mut rows = 0;
            for row in store.scan(Scan::all(*family)) {
                let (key, value) = row.unwrap();
                rows += 1;
                for (side, bytes) in [("key", key), ("value", value)] {
                    let hits = look(&bytes, planted).into_iter();
                    found.extend(hits.map(|what| Found { what, place: Place::Row(*family, side) }));
                }
            }
            // The tree has rows of its own from 256 records on: hashes of headers. Holds are looked at in `kept`.
            assert!(
                rows > 0 || matches!(family, Family::Tree | Family::Held | Family::Removal),
                "the family {} is empty: nothing was looked at",
                family.name()
            );
        }
    }
    by_chance_removed(found, planted)
}

/// Four bytes turn up by chance among sealed bytes once in some thousand runs. Each address of version 4 was recorded
/// alike, so if one of them lies in clear, all of them do: only then is it a find.
fn by_chance_removed(found: Vec<Found>, planted: &[Planted]) -> Vec<Found> {
    let short = |found: &Found| found.what.starts_with(SHORT);
    let mut kinds: Vec<&str> = found.iter().filter(|found| short(found)).map(|found| found.what.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let all = kinds.len() == planted.iter().filter(|planted| planted.what.starts_with(SHORT)).count();
    found.into_iter().filter(|found| all || !short(found)).collect()
}

/// What of the planted values stands in these bytes, as it is or packed with zstd: a frame that is packed but not
/// sealed shows little in clear, and yet anybody can read it.
pub(crate) fn look(bytes: &[u8], planted: &[Planted]) -> Vec<String> {
    let mut found = look_plain(bytes, planted);
    for at in 0..bytes.len().saturating_sub(4) {
        if bytes[at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let packed = look_plain(&unpack(&bytes[at..]), planted);
            found.extend(packed.into_iter().filter(|what| !found.contains(what)).collect::<Vec<_>>());
        }
    }
    found
}

/// What the zstd frame at the start of these bytes unpacks to; as much of it as there is.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::with_dictionary(bytes, DICTIONARY) {
        let _ = decoder.single_frame().take(16 << 20).read_to_end(&mut plain);
    }
    plain
}

fn look_plain(bytes: &[u8], planted: &[Planted]) -> Vec<String> {
    let mut by_start: Vec<Vec<&Planted>> = vec![Vec::new(); 1 << 16];
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    for planted in planted {
        by_start[start(&planted.bytes)].push(planted);
    }
    let mut found: Vec<String> = Vec::new();
    for at in 0..bytes.len().saturating_sub(1) {
        let rest = &bytes[at..];
        for planted in &by_start[start(rest)] {
            if rest.starts_with(&planted.bytes) && !found.contains(&planted.what) {
                found.push(planted.what.clone());
            }
        }
    }
    found
}

/// The dictionary that frames are packed with.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("../../src/model/dictionary-1.zstd");

/// Other forms in which bytes may be written down. A last character that depends on what follows is left out.
pub(crate) fn coded(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let [mut standard, mut url] = [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    if !bytes.len().is_multiple_of(3) {
        standard.pop();
        url.pop();
    }
    vec![("hex", hex.clone()), ("hex in capitals", hex.to_uppercase()), ("base64", standard), ("base64 for URLs", url)]
}

/// How the names of values of four bytes begin.
pub(crate) const SHORT: &str = "IPv4 (bytes)";

/// Compacts every database of a data folder, so that little is left in logs; and names bounds of what is there alone.
pub(crate) fn compact(folder: &Path) {
    for database in Database::ALL {
        // The first opening compacts; the second writes a new MANIFEST, without the bounds of files that are gone.
        for _ in 0..2 {
            let store = RocksStore::open(&data(folder), database).unwrap();
            store.flush().unwrap();
            store.compact().unwrap();
        }
    }
}

/// Every row of every column family that a database says it has, as RocksDB gives it back without anything of Akta.
pub(crate) fn scan_raw(folder: &Path, planted: &[Planted]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut rows = 0;
    for database in Database::ALL {
        let path = data(folder).join(database.folder());
        let options = rocksdb::Options::default();
        let families = rocksdb::DB::list_cf(&options, &path).unwrap();
        let db = rocksdb::DB::open_cf_for_read_only(&options, &path, &families, false).unwrap();
        for family in &families {
            let handle = db.cf_handle(family).unwrap();
            for row in db.iterator_cf(&handle, rocksdb::IteratorMode::Start) {
                let (key, value) = row.unwrap();
                rows += 1;
                // Together, so that what runs from the one into the other is found too.
                let hits = look(&[key, value].concat(), planted).into_iter();
                let place = Place::Raw(database.folder(), family.clone());
                found.extend(hits.map(|what| Found { what, place: place.clone() }));
            }
        }
    }
    assert!(rows > 100, "only {rows} rows were looked at");
    by_chance_removed(found, planted)
}

/// A text in all forms in which somebody may have written it down.
pub(crate) fn every_form(text: &str) -> Vec<Planted> {
    let named = |form: &str, bytes: Vec<u8>| Planted { what: format!("{text} ({form})"), bytes };
    let mut planted = vec![Planted { what: text.to_owned(), bytes: text.as_bytes().to_vec() }];
    planted.extend(coded(text.as_bytes()).into_iter().map(|(form, coded)| named(form, coded.into_bytes())));
    let units: Vec<u16> = text.encode_utf16().collect();
    planted.push(named("UTF-16, little end first", units.iter().flat_map(|unit| unit.to_le_bytes()).collect()));
    planted.push(named("UTF-16, big end first", units.iter().flat_map(|unit| unit.to_be_bytes()).collect()));
    planted.push(named("backwards", text.chars().rev().collect::<String>().into_bytes()));
    planted.push(named("backwards, by bytes", text.bytes().rev().collect()));
    planted.push(named("small", text.to_lowercase().into_bytes()));
    planted.push(named("in capitals", text.to_uppercase().into_bytes()));
    if let Some((name, domain)) = text.split_once('@') {
        let plain: String = name.chars().filter(|c| *c != '.').collect();
        let domains: Vec<&str> = domain.split('.').rev().collect();
        planted.push(named("without dots", format!("{plain}@{domain}").into_bytes()));
        planted.push(named("domain first", format!("{domain}@{name}").into_bytes()));
        planted.push(named("domain backwards", format!("{}@{name}", domains.join(".")).into_bytes()));
    }
    let mut seen = std::collections::BTreeSet::new();
    planted.retain(|planted| seen.insert(planted.bytes.clone()));
    planted
}
