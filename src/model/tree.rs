//! The Merkle tree of a trail (RFC 6962 section 2.1, SHA-256), and the edge along which it grows.
//!
//! ```text
//! leaf = SHA-256(0x00 || entry)     node = SHA-256(0x01 || left || right)     empty = SHA-256("")
//! ```
//!
//! A node over n leaves splits at the largest power of two below n: nothing is padded, nothing stands twice.
//! The entries of a trail are its headers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, of a node, of a root. Printed as base64, as in checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// Root of the tree without leaves.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

impl Hash {
    /// From stored bytes; `None` if they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From the base64 of 32 bytes, padded and canonical; `None` for everything else.
    pub fn parse(text: &str) -> Option<Self> {
        // Of any text of another length the bytes would not be 32.
        if text.len() != 44 {
            return None;
        }
        Self::from_slice(&STANDARD.decode(text).ok()?)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The leaf of an entry: of a trail, the canonical bytes of a header.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The node over two subtrees.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root over perfect subtrees that stand side by side, each smaller than the one before.
pub(super) fn join(subtrees: &[Hash]) -> Hash {
    subtrees.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT)
}

/// The right edge of a tree: the perfect subtrees that its leaves form, one for each bit of their number. All that
/// is needed to append and to know the root; at most 64 hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    // Largest and leftmost first.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The edge of `size` leaves; `None` if it has another number of subtrees, which go from left to right.
    pub fn new(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        (subtrees.len() == size.count_ones() as usize).then_some(Self { size, subtrees })
    }

    /// Appends a leaf. `completed(level, index, hash)` is told of each subtree of 256^level leaves, level 1 and up,
    /// that is whole with it, in the numbers of tlog-tiles: it covers the leaves from `index * 256^level`.
    pub fn append(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) {
        let mut hash = leaf;
        for (height, left) in (1..=self.size.trailing_ones()).zip(std::iter::from_fn(|| self.subtrees.pop())) {
            hash = node_hash(&left, &hash);
            if height % 8 == 0 {
                completed((height / 8) as u8, self.size >> height, hash);
            }
        }
        self.subtrees.push(hash);
        self.size = self.size.checked_add(1).expect("no tree comes near 2^64 leaves");
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        join(&self.subtrees)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Leaves that are all different.
    pub(in crate::model) fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(format!("event-{i}").as_bytes())).collect()
    }

    /// The root as RFC 6962 defines it.
    pub(in crate::model) fn plain_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&plain_root(left), &plain_root(right))
            }
        }
    }

    /// The edge of those leaves, and what it reported on the way.
    pub(in crate::model) fn grown(leaves: &[Hash]) -> (Frontier, Vec<(u8, u64, Hash)>) {
        let (mut frontier, mut reported) = (Frontier::default(), Vec::new());
        for leaf in leaves {
            frontier.append(*leaf, |level, index, hash| reported.push((level, index, hash)));
        }
        (frontier, reported)
    }

    /// Every whole subtree of 256 leaves and up, by its definition, in the order in which they become whole.
    fn whole_subtrees(leaves: &[Hash]) -> Vec<(u8, u64, Hash)> {
        let mut found = Vec::new();
        for end in (256..=leaves.len()).step_by(256) {
            for (level, width) in [(1, 256), (2, 65_536)] {
                if end % width == 0 {
                    found.push((level, (end / width) as u64 - 1, plain_root(&leaves[end - width..end])));
                }
            }
        }
        found
    }

    #[test]
    fn the_public_tree_of_eight_leaves_has_its_root() {
        // transparency-dev/merkle.
        let bytes = |first: u8, last: u8| (first..=last).collect::<Vec<u8>>();
        let entries = [
            vec![],
            vec![0],
            vec![0x10],
            vec![0x20, 0x21],
            vec![0x30, 0x31],
            bytes(0x40, 0x43),
            bytes(0x50, 0x57),
            bytes(0x60, 0x6f),
        ];
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let root = blake3::Hash::from_bytes(grown(&leaves).0.root().0).to_hex();
        assert_eq!(root.as_str(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn the_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, Hash(Sha256::digest([]).into()));
        assert_eq!(Frontier::default().root(), EMPTY_ROOT);
        assert_eq!(EMPTY_ROOT.to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn around_65_536_leaves_root_and_reports_are_the_plain_ones() {
        let leaves = leaves(65_536 + 300);
        let (mut frontier, mut reported) = (Frontier::default(), Vec::new());
        for (size, leaf) in (1..).zip(&leaves) {
            frontier.append(*leaf, |level, index, hash| reported.push((level, index, hash)));
            if [65_535, 65_536, 65_537, 65_836].contains(&size) {
                assert_eq!(frontier.root(), plain_root(&leaves[..size]), "{size}");
            }
        }
        assert_eq!(reported.len(), 257 + 1);
        assert_eq!(reported, whole_subtrees(&leaves));
    }

    #[test]
    fn an_edge_has_a_subtree_for_each_bit_of_its_size() {
        let hash = EMPTY_ROOT;
        for (size, subtrees, good) in [(0, 0, true), (5, 2, true), (5, 1, false), (5, 3, false), (u64::MAX, 64, true)] {
            assert_eq!(Frontier::new(size, vec![hash; subtrees]).is_some(), good, "{size} {subtrees}");
        }
    }

    #[test]
    fn only_the_canonical_base64_of_32_bytes_is_a_hash() {
        let good = EMPTY_ROOT.to_string();
        assert_eq!(Hash::parse(&good), Some(EMPTY_ROOT));
        for bad in [
            "",
            &good[..43],                                    // no padding
            &good.replace("FU=", "FV="),                    // bits that mean nothing
            &good.replace('+', "-"),                        // the alphabet of URLs
            &format!("{good} "),                            // white space
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==", // 31 bytes
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVV", // 33 bytes
        ] {
            assert_eq!(Hash::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn growing_gives_the_plain_root_and_reports_every_whole_subtree(count in 0..1_500usize) {
            let leaves = leaves(count);
            let (frontier, reported) = grown(&leaves);
            prop_assert_eq!(frontier.size(), count as u64);
            prop_assert_eq!(frontier.root(), plain_root(&leaves));
            prop_assert_eq!(reported, whole_subtrees(&leaves));
        }

        #[test]
        fn any_text_parses_or_not_and_what_parses_prints_the_same(text in ".{0,60}|[A-Za-z0-9+/]{43}=") {
            if let Some(hash) = Hash::parse(&text) {
                prop_assert_eq!(hash.to_string(), text);
            }
        }
    }
}
