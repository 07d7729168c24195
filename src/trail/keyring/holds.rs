//! Keys of holds: one each, made before the hold is placed, destroyed when it is released.

use zeroize::Zeroize;

use super::{Error, Keyring, add_keys};
use crate::env::Entropy;
use crate::model::hold::row::HoldId;
use crate::model::seal::Key;
use crate::model::stored::HoldKey;

impl Keyring {
    /// The key of a hold; `None` if it was never made or is destroyed.
    pub fn hold_key(&self, id: &HoldId) -> Option<Key> {
        let secrets = self.secrets();
        let held = secrets.keyring.holds.iter().find(|held| held.id == id)?;
        Key::from_slice(&held.key)
    }

    /// Ids of the holds that have a key.
    pub fn hold_ids(&self) -> Vec<HoldId> {
        let secrets = self.secrets();
        secrets.keyring.holds.iter().filter_map(|held| held.id.as_slice().try_into().ok()).collect()
    }

    /// Makes the key of a hold; durable when it answers. One that is there already stays.
    pub(in crate::trail) fn add_hold(&self, id: &HoldId, entropy: &dyn Entropy) -> Result<(), Error> {
        if self.hold_key(id).is_some() {
            return Ok(());
        }
        self.renew(entropy, |next| {
            let mut key = Vec::new();
            add_keys(&mut key, 1, entropy);
            next.holds.push(HoldKey { id: id.to_vec(), key });
        })
    }

    /// Destroys the keys of holds: they are gone from both slots when it answers. Those that are not there are gone already.
    pub(in crate::trail) fn destroy_holds(&self, ids: &[HoldId], entropy: &dyn Entropy) -> Result<(), Error> {
        if !ids.iter().any(|id| self.hold_key(id).is_some()) {
            return Ok(());
        }
        self.renew(entropy, |next| {
            next.holds.retain_mut(|held| {
                let stays = !ids.iter().any(|id| held.id == id);
                if !stays {
                    held.key.zeroize();
                }
                stays
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{FILE, Kek, SLOT_BYTES};
    use super::*;
    use crate::env::SeededEntropy;
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::{Files, MemoryFiles};

    fn open(files: &MemoryFiles) -> Keyring {
        Keyring::open(Arc::new(files.clone()), Kek::new(Key::new([1; 32])), &SeededEntropy::new(1), 0).expect("opens")
    }

    #[test]
    fn a_key_is_made_once_and_is_gone_from_both_slots() {
        let files = MemoryFiles::new();
        let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
        let ids = [[1; 16], [2; 16], [3; 16]];
        assert!(keyring.hold_key(&ids[0]).is_none());
        for id in &ids {
            keyring.add_hold(id, &entropy).expect("writes");
        }
        let key = *keyring.hold_key(&ids[1]).expect("was made").bytes();
        keyring.add_hold(&ids[1], &entropy).expect("is there");
        assert_eq!((keyring.generation(), keyring.hold_ids()), (4, ids.to_vec()));
        assert_eq!(*open(&files).hold_key(&ids[1]).expect("is kept").bytes(), key);
        keyring.destroy_holds(&[ids[1], [9; 16]], &entropy).expect("writes");
        keyring.destroy_holds(&[ids[1]], &entropy).expect("is gone");
        assert_eq!((keyring.generation(), keyring.hold_ids()), (5, vec![ids[0], ids[2]]));
        for slot in 0..2 {
            files.overwrite(FILE, slot * SLOT_BYTES as u64, &[0; 100]).expect("writes");
            let again = open(&files);
            assert!(again.hold_key(&ids[1]).is_none() && again.hold_key(&ids[0]).is_some(), "in slot {slot}");
        }
        keyring.add_hold(&ids[1], &entropy).expect("writes");
        assert_ne!(*keyring.hold_key(&ids[1]).expect("is another").bytes(), key);
    }

    /// Wherever a write is torn, a key is there or is not; another one never is.
    #[test]
    fn torn_writes_leave_the_key_or_none() {
        for slot in 0..4 {
            for bytes in [0, 17, 40, 5_000] {
                let files = MemoryFiles::new();
                let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
                keyring.add_hold(&[1; 16], &entropy).expect("writes");
                let kept = *keyring.hold_key(&[1; 16]).expect("was made").bytes();
                files.faults(|faults| faults.plan(Call::Overwrite, slot, Fault::Torn(bytes)));
                let done = keyring.add_hold(&[2; 16], &entropy);
                let done = done.and_then(|()| keyring.destroy_holds(&[[2; 16]], &entropy));
                done.expect_err("a write is torn");
                files.crash();
                files.faults(Faults::forget);
                let again = open(&files);
                assert_eq!(*again.hold_key(&[1; 16]).expect("is kept").bytes(), kept, "slot {slot} at {bytes}");
                again.destroy_holds(&[[2; 16]], &entropy).expect("writes");
                assert_eq!(open(&files).hold_ids(), [[1; 16]]);
            }
        }
    }
}
