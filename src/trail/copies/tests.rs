//! Copies open by themselves, and what was forgotten is in none of them for long.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::store::Batch;
use crate::store::Family;
use crate::store::rocks::RocksStore;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").unwrap()
}

/// A folder with a keyring that says so, and a row in each database.
fn data(folder: &Path, word: &[u8]) -> Disk {
    fs::create_dir_all(folder).unwrap();
    let disk = Disk::open(folder, None).unwrap();
    change(&disk, word);
    disk
}

fn change(disk: &Disk, word: &[u8]) {
    disk.files.create(KEYRING, word).unwrap();
    for (store, family) in [(&disk.db, Family::Notice), (&disk.vault, Family::Row)] {
        let mut batch = Batch::default();
        batch.put(family, b"key".as_slice(), word);
        store.commit(batch).unwrap();
    }
}

const OF: &str = "akta.test/node/w00000001";

fn made_set(disk: &Disk, root: &Path, copies: &Copies) -> Result<(), CopyError> {
    forgettable(&stand_still(disk, &root.join(STAGING))?, copies)
}

/// A folder with data and one for copies of it.
fn begun() -> (TempDir, Disk, PathBuf, Copies) {
    let root = tempfile::tempdir().unwrap();
    let disk = data(&root.path().join("data"), b"first");
    let folder = root.path().join("copies");
    let copies = Copies::open(&folder, OF).unwrap();
    (root, disk, folder, copies)
}

fn names(copies: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(copies).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.retain(|name| name != "of");
    names
}

#[test]
fn both_sets_open_and_only_the_newest_is_forgettable() {
    let (root, disk, folder, copies) = begun();
    let made = history(disk.db.as_ref(), &copies, now(), || made_set(&disk, root.path(), &copies)).unwrap();
    assert_eq!(names(&folder), ["forgettable-0000000000-000001", "history-20261122T080000000Z"]);
    assert_eq!(copies.histories().unwrap(), std::slice::from_ref(&made));

    change(&disk, b"second");
    made_set(&disk, root.path(), &copies).unwrap();
    assert_eq!(names(&folder), ["forgettable-0000000000-000002", "history-20261122T080000000Z"]);
    let set = copies.forgettable().unwrap().unwrap();
    assert_eq!(fs::read(set.join(KEYRING)).unwrap(), b"second");
    // Each opens as what it is a copy of, of its own moment.
    let opened = root.path().join("opened");
    fs::create_dir(&opened).unwrap();
    fs::rename(&made.path, opened.join("db")).unwrap();
    fs::rename(set.join("vault"), opened.join("vault")).unwrap();
    let read = |database, family| RocksStore::open(&opened, database).unwrap().get(family, b"key").unwrap().unwrap();
    assert_eq!(read(Database::Db, Family::Notice), b"first");
    assert_eq!(read(Database::Vault, Family::Row), b"second");
}

#[test]
fn what_is_half_made_does_not_count_and_old_histories_go() {
    let (root, disk, folder, copies) = begun();
    let failed = history(disk.db.as_ref(), &copies, now(), || Err(CopyError::Closing));
    assert!(failed.is_err() && copies.histories().unwrap().is_empty());
    // The same moment may be tried again by whoever opens it anew.
    assert_eq!(names(&folder), ["history-20261122T080000000Z.partial"]);
    let copies = Copies::open(&folder, OF).unwrap();
    assert_eq!(names(&folder), [""; 0]);
    let day = Duration::from_secs(86_400);
    for days in [0, 10, 29, 31] {
        let at = now().plus(day * days);
        copies.prune(at, 30).unwrap();
        history(disk.db.as_ref(), &copies, at, || made_set(&disk, root.path(), &copies)).unwrap();
    }
    let kept: Vec<Timestamp> = copies.histories().unwrap().into_iter().map(|history| history.at).collect();
    assert_eq!(kept, [10, 29, 31].map(|days| now().plus(day * days)), "in the order of their times");
    // The newest is kept although it is old, but no longer than the law lets it.
    copies.prune(now().plus(day * 100), 30).unwrap();
    assert_eq!(copies.histories().unwrap().len(), 1);
    copies.prune(now().plus(day * 122), 30).unwrap();
    assert_eq!(copies.histories().unwrap(), []);
    // A clock that was set back does not make the older set count.
    assert!(history(disk.db.as_ref(), &copies, now(), || made_set(&disk, root.path(), &copies)).is_ok());
    assert_eq!(names(&folder).into_iter().filter(|name| name.starts_with("forgettable")).count(), 1);
}

/// A node that starts on an empty volume must not take away the keys that it is to be restored with.
#[test]
fn copies_of_another_store_are_left_alone() {
    let (root, disk, folder, copies) = begun();
    made_set(&disk, root.path(), &copies).unwrap();
    let before = names(&folder);
    let refused = Copies::open(&folder, "akta.test/node/w00000002").unwrap_err().to_string();
    assert!(refused.contains(OF) && refused.contains("restore from it"), "{refused}");
    assert_eq!(names(&folder), before);
    assert!(Copies::open(&folder, OF).is_ok());
}
