//! Keys of expiry dates, by time zone: made to the horizon, destroyed from the front.
//!
//! A zone's keys are of consecutive dates. What is destroyed goes from the front of the list, in both slots, and leaves
//! behind the last date of it: no key is made of a date up to that one again, whatever the clock says.

use std::sync::PoisonError;

use zeroize::Zeroize;

use super::controllers::has_slot;
use super::{CONTROLLER_SLOTS, Error, Keyring, add_keys, nth};
use crate::env::Entropy;
use crate::model::date::{Date, Zone};
use crate::model::policy::KEY_HORIZON_DAYS;
use crate::model::seal::Key;
use crate::model::stored::{self, ZoneKeys};
use crate::store::keys::ZoneNumber;

/// Keys are made again once fewer than the horizon and this many days are left.
const HORIZON_SLACK_DAYS: u32 = 60;

impl Keyring {
    /// Number of a zone, if it has keys.
    pub fn zone_number(&self, zone: &str) -> Option<ZoneNumber> {
        let position = self.secrets().keyring.zones.iter().position(|keys| keys.zone == zone)?;
        u16::try_from(position).ok()
    }

    /// The first date of a zone that has, or may have, a key; `None` if the zone has none.
    pub fn first_date(&self, zone: &str) -> Option<Date> {
        let secrets = self.secrets();
        let keys = secrets.keyring.zones.iter().find(|keys| keys.zone == zone)?;
        Some(Date::from_days(keys.first_date))
    }

    /// Keys of dates up to and including this are destroyed, in that zone; `None`: none is.
    pub fn destroyed_through(&self, zone: &str) -> Option<Date> {
        let secrets = self.secrets();
        let keys = secrets.keyring.zones.iter().find(|keys| keys.zone == zone)?;
        destroyed(keys)
    }

    /// Key of an expiry date in a zone; `None` if it was never made or is destroyed.
    pub fn date_key(&self, zone: ZoneNumber, date: Date) -> Option<Key> {
        let secrets = self.secrets();
        let zone = secrets.keyring.zones.get(usize::from(zone))?;
        let index = date.days().checked_sub(zone.first_date)?;
        nth(&zone.keys, usize::try_from(index).ok()?)
    }

    /// Makes sure that `zone` has keys for every date from `today` to the horizon, as far as they are not destroyed, and
    /// that `slot` has a key. Durable when it answers; whether anything was missing.
    pub fn ensure(&self, zone: &Zone, today: Date, slot: u32, entropy: &dyn Entropy) -> Result<bool, Error> {
        let kek = self.kek.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.secrets();
        if has_dates(&old.keyring, zone.name(), today) && has_slot(&old.keyring, slot) {
            return Ok(false);
        }
        self.write(&kek, old.generation + 1, entropy, |next| {
            add_dates(next, zone.name(), today, entropy);
            while !has_slot(next, slot) {
                add_keys(&mut next.controller_keys, CONTROLLER_SLOTS, entropy);
            }
        })?;
        Ok(true)
    }

    /// Destroys the keys of a zone's dates up to and including `through`: in no slot of the file is one of them when it
    /// answers. How many there were; nothing is written where they are destroyed already, or the zone has none.
    pub(in crate::trail) fn destroy_dates(
        &self,
        zone: &str,
        through: Date,
        entropy: &dyn Entropy,
    ) -> Result<u64, Error> {
        let secrets = self.secrets();
        let Some(at) = secrets.keyring.zones.iter().position(|keys| keys.zone == zone) else { return Ok(0) };
        if destroyed(&secrets.keyring.zones[at]) >= Some(through) {
            return Ok(0);
        }
        let mut count = 0;
        self.renew(entropy, |next| count = cut(&mut next.zones[at], through))?;
        Ok(count)
    }
}

fn destroyed(keys: &ZoneKeys) -> Option<Date> {
    (keys.destroyed_through > 0).then(|| Date::from_days(keys.destroyed_through))
}

/// The first date from `today` on that may have a key.
fn first_of(keys: &ZoneKeys, today: Date) -> Date {
    destroyed(keys).map_or(today, |date| today.max(date.plus_days(1)))
}

fn has_dates(keyring: &stored::Keyring, zone: &str, today: Date) -> bool {
    keyring.zones.iter().find(|keys| keys.zone == zone).is_some_and(|keys| {
        let today = first_of(keys, today);
        let end = keys.first_date as usize + keys.keys.len() / 32;
        keys.first_date <= today.days() && end >= today.plus_days(KEY_HORIZON_DAYS).days() as usize
    })
}

fn add_dates(keyring: &mut stored::Keyring, zone: &str, today: Date, entropy: &dyn Entropy) {
    let position = keyring.zones.iter().position(|keys| keys.zone == zone).unwrap_or_else(|| {
        let (zone, first_date) = (zone.to_owned(), today.days());
        keyring.zones.push(ZoneKeys { zone, first_date, ..ZoneKeys::default() });
        keyring.zones.len() - 1
    });
    let keys = &mut keyring.zones[position];
    let today = first_of(keys, today);
    // The clock was set back to before the zone's first day.
    if let Some(earlier) = keys.first_date.checked_sub(today.days()).filter(|days| *days > 0) {
        let mut before = Vec::new();
        add_keys(&mut before, earlier as usize, entropy);
        before.extend_from_slice(&keys.keys);
        keys.keys.zeroize();
        keys.keys = before;
        keys.first_date = today.days();
    }
    let have = keys.keys.len() / 32;
    let want = today.plus_days(KEY_HORIZON_DAYS + HORIZON_SLACK_DAYS).days().saturating_sub(keys.first_date) as usize;
    add_keys(&mut keys.keys, want.saturating_sub(have), entropy);
}

