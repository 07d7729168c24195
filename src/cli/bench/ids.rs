//! Event ids of the form that applications send.

use crate::cli::random::Random;
use crate::env::{Clock, SystemClock};

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
}
