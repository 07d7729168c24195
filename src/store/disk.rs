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
}

impl Disk {
    /// Opens the databases of a data folder, creating what is missing.
    pub fn open(data: &Path) -> Result<Self, Error> {
        Self::with(data, RocksStore::open)
    }

    /// Opens the databases of a data folder without writing a byte.
    pub fn open_read_only(data: &Path) -> Result<Self, Error> {
        Self::with(data, RocksStore::open_read_only)
    }

    fn with(data: &Path, open: impl Fn(&Path, Database) -> Result<RocksStore, Error>) -> Result<Self, Error> {
        Ok(Self {
            db: Arc::new(open(data, Database::Db)?),
            vault: Arc::new(open(data, Database::Vault)?),
            index: Arc::new(open(data, Database::Index)?),
            files: Arc::new(Folder::new(data)),
        })
    }
}
