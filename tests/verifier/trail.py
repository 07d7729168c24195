"""Section "How to verify", for one trail: walks its records from seq 0 and compares all that must follow from them."""

import base64
from dataclasses import dataclass, field

from . import closed, dates, event, parts, tree
from .encoding import Cursor
from .findings import Bad
from .header import EVENT, read_run
from .held import Holds
from .index import Expected
from .notices import Notices, told_through
from .removed import ERASABLE
from .shelf import Shelf


@dataclass
class Report:
    """What was found of a trail."""

    origin: str
    headers: list = field(default_factory=list)
    leaves: list = field(default_factory=list)
    head: bytes = b""
    notices: int = 0
    states: dict = field(default_factory=lambda: {"intact": 0, "expired": 0, "sealed": 0, "held": 0, "erased": 0})
    people: set = field(default_factory=set)
    postings: int = 0

    def json(self):
        """As __main__ prints it."""
        return {
            "origin": self.origin,
            "size": len(self.headers),
            "root": base64.b64encode(tree.root(self.leaves)).decode(),
            "head": base64.b64encode(self.head).decode(),
            "events": len(self.headers) - self.notices,
            "notices": self.notices,
            "parts": self.states,
            "people": len(self.people),
            "postings": self.postings,
        }


class TrailCheck:
    """Verifies one trail of a folder."""

    def __init__(self, trail, store, findings):
        self.trail, self.store, self.findings = trail, store, findings
        self.report = Report(trail.origin, head=trail.id)
        self.zone, self.today, self.clock = None, store.today_number, None
        self.last_recorded = -(1 << 63)
        self.handovers, self.released = [], set()
        self.whole, self.notices = False, None
        self.bare, self.there, self.unled, self.nameless, self.names = {}, {}, [], [], {}
        self.holds = Holds(store.held.get(trail.number, {}), store.ring, trail)

    def find(self, what, seq=None):
        """Notes a finding of this trail."""
        self.findings.add(what, self.trail.origin, seq)

    def run(self):
        """All checks, in the order of the page."""
        try:
            self.zone = dates.zone(self.trail.zone)
            self.clock = dates.local_day(self.store.now, self.zone) if self.today is None else self.today
            # What was past once stays so, whatever the clock says.
            self.today = max(self.clock, self.store.meta.expired.get(self.trail.zone, (0, 0))[1])
            self.today = max(self.today, self.store.ring.destroyed(self.trail.zone) if self.store.ring else 0)
            self._check_zone()
        except Bad as bad:
            self.find(bad)
            if self.zone is None:
                return self.report
        self.whole = self._walk_headers()
        self._read_records()
        if self.whole:  # else all that follows would be said again of everything that hangs on the lost headers
            self._check_rest()
        self._check_outside()
        return self.report

    def _check_zone(self):
        ring = self.store.ring
        if ring and (self.trail.zone_number >= len(ring.zones) or ring.zones[self.trail.zone_number].name != self.trail.zone):
            raise Bad("meta: the trail's zone number is not its zone in the keyring")

    def _walk_headers(self):
        """Step 2. Stops at the first row from which nothing can be rebuilt, and says whether it came to the end."""
        report, day = self.report, 0
        for first, value in self.store.of_trail("header", self.trail):
            try:
                if first != len(report.headers):
                    raise Bad("records are missing, or rows of headers overlap")
                before, headers = read_run(first, value)
                if before != report.head:
                    self.find("its link is not that of the header before", first)
            except Bad as bad:
                self.find(bad, len(report.headers))
                return False
            for header in headers:
                try:
                    header.check()
                    if header.day < day:
                        raise Bad("its day is before that of the record before")
                except Bad as bad:
                    self.find(bad, header.seq)
                day = max(day, header.day)
                report.headers.append(header)
                report.leaves.append(tree.leaf(header.encode()))
            report.head = headers[-1].link()
        if not report.headers:
            self.find("the trail has no records")
        return bool(report.headers)

    def _read_records(self):
        """Steps 3, 5 and 6, and what step 7 compares."""
        store, report = self.store, self.report
        size = len(report.headers) if self.whole else 1 << 64
        indexed = self._indexed(size)
        self.expected = Expected(min(indexed, size), self.today)
        line = [self.trail, *store.lines.later(self.trail)]
        self.told = max(told_through(store.of_trail("notice", trail)) for trail in line)
        reclaimed = store.meta.reclaimed.get(self.trail.zone, 0)
        # With a controller's end everything is gone, whatever its date.
        self.closed = closed.is_over(store, self.trail)
        self.told = closed.EVERY if self.closed else self.told
        self.shelf = Shelf(self.trail, store.frames(self.trail), store.ring, report.headers, self.whole, self.told, reclaimed, self.findings)
        self.cores = dict(store.of_trail("notice", self.trail))
        self.notices = Notices(self.trail.origin, self.trail.zone, store.ring, store.meta.generation or 0, store.meta.format, self.clock)
        notices, self.handovers = self.notices, self.notices.handovers
        notices.headers = report.headers
        for header in report.headers:
            if header.groups and any(g.bitmap & 1 for g in header.groups):
                self.expected.add_header(header)
            try:
                notices.after(header)
                if header.kind == EVENT:
                    self._read_event(header)
                else:
                    report.notices += 1
                    if header.seq not in self.cores:
                        raise Bad("notice: its core is not there")
                    core, slices = self.cores.pop(header.seq), self._read_slices(header)
                    self._recorded(notices.check(header, core, slices))
                    report.states["intact"] += 1
            except Bad as bad:
                self.find(bad, header.seq)
        holds = self._last_notices().acts.holds
        self.released = {id_ for id_, hold in holds.items() if hold.released is not None}
        self._check_removed()
        if self.whole:
            self.holds.check(holds.keys() - self.released, self.released, report.headers, self.find)
        try:
            # Of a trail that others follow, these name the keys that came later.
            if not self.trail.frozen:
                notices.check_keyring()
        except Bad as bad:
            self.find(bad)

    def _last_notices(self):
        """Of a trail that others follow, what the last of them says holds."""
        last = self.store.lines.last(self.trail)
        found = self.notices if last is self.trail else self.store.checks[last.number].notices
        return found or self.notices

    def _check_removed(self):
        people = self.notices.people
        later = [self.store.checks[trail.number].notices for trail in self.store.lines.later(self.trail)]
        later = [notices.people for notices in later if notices]
        people.after(later)
        people.take([own for other in later for own in other.others if own[0].origin == self.trail.origin], self.report.headers, self.find)
        if self.store.people is not None:
            people.check_names(self.names, self.store.people, self.find)
        people.check_gone(self.bare, self.there, self.unled, self.nameless, self.find)
        self.expected.erased = {seq for seq, ids in people.gone.items() if parts.NET in ids}
        for told in self.store.removals.get(self.trail.number, []):
            if told not in people.told:
                self.find("removal: what it says was told is not in the trail: it was stopped under way")

    def _check_rest(self):
        """What nothing asked for: notices, frames, rows of the tree, of the index."""
        store = self.store
        for seq in self.cores:
            self.find("notice: no header names it", seq)
        if store.ring:
            self.shelf.left_over(self.findings)
        self._check_tree()
        last = store.lines.last(self.trail) is self.trail
        if last and store.meta.merged.get(self.trail.controller, 0) > len(self.report.headers):
            self.find("meta: merged/ says more records than the trail has")
        if self.closed:
            closed.check_left(self.trail, store, self.find)
        elif store.index:
            given = self.trail, self.report.headers, self.expected, store.ring is not None
            days = self.today, store.meta.reclaimed.get(self.trail.zone, 0), store.kept_week
            self.report.postings = store.index.check(*given, *days, self.findings)

    def _indexed(self, size):
        indexed = 0
        try:
            indexed = self.store.index.indexed(self.trail) if self.store.index else 0
            if indexed > size:
                raise Bad(f"the index holds {indexed} records, the trail {size}")
        except Bad as bad:
            self.find(bad)
        return indexed

    def _recorded(self, instant):
        if instant < self.last_recorded:
            raise Bad("its recorded time is before that of the record before")
        self.last_recorded = instant

    def _read_slices(self, header):
        """The messages of a notice's slices, by index; None where they are not at hand."""
        opened = None
        for group in header.groups[1:]:
            if group.date <= self.told:
                self.report.states["expired"] += 1
                continue
            try:
                if self.store.ring is None:
                    self.shelf.find(group.date, header.seq)
                    self.report.states["sealed"] += 1
                    continue
                taken = self.shelf.take(group.date, header.seq)
                parts.check_group(group, taken, True)
                if not all(isinstance(part, parts.Part) for part in taken):
                    raise Bad("notice: a slice that is erased")
                opened = parts.slices(taken)
                self.report.states["intact"] += 1
            except Bad as bad:
                self.find(bad, header.seq)
        return opened

    def _read_event(self, header):
        opened, whole, partly = [], True, False
        for group in header.groups:
            if group.date <= self.told:
                try:
                    kept = self.holds.read(header.seq, group)
                    opened += event.read(kept)
                    self.report.states["held" if kept else "expired"] += 1
                    # Of the parts of a record some may be held.
                    partly = partly or bool(kept)
                except Bad as bad:
                    self.find(bad, header.seq)
            elif self.store.ring is None:
                self.report.states["sealed"] += 1
                self.shelf.find(group.date, header.seq)
            else:
                try:
                    taken = self.shelf.take(group.date, header.seq)
                    parts.check_group(group, taken)
                    messages = event.read(taken)
                    self._expect(header, group, messages)
                    opened += messages
                    self._erased(header.seq, taken)
                    self.report.states["intact" if messages else "erased"] += 1
                except Bad as bad:
                    whole = False
                    self.expected.unread.add(header.seq)
                    self.find(bad, header.seq)
        core = event.core_of(opened)
        self.names[header.seq] = set(event.pseudonyms(opened))
        self.report.people.update(self.names[header.seq])
        if core is not None:
            event.check_core(header, core, self.last_recorded, self.notices.policy)
            self.last_recorded = core.recorded_at
            event.check_dates(header, core, self.zone, self.notices.policy)
        if whole and opened and not partly:
            event.check_subjects(opened)
        if self.store.people is not None:
            unled, nameless = event.check_people(header, opened, self.trail.controller, self.store.people, partly)
            self.unled += ((header.seq, pseudonym) for pseudonym in unled)
            self.nameless += ((header.seq, pseudonym) for pseudonym in nameless)

    def _erased(self, seq, taken):
        """Notes which parts that could be erased are there, and which are gone."""
        for part in taken:
            if part.part in ERASABLE:
                to = self.there if isinstance(part, parts.Part) else self.bare
                to.setdefault(seq, set()).add(part.part)

    def _expect(self, header, group, messages):
        key = self.shelf.index_key(group.date)
        for part, message in messages:
            self.expected.add_part(header.seq, group.date, key, part.part, message)
            if part.part == parts.CORE:
                self.expected.add_core(header, message)

    def _check_tree(self):
        """Step 4: every row of the tree, and no other."""
        due = tree.rows(self.report.leaves)
        for key, value in self.store.tree_rows(self.trail):
            cursor = Cursor(key, "tree")
            place = cursor.number(1), cursor.number(8)
            if due.pop(place, None) != value:
                self.find(f"tree: the row of level {place[0]}, index {place[1]} is not the hash of its records")
        for level, index in due:
            self.find(f"tree: the row of level {level}, index {index} is not there")

    def _check_outside(self):
        """Step 4: the guard, and a checkpoint from outside."""
        guarded = self.store.guard.get(self.trail.origin)
        if guarded and not (guarded[0] > len(self.report.leaves) and self.store.lines.lacks(self.trail, *guarded)):
            self._check_root("the guard", *self.store.guard[self.trail.origin])
        checkpoint = self.store.checkpoint
        if checkpoint and checkpoint.origin == self.trail.origin:
            self._check_root("the checkpoint", checkpoint.size, checkpoint.root)
            self._check_proof(checkpoint)

    def _check_proof(self, checkpoint):
        proof = self.store.proof
        if proof and proof.index < len(self.report.leaves):
            try:
                tree.check_inclusion(self.report.leaves[proof.index], proof.index, checkpoint.size, proof.hashes, checkpoint.root)
            except Bad as bad:
                self.find(bad, proof.index)

    def _check_root(self, whose, size, root):
        if size > len(self.report.leaves):
            self.find(f"{whose} has {size} records, the trail {len(self.report.leaves)}")
        elif tree.root(self.report.leaves[:size]) != root:
            self.find(f"{whose} has another root at size {size}")
