"""Section "Trails that follow others": where a copy was restored, what each trail says of the one before it."""

from . import messages
from .encoding import split_origin
from .findings import Bad

KIND = "trail_restored"
NODE = "node"


def told(rows):
    """What a trail says of the one before it, from its rows of `notice`; None: nothing."""
    for seq, content in rows:
        if seq != 1:
            continue
        try:
            core = messages.parse("NoticeCore", content)
        except Bad:
            return None
        return core.trail_restored if core.WhichOneof("kind") == KIND else None
    return None


def _head(head):
    split_origin(head.origin)
    if len(head.root) != 32:
        raise Bad("notice: a root that is not 32 bytes")


def check(message, origin, follows):
    """What record 1 says, in the trail of that origin whose opening notice names that predecessor."""
    controller = split_origin(message.predecessor)[1]
    if message.predecessor != follows or controller != origin.split("/")[1] or message.predecessor == origin:
        raise Bad("notice: it follows another trail than the opening notice says, or none of its controller's")
    if not message.size or len(message.root) != 32:
        raise Bad("notice: it says of the trail before it what cannot be")
    if message.HasField("guarded"):
        _head(message.guarded)
        if message.guarded.origin != message.predecessor:
            raise Bad("notice: what was guarded is of another trail than the one before it")
    released = list(message.released)
    if any(len(id_) != 16 for id_ in released) or any(a >= b for a, b in zip(released, released[1:])):
        raise Bad("notice: its holds do not ascend")
    for heads in (message.lost, message.ended):
        for head in heads:
            _head(head)
        if any(a.origin >= b.origin for a, b in zip(heads, heads[1:])):
            raise Bad("notice: the trails that it names do not ascend")
    if controller != NODE and (message.lost or message.ended):
        raise Bad("notice: it tells of other trails, and is not in the node's")


class Lines:
    """The trails of each controller, in the order in which they follow each other."""

    def __init__(self, trails, rows_of):
        self.of, self.told = {}, {}
        for trail in sorted(trails, key=lambda trail: trail.number):
            self.of.setdefault(trail.controller, []).append(trail)
            self.told[trail.number] = told(rows_of(trail))
        node = [self.told[trail.number] for trail in self.of.get(NODE, []) if self.told[trail.number]]
        self.lost = {head.origin: (head.size, head.root) for message in node for head in message.lost}
        self.ended = {head.origin: (head.size, head.root) for message in node for head in message.ended}

    def later(self, trail):
        """The trails that follow one."""
        return [other for other in self.of[trail.controller] if other.number > trail.number]

    def last(self, trail):
        """The last trail of its controller."""
        return self.of[trail.controller][-1]

    def lacks(self, trail, size, root):
        """Whether it is told that the copy lacks what was guarded."""
        later = self.later(trail)
        message = self.told[later[0].number] if later else None
        if message and message.HasField("guarded"):
            return (message.guarded.size, message.guarded.root) == (size, root)
        return self.ended.get(trail.origin) == (size, root)

    def check(self, heads, under_way, findings):
        """Each says of the one before it what is so; `heads` are size and root by origin."""
        if under_way:
            findings.add("meta: a copy was being restored: it was stopped under way")
        named = set()
        for line in self.of.values():
            for before, next_ in zip(line, line[1:]):
                message = self.told[next_.number]
                named.add(before.origin)
                if not before.frozen:
                    findings.add("it is not frozen, and another follows it", before.origin)
                if not message or message.predecessor != before.origin:
                    findings.add("it does not say that it follows the one before it", next_.origin)
                elif before.origin in heads and heads[before.origin] != (message.size, message.root):
                    findings.add("it has another size or root than the one after it says", before.origin)
        for message in self.told.values():
            if message and message.predecessor not in named:
                findings.add("a trail follows one that is not there", message.predecessor)
