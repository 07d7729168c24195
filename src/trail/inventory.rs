//! What a keyring holds, counted and dated, without a key: for an operator who wants to see that all is there.

use crate::model::date::Date;
use crate::model::stored;

/// Keys of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Keys that are there.
    pub keys: usize,
    /// Keys that are destroyed: their place holds zeros.
    pub destroyed: usize,
}

/// The date keys of one time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDates {
    /// IANA name.
    pub zone: String,
    /// First date that has, or had, a key.
    pub first: Date,
    /// Last date that has a key.
    pub last: Date,
    /// Its keys.
    pub dates: Count,
}

/// What a keyring holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Generation in force.
    pub generation: u64,
    /// Sealed under the public key of `--dev`.
    pub dev: bool,
    /// Date keys, by zone, in the order in which zones came.
    pub zones: Vec<ZoneDates>,
    /// Slots of controller keys, made ahead.
    pub controllers: Count,
    /// Keys of vault buckets.
    pub buckets: Count,
    /// Keys of holds.
    pub holds: usize,
}

impl Inventory {
    pub(super) fn of(generation: u64, dev: bool, keyring: &stored::Keyring) -> Self {
        let zones = keyring.zones.iter().map(|zone| {
            let first = Date::from_days(zone.first_date);
            let days = u32::try_from(zone.keys.len() / 32).unwrap_or(u32::MAX);
            let last = first.plus_days(days.saturating_sub(1));
            ZoneDates { zone: zone.zone.clone(), first, last, dates: count(&zone.keys) }
        });
        Self {
            generation,
            dev,
            zones: zones.collect(),
            controllers: count(&keyring.controller_keys),
            buckets: count(&keyring.bucket_keys),
            holds: keyring.holds.len(),
        }
    }
}

fn count(keys: &[u8]) -> Count {
    let all = keys.len() / 32;
    let destroyed = keys.chunks_exact(32).filter(|key| key.iter().all(|byte| *byte == 0)).count();
    Count { keys: all - destroyed, destroyed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destroyed_keys_are_counted_apart() {
        let mut keys = vec![7; 32 * 10];
        keys[..64].fill(0);
        // A key that merely begins with zeros is one.
        keys[64..95].fill(0);
        let zone = stored::ZoneKeys { zone: "Europe/Warsaw".into(), first_date: 20_000, keys, destroyed_through: 0 };
        let keyring = stored::Keyring { zones: vec![zone], bucket_keys: vec![1; 96], ..stored::Keyring::default() };
        let inventory = Inventory::of(3, true, &keyring);
        assert_eq!(inventory.zones[0].dates, Count { keys: 8, destroyed: 2 });
        assert_eq!((inventory.zones[0].first.days(), inventory.zones[0].last.days()), (20_000, 20_009));
        assert_eq!(inventory.buckets, Count { keys: 3, destroyed: 0 });
        assert_eq!(inventory.controllers, Count::default());
    }
}
