"""Section "Export": a trail as `akta export` hands it out, JSON Lines, checked without keys.

What is evidence in a line is `header`, `openings` and `notice`. The words beside them are for reading; those that say who did what
to whom are compared with the opened parts, so that nobody is shown one thing and proved another.
"""

import ipaddress
import json
import re
import time
import uuid

from . import dates, event, messages, parts, tree
from .encoding import split_origin, trail_id
from .findings import Bad, Findings, finish
from .header import EVENT, NOTICE, read_header
from .notices import Notices
from .note import read_checkpoint, read_key
from .parts import ACTOR, CORE, NET, SUBJECT, Part
from .trail import Report

HEX = re.compile(r"(?:[0-9a-f]{2})*")
STATES = {"INTACT": "intact", "EXPIRED": "expired", "SEALED": "sealed"}
WORDS = tuple(name.upper() for name in parts.NAMES)
MOST_LINE = 64 << 20


def _get(object_, name, kind, default=None):
    value = object_.get(name, default)
    if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
        raise Bad(f"{name}: not there, or not what it should be")
    return value


def _hex(object_, name):
    value = _get(object_, name, str)
    if not HEX.fullmatch(value):
        raise Bad(f"{name}: not hex")
    return bytes.fromhex(value)


def _objects(object_, name):
    values = _get(object_, name, list, [])
    if not all(isinstance(value, dict) for value in values):
        raise Bad(f"{name}: not objects")
    return values


def _read_line(line):
    try:
        object_ = json.loads(line)
    except (ValueError, RecursionError):
        raise Bad("a line that is not JSON") from None
    if not isinstance(object_, dict):
        raise Bad("a line that is no object")
    return object_


class ExportCheck:
    """Verifies the lines of one export, in order."""

    def __init__(self, findings, notes, today=None):
        self.today = dates.number(today) if today else dates.utc_day(time.time_ns()) + 1  # no zone is further ahead
        self.findings, self.notes, self.report = findings, notes, Report("")
        self.zone, self.notices, self.previous = None, None, None
        self.last_recorded, self.expected_seq = -(1 << 63), 0
        self.checkpoint, self.end, self.gaps = None, None, False
        self.dates_unchecked = False

    def find(self, what, seq=None):
        """Notes a finding of this trail."""
        self.findings.add(what, self.report.origin or None, seq)

    def line(self, object_):
        """One line of the file."""
        if self.end is not None:
            raise Bad("a line after the last")
        if "end" in object_:
            self.end = _get(object_, "end", dict)
        elif self.checkpoint is not None:
            raise Bad("a record after the checkpoint")
        elif "checkpoint" in object_:
            self.checkpoint = _get(object_, "checkpoint", dict)
        else:
            self._record(object_)

    def _record(self, object_):
        header = read_header(_hex(object_, "header"))
        origin = _get(object_, "origin", str)
        split_origin(origin)
        self.report.origin = self.report.origin or origin
        self._chain(object_, header, origin)
        try:
            self._class(object_, header)
            opened = self._groups(object_, header)
            if header.kind == NOTICE:
                self._notice(object_, header)
            else:
                self._event(object_, header, opened)
        except Bad as bad:
            self.find(bad, header.seq)

    def _chain(self, object_, header, origin):
        before, report = self.previous, self.report
        if origin != report.origin:
            self.find("it is of another trail", header.seq)
        if _get(object_, "seq", int) != header.seq or _hex(object_, "link") != header.link():
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
        if object_.get("class") != _word("RetentionClass", header.class_):
            raise Bad("class: the line says something else than its header")

    def _groups(self, object_, header):
        """Every group is either opened, and holds, or said to have expired."""
        stated = {}
        for state in _objects(object_, "parts"):
            name = _get(state, "part", str)
            if name in stated:
                raise Bad("a part with two states")
            stated[name] = _get(state, "verdict", str), _get(state, "expires_on", str)
        opened = []
        for opening in _objects(object_, "openings"):
            name, index = _get(opening, "part", str), _get(opening, "index", int)
            if name not in WORDS or not 0 <= index <= 999:
                raise Bad("an opening of a part that does not exist")
            opened.append(Part(WORDS.index(name), index, _hex(opening, "salt"), _hex(opening, "content")))
        named = {WORDS[part] for group in header.groups for part in group.ids()}
        if set(stated) != named or any(part.part not in self._ids(header) for part in opened):
            raise Bad("its parts are not those that its header names")
        for group in header.groups:
            states = {stated[WORDS[part]] for part in group.ids()}
            date = dates.date(group.date).isoformat() if group.date else ""
            mine = [part for part in opened if part.part in group.ids()]
            if len(states) != 1 or {day for _, day in states} != {date}:
                raise Bad("the states of its parts are not those of their group")
            (state,) = {state for state, _ in states}
            if state not in STATES or (state == "INTACT") != bool(mine):
                raise Bad("a part that is said to be intact and not opened, or opened and not said to be intact")
            if mine:
                if any(len(part.salt) != 32 for part in mine):
                    raise Bad("an opening without salt")
                parts.check_group(group, mine)
            if state == "EXPIRED" and not 0 < group.date <= self.today:
                raise Bad("a part that is said to have expired before its date")
            self.report.states[STATES[state]] += 1
        return opened

    @staticmethod
    def _ids(header):
        return {part for group in header.groups for part in group.ids()}

    def _notice(self, object_, header):
        content = _hex(object_, "notice")
        self.report.notices += 1
        if header.seq == 0:
            self.zone = dates.zone(messages.parse("NoticeCore", content).opened.zone)
            self.notices = Notices(self.report.origin, messages.parse("NoticeCore", content).opened.zone)
        if self.notices is None:
            parts.check_group(header.groups[0], [parts.notice_core(content)])
            return
        recorded = self.notices.check(header, content)
        if object_.get("recorded_at") != _shown_time(recorded):
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
        event.check_core(header, core, self.last_recorded)
        self.last_recorded = core.recorded_at
        if self.zone is None:
            self.dates_unchecked = True
        else:
            event.check_dates(header, core, self.zone)
        event.check_subjects(read)
        check_words(object_, core, read)

    def finish(self, checkpoint, key):
        """The last lines, and what was given from outside."""
        if self.end is None:
            raise Bad("the last line is not there: the file was cut off")
        end, report = self.end, self.report
        if not report.headers and not report.origin:
            report.origin = _get(end, "origin", str)
        if _get(end, "records", int) != len(report.headers) or _get(end, "origin", str) != report.origin:
            self.find("the last line counts other records, or those of another trail")
        complete = _get(end, "complete", bool)
        if complete:
            if self.gaps or _get(end, "size", int) != len(report.headers) or _hex(end, "head") != report.head:
                self.find("it says that it is complete, and is not")
            self._proof()
        else:
            self.notes.append("narrowed by time: not the whole trail, so neither links across gaps nor the tree were checked")
        if self.dates_unchecked:
            self.notes.append("without the opening notice the zone is not known: dates were not checked")
        self._outside(checkpoint, key, complete)

    def _proof(self):
        """The tree over these records leads to the checkpoint that came with them."""
        if self.checkpoint is None:
            raise Bad("it says that it is complete, and has no checkpoint")
        given, size = self.checkpoint, len(self.report.leaves)
        note = read_checkpoint(_get(given, "note", str).encode())
        note.check_signature(read_key(_get(given, "verification_key", str)))
        proof = _get(given, "consistency", dict)
        hashes = _get(proof, "hashes", list)
        if note.origin != self.report.origin or _get(given, "size", int) != note.size or _get(proof, "old_size", int) != size:
            raise Bad("its checkpoint is of another trail or size")
        steps = [_hex({"hash": step}, "hash") for step in hashes]
        tree.check_consistency(size, tree.root(self.report.leaves), note.size, note.root, steps)

    def _outside(self, checkpoint, key, complete):
        if key is None:
            self.notes.append("signer unverified: no key was given")
        elif self.checkpoint is not None and key.name == self.report.origin:
            read_checkpoint(_get(self.checkpoint, "note", str).encode()).check_signature(key)
        if checkpoint is None:
            return
        if key is not None:
            checkpoint.check_signature(key)
        if checkpoint.origin != self.report.origin:
            raise Bad("the checkpoint is of another trail")
        if not complete or checkpoint.size > len(self.report.leaves):
            raise Bad("the checkpoint cannot be compared: the export does not have all of its records")
        if tree.root(self.report.leaves[: checkpoint.size]) != checkpoint.root:
            raise Bad(f"the checkpoint has another root at size {checkpoint.size}")


