//! A node in memory for the tests of this ring, step by step, and one of every kind of change.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use super::acts::{ChangeError, Noted};
use super::base::{Base, Settings, World};
use super::change::Made;
use super::expiry::{ExpireError, Expired};
use super::group::{Group, Staged};
use super::identity::rewrite::{self, Frames};
use super::indexer::{Entry, Indexer};
use super::keyring::Kek;
use super::verify;
use super::writer::Writer;
use crate::env::{ManualClock, SeededEntropy};
use crate::model::check::Checker;
use crate::model::date::{Date, Lifetime, Timestamp, Zone};
use crate::model::notice::Told;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::approval::Deed;
use crate::model::permission::change::{ActId, Change, Decided};
use crate::model::permission::grants::{GRANT_MAX, INCIDENT_MAX, Span};
use crate::model::permission::holder::Holder;
use crate::model::permission::policy::Staff;
use crate::model::policy::{Class, Kept};
use crate::model::profile::Profile;
use crate::model::record::Contents;
use crate::model::retention::choice::{Choice, Wanted};
use crate::model::retention::table::Table;
use crate::store::disk::Disk;
use crate::store::files::MemoryFiles;
use crate::store::memory;
use crate::store::space::Scripted;

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Disks that outlive the nodes on them.
#[derive(Clone)]
pub(super) struct Disks {
    pub(super) db: memory::Disk,
    pub(super) vault: memory::Disk,
    pub(super) index: memory::Disk,
    pub(super) keyring: MemoryFiles,
    pub(super) guard: MemoryFiles,
}

impl Disks {
    pub(super) fn new() -> Self {
        let (keyring, guard) = (MemoryFiles::new(), MemoryFiles::new());
        let [db, vault, index] = std::array::from_fn(|_| memory::Disk::new());
        Self { db, vault, index, keyring, guard }
    }

    /// Others with the same bytes.
    pub(super) fn copy(&self) -> Self {
        let Self { db, vault, index, keyring, guard } = self;
        Self { db: db.copy(), vault: vault.copy(), index: index.copy(), keyring: keyring.copy(), guard: guard.copy() }
    }

    pub(super) fn disk(&self) -> Disk {
        Disk {
            db: Arc::new(self.db.open()),
            vault: Arc::new(self.vault.open()),
            index: Arc::new(self.index.open()),
            files: Arc::new(self.keyring.clone()),
            guard: Arc::new(self.guard.clone()),
            space: Arc::new(Scripted::default()),
        }
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        authority: "akta.test".to_owned(),
        zone: Zone::default(),
        open_controllers: false,
        controllers: Vec::new(),
        new_guard: false,
        disk_reserve: None,
    }
}

/// A node that runs.
pub(super) struct Rig {
    pub(super) disks: Disks,
    pub(super) base: Arc<Base>,
    pub(super) writer: Writer,
    pub(super) indexer: Indexer,
    pub(super) clock: Arc<ManualClock>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::start(Disks::new(), now())
    }

    pub(super) fn start(disks: Disks, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let seed = u64::try_from(now.nanos()).unwrap();
        let world = World { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) };
        let base = Arc::new(Base::open(disks.disk(), Kek::dev(), settings(), world).unwrap());
        let writer = Writer::open(base.clone()).unwrap();
        let (indexer, _) = Indexer::open(base.clone()).unwrap();
        Self { disks, base, writer, indexer, clock }
    }

    /// The process is gone, another starts at that time.
    pub(super) fn restart(self, now: Timestamp) -> Self {
        let Self { disks, base, writer, indexer, .. } = self;
        drop((base, writer, indexer));
        disks.db.crash(0);
        disks.vault.crash(0);
        disks.index.crash(0);
        disks.keyring.crash();
        disks.guard.crash();
        Self::start(disks, now)
    }

    pub(super) fn at(&mut self, time: Timestamp) -> &mut Self {
        self.clock.set(time);
        self
    }

    pub(super) fn take<T>(&mut self, made: Made<T>) -> Result<T, ChangeError> {
        let Made { answer, step } = made;
        step.publish();
        self.indexer.absorb(step.entries).unwrap();
        answer
    }

    pub(super) fn change(&mut self, of: &Controller, change: Change, by: &str) -> Result<Noted, ChangeError> {
        self.changes(vec![(of.clone(), change)], by).map(|noted| noted[0].clone())
    }

    pub(super) fn changes(&mut self, changes: Vec<(Controller, Change)>, by: &str) -> Result<Vec<Noted>, ChangeError> {
        let made = self.writer.change(changes, &decided(by));
        self.take(made)
    }

    pub(super) fn open(&mut self, of: &Controller, zone: Option<&str>, profile: Profile) -> Result<bool, ChangeError> {
        let zone = zone.map(|zone| Zone::named(zone).unwrap());
        let asked = super::controllers::Asked { controller: of.clone(), zone, profile, decided: decided("stefan") };
        let made = self.writer.open_controller(&asked);
        self.take(made).map(|open| open.opened)
    }

    /// Records a notice that nothing checks.
    pub(super) fn forge(&mut self, of: &Controller, told: impl Into<Told>) {
        let base = self.base.clone();
        let mut group = Group::new(&base);
        let at = base.now();
        group.stage(base.trail(of).unwrap(), of, at).unwrap();
        let Staged { info, sequencer } = group.staged.get_mut(of).unwrap();
        let placed = sequencer.notice(told, at);
        let entry = Entry::of(info, &placed.header, &Contents::default(), None);
        group.entries.push(entry);
        let step = self.writer.commit(group).unwrap();
        step.publish();
        self.indexer.absorb(step.entries).unwrap();
    }

    /// Expires what is past; at most this date, where it needs somebody's word.
    pub(super) fn expire(&mut self, confirmed: Option<Date>) -> Result<Expired, ExpireError> {
        let indexer = &mut self.indexer;
        self.writer.expire(confirmed, |step| {
            step.publish();
            indexer.absorb(step.entries).unwrap();
        })
    }

    /// What is left of removals is done, to the last byte.
    pub(super) fn finish_removals(&mut self) {
        for job in rewrite::pending(&self.base).unwrap() {
            let mut frames = Frames::of(&self.base, &job).unwrap();
            while frames.slice(&self.base).unwrap() {}
            self.indexer.erase(&job).unwrap();
            assert!(rewrite::reclaim(&self.base, &job, || true).unwrap());
            self.writer.removed(&job).unwrap();
        }
    }

    /// Everything that verification finds.
    pub(super) fn findings(&mut self) -> Vec<String> {
        self.indexer.flush().unwrap();
        verify::verify(&self.base, |_, _, _| ()).findings.into_iter().map(|finding| finding.what).collect()
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").unwrap()
}

