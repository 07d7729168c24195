//! Proofs from tiles: the stored hashes of a tree, as c2sp.org/tlog-tiles cuts them.
//!
//! Tile (0, n) holds the leaves from position 256 n; tile (L, n) the roots of 256 whole subtrees of 256^L leaves.
//! Level 0 follows from the headers of a trail, so only levels 1 and up are stored. Each question below reads the
//! fewest tiles it can, each once, and of each only what a tree of that size has.

use std::fmt;

use super::tree::{Frontier, Hash, join, node_hash};

/// Where the hashes of a tree come from.
pub trait Tiles {
    /// Why a tile could not be had.
    type Error;

    /// The first `width` hashes (1 to 256) of a tile. Asked only for what a tree of the size at hand has.
    fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, Self::Error>;
}

/// Why there is no answer from tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TilesError<E: fmt::Display> {
    /// The position is not in the tree.
    #[error("position {index} is not in a tree of {size} records")]
    Index {
        /// Position asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The older tree is empty or the larger one.
    #[error("no proof leads from {old} records to {new}: give 1 to {new} for the older size")]
    Sizes {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
    },
    /// A tile came with another number of hashes.
    #[error("tile {level}/{index} came with {found} hashes instead of {width}")]
    Width {
        /// Level of the tile.
        level: u8,
        /// Number of the tile on its level.
        index: u64,
        /// Hashes asked for.
        width: usize,
        /// Hashes given.
        found: usize,
    },
    /// A tile could not be had.
    #[error("{0}")]
    Tile(E),
}

/// The root of the first `size` leaves.
pub fn root<T: Tiles<Error: fmt::Display>>(tiles: &T, size: u64) -> Result<Hash, TilesError<T::Error>> {
    Reader::new(tiles, size).root_of(0, size)
}

/// The edge of the first `size` leaves, from which the tree grows on.
pub fn frontier<T: Tiles<Error: fmt::Display>>(tiles: &T, size: u64) -> Result<Frontier, TilesError<T::Error>> {
    let subtrees = Reader::new(tiles, size).subtrees(0, size)?;
    Ok(Frontier::new(size, subtrees).expect("one subtree for each bit of the size"))
}