/// Takes the keys up to and including `through` off the front; how many there were.
fn cut(keys: &mut ZoneKeys, through: Date) -> u64 {
    let first = through.plus_days(1).days();
    keys.destroyed_through = through.days();
    let Some(gone) = first.checked_sub(keys.first_date).filter(|gone| *gone > 0) else { return 0 };
    let gone = (gone as usize).min(keys.keys.len() / 32);
    let kept = keys.keys[32 * gone..].to_vec();
    keys.keys.zeroize();
    keys.keys = kept;
    keys.first_date = first;
    gone as u64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Kek;
    use super::super::slots::{FILE, SLOT_BYTES, newest};
    use super::*;
    use crate::env::SeededEntropy;
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::{Files, MemoryFiles};

    const TODAY: Date = Date::from_days(20_000);

    fn open(files: &MemoryFiles, seed: u64) -> Keyring {
        Keyring::open(Arc::new(files.clone()), Kek::dev(), &SeededEntropy::new(seed), 0).expect("opens")
    }

    fn made(files: &MemoryFiles) -> Keyring {
        let keyring = open(files, 1);
        keyring.ensure(&Zone::default(), TODAY, 0, &SeededEntropy::new(9)).expect("writes");
        keyring
    }

    #[test]
    fn a_clock_set_back_gets_keys_too() {
        let keyring = made(&MemoryFiles::new());
        let zone = Zone::default();
        let kept = keyring.date_key(0, TODAY.plus_days(9)).expect("was made");
        let earlier = Date::from_days(TODAY.days() - 20);
        assert!(keyring.ensure(&zone, earlier, 0, &SeededEntropy::new(10)).expect("writes"));
        assert!(keyring.date_key(0, earlier).is_some());
        assert_eq!(keyring.date_key(0, TODAY.plus_days(9)).expect("is kept").bytes(), kept.bytes());
    }

    #[test]
    fn what_is_destroyed_is_gone_and_never_made_again() {
        let zone = Zone::default();
        let day = |days: i32| Date::from_days(TODAY.days().checked_add_signed(days).expect("a date"));
        // Up to which date, how many keys that is, and the first date then.
        for (through, count, first) in [(day(0), 1, day(1)), (day(9), 10, day(10)), (day(-5), 0, day(0))] {
            let files = MemoryFiles::new();
            let keyring = made(&files);
            let kept = *keyring.date_key(0, day(10)).expect("was made").bytes();
            assert_eq!(keyring.destroy_dates(zone.name(), through, &SeededEntropy::new(3)).expect("writes"), count);
            assert_eq!(keyring.destroy_dates(zone.name(), through, &SeededEntropy::new(3)).expect("is so"), 0);
            let generation = keyring.generation();
            for keyring in [keyring, open(&files, 4)] {
                assert_eq!((keyring.generation(), keyring.destroyed_through(zone.name())), (generation, Some(through)));
                assert_eq!(keyring.first_date(zone.name()), Some(first));
                // Whatever the clock says: today, long before, long after.
                for today in [0, -40, 8_000] {
                    keyring.ensure(&zone, day(today), 0, &SeededEntropy::new(5)).expect("writes");
                    let gone = |back: u32| keyring.date_key(0, Date::from_days(through.days() - back)).is_none();
                    assert!((0..60).all(gone));
                    assert!(keyring.date_key(0, through.plus_days(1).max(day(0))).is_some());
                    assert_eq!(keyring.date_key(0, day(10)).expect("is kept").bytes(), &kept);
                }
            }
        }
    }

    #[test]
    fn a_zone_can_lose_every_key_and_go_on() {
        let files = MemoryFiles::new();
        let (keyring, zone) = (made(&files), Zone::default());
        let far = TODAY.plus_days(9_000);
        let all = u64::from(KEY_HORIZON_DAYS + HORIZON_SLACK_DAYS);
        assert_eq!(keyring.destroy_dates(zone.name(), far, &SeededEntropy::new(3)).expect("writes"), all);
        assert_eq!(keyring.destroy_dates("UTC", far, &SeededEntropy::new(3)).expect("has none"), 0);
        keyring.ensure(&zone, TODAY, 0, &SeededEntropy::new(4)).expect("writes");
        assert!(keyring.date_key(0, far).is_none() && keyring.date_key(0, far.plus_days(1)).is_some());
    }

    /// In no slot of the file, whichever write was torn and finished by the next start.
    #[test]
    fn no_slot_keeps_what_is_destroyed() {
        for (slot, bytes) in [(0, 40), (0, 5_000), (1, 0), (1, 40), (1, SLOT_BYTES - 1)] {
            let files = MemoryFiles::new();
            let keyring = made(&files);
            let zone = Zone::default();
            let old = *keyring.date_key(0, TODAY).expect("was made").bytes();
            files.faults(|faults| faults.plan(Call::Overwrite, slot, Fault::Torn(bytes)));
            keyring.destroy_dates(zone.name(), TODAY, &SeededEntropy::new(3)).expect_err("the write is torn");
            files.crash();
            files.faults(Faults::forget);
            let keyring = open(&files, 5);
            keyring.destroy_dates(zone.name(), TODAY, &SeededEntropy::new(6)).expect("is finished");
            let file = files.read(FILE).expect("reads").expect("is there");
            for slot in file.chunks(SLOT_BYTES) {
                let secrets = newest(slot, &Kek::dev(), 0).expect("is whole");
                let keys = &secrets.keyring.zones[0].keys;
                assert!(
                    keys.chunks(32).all(|key| key != old),
                    "slot {slot:?} torn at {bytes}",
                    slot = secrets.generation
                );
            }
        }
    }
}
