"""Section "How to verify": a closed data folder, read without writing a byte."""

import contextlib
import os
import time
from collections import defaultdict

from . import closed, tree
from .dates import local_day, number, utc_day
from .dates import zone as find_zone
from .findings import Bad, Findings, Refused, finish
from .guard import read_guard
from .handover import follow
from .header import read_run
from .held import by_trail
from .index import Index
from .keyring import read_keyring
from .keys import DEV_KEK
from .meta import read_meta
from .note import key_of_seed
from .notices import told_through
from .removed import by_trail as removals_by_trail
from .restored import Lines
from .rocks import Database
from .trail import TrailCheck
from .vault import read_vault

FAMILIES = {
    "db": ("header", "part", "notice", "tree", "meta"),
    "vault": ("row", "pseudonym", "held", "removal"),
    "index": ("posting", "event_id", "counter", "indexed"),
}
LATER = ("held", "removal")
#         family of db/ · length of its keys · where the trail stands in them
KEYS = {"header": (12, 0), "part": (18, 6), "notice": (12, 0), "tree": (13, 0)}


class Store:
    """What all trails of a folder share."""

    def __init__(self, path, kek, dev, guard, clock, outside, findings, notes):
        self.path, self.findings, self.notes = path, findings, notes
        self.checkpoint, self.proof = outside or (None, None)
        self.now, self.today_number = clock
        if not os.path.isdir(os.path.join(path, "db")):
            raise Refused("not a data folder: it has no db")
        self.database = self._database("db")
        self.meta = read_meta(self.database.rows("meta"), findings)
        self.ring = self._keyring(kek, dev)
        self._rows, self.held, self.removals = self._by_trail(), {}, {}
        self.lines, self.checks = Lines(self.meta.trails, lambda trail: self.of_trail("notice", trail)), {}
        self.people = self._people()
        self.index = self._index()
        self.guard = self._guard(os.path.join(guard or path, "guard"))
        # No clock has dropped event ids from there on: none was later than these, as far as records tell.
        self.kept_week = max([self.today_number or 0, utc_day(self.now), *self._newest_days()]) // 7 - 1

    def _database(self, name):
        return Database(os.path.join(self.path, name), FAMILIES[name], self.findings, self.notes, LATER)

    def _keyring(self, kek, dev):
        if kek is None:
            return None
        try:
            with open(os.path.join(self.path, "keyring"), "rb") as file:
                ring = read_keyring(file.read(), kek, dev, self.notes)
        except FileNotFoundError:
            if self.meta.generation is None:
                return None
            raise Refused("the keyring is missing, but the store was written with one") from None
        if ring.generation < (self.meta.generation or 0):
            raise Refused("the keyring is older than one that the store has used")
        if ring.generation > max(self.meta.generation or 0, ring.kek_rotated_at) + 1:
            self.findings.add("meta: the keyring is more than one generation newer than the newest that is noted")
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
        vault = self._database("vault")
        self.held = by_trail(vault, {trail.number for trail in self.meta.trails}, self.findings)
        self.removals = removals_by_trail(vault, self.ring, self.meta.trails, self.findings)
        return read_vault(vault, self.ring, self.meta.trails, self.findings)

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
            if self.lines.lost.get(origin) == tuple(guard[origin]):
                continue
            self.findings.add("the guard has a trail that the store does not have", origin)
        return guard

    def _newest_days(self):
        for rows in self._rows["header"].values():
            key, value = rows[-1]
            with contextlib.suppress(Bad):  # the walk will say so
                yield read_run(int.from_bytes(key[4:], "big"), value)[1][-1].day

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


def _check_signer(checkpoint, key, handovers, ring, notes):
    """The key that is trusted, or one that it leads to, signed the checkpoint."""
    signer, count = follow(key, checkpoint.size, handovers)
    checkpoint.check_signature(signer)
    if count:
        notes.append(f"the key that you trust leads to the one that signed over {count} replacements")
    last = handovers[-1][2] if handovers else key
    if ring and last not in [key_of_seed(checkpoint.origin, seed) for seed in (ring.signing_seed, ring.next_signing_seed) if seed]:
        notes.append("the keyring signs checkpoints with another key than the one that you trust")


def _check_expired(store, findings):
    """Step 8: meta, the keyring and the notices agree on how far dates are expired."""
    for zone in sorted({trail.zone for trail in store.meta.trails}):
        done, begun = store.meta.expired.get(zone, (0, 0))
        told = max(told_through(store.of_trail("notice", trail)) for trail in store.meta.trails if trail.zone == zone)
        try:
            today = local_day(store.now, find_zone(zone)) if store.today_number is None else store.today_number
            if told > begun:
                raise Bad("meta: a trail tells of more than is expired")
            if begun > today + 1:
                raise Bad("meta: what is expired is still to come")
            if done < begun:
                raise Bad("meta: an expiry was stopped under way")
            if store.ring and store.ring.destroyed(zone) != done:
                raise Bad("the keyring has keys that are expired, or lacks keys that are not")
        except Bad as bad:
            findings.add(f"{zone}: {bad}")


def _verify(path, kek, dev, guard, clock, outside, key, result):
    findings, notes = result["findings"], result["notes"]
    checkpoint = outside and outside[0]
    if checkpoint and not key:
        notes.append("the checkpoint's signature was not checked: no key was given")
    store = Store(path, DEV_KEK if dev else kek, dev, guard, clock, outside, findings, notes)
    result["opened"] = store.ring is not None
    handovers, released, reports, heads = {}, set(), {}, {}
    # Those that follow others say what became of these.
    for trail in sorted(store.meta.trails, key=lambda trail: -trail.number):
        check = store.checks[trail.number] = TrailCheck(trail, store, findings)
        report = check.run()
        reports[trail.number] = report.json()
        if check.whole:
            heads[trail.origin] = len(report.leaves), tree.root(report.leaves)
        handovers[trail.origin] = check.handovers
        released |= check.released
    result["trails"] += (reports[trail.number] for trail in store.meta.trails)
    store.lines.check(heads, store.meta.restored, findings)
    _check_expired(store, findings)
    closed.check_folder(store, findings)
    if store.ring and store.ring.fresh_buckets:
        findings.add("the keyring has fresh keys of buckets: an erasure or masking was stopped under way")
    if store.ring and released & store.ring.holds.keys():
        findings.add("the keyring has the key of a hold that is released")
    if checkpoint and key:
        try:
            _check_signer(checkpoint, key, handovers.get(checkpoint.origin, []), store.ring, notes)
        except Bad as bad:
            findings.add(bad, checkpoint.origin)
    if checkpoint and checkpoint.origin not in {trail.origin for trail in store.meta.trails}:
        findings.add("the checkpoint is of a trail that the store does not have", checkpoint.origin)


def verify_folder(path, kek=None, dev=False, guard=None, today=None, outside=None, key=None, now=None):
    """Verifies a folder and says what was found, as the object that __main__ prints. Never raises, whatever stands there."""
    result = {"folder": path, "verdict": "", "opened": False, "trails": [], "findings": Findings(), "notes": []}
    refused = False
    try:
        clock = time.time_ns() if now is None else now, number(today) if today else None
        _verify(path, kek, dev, guard, clock, outside, key, result)
    except Bad as bad:
        result["findings"].add(bad)
    except (Refused, OSError) as error:
        refused = True
        result["findings"].add(error)
    except Exception as error:  # a defect of this program; it must not look like a verdict on the folder
        refused = True
        result["findings"].add(f"this verifier failed: {error!r}")
    return finish(result, refused)
