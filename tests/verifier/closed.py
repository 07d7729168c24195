"""Section "Notices", a controller's end: what is told of it, and that nothing is left of what it entrusted."""

from . import dates, messages
from .encoding import split_origin
from .findings import Bad

KIND = "controller_closed"
NODE = "node"
ERASURE = 1
# What is dated up to it is gone: every date.
EVERY = 1 << 32


def told(rows, origin):
    """What a trail tells of its own end, from its rows of `notice`; None: nothing."""
    for _, content in reversed(rows):
        try:
            core = messages.parse("NoticeCore", content)
        except Bad:
            continue
        if core.WhichOneof("kind") == KIND and core.controller_closed.origin == origin:
            return core.controller_closed
    return None


def check(message, seq, origin, events):
    """What the notice says, in the trail of that origin, at that position, after so many events by class."""
    split_origin(message.origin)
    if len(message.request) not in (0, 16):
        raise Bad("notice: an id that is not 16 bytes")
    exported = len(message.export_sha256), message.export_size
    if exported != (0, 0) and (exported[0] != 32 or not 1 <= exported[1] <= message.size):
        raise Bad("notice: an export that cannot be")
    counts = [(count.retention_class, count.events) for count in message.events]
    if any(a[0] >= b[0] for a, b in zip(counts, counts[1:])) or any(not 1 <= class_ <= 9 or not n for class_, n in counts):
        raise Bad("notice: its classes do not ascend, are not known or have no events")
    if sum(n for _, n in counts) > message.size:
        raise Bad("notice: it counts more events than records")
    if message.origin != origin:
        if origin.split("/")[1] != NODE:
            raise Bad("notice: of another controller's end")
        return
    if origin.split("/")[1] == NODE:
        raise Bad("notice: the node closes itself")
    if message.size != seq or dict(counts) != events:
        raise Bad("notice: another size or other events than there are before it")


def check_acts(message, acts):
    """No hold stands, and somebody asked for an erasure that was agreed to and used."""
    if any(hold.released is None for hold in acts.holds.values()):
        raise Bad("notice: a controller is closed that has holds")
    if not message.request:
        return
    request = acts.requests.get(message.request)
    if request is None or not request.used or request.deed != ERASURE:
        raise Bad("notice: not by a request for an erasure that was used before it")


def check_slices(header, core, slices, zone, own, read):
    """In its own trail it has none; in the node's, slice 0 says who and why, for 24 months."""
    if own:
        if len(header.groups) != 1:
            raise Bad("notice: with slices, of a kind that has none")
        return
    if len(header.groups) != 2:
        raise Bad("notice: without slices, of a kind that has some")
    due = dates.number(dates.plus_months(dates.date(dates.local_day(core.recorded_at, zone)), 24))
    if header.groups[1].date != due:
        raise Bad(f"notice: its slices expire on {dates.shown(header.groups[1].date)}, due is {dates.shown(due)}")
    if slices is not None:
        read(KIND, slices)


def is_over(store, trail):
    """Whether the controller of a trail came to its end, as its last trail tells or, where that was lost, the node's."""
    line = [trail, *store.lines.later(trail)]
    return any(told(store.of_trail("notice", own), own.origin) is not None or own.origin in store.lines.ended for own in line)


def check_folder(store, findings):
    """Trails, the node's trail, meta and the keyring agree on which controllers are closed."""
    rows, in_node = dict(store.meta.closed), {}
    for trail in store.meta.trails:
        if trail.controller == NODE:
            for _, content in store.of_trail("notice", trail):
                try:
                    core = messages.parse("NoticeCore", content)
                except Bad:
                    continue
                if core.WhichOneof("kind") == KIND:
                    in_node[core.controller_closed.origin] = core.controller_closed
    for trail in (line[-1] for line in store.lines.of.values()):
        message, row = told(store.of_trail("notice", trail), trail.origin), rows.pop(trail.controller, None)
        from_node = in_node.pop(trail.origin, None)
        destroyed = store.ring is not None and store.ring.is_destroyed(trail.slot)
        if message is None:
            if trail.origin in store.lines.ended and row is not None and from_node is None:
                continue
            if row is not None or from_node is not None or destroyed:
                findings.add("it is closed, or its key destroyed, and its trail does not tell", trail.origin)
            continue
        if row is None:
            findings.add("meta: its trail tells that it is closed, and no row does", trail.origin)
        if from_node != message:
            findings.add("the node's trail does not tell of its end as its own does", trail.origin)
        if store.ring is not None and not destroyed:
            findings.add("it is closed, and its key is in the keyring", trail.origin)
        if not message.request and store.ring is not None and not store.ring.dev:
            findings.add("notice: a controller is closed by no request", trail.origin, message.size)
    for controller in rows:
        findings.add(f"meta: closed/{controller} has no trail")
    for origin in in_node:
        findings.add("the node's trail tells of the end of a trail that is not there", origin)


def check_left(trail, store, find):
    """Nothing is left of a trail whose controller is closed but headers, notices and the tree."""
    if next(iter(store.frames(trail)), None):
        find("it is closed, and there are frames of it")
    if store.held.get(trail.number):
        find("it is closed, and holds keep parts of it")
    if store.index and store.index.has_rows(trail):
        find("it is closed, and the index holds rows of it")
