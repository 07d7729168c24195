//! Zipf's law: some people look and are looked at far more often than others.

use crate::cli::random::Random;

/// Ranks by Zipf's law: rank n comes 1/n as often as rank 1.
#[derive(Debug)]
pub struct Zipf(Vec<f64>);

impl Zipf {
    /// Ranks below `ranks`.
    pub fn new(ranks: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=ranks).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self(sums.collect())
    }

    /// One of them, from 0.
    pub fn draw(&self, random: &mut Random) -> usize {
        let point = random.fraction() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= point).min(self.0.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_come_more_often() {
        let (zipf, mut random) = (Zipf::new(200), Random::new(1));
        let mut counts = [0u32; 200];
        (0..100_000).for_each(|_| counts[zipf.draw(&mut random)] += 1);
        assert!(counts[0] > 8 * counts[9] && counts[9] > 5 * counts[99], "{counts:?}");
        assert!(counts[0] > 15_000 && counts[199] > 0);
    }
}
