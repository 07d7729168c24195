//! What all of a node's trails stand on: stores, keyring, vault, and the doors of time and randomness.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use super::acts::Registry;
use super::expiry::zones::Zones;
use super::folding;
use super::guard::Guard;
use super::hold::{self, Holds};
use super::identity;
use super::keyring::{self, Kek, Keyring};
use super::leaves::Leaves;
use super::meta::{self, FORMAT, Meta, OLDEST};
use super::position::stored_size;
use super::reader::ReadError;
use super::restore;
use super::trails::{Head, Info, Trails};
use super::vault::Vault;
use crate::env::{Clock, Entropy};
use crate::metrics::Metrics;
use crate::model::date::{Date, Timestamp, Zone};
use crate::model::origin::{Controller, Origin, is_name};
use crate::model::stored::TrailMeta;
use crate::model::tiles;
use crate::store::disk::Disk;
use crate::store::{self, Batch, Family, Store, keys};

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
    #[error(
        "the store has format {0} (the row \"format\" of meta); this akta knows formats {OLDEST} to {FORMAT}: use the version of akta that wrote it"
    )]
    Format(u32),
    /// What is stored is not what was recorded.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The first notice could not be written.
    #[error(transparent)]
    Write(#[from] super::group::WriteError),
    /// Nothing is stored, where something was.
    #[error(
        "db/ holds no rows: the history is gone, or nothing was ever recorded here; restore the newest copy, or use a new folder"
    )]
    HistoryMissing,
    /// The guard's file.
    #[error("guard file: {0}")]
    Guard(io::Error),
    /// The guard's file is gone.
    #[error(
        "the guard file is missing, but the store was written with one: mount its volume, or put it back; if it is lost for good, start once with --new-guard"
    )]
    GuardMissing,
    /// The store is older than what was guarded.
    #[error(
        "the store holds {have} records of {origin}, or other ones, but {guarded} were guarded: an older copy was put back. Restore the newest copy; going on here would contradict what was signed"
    )]
    Behind {
        /// Origin of the trail.
        origin: String,
        /// Number of records in the store.
        have: u64,
        /// Number of records that the guard remembers.
        guarded: u64,
    },
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
    pub zone: Zone,
    /// Whether an unknown controller is opened at first sight (`--dev`) or refused.
    pub open_controllers: bool,
    /// Controllers that are opened at first sight where `open_controllers` is off.
    pub controllers: Vec<Controller>,
    /// Makes a guard where the store had one that is lost for good.
    pub new_guard: bool,
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
    /// How far each trail was; none where the folder was opened without writing and there is none.
    pub guard: Option<Guard>,
    /// All trails.
    pub trails: Trails,
    /// How far each time zone's dates are expired.
    pub zones: Zones,
    /// What controllers have decided.
    pub acts: Registry,
    /// What is kept past its date.
    pub holds: Holds,
    /// Version of the store's format.
    pub format: u32,
    /// Last part of every origin of this store.
    pub writer: String,
    /// Names and rules.
    pub settings: Settings,
    /// What is counted and timed.
    pub metrics: Arc<Metrics>,
    /// When the guard was last made whole, in nanoseconds since 1970; 0 before the first time.
    pub(super) guarded_at: AtomicI64,
}

impl Base {
    /// Opens a node's disk for writing.
    pub fn open(disk: Disk, kek: Kek, settings: Settings, world: World) -> Result<Self, OpenError> {
        if !is_name(&settings.authority) {
            return Err(OpenError::Name("authority"));
        }
        let meta = Meta::read(disk.db.as_ref())?;
        let used = meta.as_ref().map_or(0, |meta| meta.generation);
        let keyring = Keyring::open(disk.files, kek, world.entropy.as_ref(), used)?;
        if meta.is_none() && keyring.generation() > 1 {
            return Err(OpenError::HistoryMissing);
        }
        let guard = match Guard::open(disk.guard.clone()).map_err(OpenError::Guard)? {
            Some(guard) => guard,
            None if meta.is_some() && !settings.new_guard => return Err(OpenError::GuardMissing),
            // Before the first rows: a store that has them has a guard.
            None => Guard::create(disk.guard).map_err(OpenError::Guard)?,
        };
        let meta = match meta {
            Some(meta) => meta,
            None => first_rows(disk.db.as_ref(), world.entropy.as_ref())?,
        };
        let mut base = Self::assemble((disk.db, disk.vault, disk.index), keyring, Some(guard), meta, settings, world);
        base.check_guard()?;
        base.upgrade()?;
        restore::succeed(&base)?;
        folding::fill(&base)?;
        hold::fill(&base, true)?;
        identity::fill(&base)?;
        Ok(base)
    }

    /// Opens a node's disk without writing a byte, for verification; without a KEK, what is sealed stays sealed.
    pub fn open_read_only(disk: Disk, kek: Option<Kek>, settings: Settings, world: World) -> Result<Self, OpenError> {
        let meta = Meta::read(disk.db.as_ref())?.ok_or(OpenError::HistoryMissing)?;
        let keyring = match kek {
            // The keyring is read after the store: a server beside may go on to a newer one.
            Some(kek) => Keyring::open_read_only(disk.files, kek, meta.generation)?,
            None => Keyring::absent(disk.files),
        };
        let guard = Guard::open(disk.guard).map_err(OpenError::Guard)?;
        let base = Self::assemble((disk.db, disk.vault, disk.index), keyring, guard, meta, settings, world);
        hold::fill(&base, false)?;
        Ok(base)
    }

