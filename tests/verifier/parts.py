"""Section "Parts": salts, part hashes, group hashes, and the shape of each part's message."""

from dataclasses import dataclass

from . import messages
from .encoding import ZERO, derive, keyed, u8, u16, u64
from .findings import Bad

CORE, ACTOR, SUBJECT, NET, SESSION, DETAIL = range(6)
NAMES = ("core", "actor", "subject", "net", "session", "detail")
MESSAGES = ("Core", "ActorPart", "SubjectPart", "NetPart", "SessionPart", "DetailPart")
MOST_SUBJECTS = 1000
MAPPED = bytes(10) + b"\xff\xff"  # how an IPv6 address begins that stands for an IPv4 one


@dataclass(frozen=True)
class Part:
    """An opened part: what is hashed into its group."""

    part: int
    index: int
    salt: bytes
    content: bytes

    def key(self):
        """Order within a record, and what stands in hashes."""
        return self.part, self.index

    def hash(self):
        """The part hash."""
        return derive("akta v1 part", self.salt, u8(self.part), u16(self.index), self.content)

    def check_place(self, notice):
        """Id and index as the table has them."""
        if not CORE <= self.part <= DETAIL:
            raise Bad("a part with an id that does not exist")
        several = self.part == (DETAIL if notice else SUBJECT)
        if self.index >= (MOST_SUBJECTS if several else 1):
            raise Bad(f"part {NAMES[self.part]}: an index that it cannot have")


@dataclass(frozen=True)
class Bare:
    """A part of which nothing is at hand but its hash: erased, or not kept by a hold."""

    part: int
    index: int
    bare: bytes

    def key(self):
        """As that of a part."""
        return self.part, self.index

    def hash(self):
        """The part hash."""
        return self.bare

    def check_place(self, notice):
        """As that of a part."""
        Part(self.part, self.index, b"", b"").check_place(notice)


def salt(seed, seq, part, index):
    """The salt of a part under its frame's seed."""
    return keyed(seed, u64(seq), u8(part), u16(index))


def group_hash(parts):
    """The group hash of parts, which must ascend strictly."""
    keys = [part.key() for part in parts]
    if any(a >= b for a, b in zip(keys, keys[1:])):
        raise Bad("parts of a group do not ascend")
    return derive("akta v1 group", *(u8(p.part) + u16(p.index) + p.hash() for p in parts))


def check_group(group, parts, notice=False):
    """The parts of one group against its header's line: ids as in the bitmap, hash equal."""
    for part in parts:
        part.check_place(notice)
    parts = sorted(parts, key=Part.key)
    if {part.part for part in parts} != group.ids():
        raise Bad("its parts are not those that its header names")
    if group_hash(parts) != group.hash:
        raise Bad("its parts are not those that its header commits to")


def slices(opened):
    """The messages of a notice's slices, by index."""
    return [(part.index, read(part)) for part in sorted(opened, key=Part.key)]


def notice_core(content):
    """The core of a notice as a part: public, with a salt of zeros."""
    return Part(CORE, 0, ZERO, content)


def read(part):
    """The message of a part, with the lengths that the page and the comments of parts.proto fix."""
    message = messages.parse(MESSAGES[part.part], part.content)
    for name, lengths in LENGTHS[part.part]:
        if len(getattr(message, name)) not in lengths:
            raise Bad(f"part {NAMES[part.part]}: {name} has a length that it cannot have")
    if part.part == NET and message.ip.startswith(MAPPED):
        raise Bad("part net: an IPv4 address in the form of IPv6")
    return message


LENGTHS = (
    [("event_id", {16})],
    [("pseudonym", {32}), ("on_behalf_of", {0, 32})],
    [("pseudonym", {32})],
    [("ip", {0, 4, 16}), ("forwarded_for", range(513)), ("user_agent", range(513)), ("trace_id", range(17)), ("request_id", range(65))],
    [("id_hash", {0, 16})],
    [("hash_before", {0, 32}), ("hash_after", {0, 32}), ("export_sha256", {0, 32})],
)
