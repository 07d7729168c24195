"""Section "Header, link, run": the fixed bytes of a record, its rules, and rows that pack them."""

from dataclasses import dataclass

from .encoding import Cursor, derive, u8, u16, u32, u64
from .findings import Bad

EVENT, NOTICE = 0, 1
LEDGER = 9
MOST_IN_RUN = 64
SLICES = 32  # the bitmap of part 5


@dataclass(frozen=True)
class Group:
    """The parts of a record that expire on one date: the date (0 = never), which parts, and their group hash."""

    date: int
    bitmap: int
    hash: bytes

    def ids(self):
        """The part ids whose bit is set."""
        return {part for part in range(8) if self.bitmap >> part & 1}


@dataclass(frozen=True)
class Header:
    """A record's header, version 1."""

    kind: int
    class_: int
    seq: int
    day: int
    previous: bytes
    groups: tuple

    def encode(self):
        """The bytes that are hashed."""
        groups = b"".join(u32(g.date) + u8(g.bitmap) + g.hash for g in self.groups)
        fixed = u8(1) + u8(self.kind) + u16(self.class_) + u64(self.seq) + u32(self.day) + self.previous
        return fixed + u8(len(self.groups)) + groups

    def link(self):
        """The hash that the next header carries as `previous`."""
        return derive("akta v1 record link", self.encode())

    def core_date(self):
        """Expiry date of the group that holds the core."""
        return next(g.date for g in self.groups if g.bitmap & 1)

    def check(self):
        """The rules under which a header is refused."""
        if self.kind not in (EVENT, NOTICE):
            raise Bad("header: a kind that is neither event nor notice")
        if not 1 <= self.class_ <= LEDGER:
            raise Bad("header: a class outside 1 to 9")
        if not 1 <= len(self.groups) <= 6:
            raise Bad("header: not 1 to 6 groups")
        seen, last = 0, -1
        for group in self.groups:
            if group.date <= last:
                raise Bad("header: expiry dates do not ascend")
            if group.date and group.date <= self.day:
                raise Bad("header: an expiry date that is not after its day")
            if not 0 < group.bitmap < 64:
                raise Bad("header: a bitmap that is zero or names parts that do not exist")
            if group.bitmap & seen:
                raise Bad("header: a part in two groups")
            seen, last = seen | group.bitmap, group.date
        if not seen & 1:
            raise Bad("header: no core")
        if self.kind == NOTICE:
            core, *slices = ((g.date, g.bitmap) for g in self.groups)
            if self.class_ != LEDGER or core != (0, 1) or [bitmap for _, bitmap in slices] not in ([], [SLICES]):
                raise Bad("header: a notice that is not class 9 with one core that never expires, and slices at most")
        elif self.class_ == LEDGER or self.groups[0].date == 0:
            raise Bad("header: an event of class 9 or without expiry date")


def _groups(cursor):
    count = cursor.number(1)
    return tuple(Group(cursor.number(4), cursor.number(1), cursor.take(32)) for _ in range(count))


def read_header(data):
    """A header from its own bytes, as an export or a proof shows it."""
    cursor = Cursor(data, "header")
    if cursor.number(1) != 1:
        raise Bad("header: a version other than 1")
    kind, class_, seq, day = cursor.number(1), cursor.number(2), cursor.number(8), cursor.number(4)
    header = Header(kind, class_, seq, day, cursor.take(32), _groups(cursor))
    cursor.end()
    header.check()
    return header


def read_run(first, value):
    """A row of the family `header`: the link before it, and its headers, rebuilt."""
    cursor = Cursor(value, "run of headers")
    if cursor.number(1) != 1:
        raise Bad("run of headers: a format other than 1")
    before = previous = cursor.take(32)
    count = cursor.number(1)
    if not 1 <= count <= MOST_IN_RUN:
        raise Bad("run of headers: not 1 to 64 of them")
    headers = []
    for seq in range(first, first + count):
        header = Header(cursor.number(1), cursor.number(2), seq, cursor.number(4), previous, _groups(cursor))
        headers.append(header)
        previous = header.link()
    cursor.end()
    return before, headers
