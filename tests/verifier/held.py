"""Section "Vault", holds: what is kept past its date, under the hold's own key."""

from collections import defaultdict
from dataclasses import dataclass, field

from . import messages, parts
from .encoding import Cursor, derive, u8, u32, u64
from .findings import Bad
from .keys import SEAL, open_sealed

HOLD, ROW = 20, 32
KINDS = (1, 2)


def hold_key(hold, controller_key, trail):
    """Seals the rows of one hold in one trail."""
    return derive("akta v1 hold key", hold, controller_key, trail)


@dataclass
class Rows:
    """The rows of one hold in one trail."""

    own: bytes | None = None
    kept: dict = field(default_factory=dict)


def by_trail(database, known, findings):
    """Rows of the family `held`, by trail and hold."""
    all_ = defaultdict(lambda: defaultdict(Rows))
    for key, value in database.rows("held"):
        trail = int.from_bytes(key[:4], "big")
        if len(key) not in (HOLD, ROW) or trail not in known:
            findings.add("vault: a row of the family held of no trail, or with a key that is none")
        elif len(key) == HOLD:
            all_[trail][key[4:]].own = value
        else:
            place = int.from_bytes(key[20:28], "big"), int.from_bytes(key[28:], "big")
            all_[trail][key[4:20]].kept[place] = value
    return all_


def _sealed(value):
    cursor = Cursor(value, "hold")
    if cursor.number(1) != 1:
        raise Bad("hold: a row with a format other than 1")
    sealed = cursor.rest()
    if len(sealed) < SEAL:
        raise Bad("hold: a row too short to be sealed")
    return sealed


def check_own(value, key, trail, hold):
    """The row of the hold itself."""
    sealed = _sealed(value)
    if key is None:
        return
    message = messages.parse("Hold", open_sealed(key, sealed, u8(1) + u8(0) + trail + hold, "hold: its own row"))
    ids = list(message.parts)
    if message.kind not in KINDS or not ids or ids != sorted(set(ids)) or not set(ids) <= set(range(6)):
        raise Bad("hold: of no kind, or of no parts")
    if not message.owner or not message.ground or not message.selection.ListFields():
        raise Bad("hold: without owner or ground, or one that selects everything")


def open_kept(value, key, trail, hold, seq, group):
    """What a hold keeps of a group, after it was compared with the group's line in the header."""
    place = u8(1) + u8(1) + trail + hold + u64(seq) + u32(group.date)
    message = messages.parse("HeldGroup", open_sealed(key, _sealed(value), place, "hold: a row"))
    kept = [parts.Part(p.part, p.index, p.salt, p.content) for p in message.parts]
    others = [parts.Bare(p.part, p.index, p.hash) for p in message.others]
    for run in (kept, others):
        if any(a.key() >= b.key() for a, b in zip(run, run[1:])):
            raise Bad("hold: parts do not ascend")
    if any(len(p.salt) != 32 for p in kept) or any(len(p.bare) != 32 for p in others):
        raise Bad("hold: a salt or hash that is not 32 bytes")
    parts.check_group(group, kept + others)
    return kept


class Holds:
    """The rows of one trail."""

    def __init__(self, rows, ring, trail):
        self.rows, self.ring, self.trail = rows, ring, trail

    def _key(self, hold):
        own = self.ring.holds.get(hold) if self.ring else None
        return own and hold_key(own, self.ring.controller(self.trail.slot), self.trail.id)

    def read(self, seq, group):
        """What all holds keep of a group, each part once; None without keys."""
        found = {}
        for hold, rows in self.rows.items():
            key = self._key(hold)
            if key and (seq, group.date) in rows.kept:
                kept = open_kept(rows.kept[seq, group.date], key, self.trail.id, hold, seq, group)
                found |= {part.key(): part for part in kept}
        return [found[key] for key in sorted(found)]

    def check(self, standing, released, headers, find):
        """Every row is of a hold that stands, and of a record that has such parts; every hold that stands has its own."""
        for hold, rows in self.rows.items():
            if hold not in standing:
                # One that was being placed was promised to nobody.
                if rows.kept or hold in released:
                    find("hold: rows of one that is not placed, or is released")
                continue
            try:
                if rows.own is None:
                    raise Bad("hold: it has no row of its own")
                check_own(rows.own, self._key(hold), self.trail.id, hold)
            except Bad as bad:
                find(bad)
            for (seq, date), value in rows.kept.items():
                self._check_kept(hold, seq, date, value, headers, find)
        for hold in standing:
            if hold not in self.rows:
                find("hold: it has no row of its own")
            if self.ring and hold not in self.ring.holds:
                find("hold: the keyring lacks its key")

    def _check_kept(self, hold, seq, date, value, headers, find):
        group = next((g for g in headers[seq].groups if g.date == date), None) if seq < len(headers) else None
        try:
            if group is None:
                raise Bad("hold: it keeps parts of a date that the record does not have")
            key = self._key(hold)
            if key:
                open_kept(value, key, self.trail.id, hold, seq, group)
            else:
                _sealed(value)
        except Bad as bad:
            find(bad, seq if seq < len(headers) else None)
