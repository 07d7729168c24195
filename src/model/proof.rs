//! Checking proofs against roots: inclusion (RFC 9162 section 2.1.3.2) and consistency (section 2.1.4.2).
//!
//! A proof shows no more than its root is worth: take root and size from a checkpoint whose signature was verified.
//! The size itself only shapes the way up; for some other sizes that way is the same.

use super::tree::{Hash, node_hash};

/// Why a proof shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The position is not in the tree.
    #[error("position {index} is not in a tree of {size} records")]
    Index {
        /// Position asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// Every tree extends the empty one, and no tree a larger one: there is nothing to show.
    #[error("nothing can be shown between trees of {old} and of {new} records")]
    Sizes {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
    },
    /// Too many hashes, or too few.
    #[error("the proof has {0} hashes, not as many as the sizes ask for")]
    Length(usize),
    /// The hashes lead to another root.
    #[error("the proof does not lead to the root")]
    Root,
    /// The hashes lead to another root of the older tree.
    #[error("the proof does not lead to the root of the older tree")]
    OldRoot,
}

/// Checks that `leaf` is the leaf at position `index` of the tree of `size` leaves with that root. `proof` goes from
/// the leaf's sibling up to a child of the root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut at = Climb { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        match at.step().ok_or(ProofError::Length(proof.len()))? {
            Side::Left => hash = node_hash(sibling, &hash),
            Side::Right => hash = node_hash(&hash, sibling),
        }
    }
    if at.last != 0 {
        return Err(ProofError::Length(proof.len()));
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `new` leaves begins with the leaves of the tree of `old` leaves.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let length = ProofError::Length(proof.len());
    if old == 0 || old > new {
        return Err(ProofError::Sizes { old, new });
    }
    if old == new {
        return match proof {
            [] if old_root == new_root => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(length),
        };
    }
    // Where both trees still agree: the last perfect subtree of the older one. If that is all of it, its root is known.
    let (start, rest) = if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(length)? };
    let mut at = Climb { node: old - 1, last: new - 1 };
    at.skip(at.node.trailing_ones());
    let (mut before, mut after) = (*start, *start);
    for sibling in rest {
        match at.step().ok_or(length)? {
            Side::Left => {
                before = node_hash(sibling, &before);
                after = node_hash(sibling, &after);
            }
            Side::Right => after = node_hash(&after, sibling),
        }
    }
    if at.last != 0 {
        return Err(length);
    }
    if before != *old_root {
        return Err(ProofError::OldRoot);
    }
    if after == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

/// The side of a sibling.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: its number on its level, and the number of the last node there.
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    /// Goes up past one sibling and says on which side it stands; `None` at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let left = self.node & 1 == 1 || self.node == self.last;
        if left {
            // The last node of a level has no sibling while its number is even: it is the same node a level higher.
            self.skip(self.node.trailing_zeros());
        }
        self.skip(1);
        Some(if left { Side::Left } else { Side::Right })
    }

    /// Goes up some levels.
    fn skip(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}
