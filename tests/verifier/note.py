"""Section "Tree and checkpoints": C2SP signed notes, their keys, and the checkpoints in them."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .encoding import split_origin
from .findings import Bad

ED25519 = b"\x01"
SIGNATURE = "\u2014 "
PROOF = b"c2sp.org/tlog-proof@v1\n"


def unbase64(value, what):
    """Standard base64 with padding, strictly."""
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise Bad(f"{what}: not base64") from None
    if base64.b64encode(data).decode() != value:
        raise Bad(f"{what}: not the one base64 of its bytes")
    return data


def key_id(name, public):
    """First 4 bytes of SHA-256(name || 0a || 01 || public key)."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class Key:
    """A key that checks notes of one name."""

    name: str
    public: bytes

    def id(self):
        """The four bytes by which a signature names its key."""
        return key_id(self.name, self.public)


def read_key(text):
    """A verification key `name+id+key`: 8 hex digits, base64 of the type and 32 bytes."""
    name, _, rest = text.strip().partition("+")
    id_, _, encoded = rest.partition("+")
    data = unbase64(encoded, "verification key")
    if not name or len(data) != 33 or data[:1] != ED25519:
        raise Bad("verification key: not NAME+ID+KEY of an Ed25519 key")
    key = Key(name, data[1:])
    if key.id().hex() != id_:
        raise Bad("verification key: its id is not that of its name and key")
    return key


def key_of_seed(name, seed):
    """The key of a signing seed (RFC 8032), as the keyring holds it."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return Key(name, public.public_bytes(Encoding.Raw, PublicFormat.Raw))


@dataclass(frozen=True)
class Checkpoint:
    """What a note signs: a trail, its size, its root; and the signatures under it."""

    origin: str
    size: int
    root: bytes
    body: bytes
    signatures: tuple

    def check_signature(self, key):
        """One signature must be of this key; every one that says so must hold."""
        mine = [s for name, id_, s in self.signatures if (name, id_) == (key.name, key.id())]
        if key.name != self.origin:
            raise Bad("checkpoint: the key is not one of this trail")
        if not mine:
            raise Bad("checkpoint: no signature of this key")
        for signature in mine:
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, self.body)
            except (InvalidSignature, ValueError):
                raise Bad("checkpoint: the signature does not hold") from None


def read_checkpoint(data):
    """A checkpoint from the bytes of its note."""
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise Bad("checkpoint: not UTF-8") from None
    body, mark, signatures = note.rpartition("\n\n")
    if not mark or not signatures.endswith("\n"):
        raise Bad("checkpoint: not a signed note")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines) or not re.fullmatch("0|[1-9][0-9]{0,19}", lines[1]):
        raise Bad("checkpoint: not origin, size and root")
    split_origin(lines[0])
    hash_ = unbase64(lines[2], "checkpoint")
    if len(hash_) != 32 or int(lines[1]) >= 1 << 64:
        raise Bad("checkpoint: a root or size that cannot be")
    found = tuple(_read_signature(line) for line in signatures[:-1].split("\n"))
    return Checkpoint(lines[0], int(lines[1]), hash_, (body + "\n").encode(), found)


@dataclass(frozen=True)
class Proof:
    """A C2SP tlog-proof: a record's index, the hashes of its inclusion, the checkpoint that they lead to."""

    index: int
    hashes: tuple
    checkpoint: Checkpoint


def read_outside(data):
    """A file from outside: a checkpoint, or a proof with one. Returns the checkpoint and the proof, if it is one."""
    if not data.startswith(PROOF):
        return read_checkpoint(data), None
    head, mark, note = data.partition(b"\n\n")
    try:
        lines = [line for line in head.decode("ascii").split("\n")[1:] if not line.startswith("extra ")]
    except UnicodeDecodeError:
        raise Bad("proof: not ASCII") from None
    if not mark or not lines or not re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[0]):
        raise Bad("proof: no index")
    checkpoint = read_checkpoint(note)
    return checkpoint, Proof(int(lines[0][6:]), tuple(unbase64(line, "proof") for line in lines[1:]), checkpoint)


def _read_signature(line):
    name, _, encoded = line.removeprefix(SIGNATURE).partition(" ")
    data = unbase64(encoded, "checkpoint")
    if not line.startswith(SIGNATURE) or not name or len(data) < 5:
        raise Bad("checkpoint: a signature line that is none")
    return name, data[:4], data[4:]
