//! Cheap seeded numbers for stories and synthetic data: the same seed tells the same story. Never for keys.

use crate::env::{SystemEntropy, random};

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

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// As [`Random::below`], for small numbers.
    pub fn small(&mut self, end: u32) -> u32 {
        self.below(u64::from(end)) as u32
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (random.below(1_000), random.bytes::<16>())
        };
        assert_eq!(draw(12), draw(12));
        assert_ne!(draw(12), draw(13));
        assert_eq!(Random::new(1).below(0), 0);
    }
}
