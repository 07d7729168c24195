"""Section "Dates": the calendar, by Python's datetime and zoneinfo."""

import calendar
import datetime
import zoneinfo

from .findings import Bad

EPOCH = datetime.date(1970, 1, 1)
START = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
SECOND = 10**9
DAY = 86400 * SECOND


def zone(name):
    """A time zone by its IANA name."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Bad("a time zone that is not known") from None


def utc_day(instant):
    """UTC day of an instant in nanoseconds, as days since 1970-01-01."""
    return instant // DAY


def local_day(instant, where):
    """Calendar day of an instant in a time zone."""
    moment = START + datetime.timedelta(seconds=instant // SECOND)
    return number(moment.astimezone(where).date())


def number(date):
    """Days since 1970-01-01."""
    return (date - EPOCH).days


def date(number_):
    """The calendar date of a number of days."""
    try:
        return EPOCH + datetime.timedelta(days=number_)
    except OverflowError:
        raise Bad("a date beyond the calendar") from None


def shown(number_):
    """A date as YYYY-MM-DD, whatever number it is."""
    try:
        return date(number_).isoformat()
    except Bad:
        return f"day {number_}"


def plus_days(day, count):
    """*n days*."""
    return day + datetime.timedelta(days=count)


def plus_months(day, count):
    """*n months*: a day that the month does not have becomes its last."""
    years, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return datetime.date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def plus_years_after(day, count, last_month):
    """*n years from the end of a year that ends with a month*: the first day after that year, plus n years."""
    ends_in = day.year + (day.month > last_month)
    after = (ends_in + 1, 1) if last_month == 12 else (ends_in, last_month + 1)
    return datetime.date(after[0] + count, after[1], 1)
