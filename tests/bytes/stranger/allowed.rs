//! Where the two may differ, and why.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::opinion::Difference;
use crate::tamper::cells::{Cell, Damage};

/// Which cells, which damages (none: any), with keys (none: with and without), how they differ, why.
type Allowed = (&'static [&'static str], &'static [Damage], Option<bool>, Difference, &'static str);

const ALLOWED: &[Allowed] = &[
    (
        &["index/posting"],
        &[Damage::RollBack],
        Some(true),
        Difference::OtherRecord,
        "several terms lack records: each names those of the term that it looks at first",
    ),
    (
        &["db/*.sst"],
        &[Damage::FlipValue],
        Some(true),
        Difference::OtherRecord,
        "of a block that cannot be read the one names the record that it was read for, the other all whose rows it had",
    ),
    (
        &["index/MANIFEST"],
        &[Damage::Swap],
        Some(false),
        Difference::OnlyStranger,
        "with that of the vault, whose rows Akta without keys reads and finds none; the other misses its files",
    ),
];

/// What was needed of the list so far.
static USED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// Whether they may differ there.
pub(crate) fn may(cell: Cell, damage: Damage, keys: bool, how: Difference) -> bool {
    let at = ALLOWED.iter().position(|(cells, damages, with, allowed, _)| {
        *allowed == how
            && cells.contains(&cell.name())
            && (damages.is_empty() || damages.contains(&damage))
            && with.is_none_or(|with| with == keys)
    });
    if let Some(at) = at {
        USED.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
    }
    at.is_some()
}

/// What of the list nothing needed: it may be too generous, or the run too short.
pub(crate) fn unused() -> Vec<&'static str> {
    let used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    ALLOWED.iter().enumerate().filter(|(at, _)| !used.contains(at)).map(|(_, (.., why))| *why).collect()
}