    /// A store of an earlier format goes on in this one, before anything else is written to it.
    fn upgrade(&mut self) -> Result<(), store::Error> {
        if self.format == FORMAT {
            return Ok(());
        }
        tracing::info!(
            from = self.format,
            to = FORMAT,
            "the store goes on in another format: no earlier akta opens it"
        );
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::META_FORMAT, FORMAT.to_be_bytes());
        self.db.commit(batch)?;
        self.format = FORMAT;
        Ok(())
    }

    fn assemble(
        (db, vault, index): (Arc<dyn Store>, Arc<dyn Store>, Arc<dyn Store>),
        keyring: Keyring,
        guard: Option<Guard>,
        meta: Meta,
        settings: Settings,
        world: World,
    ) -> Self {
        let keyring = Arc::new(keyring);
        let vault = Vault::new(vault, keyring.clone());
        let (format, writer, trails) = (meta.format, meta.writer, Trails::after(&meta.trails));
        let zones = Zones::of(&meta.trails, &meta.expired);
        for zone in meta.trails.iter().map(|trail| &trail.zone) {
            if let Some(through) = keyring.destroyed_through(zone) {
                zones.raise(zone, through);
            }
        }
        Self {
            db,
            index,
            keyring,
            vault,
            world,
            guard,
            trails,
            zones,
            acts: Registry::default(),
            holds: Holds::default(),
            format,
            writer,
            settings,
            metrics: Arc::default(),
            guarded_at: AtomicI64::new(0),
        }
    }

    /// The trail of a controller, opened if it is not; `None` if the controller has none.
    pub fn trail(&self, controller: &Controller) -> Result<Option<Arc<Info>>, ReadError> {
        self.trails.get(self, controller)
    }

    /// The day, in UTC, on which a controller was closed; `None` if it is open. Of one whose notices do not tell, though its key
    /// is destroyed, that of its newest record.
    pub(super) fn closed_on(&self, controller: &Controller, info: Option<&Info>) -> Option<Date> {
        let told = self.acts.of(controller).closed();
        let lost = || info.filter(|info| info.destroyed).map(|info| info.position().recorded_at);
        told.or_else(lost).map(Date::of_utc)
    }

    /// The descriptions of all trails, by controller.
    pub fn descriptions(&self) -> Result<Vec<TrailMeta>, store::Error> {
        meta::descriptions(self.db.as_ref())
    }

    /// The trails that follow one of its controller, in which things are told of it; none unless it is frozen.
    pub(super) fn later(&self, info: &Info) -> Result<Vec<TrailMeta>, store::Error> {
        if !info.frozen {
            return Ok(Vec::new());
        }
        let mut line = meta::past(self.db.as_ref(), &info.controller)?;
        line.extend(meta::description(self.db.as_ref(), &info.controller)?);
        line.retain(|meta| meta.number > info.number);
        Ok(line)
    }

    /// Refuses a store that is behind its guard.
    fn check_guard(&self) -> Result<(), OpenError> {
        let heads = self.guard.as_ref().map(Guard::heads).transpose().map_err(OpenError::Guard)?.unwrap_or_default();
        let metas = self.descriptions()?;
        let restored = metas.iter().any(|meta| meta.frozen);
        for (origin, guarded) in heads {
            let meta = metas.iter().find(|meta| meta.origin == origin);
            // A copy was restored: what it lacks its trails tell, and go on in others.
            let lost = || restored && Origin::parse(&origin).is_some_and(|origin| origin.writer() != self.writer);
            if meta.is_none() && lost() {
                continue;
            }
            let have = match meta {
                Some(meta) => stored_size(self.db.as_ref(), meta.number)?,
                None => 0,
            };
            if have < guarded.size && meta.is_some_and(|meta| meta.frozen) {
                continue;
            }
            let behind = || OpenError::Behind { origin: origin.clone(), have, guarded: guarded.size };
            let info = meta.and_then(|meta| Info::new(meta, &self.keyring)).ok_or_else(behind)?;
            if have < guarded.size || self.root(&info, guarded.size)? != guarded {
                return Err(behind());
            }
        }
        Ok(())
    }

    /// The head that a trail had when it was of that size, which it has reached.
    pub fn root(&self, info: &Info, size: u64) -> Result<Head, ReadError> {
        Ok(Head { size, root: tiles::root(&Leaves::new(self, info), size)? })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Today in a trail's zone: what expires on it or before is unreadable.
    ///
    /// A clock that is set back brings nothing back: what was past once stays so.
    pub fn today(&self, zone: &Zone) -> Date {
        self.past(zone, self.now())
    }

    /// The last date that is past in a zone at that time.
    pub(super) fn past(&self, zone: &Zone, at: Timestamp) -> Date {
        let date = zone.date(at);
        self.zones.floor(zone.name()).map_or(date, |floor| floor.max(date))
    }

    /// The last date that is past for what is recorded at that time: in the zone, or in UTC if that is later.
    pub(super) fn recording_day(&self, zone: &Zone, at: Timestamp) -> Date {
        self.past(zone, at).max(Date::of_utc(at))
    }
}

fn first_rows(db: &dyn Store, entropy: &dyn Entropy) -> Result<Meta, store::Error> {
    let writer = meta::writer_of(entropy);
    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::META_FORMAT, FORMAT.to_be_bytes());
    batch.put(Family::Meta, keys::META_WRITER, writer.as_bytes());
    db.commit(batch)?;
    Ok(Meta { format: FORMAT, writer, generation: 0, trails: Vec::new(), expired: BTreeMap::new() })
}
