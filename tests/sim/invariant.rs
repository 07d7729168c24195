//! The invariants of ARCHITECTURE.md, by number: what breaks one says which, and each check is counted.

use std::fmt;

/// An invariant that the simulation can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    Dense = 1,
    Linked = 2,
    DurableFirst = 3,
    Time = 5,
    InClear = 6,
    Removed = 7,
    Derived = 8,
    Unknown = 9,
    Judge = 10,
    Decided = 11,
    /// The promises of the outcome table: applied once, the first stands, all of a batch or nothing.
    Promised = 12,
}

pub(crate) use Invariant::{
    Decided, Dense, Derived, DurableFirst, InClear, Judge, Linked, Promised, Removed, Time, Unknown,
};

impl Invariant {
    pub(crate) const ALL: [Self; 11] =
        [Dense, Linked, DurableFirst, Time, InClear, Removed, Derived, Unknown, Judge, Decided, Promised];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Promised => write!(f, "promise"),
            _ => write!(f, "I{}", *self as u8),
        }
    }
}

/// How often each was checked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Checked([u64; Invariant::ALL.len()]);

impl Checked {
    /// It holds, or the simulation ends here.
    #[track_caller]
    pub(crate) fn holds(&mut self, invariant: Invariant, holds: bool, else_say: impl FnOnce() -> String) {
        self.0[place(invariant)] += 1;
        assert!(holds, "{invariant}: {}", else_say());
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    /// Each with the number of its checks.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Invariant, u64)> {
        Invariant::ALL.into_iter().zip(self.0)
    }
}

fn place(invariant: Invariant) -> usize {
    Invariant::ALL.iter().position(|other| *other == invariant).unwrap_or_default()
}
