"""Section "Notices": what a controller decides, and how its notices follow each other."""

import unicodedata
from dataclasses import dataclass, field

from . import dates, policy
from .findings import Bad

STANDS, FORGOTTEN, LONE_WAIT = 30 * dates.DAY, 366 * dates.DAY, 48 * 3600 * dates.SECOND
LONGEST = {"granted": 366 * dates.DAY, "incident_declared": 7 * dates.DAY}
PERMISSIONS = set("approve erase export hold notices reidentify search watch".split())
DEEDS = (1, 2, 3)
#        kind -> when what it tells is over, from the message and recorded_at
ENDS = {
    "controller_set": lambda message, at: at,
    "retention_chosen": lambda message, at: at,
    "lone_approval_set": lambda message, at: at,
    "granted": lambda message, at: message.until,
    "incident_declared": lambda message, at: message.until,
    "act_ended": lambda message, at: at,
    "approval_asked": lambda message, at: at + STANDS,
    "approval_answered": lambda message, at: at + STANDS,
    "approval_used": lambda message, at: at + STANDS,
    "hold_placed": lambda message, at: at,
    "hold_released": lambda message, at: at,
    "hold_reviewed": lambda message, at: at,
}
#        kind -> the attribute of slice 1
ABOUT = {"granted": "holder", "approval_asked": "concerning", "hold_placed": "owner"}
NEED_GROUND = {"retention_chosen", "granted", "incident_declared", "act_ended", "approval_asked", "hold_placed", "hold_released", "hold_reviewed", "controller_closed"}
REVIEW_DAYS = 184


@dataclass
class Act:
    """A grant or an incident."""

    until: int
    ended: bool = False


@dataclass
class Hold:
    """What is kept past its date."""

    review_on: int
    released: int | None = None


@dataclass
class Request:
    """What somebody asked for. A name is None where its slice is not at hand."""

    at: int
    by: str | None
    processor: bool
    deed: int
    agreed: list = field(default_factory=list)
    objected: bool = False
    used: bool = False


def check_date(kind, message, at, group, zone):
    """The date of the slices: 24 months after the day of the end of what the notice tells."""
    end = ENDS[kind](message, at)
    due = dates.number(dates.plus_months(dates.date(dates.local_day(end, zone)), 24))
    if abs(group.date - due) > (1 if end > at else 0):
        raise Bad(f"notice: its slices expire on {dates.shown(group.date)}, due is {dates.shown(due)}")


def read_slices(kind, slices):
    """Who, why, and about whom, from the messages of the slices by index."""
    if [index for index, _ in slices] != list(range(3 if kind == "hold_placed" else 2 if kind in ABOUT else 1)):
        raise Bad("notice: its slices are not those of its kind")
    said = []
    for _, slice_ in slices:
        if any(name.name != "attributes" for name, _ in slice_.ListFields()):
            raise Bad("notice: a slice that has more than attributes")
        said.append([(attribute.key, attribute.value) for attribute in slice_.attributes])
    if [key for key, _ in said[0]] not in (["by"], ["by", "ground"]) or not all(value for _, value in said[0]):
        raise Bad("notice: slice 0 does not say who and why")
    by, ground = said[0][0][1], dict(said[0]).get("ground", "")
    if len(by.encode()) > 512 or len(ground.encode()) > 256:
        raise Bad("notice: slice 0 is too long")
    if kind in NEED_GROUND and not ground:
        raise Bad("notice: it has no ground")
    if kind in ABOUT:
        if [key for key, _ in said[1]] != [ABOUT[kind]]:
            raise Bad("notice: slice 1 is not that of its kind")
        _check_about(kind, said[1][0][1])
    if kind == "hold_placed":
        keys = [key for key, _ in said[2]]
        if not keys or any(a >= b for a, b in zip(keys, keys[1:])):
            raise Bad("notice: slice 2 does not say what it keeps")
    return by


def _check_about(kind, value):
    if kind in ("approval_asked", "hold_placed"):
        if not 1 <= len(value.encode()) <= 256:
            raise Bad("notice: what it concerns is empty or too long")
    elif not (
        value.startswith("spiffe://")
        or (value.startswith("uid:") and value[4:].isdecimal())
        or (value.startswith("group ") and " of " in value[6:])
        or "#" in value
    ):
        raise Bad("notice: slice 1 names no holder")


def _identity(message):
    if len(message.id) != 16:
        raise Bad("notice: an id that is not 16 bytes")
    return bytes(message.id)


