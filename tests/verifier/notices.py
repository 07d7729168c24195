"""Section "Notices": what a trail says about itself, in clear."""

from . import acts, dates, messages, policy
from .findings import Bad
from .parts import check_group, notice_core

NODE = "node"


class Notices:
    """Checks the notices of a trail one after another."""

    def __init__(self, origin, zone, ring=None, noted=None, format_=2):
        self.origin, self.zone, self.ring, self.noted, self.format = origin, zone, ring, noted, format_
        self.count, self.last_seq, self.generation = 0, 0, 0
        self.acts = acts.Acts()

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
        if kind in acts.ENDS:
            self._act(header, core, kind, slices)
            return core.recorded_at
        if len(header.groups) != 1:
            raise Bad("notice: with slices, of a kind that has none")
        (self._opened if kind == "opened" else self._keyring_opened)(getattr(core, kind))
        return core.recorded_at

    def _act(self, header, core, kind, slices):
        if self.format < 2 or self.origin.split("/")[1] == NODE:
            raise Bad("notice: of a kind that this format or trail does not have")
        if len(header.groups) != 2:
            raise Bad("notice: without slices, of a kind that has some")
        message = getattr(core, kind)
        acts.check_date(kind, message, core.recorded_at, header.groups[1], dates.zone(self.zone))
        by = None if slices is None else acts.read_slices(kind, slices)
        self.acts.check(kind, message, core.recorded_at, by)

    def _opened(self, opened):
        if (opened.origin, opened.zone) != (self.origin, self.zone):
            raise Bad("notice: it opens another trail")
        if opened.policy_version != policy.VERSION or opened.predecessor:
            raise Bad("notice: it opens the trail under another policy or after a predecessor")

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
