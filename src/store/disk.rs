//! A node's disk: its three databases, the folder of its keyring, and the volume they are on.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::files::{Files, Folder, MemoryFiles};
use super::rocks::RocksStore;
use super::space::{Space, Volume};
use super::{Database, Error, Store, memory, wal};

/// Name of the guard's file.
pub const GUARD: &str = "guard";
/// The file that names a database's manifest.
const CURRENT: &str = "CURRENT";

/// The three databases, the folder of the keyring and their volume, real or in memory.
#[derive(Clone)]
pub struct Disk {
    /// `db/`.
    pub db: Arc<dyn Store>,
    /// `vault/`.
    pub vault: Arc<dyn Store>,
    /// `index/`.
    pub index: Arc<dyn Store>,
    /// The keyring's folder.
    pub files: Arc<dyn Files>,
    /// The guard's folder.
    pub guard: Arc<dyn Files>,
    /// How much room there is.
    pub space: Arc<dyn Space>,
}

impl Disk {
    /// Opens the databases of a data folder, creating what is missing. An index that does not open is removed and
    /// begun anew; `db/` and `vault/` are refused if anything acknowledged is damaged in their logs. The guard is
    /// there too, or in a folder of its own.
    pub fn open(data: &Path, guard: Option<&Path>) -> Result<Self, Error> {
        check_logs(data)?;
        // First the vault: where `db/` is there, it must be.
        let vault = open_logged(data, Database::Vault)?;
        Ok(Self {
            db: open_logged(data, Database::Db)?,
            vault,
            index: open_index(data)?,
            files: Arc::new(Folder::new(data)),
            guard: Arc::new(Folder::new(guard.unwrap_or(data))),
            space: Arc::new(Volume::of(data)),
        })
    }

    /// Opens the databases of a data folder without writing a byte. The guard is as it was before: a server beside may
    /// go on, and what is guarded then is not in the databases as they were opened.
    pub fn open_read_only(data: &Path, guard: Option<&Path>) -> Result<Self, Error> {
        let guard = as_it_is(Folder::new(guard.unwrap_or(data)), GUARD);
        check_logs(data)?;
        let open = |database| Ok::<Arc<dyn Store>, Error>(Arc::new(RocksStore::open_read_only(data, database)?));
        // The index is derived: where it is missing, it is empty, and built anew at the next start.
        // First: what it holds is then in the others too.
        let index = match data.join(Database::Index.folder()).exists() {
            true => open(Database::Index).map_err(|error| match error {
                Error::Corrupt(why) | Error::Failed(why) => {
                    Error::Corrupt(format!("index/ only, which the next start builds anew: {why}"))
                }
                other => other,
            })?,
            false => Arc::new(memory::Disk::new().open()),
        };
        let (db, vault) = (open(Database::Db)?, open(Database::Vault)?);
        let space = Arc::new(Volume::of(data));
        Ok(Self { db, vault, index, files: Arc::new(Folder::new(data)), guard, space })
    }
}

/// A file of a folder as it is now; where it cannot be read, the folder, which goes on to say so.
fn as_it_is(folder: Folder, name: &str) -> Arc<dyn Files> {
    let copy = MemoryFiles::new();
    let copied = folder.read(name).and_then(|bytes| bytes.map_or(Ok(()), |bytes| copy.create(name, &bytes)));
    if copied.is_ok() { Arc::new(copy) } else { Arc::new(folder) }
}

/// Both before either is opened: opening replaces the logs, and makes a new database where there seems to be none.
fn check_logs(data: &Path) -> Result<(), Error> {
    for database in [Database::Db, Database::Vault] {
        let folder = data.join(database.folder());
        check_current(&folder, database)?;
        wal::check(&folder)?;
    }
    let has = |database: Database| data.join(database.folder()).join(CURRENT).exists();
    if has(Database::Db) && !has(Database::Vault) {
        return Err(Error::Corrupt(
            "vault/ is gone, though db/ is there: restore the newest vault/ and keyring".into(),
        ));
    }
    Ok(())
}

/// RocksDB takes a folder without the file CURRENT for a new database, and removes what it finds there.
fn check_current(folder: &Path, database: Database) -> Result<(), Error> {
    if !folder.exists() || folder.join(CURRENT).exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::Failed(format!("list {}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        // The first manifest is there before the first CURRENT: a crash may come between.
        let first = name == "MANIFEST-000001";
        if name.ends_with(".sst") || name.ends_with(".log") || (name.starts_with("MANIFEST-") && !first) {
            let why = "it has files of a database, but no file CURRENT that names its manifest: nothing was opened";
            return Err(Error::Corrupt(format!("{}/ cannot be opened: {why}", database.folder())));
        }
    }
    Ok(())
}

fn open_logged(data: &Path, database: Database) -> Result<Arc<dyn Store>, Error> {
    let store = RocksStore::open(data, database)?;
    // The old logs are gone for good before anything is written to a new one: a torn log that came back after a power
    // cut, in front of one with acknowledged batches, would look like damage.
    let folder = data.join(database.folder());
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Error::Failed(format!("sync {}: {error}", folder.display())))?;
    Ok(Arc::new(store))
}

