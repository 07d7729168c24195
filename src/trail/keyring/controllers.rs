//! Keys of controllers, by slot: made ahead, destroyed when a controller is closed. A slot is never used again.

use std::collections::BTreeSet;

use super::{Error, Keyring, nth};
use crate::env::Entropy;
use crate::model::seal::Key;
use crate::model::stored;
use zeroize::Zeroize;

impl Keyring {
    /// Key of a controller slot.
    pub fn controller_key(&self, slot: u32) -> Option<Key> {
        nth(&self.secrets().keyring.controller_keys, usize::try_from(slot).ok()?)
    }

    /// Whether a slot had a key that is destroyed.
    pub fn is_destroyed(&self, slot: u32) -> bool {
        has_slot(&self.secrets().keyring, slot) && self.controller_key(slot).is_none()
    }

    /// Destroys the key of a slot: in no slot of the file is it when this returns. Nothing is written where there is none.
    pub(in crate::trail) fn destroy_controller(&self, slot: u32, entropy: &dyn Entropy) -> Result<(), Error> {
        if self.controller_key(slot).is_none() {
            return Ok(());
        }
        let start = slot as usize * 32;
        self.renew(entropy, |next| next.controller_keys[start..start + 32].zeroize())
    }

    /// Destroys the keys of all slots but these, made ahead or not. Nothing is written where there is none.
    pub(in crate::trail) fn destroy_all_but(&self, slots: &BTreeSet<u32>, entropy: &dyn Entropy) -> Result<(), Error> {
        let made = u32::try_from(self.secrets().keyring.controller_keys.len() / 32).unwrap_or(u32::MAX);
        let others = || (0..made).filter(|slot| !slots.contains(slot));
        if others().all(|slot| self.controller_key(slot).is_none()) {
            return Ok(());
        }
        self.renew(entropy, |next| {
            for start in others().map(|slot| slot as usize * 32) {
                next.controller_keys[start..start + 32].zeroize();
            }
        })
    }
}

/// Whether a slot was ever given a key, destroyed or not.
pub(super) fn has_slot(keyring: &stored::Keyring, slot: u32) -> bool {
    keyring.controller_keys.len() / 32 > slot as usize
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Kek;
    use super::super::slots::{FILE, SLOT_BYTES, newest};
    use super::*;
    use crate::env::SeededEntropy;
    use crate::model::date::{Date, Zone};
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::{Files, MemoryFiles};

    fn open(files: &MemoryFiles) -> Keyring {
        Keyring::open(Arc::new(files.clone()), Kek::dev(), &SeededEntropy::new(1), 0).expect("opens")
    }

    #[test]
    fn a_destroyed_slot_stays_so_and_no_other_changes() {
        let files = MemoryFiles::new();
        let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
        let of = |keyring: &Keyring| -> Vec<_> {
            (0..64).map(|slot| keyring.controller_key(slot).map(|key| *key.bytes())).collect()
        };
        let before = of(&keyring);
        let gone = before[3].expect("was made");
        keyring.destroy_controller(3, &entropy).expect("writes");
        let generation = keyring.generation();
        keyring.destroy_controller(3, &entropy).expect("is so");
        keyring.destroy_controller(400, &entropy).expect("there is none");
        assert_eq!(keyring.generation(), generation);
        for keyring in [keyring, open(&files)] {
            let after = of(&keyring);
            assert!(
                after[3].is_none() && keyring.is_destroyed(3) && !keyring.is_destroyed(4) && !keyring.is_destroyed(400)
            );
            assert!((0..64).all(|slot| slot == 3 || after[slot] == before[slot]));
            // A trail that is opened, or has its turn, makes no key where one is destroyed.
            keyring.ensure(&Zone::default(), Date::from_days(20_000), 3, &entropy).expect("writes");
            assert!(keyring.is_destroyed(3));
            assert!(!keyring.ensure(&Zone::default(), Date::from_days(20_000), 3, &entropy).expect("has all"));
        }
        let file = files.read(FILE).expect("reads").expect("is there");
        for slot in file.chunks(SLOT_BYTES) {
            let secrets = newest(slot, &Kek::dev(), 0).expect("is whole");
            assert!(secrets.keyring.controller_keys.chunks(32).all(|key| key != gone));
        }
    }

    #[test]
    fn all_but_some_are_destroyed() {
        let files = MemoryFiles::new();
        let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
        let slots = BTreeSet::from([2, 5]);
        keyring.destroy_all_but(&slots, &entropy).expect("writes");
        let generation = keyring.generation();
        keyring.destroy_all_but(&slots, &entropy).expect("is so");
        assert_eq!(keyring.generation(), generation);
        let again = open(&files);
        assert!((0..64).all(|slot| again.is_destroyed(slot) != slots.contains(&slot)));
    }

    #[test]
    fn torn_writes_leave_the_key_or_none() {
        for slot in 0..2 {
            for bytes in [0, 17, 40, 5_000] {
                let files = MemoryFiles::new();
                let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
                let key = *keyring.controller_key(0).expect("was made").bytes();
                files.faults(|faults| faults.plan(Call::Overwrite, slot, Fault::Torn(bytes)));
                keyring.destroy_controller(0, &entropy).expect_err("the write is torn");
                files.crash();
                files.faults(Faults::forget);
                let again = open(&files);
                assert!(again.controller_key(0).is_none_or(|own| *own.bytes() == key), "slot {slot} at {bytes}");
                again.destroy_controller(0, &entropy).expect("writes");
                assert!(open(&files).is_destroyed(0));
            }
        }
    }
}
