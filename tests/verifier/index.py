"""Section "Index": derived from the records, so everything in it can be worked out anew and must be equal."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from . import dates
from .encoding import Cursor, keyed, u8, u32
from .findings import Bad
from .header import EVENT
from .parts import ACTOR, CORE, NET, SUBJECT

ADDRESS = 3
#        kind · taken from part · value hashed, of that part's message; empty: no term
TERMS = (
    (1, ACTOR, lambda actor: actor.pseudonym),
    (2, SUBJECT, lambda subject: subject.pseudonym),
    (ADDRESS, NET, lambda net: net.ip),
    (4, CORE, lambda core: u32(core.action & 0xFFFFFFFF)),
    (5, CORE, lambda core: u32(dates.utc_day(core.occurred_at) & 0xFFFFFFFF)),
    (6, CORE, lambda core: core.resource_type.encode()),
    (7, ACTOR, lambda actor: actor.on_behalf_of),
)


def term(index_key, kind, value):
    """The 16 bytes under which a value is found."""
    return keyed(index_key, u8(kind), value)[:16]


@dataclass
class Expected:
    """What the index must hold of a trail's records below `indexed`."""

    indexed: int
    today: int
    terms: dict = field(default_factory=lambda: defaultdict(list))
    event_ids: dict = field(default_factory=dict)
    counters: Counter = field(default_factory=Counter)
    unread: set = field(default_factory=set)
    erased: set = field(default_factory=set)

    def add_header(self, header):
        """Every record is counted, notices too."""
        if header.seq < self.indexed and not 0 < header.core_date() <= self.today:
            self.counters[header.core_date(), header.class_, header.day] += 1

    def add_core(self, header, core):
        """An event's id."""
        if header.seq < self.indexed and header.core_date() > self.today:
            self.event_ids[week(header), core.event_id] = header.seq

    def add_part(self, seq, date, index_key, part, message):
        """The terms of an opened part."""
        if seq >= self.indexed or date <= self.today:
            return
        for kind, from_part, value_of in TERMS:
            value = value_of(message) if from_part == part else b""
            if value:
                seqs = self.terms[date, kind, term(index_key, kind, value)]
                if not seqs or seqs[-1] != seq:
                    seqs.append(seq)


def week(header):
    """The header's day divided by 7, rounded down."""
    return header.day // 7


def _varint(cursor):
    number, shift = 0, 0
    while True:
        byte = cursor.number(1)
        number |= (byte & 127) << shift
        if byte < 128:
            if number >= 1 << 64 or shift and not byte:
                raise Bad("posting: a varint that is too large or not the shortest")
            return number
        shift += 7
        if shift > 63:
            raise Bad("posting: a varint that is too large")


def read_posting(first, value):
    """The seqs of a posting row."""
    cursor = Cursor(value, "posting")
    more, seqs = _varint(cursor), [first]
    if more > len(value):
        raise Bad("posting is too short")
    for _ in range(more):
        step = _varint(cursor)
        if not step:
            raise Bad("posting: seqs do not ascend")
        seqs.append(seqs[-1] + step)
    cursor.end()
    return seqs


def number(value, length, what):
    """A value that is one integer."""
    cursor = Cursor(value, what)
    found = cursor.number(length)
    cursor.end()
    return found


