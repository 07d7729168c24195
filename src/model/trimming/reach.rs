//! What can still be proved of a trail whose first headers are trimmed: leaves are hashed from headers, so that only
//! whole subtrees of [`STEP`] leaves, which are stored, are left of those.

use super::STEP;

/// A trail whose headers before `first` are trimmed; 0 for one that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The first header that is kept, a multiple of [`STEP`].
    pub first: u64,
}

impl Reach {
    /// Whether a record's header, and so its place in any tree, can be shown: by all trees that have it.
    pub const fn record(self, seq: u64) -> bool {
        seq >= self.first
    }

    /// Whether the root of the first `size` records can be computed, and consistency proved from that size or to it
    /// (with another of which the same holds).
    pub const fn size(self, size: u64) -> bool {
        size >= self.first || size.is_multiple_of(STEP)
    }
}
