//! A node's disk: its three databases and the folder of its keyring.

use std::path::Path;
use std::sync::Arc;

use super::files::{Files, Folder};
use super::rocks::RocksStore;
use super::{Database, Error, Store};

/// The three databases and the folder of the keyring, real or in memory.
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
}

impl Disk {
    /// Opens the databases of a data folder, creating what is missing. The guard is there too, or in a folder of its
    /// own.
    pub fn open(data: &Path, guard: Option<&Path>) -> Result<Self, Error> {
        let open = |database| Ok::<_, Error>(Arc::new(RocksStore::open(data, database)?));
        Ok(Self {
            db: open(Database::Db)?,
            vault: open(Database::Vault)?,
            index: open(Database::Index)?,
            files: Arc::new(Folder::new(data)),
            guard: Arc::new(Folder::new(guard.unwrap_or(data))),
        })
    }

    /// Opens the databases of a data folder without writing a byte.
    pub fn open_read_only(data: &Path, guard: Option<&Path>) -> Result<Self, Error> {
        let open = |database| Ok::<Arc<dyn Store>, Error>(Arc::new(RocksStore::open_read_only(data, database)?));
        // The index is derived: where it is missing, it is empty, and built anew at the next start.
        // First: what it holds is then in the others too.
        let index = match data.join(Database::Index.folder()).exists() {
            true => open(Database::Index)?,
            false => Arc::new(super::memory::Disk::new().open()),
        };
        let (db, vault) = (open(Database::Db)?, open(Database::Vault)?);
        let guard = Arc::new(Folder::new(guard.unwrap_or(data)));
        Ok(Self { db, vault, index, files: Arc::new(Folder::new(data)), guard })
    }
}
