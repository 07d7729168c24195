"""Checkpoints and proofs by their public specifications: C2SP signed-note and tlog-checkpoint, RFC 9162."""

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"


def opened(checkpoint, key):
    """Origin, size and root of a checkpoint that this key signed; ValueError if it did not."""
    name, key_id, packed = key.split("+", 2)
    kind, public = base64.b64decode(packed)[:1], base64.b64decode(packed)[1:]
    if kind != ED25519 or hashlib.sha256(name.encode() + b"\n" + kind + public).hexdigest()[:8] != key_id:
        raise ValueError("the key is not of Ed25519, or its id is not its own")
    text, _, signatures = checkpoint.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        signer, signature = line.removeprefix("\u2014 ").split(" ")
        signature = base64.b64decode(signature)
        if (signer, signature[:4].hex()) == (name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise ValueError("the signature does not hold") from None
            origin, size, root = text.splitlines()
            return origin, int(size), base64.b64decode(root)
    raise ValueError(f"not signed by {name}+{key_id}")


def root_of_inclusion(header, seq, size, hashes):
    """The root to which a proof of inclusion leads (RFC 9162 section 2.1.3.2)."""
    node = hashlib.sha256(b"\x00" + header).digest()
    at, last = seq, size - 1
    for other in hashes:
        if last == 0:
            raise ValueError("the proof is too long")
        if at % 2 or at == last:
            node = hashlib.sha256(b"\x01" + other + node).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = hashlib.sha256(b"\x01" + node + other).digest()
        at, last = at // 2, last // 2
    if last:
        raise ValueError("the proof is too short")
    return node
