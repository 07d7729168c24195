//! Older copies: put back in place of the whole folder or of the keyring, a start refuses what it can know to be older.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use akta::store::memory::Disk;
use akta::trail::guard::Guard;
use akta::trail::keyring::{Kek, Keyring};
use akta::trail::meta::{descriptions, generation};
use akta::trail::position::stored_size;
use akta::trail::verify::verify;

use super::Sim;
use super::invariant::{DurableFirst, Judge};
use super::world::World;

/// A copy of everything, made while nothing ran.
pub(crate) struct Copied(World);

impl Sim {
    /// Makes a copy, or puts one back; on worlds of their own, so that the story goes on as it was.
    pub(crate) fn play_with_copies(&mut self) {
        if self.copied.is_none() || self.dice.one_in(4) {
            self.copied = Some(Copied(self.world.copy()));
            return;
        }
        let Some(Copied(old)) = &self.copied else { return };
        let (mut put_back, what) = (old.copy(), self.dice.roll(3));
        put_back.now = self.world.now;
        put_back.clock.set(self.world.now);
        let refused_for = match what {
            // The folder is old, its guard lies elsewhere and is not.
            0 => {
                put_back.guard = self.world.guard.copy();
                let (have, guarded) = (sizes(&put_back.db), guarded(&put_back));
                let behind = guarded.iter().any(|(origin, size)| have.get(origin).is_none_or(|have| have < size));
                behind.then_some("guard")
            }
            // The keyring is old, all else is not.
            1 => {
                let keyring = std::mem::replace(&mut put_back, self.world.copy()).keyring;
                put_back.keyring = keyring;
                let used = generation(&put_back.db.open()).unwrap().unwrap_or_default();
                (has(&put_back) < used).then_some("keyring is of generation")
            }
            // All of it is old, the guard too: nobody can know.
            _ => None,
        };
        let checked = &mut self.counts.checked;
        match (put_back.open(), refused_for) {
            (Err(error), Some(reason)) => {
                checked.holds(DurableFirst, error.contains(reason), || {
                    format!("refused, but for another reason: {error}")
                });
                self.counts.copies_refused += 1;
            }
            (Ok(node), None) => {
                let findings = verify(&node.base, |_, _, _| {}).findings;
                checked.holds(Judge, findings.is_empty(), || format!("a copy: {findings:?}"));
                self.counts.copies_taken += 1;
            }
            (Ok(_), Some(reason)) => checked.holds(DurableFirst, false, || format!("an older copy is taken: {reason}")),
            (Err(error), None) => checked.holds(DurableFirst, false, || format!("a good copy is refused: {error}")),
        }
    }
}

/// Records of each trail.
fn sizes(db: &Disk) -> BTreeMap<String, u64> {
    let db = db.open();
    descriptions(&db).unwrap().into_iter().map(|meta| (meta.origin, stored_size(&db, meta.number).unwrap())).collect()
}

/// What the guard holds of each trail.
fn guarded(world: &World) -> BTreeMap<String, u64> {
    let Some(guard) = Guard::open(Arc::new(world.guard.clone())).unwrap() else { return BTreeMap::new() };
    guard.heads().unwrap().into_iter().map(|(origin, head)| (origin, head.size)).collect()
}

/// Generation of the keyring.
fn has(world: &World) -> u64 {
    let opened = Keyring::open_read_only(Arc::new(world.keyring.clone()), Kek::dev(), 0);
    opened.map_or(0, |keyring| keyring.generation())
}
