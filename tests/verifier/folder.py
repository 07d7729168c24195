"""Section "How to verify": a closed data folder, read without writing a byte."""

import os
import time
from collections import defaultdict

from .dates import number
from .findings import Bad, Findings, Refused
from .guard import read_guard
from .index import Index
from .keyring import read_keyring
from .keys import DEV_KEK
from .meta import read_meta
from .rocks import Database
from .trail import TrailCheck
from .vault import read_vault

FAMILIES = {
    "db": ("header", "part", "notice", "tree", "meta"),
    "vault": ("row", "pseudonym"),
    "index": ("posting", "event_id", "counter", "indexed"),
}
#         family of db/ · length of its keys · where the trail stands in them
KEYS = {"header": (12, 0), "part": (18, 6), "notice": (12, 0), "tree": (13, 0)}


class Store:
    """What all trails of a folder share."""

    def __init__(self, path, kek, dev, guard, today, checkpoint, findings, notes):
        self.path, self.checkpoint, self.findings, self.notes = path, checkpoint, findings, notes
        self.now, self.today_number = time.time_ns(), number(today) if today else None
        if not os.path.isdir(os.path.join(path, "db")):
            raise Refused("not a data folder: it has no db")
        self.database = self._database("db")
        self.meta = read_meta(self.database.rows("meta"), findings)
        self.ring = self._keyring(kek, dev)
        self._rows = self._by_trail()
        self.people = self._people()
        self.index = self._index()
        self.guard = self._guard(os.path.join(guard or path, "guard"))

    def _database(self, name):
        return Database(os.path.join(self.path, name), FAMILIES[name], self.findings, self.notes)

    def _keyring(self, kek, dev):
        if kek is None:
            return None
        try:
            with open(os.path.join(self.path, "keyring"), "rb") as file:
                ring = read_keyring(file.read(), kek, dev)
        except FileNotFoundError:
            if self.meta.generation is None:
                return None
            raise Refused("the keyring is missing, but the store was written with one") from None
        if ring.generation < (self.meta.generation or 0):
            raise Refused("the keyring is older than one that the store has used")
        return ring

    def _by_trail(self):
        rows = {family: defaultdict(list) for family in KEYS}
        known = {trail.number for trail in self.meta.trails}
        for family, (length, at) in KEYS.items():
            for key, value in self.database.rows(family):
                trail = int.from_bytes(key[at : at + 4], "big")
                if len(key) != length or trail not in known:
                    self.findings.add(f"db/: a row of the family {family} of no trail")
                else:
                    rows[family][trail].append((key, value))
        return rows

    def _people(self):
        if not os.path.isdir(os.path.join(self.path, "vault")):
            self.findings.add("the vault is not there")
            return None
        return read_vault(self._database("vault"), self.ring, self.meta.trails, self.findings)

    def _index(self):
        if not os.path.isdir(os.path.join(self.path, "index")):
            self.notes.append("no index: not compared")
            return None
        return Index(self._database("index"), self.meta.trails, self.findings)

    def _guard(self, path):
        try:
            with open(path, "rb") as file:
                guard = read_guard(file.read())
        except FileNotFoundError:
            self.notes.append("no guard: not compared")
            return {}
        for origin in guard.keys() - {trail.origin for trail in self.meta.trails}:
            self.findings.add("the guard has a trail that the store does not have", origin)
        return guard

    def of_trail(self, family, trail):
        """Rows of `header` or `notice`: (seq, value)."""
        return [(int.from_bytes(key[4:], "big"), value) for key, value in self._rows[family][trail.number]]

    def tree_rows(self, trail):
        """Rows of `tree`: (level and index, hash)."""
        return [(key[4:], value) for key, value in self._rows["tree"][trail.number]]

    def frames(self, trail):
        """Rows of `part`: ((date, zone, first), value)."""
        for key, value in self._rows["part"][trail.number]:
            yield tuple(int.from_bytes(key[a:b], "big") for a, b in ((0, 4), (4, 6), (10, 18))), value


def verify_folder(path, kek=None, dev=False, guard=None, today=None, checkpoint=None, key=None):
    """Verifies a folder and says what was found, as the object that __main__ prints. Never raises for what stands there."""
    findings, notes, trails, verdict = Findings(), [], [], None
    opened = False
    try:
        if checkpoint and key:
            _try(findings, checkpoint.origin, lambda: checkpoint.check_signature(key))
        elif checkpoint:
            notes.append("the checkpoint's signature was not checked: no key was given")
        store = Store(path, DEV_KEK if dev else kek, dev, guard, today, checkpoint, findings, notes)
        opened = store.ring is not None
        for trail in store.meta.trails:
            trails.append(TrailCheck(trail, store, findings).run().json())
        if checkpoint and checkpoint.origin not in {trail.origin for trail in store.meta.trails}:
            findings.add("the checkpoint is of a trail that the store does not have", checkpoint.origin)
    except Bad as bad:
        findings.add(bad)
    except (Refused, OSError) as refused:
        findings.add(refused)
        verdict = "refused"
    return {
        "folder": path,
        "verdict": verdict or ("bad" if findings.items else "good"),
        "opened": opened,
        "trails": trails,
        "findings": findings.all(),
        "notes": notes,
    }


def _try(findings, origin, check):
    try:
        check()
    except Bad as bad:
        findings.add(bad, origin)
