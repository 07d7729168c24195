"""Section "Notices": what a trail says about itself, in clear."""

from . import acts, closed, dates, handover, messages, policy, removed, restored
from .findings import Bad
from .header import EVENT
from .note import key_of_seed
from .parts import check_group, notice_core

NODE = "node"
# The first format that has notices of that kind; of all others it is 2.
FIRST_FORMAT = {"opened": 1, "keyring_opened": 1} | dict.fromkeys(
    ("retention_chosen", "expired", "hold_placed", "hold_released", "hold_reviewed", closed.KIND, restored.KIND, *removed.KINDS), 3
)


def told_through(rows):
    """Up to which date a trail tells that its parts are expired, by the last notice that does; 0: none does."""
    for _, content in reversed(rows):
        try:
            core = messages.parse("NoticeCore", content)
        except Bad:
            continue
        if core.WhichOneof("kind") == "expired":
            return core.expired.through
    return 0


class Notices:
    """Checks the notices of a trail one after another."""

    def __init__(self, origin, zone, ring=None, noted=None, format_=3, today=None):
        self.today, self.expired = today, 0
        self.origin, self.zone, self.ring, self.noted, self.format = origin, zone, ring, noted, format_
        self.count, self.last_seq, self.generation = 0, 0, 0
        self.handovers = []
        self.acts = acts.Acts()
        self.people, self.headers = removed.People(dates.zone(zone)), []
        self.events, self.closed, self.follows = {}, False, ""

    @property
    def policy(self):
        """What is in force for what comes next."""
        return self.acts.policy

    def check(self, header, content, slices=None):
        """One notice: its hash, its place in the chain of notices, and what it says; `slices` are the messages of its
        slices by index, or None where they are not at hand. Returns when it was recorded."""
        check_group(header.groups[0], [notice_core(content)], True)
        core = messages.parse("NoticeCore", content)
        if (core.ordinal, core.previous_seq) != (self.count, self.last_seq):
            raise Bad("notice: it does not follow the one before")
        if dates.utc_day(core.recorded_at) != header.day:
            raise Bad("notice: it was not recorded on the day of its header")
        self.count, self.last_seq = self.count + 1, header.seq
        kind = core.WhichOneof("kind")
        if (kind == "opened") != (header.seq == 0) or kind is None:
            raise Bad("notice: of a kind that does not belong there")
        if (kind == restored.KIND) != (header.seq == 1 and bool(self.follows)):
            raise Bad("notice: record 1 must say which trail this one follows, and no other record")
        if self.format < FIRST_FORMAT.get(kind, 2):
            raise Bad("notice: of a kind that this format does not have")
        if self.closed and kind != "signing_key_rotated":
            raise Bad("notice: it follows the one that the controller was closed")
        if kind == closed.KIND:
            self._closed(header, core, slices)
            return core.recorded_at
        if kind in acts.ENDS:
            self._act(header, core, kind, slices)
            return core.recorded_at
        if kind in removed.KINDS:
            self._of_people(header, core, kind, slices)
            return core.recorded_at
        if len(header.groups) != 1:
            raise Bad("notice: with slices, of a kind that has none")
        {
            "opened": self._opened,
            restored.KIND: lambda told: restored.check(told, self.origin, self.follows),
            "keyring_opened": self._keyring_opened,
            "signing_key_rotated": self._signing_key_rotated,
            "kek_rotated": self._kek_rotated,
            "expired": lambda told: self._expired(told, core.recorded_at),
        }[kind](getattr(core, kind))
        return core.recorded_at

    def after(self, header):
        """A record: nothing is dated what had expired before it."""
        if any(0 < group.date <= self.expired for group in header.groups):
            raise Bad(f"it has parts of a date up to {dates.shown(self.expired)}, which had expired before")
        if header.kind == EVENT:
            if self.closed:
                raise Bad("it follows the notice that the controller was closed")
            self.events[header.class_] = self.events.get(header.class_, 0) + 1

    def _closed(self, header, core, slices):
        message, own = core.controller_closed, core.controller_closed.origin == self.origin
        closed.check(message, header.seq, self.origin, self.events)
        closed.check_slices(header, core, slices, dates.zone(self.zone), own, acts.read_slices)
        if own:
            closed.check_acts(message, self.acts)
            self.acts.holds, self.closed = {}, True

    def _expired(self, told, recorded_at):
        if not 0 < told.through <= dates.local_day(recorded_at, dates.zone(self.zone)):
            raise Bad("notice: it says that parts are expired before their day")
        if self.today is not None and told.through > self.today + 1:
            raise Bad("notice: it says that parts are expired whose day is still to come")
        if told.through < self.expired:
            raise Bad("notice: it says that less is expired than one before it")
        self.expired = told.through

    def _of_people(self, header, core, kind, slices):
        if self.origin.split("/")[1] == NODE:
            raise Bad("notice: of a kind that this trail does not have")
        if len(header.groups) != 2:
            raise Bad("notice: without slices, of a kind that has some")
        self.people.check(header, core, kind, slices, self.acts.requests, self.headers, (self.origin, self.follows))

    def _act(self, header, core, kind, slices):
        if self.origin.split("/")[1] == NODE:
            raise Bad("notice: of a kind that this trail does not have")
        if len(header.groups) != 2:
            raise Bad("notice: without slices, of a kind that has some")
        message = getattr(core, kind)
        acts.check_date(kind, message, core.recorded_at, header.groups[1], dates.zone(self.zone))
        by = None if slices is None else acts.read_slices(kind, slices)
        self.acts.check(kind, message, core.recorded_at, by)

    def _opened(self, opened):
        if (opened.origin, opened.zone) != (self.origin, self.zone):
            raise Bad("notice: it opens another trail")
        if opened.policy_version != policy.VERSION:
            raise Bad("notice: it opens the trail under another policy")
        self.follows = opened.predecessor

    def _keyring_opened(self, opened):
        if self.origin.split("/")[1] != NODE:
            raise Bad("notice: the keyring is opened in a trail that is not the node's")
        if not opened.generation or opened.generation < self.generation:
            raise Bad("notice: the keyring's generation goes back")
        if self.ring and (opened.generation > self.ring.generation or opened.dev != self.ring.dev):
            raise Bad("notice: it opens a newer or another keyring than the one at hand")
        if self.noted is not None and opened.generation > self.noted:
            raise Bad("notice: it opens a newer keyring than meta has noted")
        self.generation = opened.generation

    def _signing_key_rotated(self, told):
        self.handovers.append(handover.check(told, self.origin, self.last_seq, self.handovers))

    def _kek_rotated(self, told):
        if self.origin.split("/")[1] != NODE:
            raise Bad("notice: the KEK is rotated in a trail that is not the node's")
        before, after = told.generation_before, told.generation_after
        if not before or before < self.generation or after <= before:
            raise Bad("notice: the keyring's generation goes back")
        if self.ring and after > self.ring.generation or self.noted is not None and after > self.noted:
            raise Bad("notice: the KEK was rotated for a newer keyring than the one at hand, or than meta has noted")
        self.generation = after

    def check_keyring(self):
        """The keyring signs with a key that the notices lead to, or is just bringing that one in."""
        seeds = [seed for seed in (self.ring.signing_seed, self.ring.next_signing_seed) if seed] if self.ring else []
        known = [key for _, *keys in self.handovers for key in keys]
        if known and seeds and not any(key_of_seed(self.origin, seed) in known for seed in seeds):
            raise Bad("the keyring signs checkpoints with a key that no notice leads to")
