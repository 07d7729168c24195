"""Section "Tree and checkpoints": the RFC 6962 tree over headers, its stored rows, and proofs over it (RFC 9162)."""

from hashlib import sha256

from .findings import Bad

WIDTH = 256


def leaf(header):
    """Hash of a leaf: of a header's bytes."""
    return sha256(b"\0" + header).digest()


def node(left, right):
    """Hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def root(hashes):
    """Root over leaves, or over complete subtrees of one size of which only the last may be smaller."""
    if not hashes:
        return sha256(b"").digest()
    level = list(hashes)
    while len(level) > 1:
        paired = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def rows(leaves):
    """Every row that must be stored: {(level, index): hash}, one for each complete subtree of 256^level leaves."""
    out, level, number = {}, leaves, 1
    while len(level) >= WIDTH:
        level = [root(level[i : i + WIDTH]) for i in range(0, len(level) - WIDTH + 1, WIDTH)]
        out.update({(number, index): hash_ for index, hash_ in enumerate(level)})
        number += 1
    return out


def _check_lengths(*hashes):
    if any(len(hash_) != 32 for hash_ in hashes):
        raise Bad("proof: a hash that is not 32 bytes")


def check_inclusion(leaf_hash, index, size, proof, root_hash):
    """RFC 9162 section 2.1.3.2: the leaf stands at this index of the tree with this size and root."""
    _check_lengths(leaf_hash, root_hash, *proof)
    if not 0 <= index < size:
        raise Bad("inclusion: an index outside of the tree")
    position, last, hash_ = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            raise Bad("inclusion: the proof is too long")
        if position & 1 or position == last:
            hash_ = node(step, hash_)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            hash_ = node(hash_, step)
        position, last = position >> 1, last >> 1
    if last or hash_ != root_hash:
        raise Bad("inclusion: the proof does not lead to the root")


def check_consistency(old_size, old_root, new_size, new_root, proof):
    """RFC 9162 section 2.1.4.2: the newer tree begins with the older one."""
    _check_lengths(old_root, new_root, *proof)
    if not 0 < old_size <= new_size:
        raise Bad("consistency: sizes that do not ascend from 1")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise Bad("consistency: two roots of one size")
        return
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        raise Bad("consistency: the proof is too short")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Bad("consistency: the proof is too long")
        if first & 1 or first == last:
            old, new = node(step, old), node(step, new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new = node(new, step)
        first, last = first >> 1, last >> 1
    if last or old != old_root or new != new_root:
        raise Bad("consistency: the proof does not lead to both roots")
