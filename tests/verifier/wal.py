"""Section "Data folder": whether a write-ahead log of RocksDB is merely torn at its end, or damaged before it.

RocksDB reads a log up to the first record whose checksum does not hold. After a power cut that is its end. If an intact
record stands beyond, something that had been acknowledged was damaged. Layout of RocksDB's log: blocks of 32 KiB; record
`4 masked CRC-32C of type and data, little-endian · 2 length, little-endian · 1 type 1..4 · data`; a block's last bytes, too
few for a record, are zero.
"""

import os

BLOCK = 32768
HEAD = 7
TYPES = (1, 2, 3, 4)


def _table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = tuple(_table())


def crc32c(data):
    """CRC-32C (Castagnoli)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _intact(block, at):
    """Length of the intact record at this place of a block, or None."""
    length, type_ = int.from_bytes(block[at + 4 : at + 6], "little"), block[at + 6 : at + 7]
    end = at + HEAD + length
    if not type_ or type_[0] not in TYPES or not length or end > len(block):
        return None
    masked = (int.from_bytes(block[at : at + 4], "little") - 0xA282EAD8) & 0xFFFFFFFF
    crc = (masked << 15 | masked >> 17) & 0xFFFFFFFF
    return HEAD + length if crc == crc32c(block[at + 6 : end]) else None


def state(folder):
    """Over all logs of a database: "whole", "torn" at the end, or "damaged", with an intact record beyond the first broken one."""
    broken = False
    for name in sorted((n for n in os.listdir(folder) if n.endswith(".log")), key=lambda n: (len(n), n)):
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        for start in range(0, len(data), BLOCK):
            block, at = data[start : start + BLOCK], 0
            while at + HEAD <= len(block):
                length = _intact(block, at)
                if length and broken:
                    return "damaged"
                broken = broken or not length
                at += length or 1
            # Only where a block ends may there be too few bytes for a record, and they are zero.
            broken = broken or (at < len(block) and (len(block) < BLOCK or any(block[at:])))
    return "torn" if broken else "whole"
