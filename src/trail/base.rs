//! What all of a node's trails stand on: stores, keyring, vault, and the doors of time and randomness.

use std::io;
use std::sync::Arc;

use super::keyring::{self, Kek, Keyring};
use super::trails::Trails;
use super::vault::Vault;
use crate::env::{Clock, Entropy, random};
use crate::model::date::{Date, Timestamp};
use crate::model::origin::is_name;
use crate::store::disk::Disk;
use crate::store::{self, Batch, Family, Store, keys};

/// Version of the store's format. 0 may still change without notice.
pub const FORMAT: u32 = 0;

/// Why a data folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// The folder.
    #[error("data folder {path}: {error}")]
    Folder {
        /// Where.
        path: String,
        /// What.
        error: io::Error,
    },
    /// Another process holds the lock.
    #[error("data folder {0} is in use by another akta: stop it first")]
    Locked(String),
    /// Written by another version.
    #[error("the store has format {0}; this akta knows format {FORMAT}: use the version of akta that wrote it")]
    Format(u32),
    /// A name in the settings.
    #[error("{0} must be 1 to 63 of a-z 0-9 . _ -")]
    Name(&'static str),
}

/// The doors of the world.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// What a node is called and how it opens trails.
#[derive(Debug, Clone)]
pub struct Settings {
    /// First part of every origin, a name.
    pub authority: String,
    /// Time zone of new trails.
    pub zone: crate::model::date::Zone,
    /// Whether an unknown controller is opened at first sight (`--dev`) or refused.
    pub open_controllers: bool,
    /// Controllers that are opened at first sight where `open_controllers` is off.
    pub controllers: Vec<crate::model::origin::Controller>,
    /// Bytes of the volume that stay free of events; `None`: a default that fits the volume.
    pub disk_reserve: Option<u64>,
}

/// An opened data folder.
pub struct Base {
    /// `db/`.
    pub db: Arc<dyn Store>,
    /// `index/`.
    pub index: Arc<dyn Store>,
    /// Every key.
    pub keyring: Arc<Keyring>,
    /// Who stands behind pseudonyms.
    pub vault: Vault,
    /// Time and randomness.
    pub world: World,
    /// All trails.
    pub trails: Trails,
    /// Last part of every origin of this store.
    pub writer: String,
    /// Names and rules.
    pub settings: Settings,
}

impl Base {
    /// Opens a node's disk for writing.
    pub fn open(disk: Disk, kek: Kek, settings: Settings, world: World) -> Result<Self, OpenError> {
        if !is_name(&settings.authority) {
            return Err(OpenError::Name("authority"));
        }
        let used = check_format(disk.db.as_ref())?;
        let keyring = Keyring::open(disk.files, kek, world.entropy.as_ref(), used)?;
        let writer = match disk.db.get(Family::Meta, keys::META_WRITER)? {
            Some(writer) => String::from_utf8_lossy(&writer).into_owned(),
            None => first_rows(disk.db.as_ref(), world.entropy.as_ref())?,
        };
        Self::assemble(disk.db, disk.vault, disk.index, keyring, writer, settings, world)
    }

    /// Opens a node's disk without writing a byte, for verification.
    pub fn open_read_only(disk: Disk, kek: Kek, settings: Settings, world: World) -> Result<Self, OpenError> {
        let used = check_format(disk.db.as_ref())?;
        let keyring = Keyring::open_read_only(disk.files, kek, used)?;
        let writer = disk.db.get(Family::Meta, keys::META_WRITER)?.unwrap_or_default();
        let writer = String::from_utf8_lossy(&writer).into_owned();
        Self::assemble(disk.db, disk.vault, disk.index, keyring, writer, settings, world)
    }

    fn assemble(
        db: Arc<dyn Store>,
        vault: Arc<dyn Store>,
        index: Arc<dyn Store>,
        keyring: Keyring,
        writer: String,
        settings: Settings,
        world: World,
    ) -> Result<Self, OpenError> {
        let keyring = Arc::new(keyring);
        let trails = Trails::load(db.as_ref(), &keyring)?;
        let vault = Vault::new(vault, keyring.clone());
        Ok(Self { db, index, keyring, vault, world, trails, writer, settings })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Today in a trail's zone: what expires on it or before is unreadable.
    pub fn today(&self, zone: &crate::model::date::Zone) -> Date {
        zone.date(self.now())
    }
}

/// Refuses another format; the newest keyring generation that the store has used, 0 if it is new.
fn check_format(db: &dyn Store) -> Result<u64, OpenError> {
    let number = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| bytes.try_into().ok());
    match number(db.get(Family::Meta, keys::META_FORMAT)?).map(u32::from_be_bytes) {
        Some(FORMAT) => {}
        Some(other) => return Err(OpenError::Format(other)),
        // A store without a format is new, or was cut off before its first batch.
        None => return Ok(0),
    }
    let generation = db.get(Family::Meta, keys::META_GENERATION)?;
    Ok(generation.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

fn first_rows(db: &dyn Store, entropy: &dyn Entropy) -> Result<String, store::Error> {
    let suffix: [u8; 4] = random(entropy);
    let writer = format!("w{:08x}", u32::from_be_bytes(suffix));
    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::META_FORMAT, FORMAT.to_be_bytes());
    batch.put(Family::Meta, keys::META_WRITER, writer.as_bytes());
    db.commit(batch)?;
    Ok(writer)
}
