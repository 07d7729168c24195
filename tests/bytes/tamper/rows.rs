//! Damage to rows, done with RocksDB's own means: every checksum of the disk is right afterwards.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use akta::cli::random::Random;
use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Store};

use super::cells::{Cell, Damage, Pick};
use super::damage::Struck;
use super::folder::{Original, Rows};
use super::marks;

type Row = (Vec<u8>, Vec<u8>);

/// Damages a row of the family, or several.
pub(crate) fn strike(
    original: &Original,
    (family, pick): (Family, Pick),
    damage: Damage,
    random: &mut Random,
    folder: &Path,
) -> Struck {
    let rows = &original.whole.rows[&family];
    let picked: Vec<Row> =
        rows.iter().filter(|(key, _)| pick(original, key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    let (key, value) = picked[random.index(picked.len())].clone();
    let mut changes: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
    match damage {
        Damage::FlipKey => {
            let moved = fresh(rows, || flip(&key, random));
            changes.extend([(key, None), (moved, Some(value))]);
        }
        Damage::FlipValue => drop(changes.insert(key, Some(flip(&value, random)))),
        Damage::Truncate => {
            let halves = family == Family::Row && random.index(4) == 0;
            // Of people, just the half with contact data, which is what somebody would want to take away.
            let account = halves.then(|| 3 + usize::from(u16::from_be_bytes([value[1], value[2]])));
            let kept = account.filter(|kept| *kept < value.len()).unwrap_or_else(|| random.index(value.len()));
            changes.insert(key, Some(value[..kept].to_vec()));
        }
        Damage::Delete => drop(changes.insert(key, None)),
        Damage::Duplicate => {
            let copy = fresh(rows, || if random.index(2) == 0 { flip(&key, random) } else { later(&key, random) });
            changes.insert(copy, Some(value));
        }
        Damage::Swap => {
            // Of a family of one such row, with any other of the family.
            let all: Vec<Row> = rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            let others = if picked.iter().any(|row| row.1 != value) { &picked } else { &all };
            let others: Vec<&Row> = others.iter().filter(|row| row.1 != value).collect();
            let (other, its) = others[random.index(others.len())].clone();
            changes.extend([(key, Some(its)), (other, Some(value))]);
        }
        Damage::RollBack => changes = older(original, family, pick, random),
    }
    let mut marks = Vec::new();
    for (key, new) in &changes {
        for value in rows.get(key).into_iter().chain(new) {
            marks.extend(marks::of_row(original, family, key, value));
        }
    }
    let what = changes.iter().map(|(key, value)| {
        format!(
            "{} {} -> {} bytes",
            key.escape_ascii(),
            rows.get(key).map_or(0, Vec::len),
            value.as_ref().map_or(0, Vec::len)
        )
    });
    let what = what.take(5).collect::<Vec<_>>().join("; ");
    write(folder, Cell::Rows("", family, pick).database().unwrap(), family, changes);
    Struck { what, marks, beyond: false }
}

/// Writes rows into a database as somebody with its tools would.
pub(crate) fn write(
    folder: &Path,
    database: Database,
    family: Family,
    changes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
) {
    let store = RocksStore::open(folder, database).unwrap();
    let mut batch = Batch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(family, key, value),
            None => batch.remove(family, key),
        }
    }
    match database {
        Database::Index => {
            store.derive(batch).unwrap();
            store.flush().unwrap();
        }
        Database::Db | Database::Vault => store.commit(batch).unwrap(),
    }
}

/// One row, or all of them, as in a state before.
fn older(original: &Original, family: Family, pick: Pick, random: &mut Random) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let now = &original.whole.rows[&family];
    let mut states: Vec<usize> = (0..original.before.len()).collect();
    loop {
        assert!(!states.is_empty(), "{} was the same before", family.name());
        let state = states.swap_remove(random.index(states.len()));
        let then = &original.before[state].rows[&family];
        let keys = now.keys().chain(then.keys()).filter(|key| pick(original, key));
        let differ: BTreeMap<_, _> = keys
            .filter(|key| now.get(*key) != then.get(*key))
            .map(|key| (key.clone(), then.get(key).cloned()))
            .collect();
        if differ.is_empty() {
            continue;
        }
        return if random.index(2) == 0 {
            differ
        } else {
            let at = random.index(differ.len());
            differ.into_iter().skip(at).take(1).collect()
        };
    }
}

fn flip(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.index(bytes.len());
    bytes[at] ^= 1 << random.index(8);
    bytes
}

/// The key of a row a little behind.
fn later(key: &[u8], random: &mut Random) -> Vec<u8> {
    let mut key = key.to_vec();
    let tail = key.len().saturating_sub(8);
    let mut number = [0; 8];
    let bytes = &mut key[tail..];
    number[8 - bytes.len()..].copy_from_slice(bytes);
    let next = u64::from_be_bytes(number).wrapping_add(1 + random.below(70)).to_be_bytes();
    bytes.copy_from_slice(&next[8 - bytes.len()..]);
    key
}

/// A key that no row has.
fn fresh(rows: &Rows, mut draw: impl FnMut() -> Vec<u8>) -> Vec<u8> {
    loop {
        let key = draw();
        if !rows.contains_key(&key) {
            return key;
        }
    }
}
