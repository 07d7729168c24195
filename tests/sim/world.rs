//! The world of a simulation: disks, folders, a clock and randomness that outlive the nodes which run on them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use akta::env::{Entropy, ManualClock};
use akta::model::date::{Timestamp, Zone};
use akta::model::origin::Origin;
use akta::store::faults::{Call, Fault, Faults};
use akta::store::files::MemoryFiles;
use akta::store::memory::Disk;
use akta::store::{Database, disk};
use akta::trail::base::{Base, Settings, World as Doors};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::trails::Info;
use akta::trail::writer::Writer;

use super::invariant::DurableFirst;
use super::plants::{self, Plant};

/// What can fail on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Device {
    Db,
    Vault,
    Index,
    Keyring,
    Guard,
}

impl Device {
    pub(crate) const ALL: [Self; 5] = [Self::Db, Self::Vault, Self::Index, Self::Keyring, Self::Guard];

    /// How its calls can fail: a read is lost or not, only files are torn.
    pub(crate) fn faults(self, call: Call, bytes: usize) -> Vec<Fault> {
        match (self, call) {
            (_, Call::Read) => vec![Fault::Lost],
            (Self::Keyring | Self::Guard, _) => vec![Fault::Lost, Fault::AppliedThenFailed, Fault::Torn(bytes)],
            _ => vec![Fault::Lost, Fault::AppliedThenFailed],
        }
    }
}

/// Everything that stays when a process ends.
pub(crate) struct World {
    pub(crate) db: Disk,
    pub(crate) vault: Disk,
    pub(crate) index: Disk,
    pub(crate) keyring: MemoryFiles,
    pub(crate) guard: MemoryFiles,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) now: Timestamp,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// What is wrong with it, if anything is.
    pub(crate) plant: Option<Plant>,
    /// What the keyring is opened under.
    pub(crate) kek: Kek,
}

/// A node that runs.
pub(crate) struct Open {
    pub(crate) base: Arc<Base>,
    pub(crate) writer: Writer,
    pub(crate) indexer: Indexer,
}

impl World {
    pub(crate) fn new(seed: u64, plant: Option<Plant>) -> Self {
        let now = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
        Self {
            db: Disk::new(),
            vault: Disk::new(),
            index: Disk::new(),
            keyring: MemoryFiles::new(),
            guard: MemoryFiles::new(),
            clock: Arc::new(ManualClock::new(now)),
            now,
            entropy: plants::entropy(plant, seed),
            plant,
            kek: Kek::dev(),
        }
    }

    /// Another world that looks the same to who opens it.
    pub(crate) fn copy(&self) -> Self {
        Self {
            db: self.db.copy(),
            vault: self.vault.copy(),
            index: self.index.copy(),
            keyring: self.keyring.copy(),
            guard: self.guard.copy(),
            clock: Arc::new(ManualClock::new(self.now)),
            now: self.now,
            entropy: self.entropy.clone(),
            plant: self.plant,
            kek: self.kek.clone(),
        }
    }

    /// Starts a node, or says why it does not start.
    pub(crate) fn open(&self) -> Result<Open, String> {
        let disk = disk::Disk {
            db: plants::store(self.plant, Database::Db, self.db.open()),
            vault: plants::store(self.plant, Database::Vault, self.vault.open()),
            index: plants::store(self.plant, Database::Index, self.index.open()),
            files: plants::files(self.plant, self.keyring.clone()),
            guard: plants::files(self.plant, self.guard.clone()),
            space: Arc::new(akta::store::space::Scripted::default()),
        };
        let settings = Settings {
            authority: "akta.test".to_owned(),
            zone: Zone::default(),
            open_controllers: true,
            controllers: Vec::new(),
            new_guard: false,
            disk_reserve: None,
        };
        let doors = Doors { clock: self.clock.clone(), entropy: self.entropy.clone() };
        let base = Arc::new(Base::open(disk, self.kek.clone(), settings, doors).map_err(|error| error.to_string())?);
        let writer = Writer::open(base.clone()).map_err(|error| error.to_string())?;
        let (indexer, _) = Indexer::open(base.clone()).map_err(|error| error.to_string())?;
        Ok(Open { base, writer, indexer })
    }

    /// The process is gone; of the index the first `kept` batches that were not flushed are left. What had struck.
    pub(crate) fn end(&self, kept: usize) -> Vec<(Device, Call, Fault)> {
        let struck = [
            (Device::Db, self.db.crash(0)),
            (Device::Vault, self.vault.crash(0)),
            (Device::Index, self.index.crash(kept)),
            (Device::Keyring, self.keyring.crash()),
            (Device::Guard, self.guard.crash()),
        ];
        struck.into_iter().filter_map(|(device, struck)| struck.map(|(call, fault)| (device, call, fault))).collect()
    }

    /// Looks at the faults of a device, or plans one.
    pub(crate) fn faults<T>(&self, device: Device, look: impl FnOnce(&mut Faults) -> T) -> T {
        match device {
            Device::Db => self.db.faults(look),
            Device::Vault => self.vault.faults(look),
            Device::Index => self.index.faults(look),
            Device::Keyring => self.keyring.faults(look),
            Device::Guard => self.guard.faults(look),
        }
    }

    /// Looks on from outside: no fault strikes who only checks.
    pub(crate) fn aside<T>(&self, look: impl FnOnce() -> T) -> T {
        Device::ALL.into_iter().for_each(|device| self.faults(device, |faults| faults.aside(true)));
        let seen = look();
        Device::ALL.into_iter().for_each(|device| self.faults(device, |faults| faults.aside(false)));
        seen
    }

    /// The trails of controllers, opened; not the node's own.
    pub(crate) fn trails(&self, node: &Open) -> Vec<Arc<Info>> {
        self.aside(|| {
            let controllers = node.base.descriptions().unwrap().into_iter();
            let controllers = controllers.map(|meta| Origin::parse(&meta.origin).unwrap().controller());
            let opened = controllers.filter(|c| !c.is_node()).map(|c| node.base.trail(&c));
            opened.map(|info| info.unwrap_or_else(|error| panic!("{DurableFirst}: {error}")).unwrap()).collect()
        })
    }
}