class Acts:
    """What a controller has decided so far. `by` is who decided, None where that is not at hand."""

    def __init__(self):
        self.profile, self.lone_since = (False, False, (), False), None
        self.acts, self.requests, self.holds, self.policy = {}, {}, {}, policy.Policy()

    def check(self, kind, message, at, by):
        """One notice after those before it."""
        self._forget(at)
        getattr(self, f"_{kind}")(message, at, by)

    def _forget(self, at):
        old = at - FORGOTTEN
        self.acts = {id_: act for id_, act in self.acts.items() if act.until > old}
        self.requests = {id_: request for id_, request in self.requests.items() if request.at + STANDS > old}
        self.holds = {id_: hold for id_, hold in self.holds.items() if hold.released is None or hold.released > old}

    def _new(self, message):
        id_ = _identity(message)
        if id_ in self.acts or id_ in self.requests or id_ in self.holds:
            raise Bad("notice: its id is that of another before it")
        return id_

    def _controller_set(self, message, at, by):
        sources = tuple(message.group_only_sources)
        keys = [source.encode() for source in sources]
        if len(keys) > 100 or any(a >= b for a, b in zip(keys, keys[1:])) or any(not 1 <= len(key) <= 64 for key in keys):
            raise Bad("notice: its sources are too many, do not ascend or are no names")
        if any(unicodedata.category(letter) == "Cc" for source in sources for letter in source):
            raise Bad("notice: a source with control characters")
        profile = (message.public_body, message.register_keeper, sources, message.refuse_foreign_purposes)
        if profile == self.profile:
            raise Bad("notice: it sets what is so already")
        policy.check_public_body(self.policy.chosen, message.public_body)
        self.profile = profile

    def _retention_chosen(self, message, at, by):
        self.policy.choose(message, self.profile[0])

    def _lone_approval_set(self, message, at, by):
        if message.allowed == (self.lone_since is not None):
            raise Bad("notice: it sets what is so already")
        self.lone_since = at if message.allowed else None

    def _granted(self, message, at, by):
        words = list(message.permissions)
        if not words or any(a >= b for a, b in zip(words, words[1:])) or not set(words) <= PERMISSIONS:
            raise Bad("notice: its permissions are not known, or do not ascend")
        self._spanned("granted", message, at)

    def _incident_declared(self, message, at, by):
        self._spanned("incident_declared", message, at)

    def _spanned(self, kind, message, at):
        start, until, longest = getattr(message, "from"), message.until, LONGEST[kind]
        if not start < until <= start + longest or not at < until or start > at + longest:
            raise Bad("notice: it holds for no time, too long, or at another time")
        self.acts[self._new(message)] = Act(until)

    def _act_ended(self, message, at, by):
        act = self.acts.get(_identity(message))
        if act is None or act.ended or at >= act.until:
            raise Bad("notice: it ends what does not hold")
        act.ended, act.until = True, at

    def _approval_asked(self, message, at, by):
        if message.deed not in DEEDS:
            raise Bad("notice: it asks for what is not known")
        self.requests[self._new(message)] = Request(at, by, message.processor, message.deed)

    def _request(self, message, at):
        request = self.requests.get(_identity(message))
        if request is None:
            raise Bad("notice: nobody asked for that")
        if request.used or request.objected or at >= request.at + STANDS:
            raise Bad("notice: what was asked for is settled or lapsed")
        return request

    def _approval_answered(self, message, at, by):
        request = self._request(message, at)
        if not message.agrees:
            request.objected = True
            return
        if by is not None and (by == request.by or by in request.agreed):
            raise Bad("notice: whoever asked agrees, or somebody agrees twice")
        request.agreed.append(by)

    def _approval_used(self, message, at, by):
        request = self._request(message, at)
        if by is not None and request.by is not None and by != request.by:
            raise Bad("notice: somebody else uses it than asked for it")
        if message.alone:
            chosen = self.lone_since is not None and self.lone_since <= request.at
            if request.agreed or request.processor or not chosen or request.at + LONE_WAIT > at:
                raise Bad("notice: it was not to be decided alone")
        elif not request.agreed:
            raise Bad("notice: nobody agreed")
        request.used = True

    def _hold_placed(self, message, at, by):
        if message.kind not in (1, 2):
            raise Bad("notice: a hold of no kind")
        _check_review(message, at)
        self.holds[self._new(message)] = Hold(message.review_on)

    def _hold_reviewed(self, message, at, by):
        hold = self._hold(message)
        _check_review(message, at)
        if message.review_on == hold.review_on:
            raise Bad("notice: it sets what is so already")
        hold.review_on = message.review_on

    def _hold_released(self, message, at, by):
        self._hold(message).released = at

    def _hold(self, message):
        hold = self.holds.get(_identity(message))
        if hold is None or hold.released is not None:
            raise Bad("notice: it is of a hold that does not stand")
        return hold


def _check_review(message, at):
    today = dates.utc_day(at)
    if not today - 1 <= message.review_on <= today + REVIEW_DAYS + 1:
        raise Bad("notice: a hold is to be reviewed on a day that is past or too far ahead")
