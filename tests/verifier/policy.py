"""Section "Dates", policy `default-1`: which class an event has, when each of its parts expires, what may be chosen."""

import functools

from . import dates
from .findings import Bad
from .messages import number
from .parts import ACTOR, CORE, DETAIL, NET, SESSION, SUBJECT

VERSION = "default-1"
SESSION_CLASS, SECURITY, ACCESS, REGISTER, DISCLOSURE, EVIDENCE, ACCOUNTING, LOG_ACCESS = range(1, 9)
DOMAINS = {REGISTER: 2, EVIDENCE: 3, ACCOUNTING: 4}  # section "Vault"; all other classes 1

# The first that fits; after EVIDENCE comes what was asked for, which is stored nowhere else: REGISTER for these actions,
# ACCOUNTING for this purpose.
REGISTER_ACTIONS = "CREATE UPDATE RECTIFY DELETE LINK UNLINK"
ACCOUNTING_PURPOSE = "BILLING"
BEFORE_CHOICE = (
    (LOG_ACCESS, "LOG_QUERY LOG_EXPORT LOG_ADMIN"),
    (DISCLOSURE, "EXPORT DOWNLOAD PRINT DISCLOSE IMPORT"),
    (SECURITY, None),  # outcome DENIED
    (SECURITY, "LOGIN_FAILED CREDENTIAL_CHANGE PERMISSION_CHANGE CONFIG_CHANGE IMPERSONATE SECRET_ACCESS REIDENTIFY BACKUP RESTORE"),
    (EVIDENCE, "CONSENT_GIVEN CONSENT_WITHDRAWN RESTRICT UNRESTRICT PSEUDONYMISE ERASE"),
)
AFTER_CHOICE = ((SESSION_CLASS, "LOGIN LOGOUT"),)


@functools.cache
def _numbers(words):
    return frozenset(number("Action", word) for word in words.split())


def classes(action, outcome, purpose):
    """The classes that an event with these may have; more than one where a choice was open to the reporter."""
    for class_, words in BEFORE_CHOICE:
        if (outcome == number("Outcome", "DENIED")) if words is None else (action in _numbers(words)):
            return {class_}
    chosen = {REGISTER} if action in _numbers(REGISTER_ACTIONS) else set()
    if purpose == number("Purpose", ACCOUNTING_PURPOSE):
        chosen.add(ACCOUNTING)
    for class_, words in AFTER_CHOICE:
        if action in _numbers(words):
            return {class_} | chosen
    return {ACCESS} | chosen


DAYS, MONTHS, SCHOOL_YEAR, FISCAL_YEAR = "days", "months", 8, 12
#            core, actor, subject · net · session · detail, each (unit, count) or, from the end of a year, (month, years);
#            None: not kept
TWO_YEARS, WEEK = (MONTHS, 24), (DAYS, 7)
LIFETIMES = {
    SESSION_CLASS: (TWO_YEARS, TWO_YEARS, WEEK, WEEK),
    SECURITY: (TWO_YEARS, TWO_YEARS, WEEK, TWO_YEARS),
    ACCESS: (TWO_YEARS, TWO_YEARS, WEEK, TWO_YEARS),
    DISCLOSURE: (TWO_YEARS, TWO_YEARS, WEEK, TWO_YEARS),
    LOG_ACCESS: (TWO_YEARS, TWO_YEARS, WEEK, TWO_YEARS),
    REGISTER: ((SCHOOL_YEAR, 5), TWO_YEARS, WEEK, (SCHOOL_YEAR, 5)),
    EVIDENCE: ((MONTHS, 72), None, None, None),
    ACCOUNTING: ((FISCAL_YEAR, 5), TWO_YEARS, WEEK, (FISCAL_YEAR, 5)),
}
#            what may be chosen, in the unit of the lifetime, from and to; a class that is not here is fixed
BOUNDS = {
    SESSION_CLASS: ((12, 24), (12, 24), (1, 7), (1, 7)),
    SECURITY: ((12, 24), (12, 24), (1, 7), (12, 24)),
    ACCESS: ((6, 24), (6, 24), (1, 7), (6, 24)),
    DISCLOSURE: ((24, 72), (12, 24), (1, 7), (24, 72)),
    EVIDENCE: ((1, 72), None, None, None),
    LOG_ACCESS: ((24, 72), (12, 24), (1, 7), (24, 72)),
}
PUBLIC_BODY = {SECURITY: 24, ACCESS: 24}  # at least so many months of the core
COLUMN = {CORE: 0, ACTOR: 0, SUBJECT: 0, NET: 1, SESSION: 2, DETAIL: 3}
FIELDS = ("core", "net", "session", "detail")


