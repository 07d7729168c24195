"""What expires when, by Python's own calendar: nothing of it is shared with Akta, nor with the verifier beside.

Reads one question per line, as JSON, and answers each with a line:
  {"zone": NAME, "now": [NANOSECONDS, ...], "events": [[NANOSECONDS, CLASS, CHOICE], ...], "chosen": [{CLASS: {PART: [UNIT, N]}}, ...]}
  {"today": [DAY, ...], "dates": [{PART: DAY}, ...]}      days since 1970-01-01
"""

import json
import sys
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

EPOCH = date(1970, 1, 1)

# Design, section 6: core with actor and subjects, net, session, detail.
TWO_YEARS, WEEK = ["months", 24], ["days", 7]
SCHOOL, FISCAL = ["years after", 5, 8], ["years after", 5, 12]
POLICY = {
    1: {"core": TWO_YEARS, "net": TWO_YEARS, "session": WEEK, "detail": WEEK},
    2: {"core": TWO_YEARS, "net": TWO_YEARS, "session": WEEK, "detail": TWO_YEARS},
    3: {"core": TWO_YEARS, "net": TWO_YEARS, "session": WEEK, "detail": TWO_YEARS},
    4: {"core": SCHOOL, "net": TWO_YEARS, "session": WEEK, "detail": SCHOOL},
    5: {"core": TWO_YEARS, "net": TWO_YEARS, "session": WEEK, "detail": TWO_YEARS},
    6: {"core": ["months", 72]},
    7: {"core": FISCAL, "net": TWO_YEARS, "session": WEEK, "detail": FISCAL},
    8: {"core": TWO_YEARS, "net": TWO_YEARS, "session": WEEK, "detail": TWO_YEARS},
}


def day_of(nanoseconds, zone):
    """The calendar day of an instant in a zone."""
    instant = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=nanoseconds // 1000)
    return instant.astimezone(zone).date()


def end(day, unit, count, last_month=None):
    """The first day on which what began on this day is over."""
    if unit == "days":
        return day + timedelta(days=count)
    if unit == "months":
        month = day.month - 1 + count
        year, month = day.year + month // 12, month % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))
    year = day.year + 1 if day.month > last_month else day.year
    last = date(year, last_month, monthrange(year, last_month)[1])
    first = last + timedelta(days=1)
    return date(first.year + count, first.month, first.day)


def lifetimes(class_, chosen):
    """Of each part; how long one lives that was not chosen, its core still bounds."""
    return {part: chosen.get(part, lifetime) for part, lifetime in POLICY[class_].items()}


def dates(at, class_, chosen, zone):
    """First days without each part of an event."""
    day = day_of(at, zone)
    ends = {part: end(day, *lifetime) for part, lifetime in lifetimes(class_, chosen).items()}
    return {part: (min(date_, ends["core"]) if chosen else date_) for part, date_ in ends.items()}


def answer(question):
    """Days of the clocks, and of what each event consists of."""
    zone = ZoneInfo(question["zone"])
    number = lambda day: (day - EPOCH).days
    all_ = [
        {part: number(day) for part, day in dates(at, class_, question["chosen"][choice].get(str(class_), {}), zone).items()}
        for at, class_, choice in question["events"]
    ]
    return {"today": [number(day_of(now, zone)) for now in question["now"]], "dates": all_}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
