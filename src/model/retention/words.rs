//! Lifetimes as text: `24 months`, `7 days`, `5 years after the school year`; and how they compare.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::model::date::{Lifetime, Rounding};

/// Last month of a Polish school year, which ends on 31 August (Education Law).
const SCHOOL_YEAR: i8 = 8;
/// Last month of a fiscal year.
const FISCAL_YEAR: i8 = 12;
/// A calendar month has at least so many days.
const MONTH_DAYS_MIN: u32 = 28;

/// A text that is no lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be such as \"24 months\", \"7 days\" or \"5 years after the school year\" (or fiscal year)")]
pub struct NoLifetime;

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut write = |count: u16, unit: &str| write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" });
        match *self {
            Self::Days(days) => write(days, "day"),
            Self::Months(months) => write(months, "month"),
            Self::YearsFromEndOf { last_month, years } => {
                write(years, "year")?;
                match last_month {
                    SCHOOL_YEAR => f.write_str(" after the school year"),
                    FISCAL_YEAR => f.write_str(" after the fiscal year"),
                    month => write!(f, " after the year that ends with month {month}"),
                }
            }
        }
    }
}

impl FromStr for Lifetime {
    type Err = NoLifetime;

    fn from_str(text: &str) -> Result<Self, NoLifetime> {
        let (count, what) = text.split_once(' ').ok_or(NoLifetime)?;
        let digits = count.bytes().all(|digit| digit.is_ascii_digit()) && !count.starts_with('0');
        let count: u16 = count.parse().ok().filter(|_| digits).ok_or(NoLifetime)?;
        let years = |last_month| Self::YearsFromEndOf { last_month, years: count };
        Ok(match what {
            "day" | "days" => Self::Days(count),
            "month" | "months" => Self::Months(count),
            "year after the school year" | "years after the school year" => years(SCHOOL_YEAR),
            "year after the fiscal year" | "years after the fiscal year" => years(FISCAL_YEAR),
            _ => return Err(NoLifetime),
        })
    }
}

/// Which of two is longer, if they are counted in the same unit.
pub fn compare(one: Lifetime, other: Lifetime) -> Option<Ordering> {
    use Lifetime::{Days, Months, YearsFromEndOf};
    match (one, other) {
        (Days(one), Days(other)) | (Months(one), Months(other)) => Some(one.cmp(&other)),
        (YearsFromEndOf { last_month, years }, YearsFromEndOf { last_month: other_month, years: other })
            if last_month == other_month =>
        {
            Some(years.cmp(&other))
        }
        _ => None,
    }
}

/// Whether one may end after the other, whatever the day they begin on.
pub fn may_outlive(one: Lifetime, other: Lifetime) -> bool {
    use Lifetime::{Days, Months, YearsFromEndOf};
    // The shortest that the other can be, and the longest that this one can be, in days.
    let longest = match one {
        Days(days) => u32::from(days),
        Months(months) => u32::from(months) * 31,
        YearsFromEndOf { years, .. } => (u32::from(years) + 1) * 366,
    };
    let shortest = match other {
        Days(days) => u32::from(days),
        Months(months) => u32::from(months) * MONTH_DAYS_MIN,
        YearsFromEndOf { years, .. } => u32::from(years) * 365,
    };
    match compare(one, other) {
        Some(order) => order == Ordering::Greater,
        None => longest > shortest,
    }
}

impl Rounding {
    /// Both.
    pub const ALL: [Self; 2] = [Self::NeverLater, Self::NeverEarlier];

    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverLater => "never-later",
            Self::NeverEarlier => "never-earlier",
        }
    }
}
