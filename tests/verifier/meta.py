"""Section "Meta": what a store says about itself and its trails."""

import re
from dataclasses import dataclass, field

from . import dates, messages
from .encoding import Cursor, split_origin, trail_id
from .findings import Bad, Refused

FORMATS = (1, 2, 3)
WRITER = re.compile(r"w[0-9a-f]{8}")


@dataclass(frozen=True)
class Trail:
    """A trail as `TrailMeta` names it."""

    number: int
    origin: str
    zone: str
    slot: int
    zone_number: int
    frozen: bool = False

    @property
    def controller(self):
        """The middle name of its origin."""
        return self.origin.split("/")[1]

    @property
    def id(self):
        """`O`."""
        return trail_id(self.origin)


@dataclass
class Meta:
    """The family `meta`."""

    format: int = 0
    writer: str = ""
    generation: int | None = None
    merged: dict = field(default_factory=dict)
    expired: dict = field(default_factory=dict)
    reclaimed: dict = field(default_factory=dict)
    closed: dict = field(default_factory=dict)
    restored: bool = False
    trails: list = field(default_factory=list)


def _ascii(data, what):
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise Bad(f"meta: {what} is not ASCII") from None


def _integer(value, length, what):
    cursor = Cursor(value, f"meta: {what}")
    number = cursor.number(length)
    cursor.end()
    return number


def _trail(name, value):
    meta = messages.parse("TrailMeta", value)
    controller = split_origin(meta.origin)[1]
    names = [f"trail/{controller}"] + [f"frozen/{controller}/{meta.number:010}"] * meta.frozen
    if name not in names:
        raise Bad("meta: a trail under a controller that is not its own")
    return Trail(meta.number, meta.origin, meta.zone, meta.controller_slot, meta.zone_number, meta.frozen)


def read_meta(rows, findings):
    """The family `meta`; refuses a store of another format."""
    meta, stored = Meta(), dict(rows)
    if stored and b"format" not in stored:
        findings.add("meta: the store does not say which format it has")
    for key, value in rows:
        try:
            _read_row(meta, _ascii(key, "a name"), value)
        except Bad as bad:
            findings.add(bad)
    if stored and not meta.writer:
        findings.add("meta: no writer")
    if meta.trails and meta.generation is None:
        findings.add("meta: no keyring generation, though batches were written")
    _check_trails(meta, findings)
    meta.trails.sort(key=lambda trail: trail.origin)
    return meta


def _read_row(meta, name, value):
    if name == "format":
        number = int.from_bytes(value, "big")
        if len(value) != 4 or number not in FORMATS:
            raise Refused(f"meta: format {number}; this verifier knows {', '.join(map(str, FORMATS))}")
        meta.format = number
    elif name == "writer":
        meta.writer = _ascii(value, "writer")
        if not WRITER.fullmatch(meta.writer):
            raise Bad("meta: the writer is not w and 8 hex digits")
    elif name == "keyring generation":
        meta.generation = _integer(value, 8, name)
    elif name.startswith("merged/"):
        meta.merged[name[7:]] = _integer(value, 8, "merged")
    elif name.startswith("expired/"):
        dates.zone(name[8:])
        if len(value) != 8 or not 0 <= int.from_bytes(value[:4], "big") <= int.from_bytes(value[4:], "big") > 0:
            raise Refused("meta: how far dates are expired is not as it must be")
        meta.expired[name[8:]] = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:], "big")
    elif name.startswith("reclaimed/"):
        dates.zone(name[10:])
        meta.reclaimed[name[10:]] = _integer(value, 4, "reclaimed")
    elif name.startswith("closed/"):
        meta.closed[name[7:]] = _integer(value, 1, "closed")
        if meta.closed[name[7:]] > 1:
            raise Bad("meta: how far a controller's end has come is not as it must be")
    elif name == "restored":
        if value != b"\0":
            raise Bad("meta: restored is not 0")
        meta.restored = True
    elif name.startswith(("trail/", "frozen/")):
        meta.trails.append(_trail(name, value))
    else:
        raise Bad("meta: a name that the page does not have")


def _check_trails(meta, findings):
    numbers = sorted(trail.number for trail in meta.trails)
    if numbers != list(range(len(numbers))):
        findings.add("meta: trails are not numbered from 0 without gap")
    if len({trail.slot for trail in meta.trails}) != len({trail.controller for trail in meta.trails}):
        findings.add("meta: two controllers with one slot, or one with two")
    for trail in meta.trails:
        if not trail.frozen and trail.origin.split("/")[2] != meta.writer:
            findings.add("meta: the writer of this trail is not that of the store", trail.origin)
    for zone in (meta.expired.keys() | meta.reclaimed.keys()) - {trail.zone for trail in meta.trails}:
        findings.add(f"meta: dates of {zone} are expired, and no trail has that zone")
    for zone, reclaimed in meta.reclaimed.items():
        if not 0 < reclaimed <= meta.expired.get(zone, (0, 0))[0]:
            findings.add(f"meta: more is reclaimed of {zone} than is expired")
    for controller in meta.merged.keys() - {trail.controller for trail in meta.trails}:
        findings.add(f"meta: merged/{controller} has no trail")
