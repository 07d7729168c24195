"""Section "Tree and checkpoints", signing keys: how one hands over to the next, and which of them signs at a size."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .findings import Bad
from .note import Key

CONTEXT = "akta v1 signing key rotated"


def signed(origin, size, new):
    """What the old key signs: context, origin, size, new key, one a line."""
    return f"{CONTEXT}\n{origin}\n{size}\n{base64.b64encode(new).decode()}\n".encode()


def check(told, origin, seq, before):
    """The handover (size, old key, new key) that a notice at `seq` tells of, after those `before`."""
    if len(told.old_key) != 32 or len(told.new_key) != 32:
        raise Bad("notice: a signing key that is not 32 bytes")
    if told.size != seq:
        raise Bad("notice: a signing key was replaced at another size than this")
    if told.old_key == told.new_key or (before and before[-1][2].public != told.old_key):
        raise Bad("notice: it replaces a signing key that was not in force, or by itself")
    try:
        Ed25519PublicKey.from_public_bytes(told.old_key).verify(told.signature, signed(origin, seq, told.new_key))
        Ed25519PublicKey.from_public_bytes(told.new_key)
    except (InvalidSignature, ValueError):
        raise Bad("notice: the old signing key did not sign the new one") from None
    return seq, Key(origin, told.old_key), Key(origin, told.new_key)


def follow(key, size, handovers):
    """Whose signature counts at a size for somebody who trusts `key`, and how many handovers lead there."""
    keys = [old for _, old, _ in handovers[:1]] + [new for *_, new in handovers]
    if not keys:
        return key, 0
    if key not in keys:
        raise Bad("checkpoint: the key is none that ever signed for this trail, as its notices tell")
    at = keys.index(key)
    if at and handovers[at - 1][0] >= size:
        raise Bad("checkpoint: the key came later than this size")
    count = sum(end < size for end, *_ in handovers[at:])
    return keys[at + count], count
