//! Time: instants in nanoseconds, dates in days, zones by their IANA name.
//!
//! A [`Date`] is what keys and headers carry: days since 1970-01-01. Calendar arithmetic is done in a [`Zone`],
//! and only here.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::civil;
use jiff::tz::TimeZone;

/// Days that the calendar is asked about at most: the year 9999 is beyond every instant.
const DAYS_MAX: u32 = 2_900_000;

/// An instant, nanoseconds since 1970-01-01T00:00:00Z; good for the years 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// From seconds and nanoseconds as in `google.protobuf.Timestamp`; `None` outside of the range.
    pub fn from_parts(seconds: i64, nanos: i32) -> Option<Self> {
        if !(0..1_000_000_000).contains(&nanos) {
            return None;
        }
        seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(nanos)).map(Self)
    }

    /// Seconds and nanoseconds as in `google.protobuf.Timestamp`.
    pub fn parts(self) -> (i64, i32) {
        let nanos = self.0.rem_euclid(1_000_000_000);
        (self.0.div_euclid(1_000_000_000), i32::try_from(nanos).unwrap_or_default())
    }

    /// From the system's time; clamped to the range.
    pub fn of_system(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
            Err(before) => Self(i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n)),
        }
    }

    /// Later by `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Earlier by `duration`, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// From RFC 3339 text, for example `2026-11-22T10:00:00Z` or `2026-11-22` (midnight UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let instant = match text.parse::<jiff::Timestamp>() {
            Ok(instant) => instant,
            // Only a bare date: of a time without offset the date alone would be taken, and the time dropped.
            Err(_) if text.len() != 10 => return None,
            Err(_) => text.parse::<civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        };
        i64::try_from(instant.as_nanosecond()).ok().map(Self)
    }

    fn jiff(self) -> jiff::Timestamp {
        // Every i64 of nanoseconds lies within jiff's range of years -9999 to 9999.
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).expect("64-bit nanoseconds are within jiff's range")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.jiff())
    }
}

/// A day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(u32);

impl Date {
    /// Stands for "never": the date of a notice's core.
    pub const NEVER: Self = Self(0);

    /// From days since 1970-01-01.
    pub const fn from_days(days: u32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> u32 {
        self.0
    }

    /// The UTC day of an instant; instants before 1970 give day 0.
    pub fn of_utc(time: Timestamp) -> Self {
        Self(u32::try_from(time.nanos().div_euclid(86_400_000_000_000)).unwrap_or(0))
    }

    /// A day as `YYYY-MM-DD`, after 1970-01-01. A time of day is none: which day it is depends on the zone.
    pub fn parse(text: &str) -> Option<Self> {
        let time = Some(text).filter(|text| text.len() == 10).and_then(Timestamp::parse)?;
        Some(Self::of_utc(time)).filter(|date| *date != Self::NEVER)
    }

    /// Its first instant, in UTC.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_nanos((self.0 as i64).saturating_mul(86_400_000_000_000))
    }

    /// The day after `days` days.
    #[must_use]
    pub const fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }

    fn of_civil(date: civil::Date) -> Self {
        let epoch = civil::date(1970, 1, 1);
        Self(u32::try_from(date.duration_since(epoch).as_hours() / 24).unwrap_or(0))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().jiff().to_zoned(TimeZone::UTC).date())
    }
}

/// A time zone of the IANA database, for example `Europe/Warsaw`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of that name; `None` if the database has none.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day of an instant in this zone.
    pub fn date(&self, time: Timestamp) -> Date {
        Date::of_civil(self.day(time))
    }

    /// The day on which what began at an instant is over.
    #[cfg(feature = "server")]
    pub fn after(&self, lifetime: Lifetime, time: Timestamp) -> Date {
        lifetime.end(self.day(time))
    }

    /// The first instant of a day in this zone.
    pub fn start(&self, date: Date) -> Timestamp {
        let day = civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(date.days().min(DAYS_MAX)));
        let instant = day.to_zoned(self.0.clone()).map_or(i128::MAX, |day| day.timestamp().as_nanosecond());
        Timestamp(i64::try_from(instant).unwrap_or(i64::MAX))
    }

    /// The same day, for its calendar.
    pub(super) fn day(&self, time: Timestamp) -> civil::Date {
        self.0.to_datetime(time.jiff()).date()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::named("Europe/Warsaw").unwrap_or(Self(TimeZone::UTC))
    }
}

/// How long something lives, counted in a zone's calendar from the day of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// A number of days.
    Days(u16),
    /// A number of calendar months; a day that the month does not have is rounded.
    Months(u16),
    /// A number of years from the end of the year that ends on the last day of the given month.
    YearsFromEndOf {
        /// Month whose last day ends the year: 8 for a Polish school year, 12 for a fiscal year.
        last_month: i8,
        /// Full years after that.
        years: u16,
    },
}

/// What becomes of a day that its month does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// The month's last: never later than a limit.
    NeverLater,
    /// The first of the next month: never earlier than a legal minimum.
    NeverEarlier,
}

#[cfg(feature = "server")]
impl Lifetime {
    /// First day on which what began on `day` is over, never later than the limit.
    pub(super) fn end(self, day: civil::Date) -> Date {
        self.end_rounded(day, Rounding::NeverLater)
    }

