"""Section "Conventions": hashes, big-endian integers, names, origins."""

import re

from blake3 import blake3

from .findings import Bad

NAME = re.compile(r"[a-z0-9._-]{1,63}")
ZERO = bytes(32)


def derive(context, *pieces):
    """`derive_key("context", pieces joined)`, 32 bytes."""
    return blake3(b"".join(pieces), derive_key_context=context).digest()


def keyed(key, *pieces):
    """`keyed_hash(key, pieces joined)`, 32 bytes."""
    return blake3(b"".join(pieces), key=key).digest()


def u8(n):
    """One byte."""
    return n.to_bytes(1, "big")


def u16(n):
    """Two bytes."""
    return n.to_bytes(2, "big")


def u32(n):
    """Four bytes."""
    return n.to_bytes(4, "big")


def u64(n):
    """Eight bytes."""
    return n.to_bytes(8, "big")


def text(value):
    """`len u16 || bytes` of a string, as identities are hashed."""
    raw = value.encode()
    return u16(len(raw)) + raw


def split_origin(origin):
    """The three names of an origin: authority, controller, writer."""
    names = origin.split("/")
    if len(names) != 3 or len(origin.encode()) > 255 or not all(NAME.fullmatch(name) for name in names):
        raise Bad("an origin that is not authority/controller/writer")
    return names


def trail_id(origin):
    """`O`: the 32 bytes that stand for a trail in hashes and seals."""
    return derive("akta v1 trail origin", origin.encode())


class Cursor:
    """Reads a value from its beginning to its very end."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, length):
        """The next bytes."""
        if self.at + length > len(self.data):
            raise Bad(f"{self.what} is too short")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length):
        """The next bytes as an integer."""
        return int.from_bytes(self.take(length), "big")

    def rest(self):
        """All that is left."""
        return self.take(len(self.data) - self.at)

    def end(self):
        """Nothing may be left."""
        if self.at != len(self.data):
            raise Bad(f"{self.what} has {len(self.data) - self.at} bytes left over")
