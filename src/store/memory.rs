//! The store's deterministic twin: ordered maps in memory that fail on command.
//!
//! A [`Disk`] outlives the [`MemoryStore`]s opened on it, as a disk outlives a process. Synced batches survive a
//! crash; of derived batches a crash keeps a prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::{Call, Fate, Fault, Faults};
use super::{Batch, Change, Error, Family, Row, Rows, Scan, Store};

type Map = BTreeMap<(Family, Vec<u8>), Vec<u8>>;

#[derive(Debug, Default)]
struct State {
    durable: Map,
    /// Derived batches since the last flush, in order.
    derived: Vec<Batch>,
    current: Map,
    /// What was removed or written over, and may still be on the disk until it is reclaimed.
    residue: BTreeSet<(Family, Vec<u8>, Vec<u8>)>,
    faults: Faults,
}

/// A disk in memory.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a store on it.
    pub fn open(&self) -> MemoryStore {
        MemoryStore(self.clone())
    }

    /// Another disk with the same bytes, as durable as here.
    pub fn copy(&self) -> Self {
        let state = self.state();
        let (durable, derived, current) = (state.durable.clone(), state.derived.clone(), state.current.clone());
        let residue = state.residue.clone();
        Self(Arc::new(Mutex::new(State { durable, derived, current, residue, faults: Faults::default() })))
    }

    /// Looks at its faults, or plans one.
    pub fn faults<T>(&self, look: impl FnOnce(&mut Faults) -> T) -> T {
        look(&mut self.state().faults)
    }

    /// Ends the process: of the derived batches that were not flushed, the first `kept` survive. What had
    /// struck.
    pub fn crash(&self, kept: usize) -> Option<(Call, Fault)> {
        let mut state = self.state();
        let derived = std::mem::take(&mut state.derived);
        let mut map = std::mem::take(&mut state.durable);
        for batch in derived.into_iter().take(kept) {
            apply(&mut map, batch);
        }
        state.durable.clone_from(&map);
        state.current = map;
        state.faults.end()
    }

    /// Number of derived batches that a crash could lose.
    pub fn unflushed(&self) -> usize {
        self.state().derived.len()
    }

    /// Every row, for comparing runs and for tampering.
    pub fn rows(&self) -> Vec<(Family, Vec<u8>, Vec<u8>)> {
        self.state().current.iter().map(|((family, key), value)| (*family, key.clone(), value.clone())).collect()
    }

    /// Rows that are gone for readers, of which bytes may still be on the disk.
    pub fn residue(&self) -> Vec<(Family, Vec<u8>, Vec<u8>)> {
        self.state().residue.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store opened on a [`Disk`].
#[derive(Debug, Clone)]
pub struct MemoryStore(Disk);

impl Store for MemoryStore {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        let mut state = self.0.state();
        state.write(Call::Commit, |state| {
            apply(&mut state.durable, batch.clone());
            state.change(batch);
        })
    }

    fn derive(&self, batch: Batch) -> Result<(), Error> {
        let mut state = self.0.state();
        state.write(Call::Derive, |state| {
            state.change(batch.clone());
            state.derived.push(batch);
        })
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut state = self.0.state();
        state.read()?;
        Ok(state.current.get(&(family, key.to_vec())).cloned())
    }

    fn scan(&self, scan: Scan) -> Rows<'_> {
        let mut state = self.0.state();
        if let Err(error) = state.read() {
            return Box::new(std::iter::once(Err(error)));
        }
        let from = (scan.family, scan.from);
        let mut rows: Vec<Result<Row, Error>> = state
            .current
            .range(from..)
            .take_while(|((family, key), _)| *family == scan.family && scan.to.as_ref().is_none_or(|to| key < to))
            .map(|((_, key), value)| Ok((key.clone().into(), value.clone().into())))
            .collect();
        if scan.descending {
            rows.reverse();
        }
        Box::new(rows.into_iter())
    }

    fn drop_files(&self, _: Family, _: &[u8], _: &[u8]) -> Result<(), Error> {
        // It has no files: nothing is gone yet, which is one of the things that may be.
        self.0.state().write(Call::Reclaim, |_| ())
    }

    fn rewrite(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.reclaim(family, from, to)
    }

    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        let mut state = self.0.state();
        state.write(Call::Reclaim, |state| {
            // Its log goes with it, so what was derived so far is durable.
            state.derived.clear();
            state.durable = state.current.clone();
            state.residue.retain(|(of, key, _)| *of != family || &**key < from || &**key >= to);
        })
    }

    fn flush(&self) -> Result<(), Error> {
        let mut state = self.0.state();
        state.write(Call::Flush, |state| {
            state.derived.clear();
            state.durable = state.current.clone();
        })
    }
}

impl State {
    /// Changes what readers see; what they no longer see is not gone from the disk.
    fn change(&mut self, batch: Batch) {
        let kept = |family: Family| matches!(family, Family::Part | Family::Posting | Family::Row);
        let mut gone = Vec::new();
        for change in &batch.changes {
            match change {
                Change::Put(family, key, _) | Change::Remove(family, key) if kept(*family) => {
                    let name = (*family, key.clone());
                    gone.extend(self.current.get(&name).cloned().map(|value| (name, value)));
                }
                Change::RemoveRange(family, from, to) if kept(*family) && from < to => {
                    let rows = self.current.range((*family, from.clone())..(*family, to.clone()));
                    gone.extend(rows.map(|(name, value)| (name.clone(), value.clone())));
                }
                Change::Put(..) | Change::Remove(..) | Change::RemoveRange(..) => {}
            }
        }
        self.residue.extend(gone.into_iter().map(|((family, key), value)| (family, key, value)));
        apply(&mut self.current, batch);
    }

    fn read(&mut self) -> Result<(), Error> {
        self.write(Call::Read, |_| ())
    }

    fn write(&mut self, call: Call, apply: impl FnOnce(&mut Self)) -> Result<(), Error> {
        match self.faults.meet(call) {
            Fate::Gone => Err(Error::Failed("the disk is gone".into())),
            Fate::Fails(fault) => {
                if fault == Fault::AppliedThenFailed {
                    apply(self);
                }
                Err(Error::Failed(format!("planned fault: {call:?} {}", fault.name())))
            }
            Fate::Good => {
                apply(self);
                Ok(())
            }
        }
    }
}

fn apply(map: &mut Map, batch: Batch) {
    for change in batch.into_changes() {
        match change {
            Change::Put(family, key, value) => {
                map.insert((family, key), value);
            }
            Change::Remove(family, key) => {
                map.remove(&(family, key));
            }
            Change::RemoveRange(family, from, to) => {
                map.retain(|(of, key), _| *of != family || *key < from || *key >= to);
            }
        }
    }
}
