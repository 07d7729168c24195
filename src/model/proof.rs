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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tiles::tests::Plain;
    use super::super::tiles::{consistency_proof, inclusion_proof};
    use super::super::tree::tests::{leaves, plain_root};
    use super::*;

    /// The turns from the root down to the end of the way, as RFC 6962 takes them: to a leaf, or, for a proof of
    /// consistency, to the last node that is wholly within the older tree.
    fn turns(old: Option<u64>, index: u64, size: u64) -> Vec<bool> {
        let (mut start, mut end, mut turns) = (0, size, Vec::new());
        while end - start > 1 && old != Some(end) {
            let middle = start + (end - start).next_power_of_two() / 2;
            turns.push(index < middle);
            if index < middle { end = middle } else { start = middle }
        }
        turns
    }

    #[test]
    fn what_cannot_be_shown_is_refused_by_name() {
        let hash = Hash([0; 32]);
        for (index, size) in [(0, 0), (8, 8), (9, 8), (u64::MAX, u64::MAX)] {
            assert_eq!(verify_inclusion(&hash, index, size, &hash, &[]), Err(ProofError::Index { index, size }));
        }
        for (old, new) in [(0, 0), (0, 8), (9, 8), (u64::MAX, 8)] {
            assert_eq!(verify_consistency(old, &hash, new, &hash, &[]), Err(ProofError::Sizes { old, new }));
        }
        assert_eq!(verify_consistency(8, &hash, 8, &hash, &[]), Ok(()));
        assert_eq!(verify_consistency(8, &hash, 8, &Hash([1; 32]), &[]), Err(ProofError::Root));
        assert_eq!(verify_consistency(8, &hash, 8, &hash, &[hash]), Err(ProofError::Length(1)));
        assert_eq!(verify_consistency(7, &hash, 8, &hash, &[]), Err(ProofError::Length(0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn proofs_hold_and_nothing_else_does(
            count in 1..900usize,
            picks in any::<[prop::sample::Index; 5]>(),
            bit in 0..256usize,
        ) {
            let leaves = leaves(count);
            let tiles = Plain::new(leaves.clone());
            let size = count as u64;
            let whole = plain_root(&leaves);
            let flip = |hash: &Hash| { let mut hash = *hash; hash.0[bit / 8] ^= 1 << (bit % 8); hash };
            let at = picks[0].index(count);
            let (leaf, index) = (leaves[at], at as u64);

            let proof = inclusion_proof(&tiles, index, size).expect("in the tree");
            let check = verify_inclusion;
            prop_assert_eq!(check(&leaf, index, size, &whole, &proof), Ok(()));
            prop_assert_eq!(check(&flip(&leaf), index, size, &whole, &proof), Err(ProofError::Root));
            prop_assert_eq!(check(&leaf, index, size, &flip(&whole), &proof), Err(ProofError::Root));
            for i in 0..proof.len() {
                let mut bad = proof.clone();
                bad[i] = flip(&bad[i]);
                prop_assert_eq!(check(&leaf, index, size, &whole, &bad), Err(ProofError::Root));
                bad.remove(i);
                prop_assert_eq!(check(&leaf, index, size, &whole, &bad), Err(ProofError::Length(bad.len())));
            }
            let longer = [proof.clone(), vec![whole]].concat();
            prop_assert_eq!(check(&leaf, index, size, &whole, &longer), Err(ProofError::Length(longer.len())));
            let other = picks[1].index(count) as u64;
            prop_assert_eq!(check(&leaf, other, size, &whole, &proof).is_ok(), other == index);
            // Another size is refused exactly if the way up is another.
            let other = picks[2].index(2 * count) as u64;
            let same = other > index && turns(None, index, other) == turns(None, index, size);
            prop_assert_eq!(check(&leaf, index, other, &whole, &proof).is_ok(), same);

            let old = picks[3].index(count) as u64 + 1;
            let old_root = plain_root(&leaves[..old as usize]);
            let proof = consistency_proof(&tiles, old, size).expect("within the tree");
            let check = verify_consistency;
            prop_assert_eq!(check(old, &old_root, size, &whole, &proof), Ok(()));
            prop_assert!(check(old, &flip(&old_root), size, &whole, &proof).is_err());
            prop_assert_eq!(check(old, &old_root, size, &flip(&whole), &proof), Err(ProofError::Root));
            for i in 0..proof.len() {
                let mut bad = proof.clone();
                bad[i] = flip(&bad[i]);
                prop_assert!(check(old, &old_root, size, &whole, &bad).is_err());
                bad.remove(i);
                prop_assert!(check(old, &old_root, size, &whole, &bad).is_err());
            }
            let longer = [proof.clone(), vec![whole]].concat();
            prop_assert_eq!(check(old, &old_root, size, &whole, &longer), Err(ProofError::Length(longer.len())));
            let other = picks[4].index(count + 1) as u64;
            prop_assert_eq!(check(other, &old_root, size, &whole, &proof).is_ok(), other == old);
            let other = picks[2].index(2 * count) as u64;
            let same = other >= old && turns(Some(old), old - 1, other) == turns(Some(old), old - 1, size);
            prop_assert_eq!(check(old, &old_root, other, &whole, &proof).is_ok(), same);
        }

        #[test]
        fn any_proof_is_judged_without_panic(
            numbers in any::<[u64; 2]>(),
            hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
            let [a, b] = numbers;
            let hash = Hash([1; 32]);
            prop_assert!(verify_inclusion(&hash, a, b, &hash, &proof).is_err());
            prop_assert!(verify_consistency(a, &hash, b, &hash, &proof).is_err() || a == b);
        }
    }
}