class Index:
    """The rows of the index, by trail number."""

    #        family · length of the key · where the trail stands in it
    KEYS = (("posting", 35, 6), ("event_id", 24, 4), ("counter", 14, 0), ("indexed", 4, 0))

    def __init__(self, database, trails, findings):
        self._rows = {name: defaultdict(list) for name, _, _ in self.KEYS}
        known = {trail.number for trail in trails}
        for name, length, at in self.KEYS:
            for key, value in database.rows(name):
                trail = int.from_bytes(key[at : at + 4], "big")
                if len(key) != length or trail not in known:
                    findings.add(f"index: a row of the family {name} of no trail")
                else:
                    self._rows[name][trail].append((key, value))

    def indexed(self, trail):
        """Number of records indexed."""
        return sum(number(value, 8, "indexed") for _, value in self._rows["indexed"][trail.number])

    def has_rows(self, trail):
        """Whether there is anything of a trail but the number of records indexed."""
        return any(self._rows[name][trail.number] for name, _, _ in self.KEYS if name != "indexed")

    def check(self, trail, headers, expected, opened, today, reclaimed, kept, findings):
        """All families against what the records give. Returns the number of postings that were checked."""
        self._check_counters(trail, expected, today, reclaimed, findings)
        self._check_event_ids(trail, headers, expected, opened, kept, findings)
        return self._check_postings(trail, expected, opened, today, reclaimed, findings)

    def _check_counters(self, trail, expected, today, reclaimed, findings):
        found = Counter()
        for key, value in self._rows["counter"][trail.number]:
            cursor = Cursor(key[4:], "counter")
            try:
                name = cursor.number(4), cursor.number(2), cursor.number(4)
                if 0 < name[0] <= reclaimed:
                    raise Bad("a counter of a date that is expired and was reclaimed")
                if not 0 < name[0] <= today:
                    found[name] = number(value, 8, "counter")
            except Bad as bad:
                findings.add(f"index: {bad}", trail.origin)
        if found != expected.counters:
            findings.add("index: its counters are not the numbers of records", trail.origin)

    def _check_event_ids(self, trail, headers, expected, opened, kept, findings):
        found = {}
        for key, value in self._rows["event_id"][trail.number]:
            at, seq = int.from_bytes(key[:4], "big"), int.from_bytes(value[:8], "big")
            if at < kept:
                continue  # over: nobody reads it
            try:
                if len(value) not in (8, 24):
                    raise Bad("index: an event id's row has a length that it cannot have")
                if seq >= expected.indexed or headers[seq].kind != EVENT or week(headers[seq]) != at:
                    raise Bad("index: an event id leads to a record that is not its own")
                found[at, key[8:]] = seq
            except Bad as bad:
                findings.add(bad, trail.origin)
        if not opened:
            return
        for key, seq in expected.event_ids.items():
            if key[0] >= kept and found.pop(key, None) != seq:
                findings.add("index: its event id does not lead to it", trail.origin, seq)
        readable = set(expected.event_ids.values())
        for seq in found.values():
            if seq in readable:
                findings.add("index: an event id that its record does not have", trail.origin, seq)

    def _check_postings(self, trail, expected, opened, today, reclaimed, findings):
        found = defaultdict(list)
        for key, value in self._rows["posting"][trail.number]:
            cursor = Cursor(key, "posting")
            date, zone, _, kind, term_ = cursor.number(4), cursor.number(2), cursor.number(4), cursor.number(1), cursor.take(16)
            first = cursor.number(8)
            try:
                if date <= reclaimed:
                    raise Bad("posting: of a date that is expired and was reclaimed")
                seqs = read_posting(first, value)
                before = found[date, kind, term_]
                if zone != trail.zone_number or seqs[-1] >= expected.indexed or (before and before[-1] >= first):
                    raise Bad("posting: in another zone, beyond what is indexed, or rows that overlap")
                before += seqs
            except Bad as bad:
                findings.add(f"index: {bad}", trail.origin, first if first < expected.indexed else None)
        if not opened:
            return 0
        # Terms of a date that is past cannot be worked out: what they stand for is not readable any more.
        live = {key: [s for s in seqs if s not in expected.unread] for key, seqs in found.items() if key[0] > today}
        for key in sorted(live.keys() | expected.terms.keys()):
            held, due = set(live.get(key, ())), set(expected.terms.get(key, ()))
            if key[1] == ADDRESS:  # those of a part that is erased go a moment later
                held, due = held - expected.erased, due - expected.erased
            if held != due:
                what = f"index: postings of kind {key[1]}, {dates.shown(key[0])} are not the records with its terms"
                findings.add(what, trail.origin, min(due - held or held - due))
        return sum(map(len, live.values()))
