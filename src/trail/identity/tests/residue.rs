//! Nothing is left of who was erased: no byte in any file, and no key that is still held opens an old copy of their row.

use std::path::Path;

use super::*;
use crate::env::{ManualClock, SeededEntropy};
use crate::model::seal::Use;
use crate::model::term::Term;
use crate::store::disk::Disk;
use crate::store::{Scan, keys};
use crate::trail::base::{Base, World};
use crate::trail::indexer::Indexer;
use crate::trail::keyring::Kek;
use crate::trail::writer::Writer;

/// A rig on files.
fn on_files(folder: &Path) -> Rig {
    let clock = Arc::new(ManualClock::new(now()));
    let world = World { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(5)) };
    let disk = Disk::open(folder, None).unwrap();
    let base = Arc::new(Base::open(disk, Kek::dev(), settings(), world).unwrap());
    let writer = Writer::open(base.clone()).unwrap();
    let (indexer, _) = Indexer::open(base.clone()).unwrap();
    Rig { disks: Disks::new(), base, writer, indexer, clock }
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(rig: &Rig, family: Family, prefix: &[u8]) -> Rows {
    let rows = rig.base.vault.store().scan(Scan::prefix(family, prefix));
    rows.map(|row| row.map(|(key, value)| (key.into_vec(), value.into_vec())).unwrap()).collect()
}

#[test]
fn nothing_is_left_of_who_was_erased() {
    let root = tempfile::tempdir().unwrap();
    let mut rig = on_files(root.path());
    tell(&mut rig);
    rig.indexer.flush().unwrap();
    rig.base.index.flush().unwrap();
    rig.base.db.flush().unwrap();
    assert!(rig.agree(7, "staff:t-1"));
    let info = rig.info_of();
    let who = person("staff:t-1");
    let bucket = rig.base.vault.bucket_of(everybody::of(&info), &who);
    let own = rig.base.vault.known(everybody::of(&info), &who).unwrap().unwrap();

    // What must be in no file afterwards.
    let mut needles: Vec<(String, Vec<u8>)> = Vec::new();
    let old = rows(&rig, Family::Row, &bucket.to_be_bytes());
    assert!(old.len() >= 2);
    for (key, value) in &old {
        needles.push(("the name of a row".to_owned(), key[2..].to_vec()));
        needles.push(("a row".to_owned(), value[3..19].to_vec()));
    }
    for (seq, _) in ALONE {
        let record = rig.record_at(seq);
        for id in [PartId::Net, PartId::Session, PartId::Detail] {
            let date = record.header.group_of(id).unwrap().date;
            let row = keys::part(date, info.zone_number, info.number, seq);
            let value = rig.base.db.get(Family::Part, &row).unwrap().unwrap();
            needles.push((format!("a frame of {seq}"), value[6..22].to_vec()));
        }
        let date = record.header.group_of(PartId::Net).unwrap().date;
        let index = info.date_key(&rig.base.keyring, Use::Index, date).unwrap();
        let term = Term::Ip(record.contents.net.unwrap().ip).keyed(index.bytes());
        needles.push((format!("the address of {seq}"), term.to_vec()));
    }
    let found = |needles: &[(String, Vec<u8>)]| {
        let files = walk(root.path());
        assert!(files.len() > 10);
        let mut found = Vec::new();
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            let here = needles.iter().filter(|(_, needle)| has(needle));
            found.extend(here.map(|(what, _)| format!("{what} in {}", file.display())));
        }
        found
    };
    assert!(found(&needles).len() >= needles.len(), "they were there");

    rig.erase(7, "staff:t-1").unwrap();
    rig.finish_removals();
    drop(rig);
    // The list of a database's files names keys until a start writes it anew.
    let mut rig = on_files(root.path());
    assert_eq!(rig.findings(), [""; 0]);
    // Of the old copy nothing opens, whichever key of the bucket is tried; of the new one the rest does.
    let of = [rig.info_of(), rig.base.trail(&school(2)).unwrap().unwrap()];
    let opens = |rows: &Rows| {
        let own = |(key, value): &(Vec<u8>, Vec<u8>)| {
            of.iter().any(|info| rig.base.vault.examine(everybody::of(info), key, value).is_some())
        };
        rows.iter().filter(|row| own(row)).count()
    };
    assert_eq!((opens(&old), opens(&rows(&rig, Family::Row, &bucket.to_be_bytes()))), (0, old.len() - 1));
    assert_eq!(rig.led(&own.pseudonyms[0].1.0), None);
    drop((of, rig));
    assert_eq!(found(&needles), [""; 0]);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
