"""Section "Frames": rows that hold the sealed parts of neighbouring records with one expiry date."""

import functools
import hashlib
from dataclasses import dataclass

import zstandard

from . import messages
from .encoding import Cursor, u8, u32, u64
from .findings import Bad
from .keys import SEAL, open_sealed
from .messages import ROOT
from .parts import DETAIL, NET, Bare, Part, salt

DICTIONARY = "78262fff9259ec93f5578c250d18f029e8ddb4290b092a53adb4fc2f5cc2f207"
DICTIONARY_ID = 529040698
MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Row:
    """A row of the family `part`, not opened."""

    date: int
    first: int
    count: int
    dictionary: int
    sealed: bytes

    def covers(self, seq):
        """Whether its span has this record."""
        return self.first <= seq < self.first + self.count

    def place(self, trail):
        """The associated data."""
        return u8(1) + trail + u32(self.date) + u64(self.first) + u32(self.count) + u8(self.dictionary)


def read_row(date, first, value):
    """A row of the family `part` from its value."""
    cursor = Cursor(value, "frame")
    format_, dictionary, count = cursor.number(1), cursor.number(1), cursor.number(4)
    if format_ != 1 or dictionary != 1:
        raise Bad("frame: a format or dictionary other than 1")
    if count == 0:
        raise Bad("frame: it spans no record")
    sealed = cursor.rest()
    if len(sealed) < SEAL:
        raise Bad("frame: too short to be sealed")
    return Row(date, first, count, dictionary, sealed)


@functools.cache
def _dictionary():
    data = (ROOT / "src/model/dictionary-1.zstd").read_bytes()
    if hashlib.sha256(data).hexdigest() != DICTIONARY:
        raise RuntimeError("the zstd dictionary is not the one of the page")
    return zstandard.ZstdCompressionDict(data)


def _decompress(data):
    """One zstd frame, nothing after it, at most 4 MiB."""
    try:
        if zstandard.get_frame_parameters(data).dict_id != DICTIONARY_ID:
            raise Bad("frame: it was not compressed with the dictionary of the page")
        reader = zstandard.ZstdDecompressor(dict_data=_dictionary()).decompressobj()
        out = b""
        for at in range(0, len(data), 4096):
            out += reader.decompress(data[at : at + 4096])
            if len(out) > MOST_BYTES:
                raise Bad("frame: more than 4 MiB after decompression")
            if reader.eof:
                if reader.unused_data or at + 4096 < len(data):
                    raise Bad("frame: something stands after its zstd frame")
                return out
    except zstandard.ZstdError:
        raise Bad("frame: it does not decompress") from None
    raise Bad("frame: its zstd frame is cut short")


def open_row(row, key, trail):
    """The parts of a row by record: {seq: [Part]}, in the order of the sources."""
    plain = _decompress(open_sealed(key, row.sealed, row.place(trail), "its frame"))
    by_seq = {}
    for source in messages.parse("Frame", plain).sources:
        last = None
        if len(source.seed) not in (0, 32):
            raise Bad("frame: a seed that is not 32 bytes")
        for part in source.parts:
            place = (part.offset, part.part, part.index)
            if last is not None and place <= last:
                raise Bad("frame: parts of a source do not ascend")
            if part.offset >= row.count or part.part > 5 or part.index > 999:
                raise Bad("frame: a part outside of its span, or one that does not exist")
            seq, last = row.first + part.offset, place
            by_seq.setdefault(seq, []).append(_read_part(part, source.seed, seq))
    return by_seq


def _read_part(part, seed, seq):
    if part.erased_hash:
        if seed or part.salt or part.content or len(part.erased_hash) != 32 or not NET <= part.part <= DETAIL:
            raise Bad("frame: an erased part that is there, or whose salt follows from a seed")
        return Bare(part.part, part.index, part.erased_hash)
    if len(part.salt) != (0 if seed else 32):
        raise Bad("frame: a part with both seed and salt, or with neither")
    return Part(part.part, part.index, part.salt or salt(seed, seq, part.part, part.index), part.content)