/// Proof that the leaf at `index` is in the tree of the first `size` leaves (RFC 6962 section 2.1.1): from its sibling
/// up to a child of the root.
pub fn inclusion_proof<T: Tiles<Error: fmt::Display>>(
    tiles: &T,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, TilesError<T::Error>> {
    if index >= size {
        return Err(TilesError::Index { index, size });
    }
    let mut reader = Reader::new(tiles, size);
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(reader.root_of(middle, end)?);
            end = middle;
        } else {
            proof.push(reader.root_of(start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of the first `new` leaves extends that of the first `old` (RFC 6962 section 2.1.2).
pub fn consistency_proof<T: Tiles<Error: fmt::Display>>(
    tiles: &T,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, TilesError<T::Error>> {
    if old == 0 || old > new {
        return Err(TilesError::Sizes { old, new });
    }
    let mut reader = Reader::new(tiles, new);
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, new);
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(reader.root_of(middle, end)?);
            end = middle;
        } else {
            proof.push(reader.root_of(start, middle)?);
            start = middle;
        }
    }
    // Never gone right: this is the whole of the older tree, and its root is known to whoever asks.
    if start != 0 {
        proof.push(reader.root_of(start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Where a tree of `leaves` (2 or more) splits: the largest power of two below.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// Reads subtrees of a tree of one size, and each tile once.
struct Reader<'a, T> {
    tiles: &'a T,
    size: u64,
    // A question needs two tiles of a level at most, of up to eight levels.
    read: Vec<(u8, u64, Vec<Hash>)>,
}

impl<'a, T: Tiles<Error: fmt::Display>> Reader<'a, T> {
    fn new(tiles: &'a T, size: u64) -> Self {
        Self { tiles, size, read: Vec::new() }
    }

    /// The root over leaves `start..end`, which are a node of the tree.
    fn root_of(&mut self, start: u64, end: u64) -> Result<Hash, TilesError<T::Error>> {
        Ok(join(&self.subtrees(start, end)?))
    }

    /// The perfect subtrees of leaves `start..end`, which are a node of the tree, largest first.
    fn subtrees(&mut self, start: u64, end: u64) -> Result<Vec<Hash>, TilesError<T::Error>> {
        let mut subtrees = Vec::new();
        let mut at = start;
        while at < end {
            let height = (end - at).ilog2();
            subtrees.push(self.perfect(height, at >> height)?);
            at += 1 << height;
        }
        Ok(subtrees)
    }

    /// The root of the `index`-th subtree of 2^height leaves.
    fn perfect(&mut self, height: u32, index: u64) -> Result<Hash, TilesError<T::Error>> {
        let (level, within) = ((height / 8) as u8, height % 8);
        let first = index << within;
        let at = (first % 256) as usize;
        let hashes = self.tile(level, first / 256)?;
        Ok(fold(&hashes[at..at + (1 << within)]))
    }

    /// All that a tree of this size has of a tile.
    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], TilesError<T::Error>> {
        let known = self.read.iter().position(|(l, i, _)| (*l, *i) == (level, index));
        let at = match known {
            Some(at) => at,
            None => {
                let width = ((self.size >> (8 * level)) - 256 * index).min(256) as usize;
                let hashes = self.tiles.tile(level, index, width).map_err(TilesError::Tile)?;
                if hashes.len() != width {
                    return Err(TilesError::Width { level, index, width, found: hashes.len() });
                }
                self.read.push((level, index, hashes));
                self.read.len() - 1
            }
        };
        Ok(&self.read[at].2)
    }
}

/// The root over neighbouring subtrees of one size, a power of two of them.
fn fold(subtrees: &[Hash]) -> Hash {
    match subtrees {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(&fold(left), &fold(right))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;

    use proptest::prelude::*;
    use tlog_tiles::{HashReader, Tile};

    use super::super::proof::{verify_consistency, verify_inclusion};
    use super::super::tree::tests::{grown, leaves, plain_root};
    use super::*;

    /// Tiles computed from all leaves; notes what was asked for.
    pub(in crate::model) struct Plain {
        leaves: Vec<Hash>,
        asked: RefCell<Vec<(u8, u64, usize)>>,
    }

    impl Plain {
        pub(in crate::model) fn new(leaves: Vec<Hash>) -> Self {
            Self { leaves, asked: RefCell::default() }
        }

        /// What was asked for since the last time.
        fn asked(&self) -> Vec<(u8, u64, usize)> {
            self.asked.take()
        }
    }

    impl Tiles for Plain {
        type Error = Infallible;

        fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, Infallible> {
            self.asked.borrow_mut().push((level, index, width));
            let span = 256usize.pow(level.into());
            let start = 256 * index as usize;
            Ok((start..start + width).map(|i| plain_root(&self.leaves[i * span..(i + 1) * span])).collect())
        }
    }

    /// A tree whose leaves are all the same: any size can be had.
    struct Uniform;

    impl Tiles for Uniform {
        type Error = Infallible;

        fn tile(&self, level: u8, _: u64, width: usize) -> Result<Vec<Hash>, Infallible> {
            let whole = (0..8 * u32::from(level)).fold(Hash([7; 32]), |hash, _| node_hash(&hash, &hash));
            Ok(vec![whole; width])
        }
    }

    #[test]
    fn as_few_tiles_as_can_be_are_read() {
        let tiles = Plain::new(leaves(70_000));
        root(&tiles, 70_000).expect("tiles");
        assert_eq!(tiles.asked(), [(2, 0, 1), (1, 1, 17), (0, 273, 112)]);
        root(&tiles, 256).expect("tiles");
        assert_eq!(tiles.asked(), [(1, 0, 1)]);
        root(&tiles, 0).expect("tiles");
        assert_eq!(tiles.asked(), []);
        frontier(&tiles, 65_536 + 512).expect("tiles");
        assert_eq!(tiles.asked(), [(2, 0, 1), (1, 1, 2)]);
        inclusion_proof(&tiles, 5, 256).expect("tiles");
        assert_eq!(tiles.asked(), [(0, 0, 256)]);
        inclusion_proof(&tiles, 5, 300).expect("tiles");
        assert_eq!(tiles.asked(), [(0, 1, 44), (0, 0, 256)]);
        inclusion_proof(&tiles, 299, 300).expect("tiles");
        assert_eq!(tiles.asked(), [(1, 0, 1), (0, 1, 44)]);
        inclusion_proof(&tiles, 0, 1).expect("tiles");
        assert_eq!(tiles.asked(), []);
        consistency_proof(&tiles, 256, 300).expect("tiles");
        assert_eq!(tiles.asked(), [(0, 1, 44)]);
        consistency_proof(&tiles, 300, 600).expect("tiles");
        assert_eq!(tiles.asked(), [(0, 2, 88), (1, 0, 2), (0, 1, 256)]);
        consistency_proof(&tiles, 300, 300).expect("tiles");
        assert_eq!(tiles.asked(), []);
    }

    #[test]
    fn impossible_questions_have_typed_answers() {
        let tiles = Plain::new(leaves(8));
        for (index, size) in [(0, 0), (8, 8), (9, 8), (u64::MAX, u64::MAX)] {
            assert_eq!(inclusion_proof(&tiles, index, size), Err(TilesError::Index { index, size }));
        }
        for (old, new) in [(0, 0), (0, 8), (9, 8), (u64::MAX, 8)] {
            assert_eq!(consistency_proof(&tiles, old, new), Err(TilesError::Sizes { old, new }));
        }
        assert_eq!(tiles.asked(), []);
    }

    #[test]
    fn a_tile_of_another_width_and_a_failing_one_are_errors() {
        struct Bad(Result<usize, &'static str>);
        impl Tiles for Bad {
            type Error = &'static str;
            fn tile(&self, _: u8, _: u64, _: usize) -> Result<Vec<Hash>, &'static str> {
                self.0.map(|count| vec![Hash([0; 32]); count])
            }
        }
        for found in [0, 2, 4] {
            assert_eq!(root(&Bad(Ok(found)), 3), Err(TilesError::Width { level: 0, index: 0, width: 3, found }));
        }
        assert_eq!(root(&Bad(Err("lost")), 3).map_err(|error| error.to_string()), Err("lost".to_owned()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn an_edge_read_from_tiles_grows_on_as_if_it_had_never_stopped(count in 0..800usize, more in 0..300usize) {
            let leaves = leaves(count + more);
            let mut resumed = frontier(&Plain::new(leaves[..count].to_vec()), count as u64).expect("tiles");
            prop_assert_eq!(&resumed, &grown(&leaves[..count]).0);
            for leaf in &leaves[count..] {
                resumed.append(*leaf, |_, _, _| ());
            }
            prop_assert_eq!(resumed, grown(&leaves).0);
        }

        #[test]
        fn no_size_is_too_large(a in any::<u64>(), b in any::<u64>(), c in 0..64u32) {
            for (index, size) in [(a.min(b), a.max(b)), (0, 1 << c), (a, u64::MAX), ((1 << c) - 1, u64::MAX)] {
                if index == size {
                    continue;
                }
                let whole = root(&Uniform, size).expect("tiles");
                prop_assert_eq!(frontier(&Uniform, size).map(|edge| edge.root()), Ok(whole));
                let proof = inclusion_proof(&Uniform, index, size).expect("in the tree");
                prop_assert!(proof.len() <= 64);
                prop_assert_eq!(verify_inclusion(&Hash([7; 32]), index, size, &whole, &proof), Ok(()));
                let old = index + 1;
                let old_root = root(&Uniform, old).expect("tiles");
                let proof = consistency_proof(&Uniform, old, size).expect("within the tree");
                prop_assert_eq!(verify_consistency(old, &old_root, size, &whole, &proof), Ok(()));
            }
        }

        #[test]
        fn another_implementation_has_the_same_tiles_roots_and_proofs(
            count in 1..1_200u64,
            picks in any::<[prop::sample::Index; 2]>(),
        ) {
            struct Stored(Vec<tlog_tiles::Hash>);
            impl HashReader for Stored {
                fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
                    Ok(indexes.iter().map(|i| self.0[*i as usize]).collect())
                }
            }
            let theirs = |hash: &Hash| tlog_tiles::Hash(hash.0);
            let ours = |hashes: Vec<tlog_tiles::Hash>| hashes.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>();
            let leaves = leaves(count as usize);
            let mut stored = Stored(Vec::new());
            for (i, leaf) in (0..).zip(&leaves) {
                let more = tlog_tiles::stored_hashes_for_record_hash(i, theirs(leaf), &stored).expect("stored");
                stored.0.extend(more);
            }
            let tiles = Plain::new(leaves.clone());
            let whole = root(&tiles, count).expect("tiles");
            prop_assert_eq!(theirs(&whole), tlog_tiles::tree_hash(count, &stored).expect("stored"));

            // What the edge reports on its way is level 1 of their tiles; level 0 are the leaves.
            let reported = grown(&leaves).1;
            for tile in Tile::new_tiles(8, 0, count) {
                let mine: Vec<Hash> = match tile.level() {
                    0 => leaves.iter().skip(256 * tile.level_index() as usize).take(tile.width() as usize).copied().collect(),
                    level => reported.iter().filter(|row| row.0 == level).map(|row| row.2).collect(),
                };
                let bytes: Vec<u8> = mine.iter().flat_map(|hash| hash.0).collect();
                prop_assert_eq!(bytes, tile.read_data(&stored).expect("stored"), "{}", tile.path());
            }

            let index = picks[0].index(count as usize) as u64;
            let proof = inclusion_proof(&tiles, index, count).expect("in the tree");
            prop_assert_eq!(&proof, &ours(tlog_tiles::prove_record(count, index, &stored).expect("stored")));
            let handed: Vec<_> = proof.iter().map(theirs).collect();
            let leaf = theirs(&leaves[index as usize]);
            prop_assert!(tlog_tiles::check_record(&handed, count, theirs(&whole), index, leaf).is_ok());

            let old = picks[1].index(count as usize) as u64 + 1;
            let proof = consistency_proof(&tiles, old, count).expect("within the tree");
            prop_assert_eq!(&proof, &ours(tlog_tiles::prove_tree(count, old, &stored).expect("stored")));
            let handed: Vec<_> = proof.iter().map(theirs).collect();
            let old_root = theirs(&root(&tiles, old).expect("tiles"));
            prop_assert!(tlog_tiles::check_tree(&handed, count, theirs(&whole), old, old_root).is_ok());
        }
    }
}
