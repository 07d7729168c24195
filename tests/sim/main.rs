//! A seeded simulation: the production writer, indexer, reader and verifier on disks in memory that fail on command,
//! against a plain model.
//!
//! `SIM_SEED=17 cargo test --test sim` replays one seed and prints what it does. `AKTA_TORTURE=1` runs 10,000.
//! Checked after every step and every reopening (numbers as in ARCHITECTURE.md): I1 dense, I2 linked, I3 durable
//! first, I5 time, I8 derived indexes, I9 unknown means stop; and that the same seed gives the same bytes.
#![allow(clippy::unwrap_used)]

mod counts;
mod merging;
mod plants;
mod scan;
mod sealed;
mod searching;
mod story;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use akta::env::{Entropy, ManualClock};
use akta::model::date::{Timestamp, Zone};
use akta::model::origin::{Controller, Origin};
use akta::model::stored::Action;
use akta::store::files::MemoryFiles;
use akta::store::memory::{Disk, Fault};
use akta::store::{Database, disk};
use akta::trail::base::{Base, Settings, World};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::submission::RecordError;
use akta::trail::trails::{Head, Info};
use akta::trail::verify::verify;
use akta::trail::writer::Writer;
use counts::Counts;
use plants::Plant;
use story::{Dice, Known, alive, same, submission};

const STEPS: u32 = 40;
/// Seeds that once failed, each with the reason; they run always.
/// 2: a trail's first batch was lost after its vault rows were written; opened again in another order it got another
/// controller key, and its people could no longer be looked up. A trail is now durable before its people.
const ONCE_FAILED: [u64; 1] = [2];

#[test]
fn seeds() {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        run(seed.parse().unwrap(), true, None);
        return;
    }
    let count = if std::env::var_os("AKTA_TORTURE").is_some() { 10_000 } else { 300 };
    let mut total = Counts::default();
    for seed in ONCE_FAILED.into_iter().chain(0..count) {
        total.add(
            &std::panic::catch_unwind(|| run(seed, false, None))
                .unwrap_or_else(|_| panic!("seed {seed} failed: replay it with SIM_SEED={seed} cargo test --test sim"))
                .counts,
        );
    }
    println!("{count} seeds: {total:?}");
    // A simulation that meets no trouble shows nothing.
    assert!(total.crashes > count && total.uncertain > count / 10 && total.applied_unknown > 0 && total.rows > count);
    assert!(total.repeated > count && total.conflicts > count / 10 && total.merged > count);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..10 {
        assert_eq!(run(seed, false, None).bytes, run(seed, false, None).bytes, "seed {seed}");
    }
}

struct Ran {
    counts: Counts,
    bytes: Vec<u8>,
}

struct Sim {
    dice: Dice,
    loud: bool,
    db: Disk,
    vault: Disk,
    index: Disk,
    files: MemoryFiles,
    guard: MemoryFiles,
    clock: Arc<ManualClock>,
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
    /// What is wrong with the world, if anything is.
    plant: Option<Plant>,
    /// The last head of each trail that could be signed: somebody keeps a checkpoint of it.
    signed: BTreeMap<Controller, Head>,
    model: BTreeMap<Controller, Vec<Known>>,
    /// Events whose fate is not known until the next opening.
    unknown: Vec<(Controller, Known)>,
    ids: u64,
    /// Some event ids may have been indexed again from records: their digests are unknown.
    rebuilt: bool,
    counts: Counts,
}

struct Open {
    base: Arc<Base>,
    writer: Writer,
    indexer: Indexer,
}

fn run(seed: u64, loud: bool, plant: Option<Plant>) -> Ran {
    if loud {
        akta::telemetry::start("debug");
    }
    let mut sim = Sim::new(seed, loud, plant);
    let mut open = None;
    for step in 0..STEPS {
        let mut node = match open.take() {
            Some(node) => node,
            None => match sim.open() {
                Some(node) => node,
                // A fault struck while opening: the next try finds the disks whole.
                None => continue,
            },
        };
        let alive = match sim.dice.roll(10) {
            0 => sim.plan_fault(),
            1 => sim.crash("crash"),
            2 => sim.move_clock(),
            3 | 4 => sim.search(&mut node),
            5 => sim.merge(&mut node),
            _ => sim.record(&mut node),
        };
        if sim.loud {
            println!("step {step}: {}", if alive { "goes on" } else { "down" });
        }
        if alive {
            open = Some(node);
        }
    }
    drop(open);
    sim.crash("end");
    let node = sim.open().expect("opens without faults");
    sim.check_all(&node);
    sim.check_sealed(&node);
    let mut bytes = Vec::new();
    for disk in [&sim.db, &sim.vault, &sim.index] {
        for (family, key, value) in disk.rows() {
            bytes.extend(family.name().bytes().chain(key).chain(value));
        }
    }
    Ran { counts: sim.counts, bytes }
}

