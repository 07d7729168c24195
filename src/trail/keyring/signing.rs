//! The key that signs checkpoints, and its successor while that is brought in.
//!
//! ```text
//! one key → the next one beside it → (every trail tells) → the next one alone, the old seed gone from both slots
//! ```

use zeroize::{Zeroize, Zeroizing};

use super::{Error, Keyring, add_keys};
use crate::env::Entropy;
use crate::model::handover;
use crate::model::origin::Origin;
use crate::model::stored::{self, SigningKeyRotated};
use crate::model::vkey::{Signer, Vkey};

/// A name for keys that are looked at without a trail.
const NOBODY: &str = "akta";

impl Keyring {
    /// Signs checkpoints of that origin, with the same key for all; `None` if the keyring is not at hand.
    pub fn signer(&self, origin: &Origin) -> Option<Signer> {
        signer(&self.secrets().keyring.signing_seed, origin.as_str())
    }

    /// The keys that signed checkpoints of that origin, oldest first; the last one does. Which of the earlier ones were
    /// before the trail, its notices tell.
    pub fn vkeys(&self, origin: &Origin) -> Vec<Vkey> {
        let secrets = self.secrets();
        let earlier = secrets.keyring.earlier_signing_keys.as_chunks::<32>().0;
        let earlier = earlier.iter().filter_map(|key| Vkey::log(origin.as_str(), key).ok());
        earlier.chain(self.signer(origin).map(|signer| signer.vkey().clone())).collect()
    }

    /// Public bytes of the key in force and, where one is being brought in, of the next one.
    pub fn signing_keys(&self) -> Vec<[u8; 32]> {
        let secrets = self.secrets();
        let seeds = [&secrets.keyring.signing_seed, &secrets.keyring.next_signing_seed];
        seeds.into_iter().filter_map(|seed| public(seed)).collect()
    }

    /// Public bytes of the key that is being brought in.
    pub fn next_signing_key(&self) -> Option<[u8; 32]> {
        public(&self.secrets().keyring.next_signing_seed)
    }

    /// Makes the next key, beside the one in force; durable when it answers. One that is there already stays.
    pub(in crate::trail) fn bring_signing_key(&self, entropy: &dyn Entropy) -> Result<(), Error> {
        match self.next_signing_key() {
            Some(_) => Ok(()),
            None => self.renew(entropy, |next| add_keys(&mut next.next_signing_seed, 1, entropy)),
        }
    }

    /// What the trail of that origin tells at `size`, where a next key is being brought in.
    pub(in crate::trail) fn hand_over(&self, origin: &Origin, size: u64) -> Option<SigningKeyRotated> {
        Some(handover::sign(origin, size, &self.signer(origin)?, &self.next_signing_key()?))
    }

    /// From now on the next key signs, and the old one is gone from both slots; durable when it answers.
    pub(in crate::trail) fn change_signing_key(&self, entropy: &dyn Entropy) -> Result<(), Error> {
        let Some(old) = public(&self.secrets().keyring.signing_seed) else { return Ok(()) };
        self.renew(entropy, |next| change(next, &old))
    }
}

fn change(keyring: &mut stored::Keyring, old: &[u8; 32]) {
    keyring.signing_seed.zeroize();
    keyring.signing_seed = std::mem::take(&mut keyring.next_signing_seed);
    keyring.earlier_signing_keys.extend(old);
}

fn signer(seed: &[u8], name: &str) -> Option<Signer> {
    let seed: Zeroizing<[u8; 32]> = seed.try_into().ok().map(Zeroizing::new)?;
    Some(Signer::from_seed(name, &seed).expect("an origin is a key name"))
}

fn public(seed: &[u8]) -> Option<[u8; 32]> {
    signer(seed, NOBODY).map(|signer| *signer.vkey().public())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Kek;
    use super::*;
    use crate::env::SeededEntropy;
    use crate::model::handover::Handover;
    use crate::model::seal::Key;
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::{Files, MemoryFiles};

    fn open(files: &MemoryFiles) -> Keyring {
        let kek = Kek::new(Key::new([1; 32]));
        Keyring::open(Arc::new(files.clone()), kek, &SeededEntropy::new(1), 0).expect("opens")
    }

    fn origin() -> Origin {
        Origin::parse("akta.test/school-12/w0a1b2c3d").expect("an origin")
    }

    #[test]
    fn a_key_hands_over_and_is_gone() {
        let files = MemoryFiles::new();
        let keyring = open(&files);
        let entropy = SeededEntropy::new(9);
        let old = keyring.signing_keys();
        let seed = keyring.secrets().keyring.signing_seed.clone();
        assert_eq!((old.len(), keyring.hand_over(&origin(), 7)), (1, None));
        keyring.bring_signing_key(&entropy).expect("writes");
        let both = keyring.signing_keys();
        keyring.bring_signing_key(&entropy).expect("is there");
        assert_eq!((&both[..1], both.len(), open(&files).signing_keys()), (&old[..], 2, both.clone()));
        let told = keyring.hand_over(&origin(), 7).expect("is being brought in");
        let handover = Handover::check(&told, &origin(), 7).expect("holds");
        assert_eq!([*handover.old.public(), *handover.new.public()][..], both);
        keyring.change_signing_key(&entropy).expect("writes");
        let again = open(&files);
        assert_eq!((again.signing_keys(), again.next_signing_key(), again.generation()), (both[1..].to_vec(), None, 3));
        assert_eq!(again.vkeys(&origin()), [handover.old, handover.new]);
        assert!(again.secrets().keyring.signing_seed != seed);
        for slot in 0..2 {
            files.overwrite(super::super::FILE, slot * super::super::SLOT_BYTES as u64, &[0; 100]).expect("writes");
            assert_eq!(open(&files).signing_keys(), both[1..], "either slot has it alone");
        }
    }

    /// Wherever a write is torn, the keyring has the old key, both, or the new one; and can go on.
    #[test]
    fn torn_writes_leave_a_key_that_can_go_on() {
        for write in 0..4 {
            for bytes in [0, 17, 40, 5_000] {
                let files = MemoryFiles::new();
                let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
                let old = keyring.signing_keys()[0];
                files.faults(|faults| faults.plan(Call::Overwrite, write, Fault::Torn(bytes)));
                let done = keyring.bring_signing_key(&entropy).and_then(|()| keyring.change_signing_key(&entropy));
                done.expect_err("a write is torn");
                files.crash();
                files.faults(Faults::forget);
                let again = open(&files);
                let keys = again.signing_keys();
                match again.next_signing_key() {
                    Some(next) => assert_eq!(keys, [old, next], "write {write} torn at {bytes}"),
                    None => assert_eq!(keys[0] == old, again.vkeys(&origin()).len() == 1),
                }
                if keys[0] == old {
                    again.bring_signing_key(&entropy).expect("writes");
                    again.change_signing_key(&entropy).expect("writes");
                }
                let last = open(&files);
                assert_eq!((last.vkeys(&origin()).len(), last.next_signing_key()), (2, None));
                assert!(last.signing_keys()[0] != old);
            }
        }
    }
}
