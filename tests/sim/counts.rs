//! What a simulation met: one that meets no trouble shows nothing.

use std::collections::BTreeMap;

use akta::store::faults::{Call, Fault};

use super::invariant::Checked;
use super::world::Device;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Numbers, by what they count.
        #[derive(Debug, Default, Clone, PartialEq, Eq)]
        pub(crate) struct Counts {
            $($(#[$doc])* pub(crate) $name: u64,)*
            /// Faults that struck, by device, call and kind.
            pub(crate) struck: BTreeMap<(Device, Call, &'static str), u64>,
            pub(crate) checked: Checked,
        }

        impl Counts {
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                for (what, count) in &other.struck {
                    *self.struck.entry(*what).or_default() += count;
                }
                self.checked.add(&other.checked);
            }

            /// Every number with its name.
            pub(crate) fn numbers(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

counts! {
    /// Events recorded, and those that a reporter was told of as recorded before.
    recorded,
    batches,
    repeated,
    /// Events refused because their id belongs to another; of these in a batch, which is refused whole.
    conflicts,
    batch_conflicts,
    /// Events whose answer was lost, and those of them that were found to be recorded.
    uncertain,
    applied_unknown,
    /// The same events reported again.
    retried,
    crashes,
    stops,
    /// Starts without an index.
    index_lost,
    searches,
    rows,
    /// Records found to be past their date.
    expired,
    /// Rows that gave way in merges.
    merged,
    /// Changes recorded, and calls that were refused; controllers opened by a call.
    decided,
    changes_refused,
    opened,
    /// Notices that parts are expired; runs, those of them that needed somebody's word, and dates that left no byte.
    told,
    runs,
    confirmed,
    reclaimed,
    checkpoints,
    proofs,
    /// Older copies of the history or of the keyring that a start refused, and those that nobody could know of.
    copies_refused,
    copies_taken,
}

impl Counts {
    pub(crate) fn strike(&mut self, (device, call, fault): (Device, Call, Fault)) {
        *self.struck.entry((device, call, fault.name())).or_default() += 1;
    }

    /// As a table.
    pub(crate) fn print(&self) {
        for (name, number) in self.numbers() {
            println!("{name:<40}{number:>12}");
        }
        for ((device, call, kind), number) in &self.struck {
            println!("{:<40}{number:>12}", format!("{device:?} {call:?}, {kind}"));
        }
        for (invariant, number) in self.checked.each() {
            println!("{:<40}{number:>12}", format!("{invariant} checked"));
        }
    }
}
