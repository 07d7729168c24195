//! A store of a format that this Akta does not know is refused by name, before anything of it is touched.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use akta::model::date::Timestamp;
use akta::store::disk::Disk;
use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Store, keys};
use akta::trail::base::{Base, OpenError};
use akta::trail::keyring::Kek;
use akta::trail::meta::{FORMAT, OLDEST};

use crate::binary::{akta, shown};
use crate::events::{Drawn, report};
use crate::node::{Node, copy, settings, world};

/// A folder of one trail, and copies of it whose row `format` says something else.
struct Made {
    scratch: tempfile::TempDir,
    now: Timestamp,
}

impl Made {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let now = Timestamp::parse("2026-09-01T09:00:00Z").unwrap();
        let data = scratch.path().join("whole");
        std::fs::create_dir(&data).unwrap();
        let mut node = Node::open(&data, now, 1, "UTC").unwrap();
        let school = akta::model::origin::Controller::new("school-12").unwrap();
        report(&mut node, &mut Drawn::new(1), &[school], 5);
        node.close();
        Self { scratch, now }
    }

    fn with(&self, format: &[u8]) -> PathBuf {
        let folder = self.scratch.path().join(format!("format-{}", blake3::hash(format).to_hex()));
        copy(&self.scratch.path().join("whole"), &folder);
        let store = RocksStore::open(&folder, Database::Db).unwrap();
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::META_FORMAT, format);
        store.commit(batch).unwrap();
        store.flush().unwrap();
        folder
    }

    /// Why a start, and a look, are refused: for the same reason.
    fn refused(&self, folder: &Path) -> OpenError {
        let open = |disk| Base::open(disk, Kek::dev(), settings("UTC"), world(self.now, 2).0).map(drop);
        let started = open(Disk::open(folder, None).unwrap()).unwrap_err();
        let disk = Disk::open_read_only(folder, None).unwrap();
        let looked = Base::open_read_only(disk, None, settings("UTC"), world(self.now, 2).0).map(drop).unwrap_err();
        assert_eq!(started.to_string(), looked.to_string());
        started
    }
}

/// What `akta serve` and `akta verify` exit with, and what they say.
fn commands(folder: &Path) -> [(Option<i32>, String); 2] {
    let serve = akta().args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(folder).output().unwrap();
    let verify = akta().arg("verify").arg(folder).arg("--dev").output().unwrap();
    [serve, verify].map(|output| (output.status.code(), shown(&output)))
}

fn files(folder: &Path) -> [Vec<u8>; 2] {
    ["keyring", "guard"].map(|name| std::fs::read(folder.join(name)).unwrap())
}

#[test]
fn an_unknown_format_is_refused_by_name() {
    let made = Made::new();
    // The last one is four characters.
    for format in [0, FORMAT + 1, 77, u32::MAX, u32::from_be_bytes(*b"1.00")] {
        let folder = made.with(&format.to_be_bytes());
        let before = files(&folder);
        let error = made.refused(&folder);
        assert!(matches!(error, OpenError::Format(found) if found == format), "{error}");
        let error = error.to_string();
        for said in [
            format!("the store has format {format} "),
            format!("this akta knows formats {OLDEST} to {FORMAT}:"),
            "use the version of akta that wrote it".to_owned(),
        ] {
            assert!(error.contains(&said), "{error}");
        }
        for (code, said) in commands(&folder) {
            assert_eq!(code, Some(3), "{said}");
            assert!(said.contains(&error), "{said}");
        }
        assert_eq!(files(&folder), before, "refused before anything is touched");
    }
}

/// Looked at, a store of an earlier format stays what it is; started, it becomes one of this, once.
#[test]
fn an_earlier_format_goes_on_in_this_one() {
    let made = Made::new();
    for format in OLDEST..=FORMAT {
        let folder = made.with(&format.to_be_bytes());
        let stored = |disk: &Disk| disk.db.get(Family::Meta, keys::META_FORMAT).unwrap().unwrap();
        let disk = Disk::open_read_only(&folder, None).unwrap();
        let base = Base::open_read_only(disk.clone(), Some(Kek::dev()), settings("UTC"), world(made.now, 2).0).unwrap();
        assert_eq!(base.format, format);
        assert_eq!(akta::trail::verify::verify(&base, |_, _, _| {}).findings, []);
        assert_eq!(stored(&disk), format.to_be_bytes(), "looked at");
        drop((base, disk));
        for _ in 0..2 {
            let node = Node::open(&folder, made.now, 3, "UTC").unwrap();
            assert_eq!((node.base.format, stored(&node.disk)), (FORMAT, FORMAT.to_be_bytes().to_vec()));
            assert_eq!(akta::trail::verify::verify(&node.base, |_, _, _| {}).findings, []);
            node.close();
        }
    }
}

/// A notice of a kind that format 1 does not have is tampering there.
#[test]
fn an_earlier_format_has_no_later_notices() {
    let scratch = tempfile::tempdir().unwrap();
    let now = Timestamp::parse("2026-09-01T09:00:00Z").unwrap();
    let mut node = Node::open(scratch.path(), now, 1, "UTC").unwrap();
    let school = akta::model::origin::Controller::new("school-12").unwrap();
    report(&mut node, &mut Drawn::new(1), std::slice::from_ref(&school), 5);
    let size = node.trail(&school).size();
    crate::decided::all_kinds(&mut node, &school, 1);
    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::META_FORMAT, OLDEST.to_be_bytes());
    node.disk.db.commit(batch).unwrap();
    node.close();
    let disk = Disk::open_read_only(scratch.path(), None).unwrap();
    let base = Base::open_read_only(disk, Some(Kek::dev()), settings("UTC"), world(now, 2).0).unwrap();
    let findings = akta::trail::verify::verify(&base, |_, _, _| {}).findings;
    assert_eq!(findings.iter().map(|finding| finding.seq).collect::<Vec<_>>(), [Some(size)], "{findings:?}");
    assert!(findings[0].what.contains("of a kind that stores of format 1 do not have"), "{findings:?}");
}

/// What is no number at all is damage, not a format: the row is named.
#[test]
fn a_format_that_is_no_number_is_named_as_damage() {
    let made = Made::new();
    for garbage in [&b""[..], &[1], &[0, 0, 0], &[0, 0, 0, 0, 1], &[0xff; 8]] {
        let folder = made.with(garbage);
        let before = files(&folder);
        let error = made.refused(&folder).to_string();
        assert!(error.contains("meta: the row \"format\" is not 4 bytes"), "{error}");
        // A verdict on the folder: it is damaged, which is a finding.
        let [(serve, told), (verify, found)] = commands(&folder);
        assert_eq!((serve, verify), (Some(3), Some(1)), "{told}\n{found}");
        assert!(told.contains(&error) && found.contains(&error), "{told}\n{found}");
        assert_eq!(files(&folder), before);
    }
}