/// The index is derived, so one that does not open is not worth a human's time.
fn open_index(data: &Path) -> Result<Arc<dyn Store>, Error> {
    let folder = data.join(Database::Index.folder());
    let store = match RocksStore::open_index(data) {
        Err(Error::Locked(why)) => return Err(Error::Locked(why)),
        Err(error) => {
            tracing::warn!(%error, "index/ does not open: it is removed and built anew from db/, which may take minutes");
            std::fs::remove_dir_all(&folder)
                .map_err(|error| Error::Failed(format!("remove {}: {error}", folder.display())))?;
            RocksStore::open_index(data)?
        }
        Ok(store) => store,
    };
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, Family};
    use super::*;

    fn row(family: Family) -> Batch {
        let mut batch = Batch::default();
        batch.put(family, "key", "value");
        batch
    }

    /// A closed data folder with a row in each database.
    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        let disk = Disk::open(folder.path(), None).expect("opens");
        disk.db.commit(row(Family::Meta)).expect("commits");
        disk.vault.commit(row(Family::Row)).expect("commits");
        disk.index.derive(row(Family::Indexed)).expect("writes");
        for store in [&disk.db, &disk.vault, &disk.index] {
            store.flush().expect("flushes");
        }
        folder
    }

    /// Spoils every file of a database whose name begins or ends so.
    fn spoil(data: &Path, database: Database, name: &str, spoil: fn(&mut Vec<u8>)) {
        let mut spoiled = 0;
        for entry in std::fs::read_dir(data.join(database.folder())).expect("lists") {
            let path = entry.expect("lists").path();
            let found = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if found.starts_with(name) || found.ends_with(name) {
                let mut bytes = std::fs::read(&path).expect("reads");
                spoil(&mut bytes);
                std::fs::write(&path, bytes).expect("writes");
                spoiled += 1;
            }
        }
        assert!(spoiled > 0, "{database:?} has no {name}");
    }

    const SPOILS: [fn(&mut Vec<u8>); 3] =
        [Vec::clear, |bytes| bytes.truncate(bytes.len() / 2), |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a)];

    #[test]
    fn an_index_that_does_not_open_is_begun_anew() {
        for name in ["CURRENT", "MANIFEST-", ".sst"] {
            for (number, how) in SPOILS.into_iter().enumerate() {
                let folder = written();
                spoil(folder.path(), Database::Index, name, how);
                let disk = Disk::open(folder.path(), None).unwrap_or_else(|error| panic!("{name}, {number}: {error}"));
                assert_eq!(disk.index.get(Family::Indexed, b"key"), Ok(None), "{name}, {number}");
                assert_eq!(disk.db.get(Family::Meta, b"key"), Ok(Some(b"value".to_vec())));
                disk.index.derive(row(Family::Indexed)).expect("writes");
            }
        }
    }

    #[test]
    fn damage_found_in_use_begins_the_index_anew_at_the_next_start() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let disk = Disk::open(folder.path(), None).expect("opens");
        disk.index.derive(row(Family::EventId)).expect("writes");
        disk.index.flush().expect("flushes");
        drop(disk);
        // The content of the one table: its first block.
        spoil(folder.path(), Database::Index, ".sst", |bytes| bytes[0..8].fill(0xee));
        let disk = Disk::open(folder.path(), None).expect("opens: nobody has looked yet");
        assert!(matches!(disk.index.get(Family::EventId, b"key"), Err(Error::Corrupt(_))));
        drop(disk);
        let disk = Disk::open(folder.path(), None).expect("opens");
        assert_eq!(disk.index.get(Family::EventId, b"key"), Ok(None));
    }

    #[test]
    fn history_and_vault_are_never_removed() {
        // A manifest that is merely short is none of these: RocksDB takes its end for torn, as a log's.
        let garbled = SPOILS[2];
        let cases = SPOILS.map(|how| ("CURRENT", how)).into_iter().chain([("MANIFEST-", garbled), (".sst", garbled)]);
        for (name, how) in cases {
            for database in [Database::Db, Database::Vault] {
                let folder = written();
                spoil(folder.path(), database, name, how);
                let files = || std::fs::read_dir(folder.path().join(database.folder())).expect("lists").count();
                let before = files();
                assert!(Disk::open(folder.path(), None).is_err(), "{database:?}, {name}");
                assert!(files() >= before, "{database:?}, {name}: files are gone");
            }
        }
    }

    #[test]
    fn a_locked_index_is_left_alone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let held = RocksStore::open(folder.path(), Database::Index).expect("opens");
        held.derive(row(Family::Indexed)).expect("writes");
        assert!(matches!(Disk::open(folder.path(), None).map(drop), Err(Error::Locked(_))));
        assert_eq!(held.get(Family::Indexed, b"key"), Ok(Some(b"value".to_vec())));
    }
}
