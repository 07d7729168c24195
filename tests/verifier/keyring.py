"""Section "Keyring": the file with every key, in two slots."""

from dataclasses import dataclass

from . import messages
from .encoding import ZERO, Cursor
from .findings import Bad, Refused
from .keys import open_sealed

SLOT = 1 << 20
BUCKETS = 4096
DEV = 1


@dataclass(frozen=True)
class Slot:
    """One slot as it stands in the file."""

    dev: bool
    generation: int
    place: bytes
    sealed: bytes


@dataclass(frozen=True)
class Zone:
    """Date keys of one time zone."""

    name: str
    first_date: int
    keys: bytes
    destroyed_through: int


@dataclass(frozen=True)
class Keyring:
    """The opened keyring."""

    dev: bool
    generation: int
    zones: tuple
    controller_keys: bytes
    bucket_keys: bytes
    lasting_key: bytes
    signing_seed: bytes
    next_signing_seed: bytes
    kek_rotated_at: int
    holds: dict
    fresh_buckets: tuple

    def destroyed(self, zone):
        """The last date whose key is destroyed, of a zone by name; 0: none."""
        return max((keys.destroyed_through for keys in self.zones if keys.name == zone), default=0)

    def controller(self, slot):
        """The controller key in a slot."""
        return _nth(self.controller_keys, slot, "the keyring has no key for this controller's slot")

    def is_destroyed(self, slot):
        """Whether a slot had a controller key that is destroyed."""
        return self.controller_keys[32 * slot : 32 * slot + 32] == ZERO

    def bucket(self, bucket):
        """The key of a bucket."""
        return _nth(self.bucket_keys, bucket, "the keyring has no key for this bucket")

    def date(self, zone, date):
        """The date key of a zone, by its number in storage keys."""
        if zone >= len(self.zones):
            raise Bad("the keyring does not know this zone")
        return _nth(self.zones[zone].keys, date - self.zones[zone].first_date, "the keyring has no key for this date")


def _nth(keys, n, what):
    key = keys[32 * n : 32 * n + 32] if n >= 0 else b""
    if len(key) != 32:
        raise Bad(what)
    if key == ZERO:
        raise Bad(what + " any more: it is destroyed")
    return key


def read_slot(data):
    """A slot, if it is well-formed."""
    cursor = Cursor(data, "slot")
    magic, format_, flags, generation = cursor.take(8), cursor.number(1), cursor.number(1), cursor.number(8)
    length = cursor.number(4)
    if magic != b"aktakeys" or format_ != 1 or length < 28:
        raise Bad("not a slot of format 1")
    return Slot(bool(flags & DEV), generation, data[:18], cursor.take(length))


def _read_keyring(slot, kek):
    plain = open_sealed(kek, slot.sealed, slot.place, "the keyring")
    ring = messages.parse("Keyring", plain)
    lists = [ring.controller_keys, *(zone.keys for zone in ring.zones)]
    if any(len(keys) % 32 for keys in lists) or len(ring.bucket_keys) != 32 * BUCKETS:
        raise Bad("the keyring has a list of keys with a length that it cannot have")
    if len(ring.lasting_key) != 32 or len(ring.signing_seed) != 32:
        raise Bad("the keyring lacks its lasting key or its signing seed")
    if len(ring.next_signing_seed) not in (0, 32) or len(ring.earlier_signing_keys) % 32:
        raise Bad("the keyring has a next signing seed or earlier keys with a length that they cannot have")
    if any(len(hold.id) != 16 or len(hold.key) != 32 for hold in ring.holds):
        raise Bad("the keyring has a hold with an id or key of a length that it cannot have")
    fresh = [fresh.bucket for fresh in ring.fresh_buckets]
    if any(len(fresh.key) != 32 or fresh.bucket >= BUCKETS for fresh in ring.fresh_buckets) or len(set(fresh)) != len(fresh):
        raise Bad("the keyring has fresh keys of buckets that are none, or of a length that they cannot have")
    zones = tuple(Zone(zone.zone, zone.first_date, zone.keys, zone.destroyed_through) for zone in ring.zones)
    return Keyring(
        slot.dev,
        slot.generation,
        zones,
        ring.controller_keys,
        ring.bucket_keys,
        ring.lasting_key,
        ring.signing_seed,
        ring.next_signing_seed,
        ring.kek_rotated_at,
        {hold.id: hold.key for hold in ring.holds},
        tuple(fresh),
    )


def read_keyring(data, kek, dev, notes):
    """Of the slots that are well-formed and open under the KEK, the one with the higher generation."""
    slots, rings = [], []
    for half in (data[:SLOT], data[SLOT : 2 * SLOT]):
        try:
            slots.append(read_slot(half))
            if len(half) != SLOT or any(half[22 + len(slots[-1].sealed) :]):
                notes.append("keyring: a slot that is not filled up with zeros to 1 MiB")
        except Bad:
            continue
    if not slots:
        raise Refused("the keyring is damaged in both slots")
    for slot in slots:
        try:
            rings.append(_read_keyring(slot, kek))
        except Bad:
            continue
    if not rings:
        raise Refused("the keyring does not open under this key")
    ring = max(rings, key=lambda ring: ring.generation)
    if [other.generation for other in rings] != [ring.generation] * 2:
        notes.append("keyring: only one slot holds the newest generation; the next start writes the other")
    if ring.dev != dev:
        raise Refused("the keyring is one of --dev" if ring.dev else "the keyring is not one of --dev")
    return ring
