//! How fast one caller may go: events and bytes a second, with a burst on top.
//!
//! Pure arithmetic in whole nanoseconds. What is taken costs the time in which the rate allows it; costs add up to a
//! debt, which passes as time does. A clock that steps back adds nothing to it.

use std::time::Duration;

use crate::model::date::Timestamp;

/// Rate that may be used at once after a rest.
pub const BURST: Duration = Duration::from_secs(2);

/// What a question costs, in events: it is looked up, read, opened, and recorded itself.
pub const QUESTION: u64 = 10;

/// Rate of one caller, a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Events; a question counts as [`QUESTION`]. `None`: no bound.
    pub events: Option<u64>,
    /// Bytes of messages in both directions. `None`: no bound.
    pub bytes: Option<u64>,
}

impl Rate {
    /// Unless set, where callers prove who they are.
    pub const DEFAULT: Self = Self { events: Some(10_000), bytes: Some(16 << 20) };

    /// What is not set here is as there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { events: self.events.or(other.events), bytes: self.bytes.or(other.bytes) }
    }
}

/// What one caller has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Nanoseconds of its rate of events, and of bytes, that are used and have not passed.
    debts: [u64; 2],
    /// When that was so.
    at: Option<Timestamp>,
}

impl Used {
    /// Takes so many events and bytes.
    ///
    /// # Errors
    ///
    /// How long to wait before it can be taken; nothing was.
    pub fn take(&mut self, rate: Rate, events: u64, bytes: u64, now: Timestamp) -> Result<(), Duration> {
        self.pass(now);
        let costs = costs(rate, events, bytes);
        let wait = self.debts.iter().zip(costs).map(|(debt, cost)| over(*debt, cost)).max().unwrap_or_default();
        if wait > 0 {
            return Err(Duration::from_nanos(wait));
        }
        self.add(costs);
        Ok(())
    }

    /// Takes them whatever there is; how long to wait before anything is taken again.
    pub fn owe(&mut self, rate: Rate, events: u64, bytes: u64, now: Timestamp) -> Duration {
        self.pass(now);
        self.add(costs(rate, events, bytes));
        let wait = self.debts.iter().map(|debt| over(*debt, 0)).max().unwrap_or_default();
        Duration::from_nanos(wait)
    }

    /// Whether all of it has passed: then it is as if nothing had ever been used.
    pub fn is_rested(&mut self, now: Timestamp) -> bool {
        self.pass(now);
        self.debts == [0, 0]
    }

    fn pass(&mut self, now: Timestamp) {
        let passed = self.at.map_or(0, |at| now.nanos().saturating_sub(at.nanos()).max(0)).unsigned_abs();
        self.at = Some(now);
        self.debts = self.debts.map(|debt| debt.saturating_sub(passed));
    }

    fn add(&mut self, costs: [u64; 2]) {
        for (debt, cost) in self.debts.iter_mut().zip(costs) {
            *debt = debt.saturating_add(cost);
        }
    }
}

/// Nanoseconds of the rate that events and bytes cost.
fn costs(rate: Rate, events: u64, bytes: u64) -> [u64; 2] {
    [(rate.events, events), (rate.bytes, bytes)].map(|(rate, count)| {
        let rate = rate.map_or(u128::MAX, u128::from).max(1);
        u64::try_from(u128::from(count) * 1_000_000_000 / rate).unwrap_or(u64::MAX)
    })
}

/// By how much a cost goes over the burst. What alone costs more than the burst may go once nothing is owed: it would
/// never go else.
fn over(debt: u64, cost: u64) -> u64 {
    let burst = u64::try_from(BURST.as_nanos()).unwrap_or(u64::MAX);
    debt.saturating_add(cost.min(burst)).saturating_sub(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(1_000_000_000_000 + millis * 1_000_000)
    }

    #[test]
    fn a_burst_goes_at_once_and_then_the_rate() {
        let rate = Rate { events: Some(100), bytes: Some(1_000) };
        // When, in milliseconds; events; bytes; the wait in milliseconds, 0 if it is taken.
        let rows = [
            (0, 200, 0, 0),
            (0, 1, 0, 10),
            (5, 1, 0, 5),
            (10, 1, 0, 0),
            (10, 1, 0, 10),
            // Bytes are counted for themselves.
            (10, 0, 2_000, 0),
            (10, 0, 500, 500),
            (510, 1, 500, 0),
            // A clock that steps back takes nothing back, and gives nothing.
            (0, 200, 0, 1_510),
            (100, 1, 0, 0),
        ];
        let mut used = Used::default();
        for (number, (when, events, bytes, wait)) in rows.into_iter().enumerate() {
            let taken = used.take(rate, events, bytes, at(when));
            let waits = taken.err().map_or(0, |wait| wait.as_nanos().div_ceil(1_000_000));
            assert_eq!(waits, wait, "row {number}");
        }
    }

    #[test]
    fn what_is_larger_than_the_burst_goes_alone() {
        let rate = Rate { events: None, bytes: Some(1_000) };
        let mut used = Used::default();
        assert_eq!(used.take(rate, u64::MAX, 6_000, at(0)), Ok(()));
        assert_eq!(used.take(rate, 1, 1, at(0)).map_err(|wait| wait.as_millis()), Err(4_001));
        assert!(!used.is_rested(at(5_999)));
        assert!(used.is_rested(at(6_000)));
        assert_eq!(used.take(rate, 1, 6_000, at(6_000)), Ok(()));
    }

    #[test]
    fn over_a_long_time_it_is_the_rate_and_no_more() {
        let rate = Rate { events: Some(1_000), bytes: None };
        let mut taken = 0_u64;
        let mut used = Used::default();
        for millis in 0..10_000 {
            while used.take(rate, 7, 0, at(millis)).is_ok() {
                taken += 7;
            }
        }
        assert!((11_990..=12_000).contains(&taken), "{taken} in 10 s with a burst of 2");
        // A stream is slowed down to the same.
        let (mut used, mut now, mut taken) = (Used::default(), at(0), 0_u64);
        while now < at(10_000) {
            now = now.plus(used.owe(rate, 32, 0, now));
            taken += 32;
        }
        assert!((11_950..=12_100).contains(&taken), "{taken}");
    }

    #[test]
    fn without_a_rate_nothing_is_refused() {
        let mut used = Used::default();
        for _ in 0..10 {
            assert_eq!(used.take(Rate::default(), u64::MAX, u64::MAX, at(0)), Ok(()));
        }
        assert_eq!(Rate { events: Some(1), bytes: None }.or(Rate::DEFAULT).bytes, Rate::DEFAULT.bytes);
    }
}
