"""Section "Export": a trail as `akta export` hands it out, JSON Lines, checked without keys.

What is evidence in a line is `header`, `openings` and `notice`. The words beside them are for reading; those that say who did what
to whom are compared with the opened parts, so that nobody is shown one thing and proved another.
"""

import time

from . import dates, event, messages, parts, tree
from .encoding import split_origin, trail_id
from .findings import Bad, Findings, finish
from .handover import follow
from .header import NOTICE, read_header
from .jsonl import get, hex_bytes, objects, read_line
from .notices import Notices
from .note import read_checkpoint, read_key
from .parts import Bare, Part
from .removed import ERASABLE
from .trail import Report
from .words import check_words, shown_time, word

STATES = {"INTACT": "intact", "EXPIRED": "expired", "SEALED": "sealed", "ERASED": "erased"}
WORDS = tuple(name.upper() for name in parts.NAMES)
MOST_LINE = 64 << 20


class ExportCheck:
    """Verifies the lines of one export, in order."""

    def __init__(self, findings, notes, today=None, now=None):
        now = time.time_ns() if now is None else now
        self.today = dates.number(today) if today else dates.utc_day(now) + 1  # no zone is further ahead
        self.findings, self.notes, self.report = findings, notes, Report("")
        self.zone, self.notices, self.previous = None, None, None
        self.last_recorded, self.expected_seq = -(1 << 63), 0
        self.checkpoint, self.end, self.gaps = None, None, False
        self.dates_unchecked = False
        self.bare = {}

    def find(self, what, seq=None):
        """Notes a finding of this trail."""
        self.findings.add(what, self.report.origin or None, seq)

    def line(self, object_):
        """One line of the file."""
        if self.end is not None:
            raise Bad("a line after the last")
        if "end" in object_:
            self.end = get(object_, "end", dict)
        elif self.checkpoint is not None:
            raise Bad("a record after the checkpoint")
        elif "checkpoint" in object_:
            self.checkpoint = get(object_, "checkpoint", dict)
        else:
            self._record(object_)

    def _record(self, object_):
        header = read_header(hex_bytes(object_, "header"))
        origin = get(object_, "origin", str)
        split_origin(origin)
        self.report.origin = self.report.origin or origin
        self._chain(object_, header, origin)
        try:
            self._class(object_, header)
            opened = self._groups(object_, header)
            if header.kind == NOTICE:
                self._notice(object_, header, opened)
            else:
                self._event(object_, header, opened)
        except Bad as bad:
            self.find(bad, header.seq)

    def _chain(self, object_, header, origin):
        before, report = self.previous, self.report
        if origin != report.origin:
            self.find("it is of another trail", header.seq)
        if get(object_, "seq", int) != header.seq or hex_bytes(object_, "link") != header.link():
            self.find("its position or link is not that of its header", header.seq)
        if before is None:
            if header.seq == 0 and header.previous != trail_id(origin):
                self.find("its header does not begin this trail", 0)
            self.gaps = header.seq != 0
        elif header.seq == before.seq + 1:
            if header.previous != before.link():
                self.find("its link is not that of the header before", header.seq)
        else:
            self.gaps = True
            if header.seq <= before.seq:
                self.find("positions do not ascend", header.seq)
        if before and header.day < before.day:
            self.find("its day is before that of the record before", header.seq)
        self.previous = header
        report.headers.append(header)
        report.leaves.append(tree.leaf(header.encode()))
        report.head = header.link()

    @staticmethod
    def _class(object_, header):
        if object_.get("class") != word("RetentionClass", header.class_):
            raise Bad("class: the line says something else than its header")

    def _groups(self, object_, header):
        """Every group is either opened, and holds, but for parts that are erased, or said to have expired."""
        stated = {}
        for state in objects(object_, "parts"):
            name = get(state, "part", str)
            if name in stated:
                raise Bad("a part with two states")
            stated[name] = get(state, "verdict", str), get(state, "expires_on", str)
        opened = []
        for opening in objects(object_, "openings"):
            name, index = get(opening, "part", str), get(opening, "index", int)
            if name not in WORDS or not 0 <= index <= 999:
                raise Bad("an opening of a part that does not exist")
            opened.append(Part(WORDS.index(name), index, hex_bytes(opening, "salt"), hex_bytes(opening, "content")))
        bare = []
        for closed in objects(object_, "closed"):
            name, index = get(closed, "part", str), get(closed, "index", int)
            if name not in WORDS or WORDS.index(name) not in ERASABLE or index != 0 or header.kind == NOTICE:
                raise Bad("a part that is erased and cannot be")
            bare.append(Bare(WORDS.index(name), index, hex_bytes(closed, "hash")))
        if any(len(part.bare) != 32 for part in bare):
            raise Bad("a bare hash that is not 32 bytes")
        self._bare(header.seq, {part.part for part in bare}, {WORDS.index(name) for name in stated if stated[name][0] == "ERASED" and name in WORDS})
        named = {WORDS[part] for group in header.groups for part in group.ids()}
        if set(stated) != named or any(part.part not in self._ids(header) for part in opened):
            raise Bad("its parts are not those that its header names")
        for group in header.groups:
            gone = [part for part in bare if part.part in group.ids()]
            states = {stated[WORDS[part]] for part in group.ids() - {part.part for part in gone}} or {stated[WORDS[gone[0].part]]}
            date = dates.date(group.date).isoformat() if group.date else ""
            days = {stated[WORDS[part]][1] for part in group.ids()}
            mine = [part for part in opened if part.part in group.ids()]
            if len(states) != 1 or days != {date}:
                raise Bad("the states of its parts are not those of their group")
            (state,) = {state for state, _ in states}
            if state not in STATES or (state == "INTACT") != bool(mine) or gone and state not in ("INTACT", "ERASED"):
                raise Bad("a part that is said to be intact and not opened, or opened and not said to be intact")
            if mine:
                if any(len(part.salt) != 32 for part in mine):
                    raise Bad("an opening without salt")
            if mine or gone:
                parts.check_group(group, mine + gone, header.kind == NOTICE)
            if state == "EXPIRED" and not 0 < group.date <= self.today:
                raise Bad("a part that is said to have expired before its date")
            self.report.states[STATES[state]] += 1
        return opened

    def _bare(self, seq, closed, stated):
        if closed != stated:
            raise Bad("a part that is said to be erased and has no bare hash, or has one and is not said to be")
        if closed:
            self.bare[seq] = closed

    @staticmethod
    def _ids(header):
        return {part for group in header.groups for part in group.ids()}

    def _notice(self, object_, header, opened):
        content = hex_bytes(object_, "notice")
        self.report.notices += 1
        if header.seq == 0:
            self.zone = dates.zone(messages.parse("NoticeCore", content).opened.zone)
            self.notices = Notices(self.report.origin, messages.parse("NoticeCore", content).opened.zone)
            self.notices.headers = self.report.headers
        if self.notices is None:
            parts.check_group(header.groups[0], [parts.notice_core(content)], True)
            return
        slices = [part for part in opened if part.part == parts.DETAIL]
        recorded = self.notices.check(header, content, parts.slices(slices) if slices else None)
        if object_.get("recorded_at") != shown_time(recorded):
            raise Bad("recorded_at: the line says something else than the notice")
        self._recorded(recorded)

    def _recorded(self, instant):
        if instant < self.last_recorded:
            raise Bad("its recorded time is before that of the record before")
        self.last_recorded = instant

    def _event(self, object_, header, opened):
        read = event.read(opened)
        core = event.core_of(read)
        if core is None:
            return
        in_force = self.notices and self.notices.policy
        event.check_core(header, core, self.last_recorded, in_force)
        self.last_recorded = core.recorded_at
        if self.zone is None:
            self.dates_unchecked = True
        else:
            event.check_dates(header, core, self.zone, in_force)
        event.check_subjects(read)
        check_words(object_, core, read)

    def finish(self, checkpoint, key):
        """The last lines, and what was given from outside."""
        if self.end is None:
            raise Bad("the last line is not there: the file was cut off")
        end, report = self.end, self.report
        if not report.headers and not report.origin:
            report.origin = get(end, "origin", str)
        if get(end, "records", int) != len(report.headers) or get(end, "origin", str) != report.origin:
            self.find("the last line counts other records, or those of another trail")
        complete = get(end, "complete", bool)
        if complete:
            if self.gaps or get(end, "size", int) != len(report.headers) or hex_bytes(end, "head") != report.head:
                self.find("it says that it is complete, and is not")
            self._proof()
        elif self.checkpoint is not None or get(end, "findings", list, []):
            self.find("it says itself that it is not complete")
        else:
            self.notes.append("narrowed by time: not the whole trail, so neither links across gaps nor the tree were checked")
        if self.notices is not None:
            self.notices.people.check_gone(self.bare, {}, [], [], self.find)
        elif self.bare:
            self.notes.append("without notices it is not known whether what is erased is listed by one")
        if self.dates_unchecked:
            self.notes.append("without the opening notice the zone is not known: dates were not checked")
        self._outside(checkpoint, key, complete)

    def _proof(self):
        """The tree over these records leads to the checkpoint that came with them."""
        if self.checkpoint is None:
            raise Bad("it says that it is complete, and has no checkpoint")
        given, size = self.checkpoint, len(self.report.leaves)
        note = read_checkpoint(get(given, "note", str).encode())
        note.check_signature(read_key(get(given, "verification_key", str)))
        proof = get(given, "consistency", dict)
        hashes = get(proof, "hashes", list)
        if note.origin != self.report.origin or get(given, "size", int) != note.size or get(proof, "old_size", int) != size:
            raise Bad("its checkpoint is of another trail or size")
        steps = [hex_bytes({"hash": step}, "hash") for step in hashes]
        tree.check_consistency(size, tree.root(self.report.leaves), note.size, note.root, steps)

    def _outside(self, checkpoint, key, complete):
        if key is None:
            self.notes.append("signer unverified: no key was given")
        elif self.checkpoint is not None and key.name == self.report.origin:
            self._signed(read_checkpoint(get(self.checkpoint, "note", str).encode()), key)
        if checkpoint is None:
            return
        if key is not None:
            self._signed(checkpoint, key)
        if checkpoint.origin != self.report.origin:
            raise Bad("the checkpoint is of another trail")
        if not complete or checkpoint.size > len(self.report.leaves):
            raise Bad("the checkpoint cannot be compared: the export does not have all of its records")
        if tree.root(self.report.leaves[: checkpoint.size]) != checkpoint.root:
            raise Bad(f"the checkpoint has another root at size {checkpoint.size}")

    def _signed(self, checkpoint, key):
        """The key that is trusted, or one that the notices lead to from it, signed."""
        signer, count = follow(key, checkpoint.size, self.notices.handovers if self.notices else [])
        checkpoint.check_signature(signer)
        if count:
            self.notes.append(f"the key that you trust leads to the one that signed over {count} replacements")


def verify_export(path, outside=None, key=None, today=None, now=None):
    """Verifies an export and says what was found, as the object that __main__ prints. Never raises, whatever stands there."""
    result = {"file": path, "verdict": "", "trails": [], "findings": Findings(), "notes": []}
    check, refused = ExportCheck(result["findings"], result["notes"], today, now), False
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE), b""), 1):
                try:
                    check.line(read_line(line))
                except Bad as bad:
                    check.find(f"line {number}: {bad}")
        check.finish(outside and outside[0], key)
    except Bad as bad:
        check.find(bad)
    except OSError as error:
        refused = True
        result["findings"].add(error)
    except Exception as error:  # a defect of this program; it must not look like a verdict on the file
        refused = True
        result["findings"].add(f"this verifier failed: {error!r}")
    if check.report.origin:
        result["trails"].append(check.report.json())
    return finish(result, refused)