    /// First day on which what began on `day` is over. The end of a year is a day that there is: it needs no rounding.
    pub(super) fn end_rounded(self, day: civil::Date, rounding: Rounding) -> Date {
        let end = match self {
            Self::Days(days) => day.saturating_add(jiff::Span::new().days(days)),
            Self::Months(months) => {
                let end = day.saturating_add(jiff::Span::new().months(months));
                let missing = end.day() < day.day() && rounding == Rounding::NeverEarlier;
                if missing { end.saturating_add(jiff::Span::new().days(1)) } else { end }
            }
            Self::YearsFromEndOf { last_month, years } => {
                let year = if day.month() > last_month { day.year() + 1 } else { day.year() };
                let last = civil::date(year, last_month, 1).last_of_month();
                let first_after = last.saturating_add(jiff::Span::new().days(1));
                first_after.saturating_add(jiff::Span::new().years(years))
            }
        };
        Date::of_civil(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_end_in_the_calendar_of_the_zone() {
        let school = Lifetime::YearsFromEndOf { last_month: 8, years: 5 };
        let fiscal = Lifetime::YearsFromEndOf { last_month: 12, years: 5 };
        let rows = [
            (Lifetime::Months(24), "2026-11-22T10:00:00Z", "2028-11-22"),
            // 23:30 UTC is already the next day in Warsaw.
            (Lifetime::Months(24), "2026-11-22T23:30:00Z", "2028-11-23"),
            (Lifetime::Months(24), "2024-02-29T12:00:00Z", "2026-02-28"),
            (Lifetime::Months(72), "2024-02-29T12:00:00Z", "2030-02-28"),
            (Lifetime::Days(7), "2026-10-24T12:00:00Z", "2026-10-31"),
            (school, "2026-08-31T12:00:00Z", "2031-09-01"),
            (school, "2026-09-01T12:00:00Z", "2032-09-01"),
            (fiscal, "2026-12-31T12:00:00Z", "2032-01-01"),
            (fiscal, "2026-12-31T23:30:00Z", "2033-01-01"),
        ];
        for (lifetime, start, end) in rows {
            let start = Timestamp::parse(start).expect(start);
            assert_eq!(lifetime.end(Zone::default().day(start)).to_string(), end, "{lifetime:?} from {start}");
        }
    }

    #[test]
    fn a_day_that_a_month_does_not_have_is_rounded_as_asked() {
        let rows = [
            ("2024-02-29", 24, "2026-02-28", "2026-03-01"),
            ("2024-02-29", 48, "2028-02-29", "2028-02-29"),
            ("2026-08-31", 6, "2027-02-28", "2027-03-01"),
            ("2026-08-31", 1, "2026-09-30", "2026-10-01"),
            ("2026-08-30", 12, "2027-08-30", "2027-08-30"),
        ];
        for (start, months, later, earlier) in rows {
            let day = Zone::default().day(Timestamp::parse(start).expect(start));
            let ends = [Rounding::NeverLater, Rounding::NeverEarlier]
                .map(|rounding| Lifetime::Months(months).end_rounded(day, rounding).to_string());
            assert_eq!(ends, [later, earlier], "{months} months from {start}");
        }
    }

    #[test]
    fn days_begin_in_their_zone() {
        for (zone, day, start) in [
            ("Europe/Warsaw", "2026-11-22T12:00:00Z", "2026-11-21T23:00:00Z"),
            ("Europe/Warsaw", "2026-06-22T12:00:00Z", "2026-06-21T22:00:00Z"),
            ("UTC", "2026-06-22T12:00:00Z", "2026-06-22T00:00:00Z"),
            // There was no midnight: the day began an hour later.
            ("America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z"),
        ] {
            let zone = Zone::named(zone).expect(zone);
            let date = zone.date(Timestamp::parse(day).expect(day));
            let begun = zone.start(date);
            assert_eq!(Some(begun), Timestamp::parse(start), "{day}");
            assert_eq!((zone.date(begun), zone.date(begun.minus(Duration::from_nanos(1))).plus_days(1)), (date, date));
        }
        assert_eq!(Zone::default().start(Date::from_days(u32::MAX)), Timestamp::from_nanos(i64::MAX));
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for text in ["1970-01-02", "2024-02-29", "2026-11-22"] {
            assert_eq!(Date::parse(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        let none = ["", "1969-12-31", "1970-01-01", "2026-13-01", "2025-02-29", "2026-11-2", "20261122", "2026-11-22Z"];
        for text in none.into_iter().chain(["2026-11-22T00:00:00Z", "tomorrow!!"]) {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_whole_or_not_at_all() {
        let noon = Some(Timestamp::from_nanos(1_795_348_800_000_000_000));
        for text in ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00", "2026-11-22 12:00:00Z"] {
            assert_eq!(Timestamp::parse(text), noon, "{text}");
        }
        assert_eq!(Timestamp::parse("2026-11-22"), noon.map(|noon| noon.minus(Duration::from_secs(43_200))));
        for text in ["2026-11-22T12:00:00", "2026-11-22 12:00:00", "2026-11-22T12:00", "noon", "9999-01-01", ""] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn instants_split_and_join() {
        for nanos in [0, -1, 1, i64::MIN, i64::MAX, 1_700_000_000_123_456_789] {
            let time = Timestamp::from_nanos(nanos);
            let (seconds, rest) = time.parts();
            if nanos != i64::MIN {
                assert_eq!(Timestamp::from_parts(seconds, rest), Some(time));
            }
        }
        assert_eq!(Timestamp::from_parts(0, 1_000_000_000), None);
        assert_eq!(Timestamp::from_parts(i64::MAX, 0), None);
    }
}