def end(lifetime, day):
    """The first day on which what began on a calendar day is over."""
    unit, count = lifetime
    if unit == DAYS:
        return dates.plus_days(day, count)
    if unit == MONTHS:
        return dates.plus_months(day, count)
    return dates.plus_years_after(day, count, unit)


def outlives(one, core):
    """Whether a lifetime that can be chosen may end after its core does."""
    if one[0] == core[0]:
        return one[1] > core[1]
    return one[0] == MONTHS or one[1] > 28 * core[1]


def is_version(name):
    """Whether a policy is called so, whoever chose."""
    base, plus, number_ = name.partition("+")
    return base == VERSION and (not plus or number_.isascii() and number_.isdecimal() and number_[0] != "0")


class Policy:
    """What is in force for one controller: `default-1`, and its choices so far."""

    def __init__(self):
        self.number, self.chosen = 0, {}

    @property
    def version(self):
        """As records name it."""
        return f"{VERSION}+{self.number}" if self.number else VERSION

    def expiry(self, class_, part, day):
        """Expiry date of a part of an event that happened on this day, or None if the class does not keep it."""
        lifetime = self.chosen.get(class_, LIFETIMES.get(class_, (None,) * 4))[COLUMN[part]]
        return lifetime and dates.number(end(lifetime, dates.date(day)))

    def choose(self, message, public_body):
        """A RetentionChosen after what is in force."""
        if message.policy_version != f"{VERSION}+{self.number + 1}":
            raise Bad("notice: it is not the next choice of its policy")
        chosen, last = {}, 0
        for of_class in message.classes:
            if of_class.retention_class <= last:
                raise Bad("notice: its classes do not ascend")
            last = of_class.retention_class
            chosen[last] = _lifetimes(of_class)
        if chosen == self.chosen:
            raise Bad("notice: it sets what is so already")
        for class_, lifetimes in chosen.items():
            _check(class_, lifetimes)
        check_public_body(chosen, public_body)
        self.number, self.chosen = self.number + 1, chosen


def _lifetimes(of_class):
    found = []
    for name in FIELDS:
        length = getattr(of_class, name).WhichOneof("length") if of_class.HasField(name) else None
        if of_class.HasField(name) and length is None:
            raise Bad("notice: a lifetime that is none")
        found.append((length, getattr(getattr(of_class, name), length)) if length else None)
    return tuple(found)


def _check(class_, lifetimes):
    """All within the bounds, of parts that the class keeps, and none longer than the core."""
    if class_ not in BOUNDS:
        raise Bad("notice: it chooses for a class that is fixed by law")
    if lifetimes == LIFETIMES[class_]:
        raise Bad("notice: it names a class for which nothing is chosen")
    for lifetime, shipped, bounds in zip(lifetimes, LIFETIMES[class_], BOUNDS[class_]):
        if (lifetime is None) != (shipped is None):
            raise Bad("notice: its parts are not those that the class keeps")
        if lifetime and (lifetime[0] != shipped[0] or not bounds[0] <= lifetime[1] <= bounds[1]):
            raise Bad("notice: it allows more or less than the policy")
        if lifetime and outlives(lifetime, lifetimes[0]):
            raise Bad("notice: a part that outlives its core")


def check_public_body(chosen, public_body):
    """What a public body keeps at least."""
    if public_body and any(chosen[class_][0][1] < least for class_, least in PUBLIC_BODY.items() if class_ in chosen):
        raise Bad("notice: a public body keeps less than it must")
