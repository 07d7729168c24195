//! Latencies counted in buckets less than 1 % wide: memory does not grow with the length of a run.

use std::time::Duration;

/// Leading bits of a time that tell buckets apart.
const BITS: u32 = 7;
/// Buckets of one power of two.
const STEPS: usize = 1 << BITS;
/// Enough for 2^40 ns, 18 minutes; what is longer is counted there.
const BUCKETS: usize = STEPS * (40 - BITS as usize + 1);

/// How often which latency was seen.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts it `times` times.
    pub fn add(&mut self, latency: Duration, times: u32) {
        let bucket = bucket(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        self.counts[bucket] = self.counts[bucket].saturating_add(times);
        self.total += u64::from(times);
        self.max = self.max.max(latency);
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// A quantile, at most 1 % beside the true one; 0 if nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (quantile * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = self.counts.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        });
        reached.map_or(Duration::ZERO, |bucket| Duration::from_nanos(middle(bucket)).min(self.max))
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    (shift as usize * STEPS + (nanos >> shift) as usize).min(BUCKETS - 1)
}

/// The time in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    let first = ((bucket - shift * STEPS) as u64) << shift;
    first + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        for micros in 1..=100_000 {
            if micros % 3 == 0 { &mut low } else { &mut high }.add(Duration::from_micros(micros), 1);
        }
        histogram.merge(&low);
        histogram.merge(&high);
        assert_eq!((histogram.count(), histogram.max()), (100_000, Duration::from_millis(100)));
        for (quantile, micros) in [(0.001, 100.0), (0.5, 50_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
            let found = histogram.quantile(quantile).as_secs_f64() * 1e6;
            assert!((found / micros - 1.0).abs() < 0.01, "{quantile}: {found}");
        }
    }

    #[test]
    fn every_time_has_a_bucket_that_is_about_as_long() {
        for nanos in (0..40).flat_map(|bit| [1u64 << bit, (1 << bit) + (1 << bit) / 3]) {
            let middle = middle(bucket(nanos)) as f64;
            assert!((middle / nanos as f64 - 1.0).abs() < 0.01, "{nanos} ns: {middle}");
        }
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