def _shown_time(instant):
    """RFC 3339 in UTC, cut to milliseconds."""
    moment = dates.START + dates.datetime.timedelta(milliseconds=instant // 10**6)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _word(enum, number):
    """The word of a number, or its digits where this version has no word."""
    return messages.word(enum, number) or str(number)


def _pseudonym(person):
    return person.get("pseudonym") if isinstance(person, dict) else None


def check_words(object_, core, read):
    """The words of a line that say what happened, against the parts."""
    by_id = {part.part: message for part, message in read}
    actor, net = by_id.get(ACTOR), by_id.get(NET)
    subjects = [message.pseudonym.hex() for part, message in read if part.part == SUBJECT]
    shown = _get(object_, "subjects", list, [])
    due = {
        "controller": (object_.get("controller"), object_["origin"].split("/")[1]),
        "action": (object_.get("action"), _word("Action", core.action)),
        "outcome": (object_.get("outcome"), _word("Outcome", core.outcome)),
        "event_id": (object_.get("event_id"), str(uuid.UUID(bytes=core.event_id))),
        "occurred_at": (object_.get("occurred_at"), _shown_time(core.occurred_at)),
        "recorded_at": (object_.get("recorded_at"), _shown_time(core.recorded_at)),
        "actor": (_pseudonym(object_.get("actor")), actor.pseudonym.hex() if actor else None),
        "subjects": ([_pseudonym(person) for person in shown], subjects),
        "on_behalf_of": (_pseudonym(object_.get("on_behalf_of")), actor.on_behalf_of.hex() or None if actor else None),
        "purpose": (object_.get("purpose"), _word("Purpose", core.purpose) if core.purpose else None),
        "resource_type": (object_.get("resource_type"), core.resource_type or None),
        "ip": (object_.get("ip"), str(ipaddress.ip_address(net.ip)) if net and net.ip else None),
    }
    for name, (said, true) in due.items():
        if said != true:
            raise Bad(f"{name}: the line says something else than the part that is proved")


def verify_export(path, outside=None, key=None, today=None):
    """Verifies an export and says what was found, as the object that __main__ prints. Never raises, whatever stands there."""
    result = {"file": path, "verdict": "", "trails": [], "findings": Findings(), "notes": []}
    check, refused = ExportCheck(result["findings"], result["notes"], today), False
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE), b""), 1):
                try:
                    check.line(_read_line(line))
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
