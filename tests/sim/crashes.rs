//! Starting, stopping and crashing: what a fault leaves behind, the next start decides.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use akta::model::origin::Controller;
use akta::store::faults::{Call, Faults};
use akta::store::memory::Disk;

use super::expiring;
use super::invariant::{DurableFirst, Unknown};
use super::story::Known;
use super::world::{Device, Open};
use super::{Ran, Sim, Step};

/// Starts that may fail in a row: each may be struck by a fault of its own.
const STARTS_MAX: u32 = 30;

impl Sim {
    /// Does a step on a node that runs, which is started first if there is none.
    pub(crate) fn take(&mut self, step: Step) {
        let mut node = self.node.take();
        for _ in 0..STARTS_MAX {
            node = node.or_else(|| self.open());
        }
        let Some(mut node) = node else { panic!("{Unknown}: it does not start again") };
        let alive = match step {
            Step::Fault => self.plan_fault(),
            Step::Crash => self.crash("crash"),
            Step::Stop => self.stop(&mut node),
            Step::Clock => self.move_clock(),
            Step::Days => self.wait(Duration::from_secs(86_400 * 9)),
            Step::Years => self.wait(Duration::from_secs(86_400 * 740)),
            Step::Search => self.search(&mut node),
            Step::Merge => self.merge(&mut node),
            Step::Prove => self.prove(&mut node),
            Step::Record => self.record(&mut node),
            Step::Decide => self.decide(&mut node),
            Step::Expire => self.expire(&mut node),
        };
        if self.loud {
            println!("{step:?}: {}", if alive { "goes on" } else { "down" });
        }
        self.node = alive.then_some(node);
    }

    /// The end: everything must be there once more.
    pub(crate) fn finish(mut self) -> Ran {
        self.calm = true;
        self.node = None;
        Device::ALL.into_iter().for_each(|device| self.world.faults(device, Faults::forget));
        self.crash("end");
        let node = self.open().expect("opens without faults");
        self.check_all(&node);
        self.check_sealed(&node);
        self.check_clear();
        let mut bytes = Vec::new();
        for disk in [&self.world.db, &self.world.vault, &self.world.index] {
            for (family, key, value) in disk.rows() {
                bytes.extend(family.name().bytes().chain(key).chain(value));
            }
        }
        Ran { counts: self.counts, bytes }
    }

    /// Starts a node; none where a fault strikes meanwhile.
    pub(crate) fn open(&mut self) -> Option<Open> {
        match self.world.open() {
            Ok(node) => {
                self.settle(&node);
                self.check_expired(&node);
                self.check_signed(&node);
                self.check_decided(&node);
                Some(node)
            }
            Err(error) => {
                // Only a planned fault may keep a node from starting; it must say so.
                self.counts.checked.holds(Unknown, is_fault(&error), || format!("refused to open: {error}"));
                self.crash("while opening");
                None
            }
        }
    }

    /// After opening, the disk decides what became of unknown events: all of them or none, in whatever trails.
    fn settle(&mut self, node: &Open) {
        let unknown = std::mem::take(&mut self.unknown);
        let trails = self.world.trails(node);
        let mut fates = BTreeSet::new();
        for info in &trails {
            let known = self.model.entry(info.controller.clone()).or_default();
            let mine = unknown.iter().filter(|(controller, _)| *controller == info.controller);
            let mine: Vec<Known> = mine.map(|(_, known)| known.clone()).collect();
            let told = expiring::told(&self.world, node, info, 1 + known.len() as u64);
            // What was told of expiry came after it: on the way down, or at this start.
            let (expected, size) = (1 + known.len() as u64, info.size() - told.len() as u64);
            let applied = size > expected;
            self.counts.checked.holds(DurableFirst, size == expected || size == expected + mine.len() as u64, || {
                format!("{} has {size} records, {expected} were acknowledged, {} unknown", info.origin, mine.len())
            });
            if !mine.is_empty() {
                fates.insert(applied);
            }
            if applied {
                self.counts.applied_unknown += mine.len() as u64;
                known.extend(mine);
            }
            self.counts.told += told.len() as u64;
            known.extend(told);
        }
        self.counts.checked.holds(DurableFirst, fates.len() < 2, || "half of a group was applied".to_owned());
        let present = |controller: &Controller| trails.iter().any(|info| info.controller == *controller);
        for (controller, known) in &self.model {
            let there = known.is_empty() || present(controller);
            self.counts.checked.holds(DurableFirst, there, || format!("{controller} is gone"));
        }
    }

    /// Some call of some device is going to fail.
    fn plan_fault(&mut self) -> bool {
        let device = Device::ALL[self.dice.pick(Device::ALL.len())];
        let calls: Vec<Call> = self.world.faults(device, |faults| faults.calls().keys().copied().collect());
        // An index that was lost has not been called yet.
        let Some(call) = calls.get(self.dice.pick(calls.len().max(1))).copied() else { return true };
        let after = self.dice.roll(if call == Call::Read { 40 } else { 3 });
        let bytes = self.dice.pick(if device == Device::Guard { 300 } else { 400_000 });
        let kinds = device.faults(call, bytes);
        let fault = kinds[self.dice.pick(kinds.len())];
        self.world.faults(device, |faults| faults.plan(call, after, fault));
        true
    }

    /// The process is gone, and with it what was not durable.
    pub(crate) fn crash(&mut self, why: &str) -> bool {
        if self.loud {
            println!("  {why}");
        }
        self.counts.crashes += 1;
        // What the index knows of requests may be lost with it: then only their ids are known.
        self.model.values_mut().flatten().for_each(|known| known.sure = false);
        let kept = self.dice.pick(self.world.index.unflushed() + 1);
        for struck in self.world.end(kept) {
            self.counts.strike(struck);
        }
        if self.calm {
            return false;
        }
        if self.dice.one_in(12) {
            self.counts.index_lost += 1;
            self.world.index = Disk::new();
        }
        self.play_with_copies();
        // A start may be struck, too.
        if self.dice.one_in(4) {
            self.plan_fault();
        }
        false
    }

    /// A clean stop: nothing is lost, not even what could be derived again.
    fn stop(&mut self, node: &mut Open) -> bool {
        let done = node.indexer.flush().and_then(|()| node.indexer.settle());
        if done.is_err() || node.base.guard.as_ref().unwrap().tick(&node.base).is_err() {
            return self.crash("the stop failed");
        }
        self.keep_heads(node);
        self.counts.stops += 1;
        let struck = self.world.end(usize::MAX);
        self.counts.checked.holds(Unknown, struck.is_empty(), || format!("{struck:?} struck, and nobody noticed"));
        false
    }

    fn move_clock(&mut self) -> bool {
        if self.dice.one_in(10) {
            self.latest = self.latest.max(self.world.now);
            self.world.now = self.world.now.minus(Duration::from_secs(self.dice.roll(3_600)));
            self.world.clock.set(self.world.now);
            return true;
        }
        let time = Duration::from_secs(self.dice.roll(3 * 86_400));
        self.wait(time)
    }

    pub(crate) fn wait(&mut self, time: Duration) -> bool {
        self.world.now = self.world.now.plus(time);
        self.latest = self.latest.max(self.world.now);
        self.world.clock.set(self.world.now);
        true
    }
}

/// Whether an error says that a fault struck.
pub(crate) fn is_fault(error: &str) -> bool {
    error.contains("planned fault") || error.contains("the disk is gone")
}
