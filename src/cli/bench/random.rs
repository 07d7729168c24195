//! Cheap seeded randomness for synthetic data, and event ids. Never for keys.

use crate::env::{Clock, SystemClock, SystemEntropy, random};

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers of that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers that no other process and no other `stream` of this one draws.
    pub fn fresh(stream: u64) -> Self {
        Self(u64::from_be_bytes(random(&SystemEntropy)) ^ stream)
    }

    /// The next number.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// An index below `end`.
    pub fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

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

/// An event id as text.
pub type Id = [u8; 36];

/// Draws ids of the form of UUID version 7: milliseconds, a counter, random bits.
#[derive(Debug)]
pub struct Ids {
    random: Random,
    counter: u16,
}

impl Ids {
    /// Ids that no other `stream` draws.
    pub fn fresh(stream: u64) -> Self {
        Self { random: Random::fresh(stream), counter: 0 }
    }

    /// The next id.
    pub fn draw(&mut self) -> Id {
        let millis = SystemClock.now().nanos() / 1_000_000;
        self.counter = (self.counter + 1) & 0xfff;
        let high = ((millis as u64) << 16) | 0x7000 | u64::from(self.counter);
        let low = (self.random.next() >> 2) | (1 << 63);
        text((u128::from(high) << 64) | u128::from(low))
    }
}

fn text(id: u128) -> Id {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = id.to_be_bytes();
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.into_iter().enumerate() {
        at += usize::from(matches!(index, 4 | 6 | 8 | 10));
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_version_7_ascend_by_time_and_do_not_repeat() {
        let mut seen = HashSet::new();
        for stream in 0..4 {
            let mut ids = Ids::fresh(stream);
            for _ in 0..10_000 {
                let id = ids.draw();
                let parsed = uuid::Uuid::parse_str(std::str::from_utf8(&id).expect("is ASCII")).expect("is a UUID");
                assert_eq!(parsed.get_version_num(), 7);
                assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
                assert!(seen.insert(id));
            }
        }
    }

    #[test]
    fn low_ranks_come_more_often() {
        let (zipf, mut random) = (Zipf::new(200), Random::new(1));
        let mut counts = [0u32; 200];
        (0..100_000).for_each(|_| counts[zipf.draw(&mut random)] += 1);
        assert!(counts[0] > 8 * counts[9] && counts[9] > 5 * counts[99], "{counts:?}");
        assert!(counts[0] > 15_000 && counts[199] > 0);
    }
}