impl Sim {
    fn new(seed: u64, loud: bool, plant: Option<Plant>) -> Self {
        let now = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
        Self {
            dice: Dice(seed),
            loud,
            db: Disk::new(),
            vault: Disk::new(),
            index: Disk::new(),
            files: MemoryFiles::new(),
            guard: MemoryFiles::new(),
            clock: Arc::new(ManualClock::new(now)),
            now,
            entropy: plants::entropy(plant, seed),
            plant,
            signed: BTreeMap::new(),
            model: BTreeMap::new(),
            unknown: Vec::new(),
            ids: 0,
            rebuilt: false,
            counts: Counts::default(),
        }
    }

    fn open(&mut self) -> Option<Open> {
        let disk = disk::Disk {
            db: plants::store(self.plant, Database::Db, self.db.open()),
            vault: plants::store(self.plant, Database::Vault, self.vault.open()),
            index: plants::store(self.plant, Database::Index, self.index.open()),
            files: plants::files(self.plant, self.files.clone()),
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
        let world = World { clock: self.clock.clone(), entropy: self.entropy.clone() };
        let opened = Base::open(disk, Kek::dev(), settings, world).map_err(|error| error.to_string());
        let opened = opened.and_then(|base| {
            let base = Arc::new(base);
            let writer = Writer::open(base.clone()).map_err(|error| error.to_string())?;
            let (indexer, _) = Indexer::open(base.clone()).map_err(|error| error.to_string())?;
            Ok(Open { base, writer, indexer })
        });
        match opened {
            Ok(node) => {
                self.settle(&node);
                self.check_signed(&node);
                Some(node)
            }
            Err(error) => {
                // Only a planned fault may keep a node from opening; it must say so.
                assert!(
                    error.contains("planned fault") || error.contains("the disk is gone"),
                    "refused to open: {error}"
                );
                self.crash("while opening");
                None
            }
        }
    }

    /// After opening, the disk decides what became of unknown events: all of a group in one trail, or none.
    fn settle(&mut self, node: &Open) {
        let unknown = std::mem::take(&mut self.unknown);
        for info in trails(node) {
            let known = self.model.entry(info.controller.clone()).or_default();
            let mine: Vec<Known> = unknown
                .iter()
                .filter(|(controller, _)| *controller == info.controller)
                .map(|(_, known)| known.clone())
                .collect();
            let expected = 1 + known.len() as u64;
            assert!(
                info.size() == expected || info.size() == expected + mine.len() as u64,
                "I1, I3: {} has {} records, {expected} were acknowledged, {} unknown",
                info.origin,
                info.size(),
                mine.len()
            );
            if info.size() > expected {
                self.counts.applied_unknown += mine.len() as u64;
                known.extend(mine);
            }
        }
        for (controller, known) in &self.model {
            assert!(known.is_empty() || node.base.trail(controller).unwrap().is_some(), "I3: {controller} is gone");
        }
    }

    fn plan_fault(&mut self) -> bool {
        let fault = if self.dice.roll(2) == 0 { Fault::Lost } else { Fault::AppliedThenFailed };
        let after = u32::try_from(self.dice.roll(3)).unwrap();
        match self.dice.roll(5) {
            0 => self.db.fail_after(after, fault),
            1 => self.vault.fail_after(after, fault),
            2 => self.index.fail_after(after, fault),
            3 => self.guard.tear_after(after, usize::try_from(self.dice.roll(300)).unwrap()),
            _ => self.files.tear_after(after, usize::try_from(self.dice.roll(400_000)).unwrap()),
        }
        true
    }

    fn crash(&mut self, why: &str) -> bool {
        if self.loud {
            println!("  {why}");
        }
        self.counts.crashes += 1;
        self.rebuilt = true;
        let kept = self.dice.roll(self.index.unflushed() as u64 + 1);
        self.db.crash(0);
        self.vault.crash(0);
        self.index.crash(usize::try_from(kept).unwrap());
        self.files.crash();
        self.guard.crash();
        false
    }

    fn move_clock(&mut self) -> bool {
        let minutes = self.dice.roll(60 * 24 * 3);
        self.now = match self.dice.roll(20) {
            0 => self.now.minus(Duration::from_secs(minutes)),
            // Two years at once: what was recorded so far expires.
            1 => self.now.plus(Duration::from_secs(86_400 * 740)),
            _ => self.now.plus(Duration::from_secs(60 * minutes)),
        };
        self.clock.set(self.now);
        true
    }

    fn record(&mut self, node: &mut Open) -> bool {
        let mut group: Vec<(Controller, Known)> = (0..=self.dice.roll(12)).map(|_| self.event()).collect();
        self.repeat_some(&mut group);
        let submissions = group.iter().map(|(controller, known)| submission(controller, known)).collect();
        let step = node.writer.step(submissions);
        step.publish();
        assert_eq!(step.results.len(), group.len(), "every event has an answer");
        let mut stopped = false;
        for ((controller, mut known), result) in group.into_iter().zip(step.results) {
            let first = self.first(&controller, &known);
            match result {
                // The same event again: the first receipt, applied once. Another one: the first stands.
                Ok(recorded) if first.is_some() => {
                    let recorded = &recorded[0];
                    let (seq, first) = first.unwrap();
                    assert_eq!(recorded.receipt.seq, seq, "applied once");
                    assert!(first.receipt.as_ref().is_none_or(|receipt| same(receipt, &recorded.receipt)));
                    assert!(
                        known.action == first.action || self.rebuilt,
                        "another event under the same id is taken for it"
                    );
                    self.counts.repeated += 1;
                }
                Err(RecordError::Conflict { .. }) => {
                    assert_ne!(
                        first.expect("there is a first one").1.action,
                        known.action,
                        "the same event is refused"
                    );
                    self.counts.conflicts += 1;
                }
                Err(RecordError::Uncertain) if first.is_some() => stopped = true,
                Ok(recorded) => {
                    let trail = self.model.entry(controller).or_default();
                    assert_eq!(recorded[0].receipt.seq, 1 + trail.len() as u64, "I1");
                    known.receipt = Some(recorded[0].receipt.clone());
                    trail.push(known);
                    self.counts.recorded += 1;
                }
                Err(RecordError::Uncertain) => {
                    self.counts.uncertain += 1;
                    let id = known.event_id;
                    if !self.unknown.iter().any(|(c, earlier)| *c == controller && earlier.event_id == id) {
                        self.unknown.push((controller, known));
                    }
                    stopped = true;
                }
                // After an uncertain commit nothing is taken any more (I9).
                Err(RecordError::Busy { reason }) => assert!(node.writer.is_stopped(), "{reason}"),
                // The clock stepped back below what was recorded: such an event may be from the future.
                Err(error @ RecordError::Invalid { .. }) => {
                    assert!(error.to_string().contains("occurred_at"), "{error}")
                }
                Err(error @ (RecordError::NoController | RecordError::Damaged)) => panic!("{error}"),
            }
        }
        let indexed = node
            .indexer
            .absorb(step.entries)
            .and_then(|()| if self.dice.roll(3) == 0 { node.indexer.flush() } else { Ok(()) });
        if stopped || indexed.is_err() {
            return self.crash("a write failed");
        }
        // Only what is durable is guarded, so no crash leaves a store behind its guard.
        if self.dice.roll(4) == 0 && node.base.guard.as_ref().unwrap().tick(&node.base).is_err() {
            return self.crash("the guard failed");
        }
        for info in trails(node) {
            self.signed.extend(info.guarded().map(|head| (info.controller.clone(), head)));
        }
        true
    }

    /// The first event with that id in the model, and its position.
    fn first(&self, controller: &Controller, known: &Known) -> Option<(u64, Known)> {
        let trail = self.model.get(controller)?;
        (1u64..).zip(trail).find(|(_, first)| first.event_id == known.event_id).map(|(seq, first)| (seq, first.clone()))
    }

    /// Adds events that were reported before, some of them changed, and now and then one of the same group.
    fn repeat_some(&mut self, group: &mut Vec<(Controller, Known)>) {
        for _ in 0..self.dice.roll(3) {
            let controller =
                Controller::new(["school-1", "school-2"][usize::try_from(self.dice.roll(2)).unwrap()]).unwrap();
            let count = self.model.get(&controller).map_or(0, Vec::len) as u64;
            let (controller, mut again) = if count == 0 || self.dice.roll(4) == 0 {
                group[0].clone()
            } else {
                let index = usize::try_from(self.dice.roll(count)).unwrap();
                (controller.clone(), self.model[&controller][index].clone())
            };
            if self.dice.roll(3) == 0 {
                again.action = Action::Delete as i32;
            }
            group.push((controller, again));
        }
    }

    fn event(&mut self) -> (Controller, Known) {
        self.ids += 1;
        let mut event_id = [0; 16];
        event_id[8..].copy_from_slice(&self.ids.to_be_bytes());
        let controller =
            Controller::new(["school-1", "school-2"][usize::try_from(self.dice.roll(2)).unwrap()]).unwrap();
        let first = usize::try_from(self.dice.roll(5)).unwrap();
        let known = Known {
            event_id,
            actor: usize::try_from(self.dice.roll(4)).unwrap(),
            subjects: (first..first + usize::try_from(self.dice.roll(3)).unwrap()).collect(),
            ip: (self.dice.roll(4) > 0).then(|| u8::try_from(self.dice.roll(3)).unwrap()),
            action: [Action::Read, Action::Update, Action::Login][usize::try_from(self.dice.roll(3)).unwrap()] as i32,
            occurred_at: self.now.minus(Duration::from_secs(self.dice.roll(6 * 86_400))),
            receipt: None,
        };
        (controller, known)
    }

    /// Whoever kept a checkpoint sees it continued, and an older copy of the store would be noticed.
    fn check_signed(&self, node: &Open) {
        let guarded = node.base.guard.as_ref().unwrap().heads().unwrap();
        for (controller, head) in &self.signed {
            let info = node.base.trail(controller).unwrap().expect("I3: what was signed is there");
            assert!(info.size() >= head.size, "I3: {controller} is shorter than its checkpoint");
            assert_eq!(
                node.base.root(&info, head.size).unwrap(),
                *head,
                "I2: {controller} does not continue its checkpoint"
            );
            let held = guarded.get(info.origin.as_str()).map_or(0, |guarded| guarded.size);
            assert!(held >= head.size, "I3: the guard does not know what was signed of {controller}");
        }
    }

    /// Everything acknowledged is there, in its place, with its link; the one judge agrees.
    fn check_all(&mut self, node: &Open) {
        for info in trails(node) {
            let today = info.zone.date(self.now);
            let mut reader = akta::trail::reader::Reader::new(&node.base, &info, today);
            for (seq, known) in (1u64..).zip(&self.model[&info.controller]) {
                let record = reader.record(seq).unwrap();
                assert_eq!(record.header.seq, seq, "I1");
                if let Some(receipt) = &known.receipt {
                    assert_eq!((receipt.seq, receipt.link), (seq, record.link), "I3: a receipt holds");
                }
                match &record.contents.core {
                    Some(core) => assert_eq!(core.event_id, known.event_id),
                    None => {
                        assert!(!alive(known, &info.zone, today), "only what is past its date is unreadable");
                        self.counts.expired += 1;
                    }
                }
            }
        }
        let report = verify(&node.base, |_, _, _| {});
        assert_eq!(report.findings, [], "I2, I5, I8");
    }
}

/// The trails of controllers, opened; not the node's own.
fn trails(node: &Open) -> Vec<Arc<Info>> {
    let controllers = node.base.descriptions().unwrap().into_iter();
    let controllers = controllers.map(|meta| Origin::parse(&meta.origin).unwrap().controller());
    controllers.filter(|c| !c.is_node()).map(|c| node.base.trail(&c).unwrap().unwrap()).collect()
}