pub(super) fn school(number: u32) -> Controller {
    Controller::new(&format!("school-{number}")).unwrap()
}

pub(super) fn decided(by: &str) -> Decided {
    Decided { by: by.to_owned(), ground: "ticket 4711".to_owned() }
}

pub(super) fn id(number: u8) -> ActId {
    uuid::Uuid::from_bytes([number; 16]).to_string().into()
}

pub(super) fn grant(number: u8, from: Timestamp, days: u32) -> Change {
    let holder = Holder::parse("group security of https://login.vendor.example").unwrap();
    let span = Span::new(from, from.plus(DAY * days), GRANT_MAX).unwrap();
    Change::Grant { id: id(number), holder, permissions: [Permission::Search, Permission::Notices].into(), span }
}

pub(super) fn incident(number: u8, from: Timestamp) -> Change {
    Change::Incident { id: id(number), span: Span::new(from, from.plus(DAY * 3), INCIDENT_MAX).unwrap() }
}

pub(super) fn ask(number: u8, staff: Staff) -> Change {
    Change::Ask { id: id(number), deed: Deed::Erasure, concerning: "pupil:p-204".to_owned(), staff }
}

pub(super) fn answer(number: u8, agrees: bool) -> Change {
    Change::Answer { id: id(number), agrees }
}

pub(super) fn used(number: u8, alone: bool) -> Change {
    Change::Use { id: id(number), alone }
}

/// So many months for the core of a class, and for what else lives as long.
pub(super) fn lifetimes(class: Class, months: u16) -> Change {
    let wanted: Wanted = [Kept::Core, Kept::Detail].map(|kept| (kept, Lifetime::Months(months))).into();
    let name = |class, kept| format!("{class:?} {kept:?}");
    let choice = Choice::of(&[(class, wanted)].into(), Table::shipped(), name, &mut Checker::default());
    Change::Retention { number: 0, choice }
}

pub(super) fn public_body() -> Profile {
    let group_only_sources = ["cafeteria", "library"].map(str::to_owned).into();
    Profile { public_body: true, group_only_sources, ..Profile::default() }
}

/// One of every kind and more, each with who decides it, an hour apart, from [`now`] on.
pub(super) fn story() -> Vec<(Change, &'static str)> {
    vec![
        (Change::Profile(public_body()), "stefan"),
        (lifetimes(Class::Disclosure, 36), "stefan"),
        (Change::LoneApproval(true), "anna"),
        (grant(1, now(), 366), "anna"),
        (incident(2, now()), "piotr"),
        (Change::End(id(2)), "piotr"),
        (ask(3, Staff::Controller), "anna"),
        (answer(3, true), "jan"),
        (used(3, false), "anna"),
        (ask(4, Staff::Processor), "piotr"),
        (answer(4, false), "anna"),
        (Change::LoneApproval(false), "anna"),
        (grant(5, now().plus(DAY), 10), "anna"),
        (Change::End(id(5)), "jan"),
    ]
}
