//! Proofs of inclusion and consistency: taken exactly where the recursion of RFC 6962 gives the same roots.

use akta::model::proof::{ProofError, verify_consistency, verify_inclusion};
use akta::model::tree::{Hash, node_hash};

use super::input::Input;

/// Two numbers, then hashes.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (a, b) = (input.number(), input.number());
    let first = Hash(input.array());
    let hashes: Vec<Hash> = input.0.chunks_exact(32).map(|bytes| Hash::from_slice(bytes).unwrap()).collect();
    inclusion(&first, a, b, &hashes);
    consistency(&first, a, b, &hashes);
}

fn inclusion(leaf: &Hash, index: u64, size: u64, hashes: &[Hash]) {
    let Some(root) = root_of(leaf, index, size, hashes) else {
        let error = verify_inclusion(leaf, index, size, leaf, hashes);
        assert!(matches!(error, Err(ProofError::Index { .. } | ProofError::Length(_))), "{error:?}");
        return;
    };
    assert_eq!(verify_inclusion(leaf, index, size, &root, hashes), Ok(()));
    assert!(verify_inclusion(leaf, index, size, &altered(&root), hashes).is_err());
    assert!(verify_inclusion(&altered(leaf), index, size, &root, hashes).is_err());
    for (at, hash) in hashes.iter().enumerate() {
        let mut other = hashes.to_vec();
        other[at] = altered(hash);
        assert!(verify_inclusion(leaf, index, size, &root, &other).is_err());
    }
    if let Some((_, shorter)) = hashes.split_last() {
        assert!(verify_inclusion(leaf, index, size, &root, shorter).is_err());
    }
    assert!(verify_inclusion(leaf, index, size, &root, &[hashes, &[*leaf]].concat()).is_err());
}

fn consistency(start: &Hash, old: u64, new: u64, hashes: &[Hash]) {
    let sizes = old > 0 && old <= new;
    let Some((old_root, new_root)) = roots_of(start, old, new, hashes).filter(|_| sizes) else {
        let error = verify_consistency(old, start, new, start, hashes);
        assert!(matches!(error, Err(ProofError::Sizes { .. } | ProofError::Length(_))), "{error:?}");
        return;
    };
    assert_eq!(verify_consistency(old, &old_root, new, &new_root, hashes), Ok(()));
    assert!(verify_consistency(old, &altered(&old_root), new, &new_root, hashes).is_err());
    assert!(verify_consistency(old, &old_root, new, &altered(&new_root), hashes).is_err());
    for (at, hash) in hashes.iter().enumerate() {
        let mut other = hashes.to_vec();
        other[at] = altered(hash);
        assert!(verify_consistency(old, &old_root, new, &new_root, &other).is_err());
    }
}

/// The root that a path leads to (RFC 6962 section 2.1.1, read from its end); `None` if it is no path there.
pub(super) fn root_of(leaf: &Hash, index: u64, size: u64, hashes: &[Hash]) -> Option<Hash> {
    if index >= size || size == 1 {
        return (index < size && hashes.is_empty()).then_some(*leaf);
    }
    let (top, rest) = hashes.split_last()?;
    let left = split(size);
    Some(if index < left {
        node_hash(&root_of(leaf, index, left, rest)?, top)
    } else {
        node_hash(top, &root_of(leaf, index - left, size - left, rest)?)
    })
}

/// Both roots that a consistency proof leads to (RFC 6962 section 2.1.2); `start` is the older one where the proof
/// leaves it out.
fn roots_of(start: &Hash, old: u64, new: u64, hashes: &[Hash]) -> Option<(Hash, Hash)> {
    fn within(start: &Hash, old: u64, new: u64, whole: bool, hashes: &[Hash]) -> Option<(Hash, Hash)> {
        if old == new {
            let known = match (whole, hashes) {
                (true, []) => Some(*start),
                (false, [one]) => Some(*one),
                _ => None,
            };
            return known.map(|root| (root, root));
        }
        let (top, rest) = hashes.split_last()?;
        let left = split(new);
        if old <= left {
            let (before, after) = within(start, old, left, whole, rest)?;
            Some((before, node_hash(&after, top)))
        } else {
            let (before, after) = within(start, old - left, new - left, false, rest)?;
            Some((node_hash(top, &before), node_hash(top, &after)))
        }
    }
    (0 < old && old <= new).then(|| within(start, old, new, true, hashes)).flatten()
}

/// The largest power of two below `size`, which is 2 or more.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn altered(hash: &Hash) -> Hash {
    let mut bytes = hash.0;
    bytes[31] ^= 1;
    Hash(bytes)
}
