"""Section "Dates", policy `default-1`: which class an event has, and when each of its parts expires."""

import functools

from . import dates
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


def _days(count):
    return lambda day: dates.plus_days(day, count)


def _months(count):
    return lambda day: dates.plus_months(day, count)


def _years_after(count, last_month):
    return lambda day: dates.plus_years_after(day, count, last_month)


SCHOOL, FISCAL = _years_after(5, 8), _years_after(5, 12)
#            core, actor, subject · net · session · detail; None: not kept
LIFETIMES = {
    SESSION_CLASS: (_months(24), _months(24), _days(7), _days(7)),
    SECURITY: (_months(24), _months(24), _days(7), _months(24)),
    ACCESS: (_months(24), _months(24), _days(7), _months(24)),
    DISCLOSURE: (_months(24), _months(24), _days(7), _months(24)),
    LOG_ACCESS: (_months(24), _months(24), _days(7), _months(24)),
    REGISTER: (SCHOOL, _months(24), _days(7), SCHOOL),
    EVIDENCE: (_months(72), None, None, None),
    ACCOUNTING: (FISCAL, _months(24), _days(7), FISCAL),
}
COLUMN = {CORE: 0, ACTOR: 0, SUBJECT: 0, NET: 1, SESSION: 2, DETAIL: 3}


def expiry(class_, part, day):
    """Expiry date of a part of an event that happened on this day, or None if the class does not keep it."""
    lifetime = LIFETIMES[class_][COLUMN[part]]
    return lifetime and dates.number(lifetime(dates.date(day)))
