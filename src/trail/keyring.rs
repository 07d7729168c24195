//! The keyring: every key of the node, in one file, sealed under the operator's KEK.
//!
//! A generation is written to slot A, synced, then to slot B, synced: a torn write leaves the other slot, and
//! what was destroyed is overwritten in both. So is the same generation under another KEK, when that is rotated. A
//! key is durable here before the first batch that uses it.

mod buckets;
mod controllers;
mod dates;
mod holds;
mod kek;
mod signing;
mod slots;

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use zeroize::{Zeroize, Zeroizing};

pub use self::buckets::BucketKeys;
pub use self::kek::{Kek, rotate};
pub use self::slots::FILE;
use self::slots::{SLOT_BYTES, Secrets, behind, encode, newest, overwrite};
use super::inventory::Inventory;
use crate::env::Entropy;
use crate::model::seal::Key;
use crate::model::stored;
use crate::store::files::Files;

/// Number of vault buckets: 12 bits of a keyed hash choose one.
pub const BUCKETS: u16 = 4_096;

/// Controller keys are made this many at a time.
const CONTROLLER_SLOTS: usize = 64;

/// Why the keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store was written with a keyring, but there is none.
    #[error(
        "the keyring file is missing, but the store was written with one: restore the newest keyring; without it nothing can be opened"
    )]
    Missing,
    /// It does not open under this KEK.
    #[error(
        "the keyring does not open under this key-encryption key: give the KEK that it was sealed under (kek_file or AKTA_KEK)"
    )]
    WrongKek,
    /// A keyring made with `--dev`, or not, is opened the other way.
    #[error("{0}")]
    Mode(&'static str),
    /// An old copy.
    #[error(
        "the keyring is of generation {have}, but the store has used generation {need} (the row \"keyring generation\" of meta): an old copy was put back; restore the newest"
    )]
    Old {
        /// Generation of the file.
        have: u64,
        /// Newest generation that the store has used.
        need: u64,
    },
    /// Neither slot holds a keyring.
    #[error("the keyring file is damaged in both slots: restore the newest keyring")]
    Damaged,
    /// It no longer fits.
    #[error("the keyring has outgrown its file of 1 MiB a slot")]
    Full,
    /// The disk failed.
    #[error("keyring file: {0}")]
    Io(#[from] io::Error),
}

/// A handle to the keyring: read by many; its keys are changed by the writer alone, what they are sealed under by whoever rotates that.
pub struct Keyring {
    files: Arc<dyn Files>,
    dev: bool,
    secrets: RwLock<Arc<Secrets>>,
    // What the file is sealed under. Held while it is written.
    kek: Mutex<Kek>,
}

impl Keyring {
    /// Opens the keyring; makes one if there is none and the store has not used one (`used` is 0). Refuses one
    /// older than `used`, the newest generation that the store has used. Finishes a half-written generation.
    pub fn open(files: Arc<dyn Files>, kek: Kek, entropy: &dyn Entropy, used: u64) -> Result<Self, Error> {
        let found = files.read(FILE)?;
        let secrets = match found {
            None if used > 0 => return Err(Error::Missing),
            None => {
                let secrets = first_generation(entropy);
                let slot = encode(&secrets, &kek, entropy)?;
                files.create(FILE, &Zeroizing::new([slot.as_slice(), slot.as_slice()].concat()))?;
                secrets
            }
            Some(file) => {
                let secrets = newest(&file, &kek, used)?;
                // Only a slot that lacks the newest generation is rewritten: the one good slot is never at risk.
                for slot in behind(&file, &kek, secrets.generation) {
                    files.overwrite(FILE, slot * SLOT_BYTES as u64, &encode(&secrets, &kek, entropy)?)?;
                }
                secrets
            }
        };
        Ok(Self::of(files, kek, secrets))
    }

    /// Opens the keyring without writing a byte, for verification beside or after a server.
    pub fn open_read_only(files: Arc<dyn Files>, kek: Kek, used: u64) -> Result<Self, Error> {
        let file = files.read(FILE)?.ok_or(Error::Missing)?;
        let secrets = newest(&file, &kek, used)?;
        // Opened for writing, it is a notice in the node's trail; here nothing may be written.
        tracing::info!(generation = secrets.generation, "the keyring was opened for reading");
        Ok(Self::of(files, kek, secrets))
    }

    /// No keyring at hand: every key is missing, so what is sealed stays sealed.
    pub fn absent(files: Arc<dyn Files>) -> Self {
        let secrets = Secrets { generation: 0, keyring: stored::Keyring::default() };
        Self::of(files, Kek::dev(), secrets)
    }

    fn of(files: Arc<dyn Files>, kek: Kek, secrets: Secrets) -> Self {
        Self { files, dev: kek.dev, secrets: RwLock::new(Arc::new(secrets)), kek: Mutex::new(kek) }
    }

    /// Whether there is none at hand.
    pub fn is_absent(&self) -> bool {
        self.generation() == 0
    }

    /// Whether it was made with `--dev`.
    pub fn is_dev(&self) -> bool {
        self.dev
    }

    /// The generation in force.
    pub fn generation(&self) -> u64 {
        self.secrets().generation
    }

    /// What it holds, without a key.
    pub fn inventory(&self) -> Inventory {
        let secrets = self.secrets();
        Inventory::of(secrets.generation, self.dev, &secrets.keyring)
    }

    /// The lasting key: chooses buckets, names the rows of pseudonyms.
    pub fn lasting_key(&self) -> Key {
        let secrets = self.secrets();
        // Checked when the keyring was opened; where it is absent, nothing is looked up that exists.
        Key::from_slice(&secrets.keyring.lasting_key).unwrap_or_else(|| Key::new([0; 32]))
    }

    /// The next generation, with that change; durable when it answers.
    fn renew(&self, entropy: &dyn Entropy, change: impl FnOnce(&mut stored::Keyring)) -> Result<(), Error> {
        let kek = self.kek.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&kek, self.generation() + 1, entropy, change)
    }

    /// Writes the keyring with that change, and goes on with it. The lock of the KEK is held.
    fn write(
        &self,
        kek: &Kek,
        generation: u64,
        entropy: &dyn Entropy,
        change: impl FnOnce(&mut stored::Keyring),
    ) -> Result<(), Error> {
        let mut next = Secrets { generation, keyring: self.secrets().keyring.clone() };
        change(&mut next.keyring);
        overwrite(self.files.as_ref(), &encode(&next, kek, entropy)?)?;
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    fn secrets(&self) -> Arc<Secrets> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn first_generation(entropy: &dyn Entropy) -> Secrets {
    let mut keyring = stored::Keyring::default();
    add_keys(&mut keyring.controller_keys, CONTROLLER_SLOTS, entropy);
    add_keys(&mut keyring.bucket_keys, usize::from(BUCKETS), entropy);
    add_keys(&mut keyring.lasting_key, 1, entropy);
    add_keys(&mut keyring.signing_seed, 1, entropy);
    Secrets { generation: 1, keyring }
}

fn add_keys(keys: &mut Vec<u8>, count: usize, entropy: &dyn Entropy) {
    let start = keys.len();
    // A growing vector would leave copies of keys behind in memory.
    let mut grown = Vec::with_capacity(start + 32 * count);
    grown.extend_from_slice(keys);
    grown.resize(start + 32 * count, 0);
    entropy.fill(&mut grown[start..]);
    keys.zeroize();
    *keys = grown;
}

fn nth(keys: &[u8], index: usize) -> Option<Key> {
    let start = index.checked_mul(32)?;
    let key = keys.get(start..start.checked_add(32)?)?;
    // All zeros stands for a destroyed key.
    if key.iter().all(|byte| *byte == 0) { None } else { Key::from_slice(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SeededEntropy;
    use crate::model::date::{Date, Zone};
    use crate::model::policy::KEY_HORIZON_DAYS;
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::MemoryFiles;

    const TODAY: Date = Date::from_days(20_000);

    fn open(files: &MemoryFiles, kek: &Kek, used: u64) -> Result<Keyring, Error> {
        Keyring::open(Arc::new(files.clone()), kek.clone(), &SeededEntropy::new(used + 1), used)
    }

    #[test]
    fn keys_outlive_the_process_and_are_made_to_the_horizon() {
        let files = MemoryFiles::new();
        let kek = Kek::new(Key::new([1; 32]));
        let keyring = open(&files, &kek, 0).expect("is made");
        let zone = Zone::default();
        assert!(keyring.ensure(&zone, TODAY, 100, &SeededEntropy::new(9)).expect("writes"));
        assert!(!keyring.ensure(&zone, TODAY, 100, &SeededEntropy::new(9)).expect("has all"));
        let number = keyring.zone_number(zone.name()).expect("has the zone");
        let again = open(&files, &kek, 2).expect("opens");
        for date in [TODAY, TODAY.plus_days(KEY_HORIZON_DAYS - 1)] {
            let key = keyring.date_key(number, date).expect("was made");
            assert_eq!(again.date_key(number, date).expect("was kept").bytes(), key.bytes());
        }
        assert!(again.controller_key(100).is_some());
        assert!(again.date_key(number, Date::from_days(19_999)).is_none());
    }

    #[test]
    fn refusals_name_their_reason() {
        let files = MemoryFiles::new();
        let kek = Kek::new(Key::new([1; 32]));
        assert!(matches!(open(&files, &kek, 1), Err(Error::Missing)));
        open(&files, &kek, 0).expect("is made");
        assert!(matches!(open(&files, &Kek::new(Key::new([2; 32])), 1), Err(Error::WrongKek)));
        assert!(matches!(open(&files, &Kek::dev(), 1), Err(Error::Mode(_))));
        assert!(matches!(open(&files, &kek, 2), Err(Error::Old { have: 1, need: 2 })));
        let dev = MemoryFiles::new();
        open(&dev, &Kek::dev(), 0).expect("is made");
        assert!(matches!(open(&dev, &kek, 1), Err(Error::Mode(_))));
        files.overwrite(FILE, 0, &[0; 100]).expect("writes");
        open(&files, &kek, 1).expect("one slot is enough");
        files.overwrite(FILE, 0, &[0; 100]).expect("writes");
        files.overwrite(FILE, SLOT_BYTES as u64, &[0; 100]).expect("writes");
        assert!(matches!(open(&files, &kek, 1), Err(Error::Damaged)));
    }

    /// A write torn anywhere leaves the old generation or the new one, never none.
    #[test]
    fn torn_writes_leave_a_generation() {
        for slot in 0..2 {
            for bytes in [0, 7, 17, 21, 40, 5_000, SLOT_BYTES - 1] {
                let files = MemoryFiles::new();
                let kek = Kek::new(Key::new([1; 32]));
                let keyring = open(&files, &kek, 0).expect("is made");
                files.faults(|faults| faults.plan(Call::Overwrite, slot, Fault::Torn(bytes)));
                keyring.ensure(&Zone::default(), TODAY, 0, &SeededEntropy::new(9)).expect_err("the write is torn");
                files.crash();
                // Torn once more while it is mended: still one is left.
                files.faults(|faults| faults.plan(Call::Overwrite, 0, Fault::Torn(bytes)));
                let _ = open(&files, &kek, 1);
                files.crash();
                files.faults(Faults::forget);
                let again = open(&files, &kek, 1).expect("a generation is left");
                assert!(again.generation() >= 1);
                // Finished: both slots are good again, so either may be lost.
                files.overwrite(FILE, 0, &[0; 100]).expect("writes");
                let third = open(&files, &kek, 1).expect("the other slot is whole");
                assert_eq!(third.generation(), again.generation(), "slot {slot} torn at {bytes}");
            }
        }
    }

    /// Wherever a rotation is torn, the keyring opens under one KEK or the other, with the same keys; and it can be
    /// finished, torn again or not.
    #[test]
    fn torn_rotations_leave_a_kek_that_opens() {
        let (old, new) = (Kek::new(Key::new([1; 32])), Kek::new(Key::new([2; 32])));
        for slot in 0..2 {
            for bytes in [0, 7, 17, 21, 40, 5_000, SLOT_BYTES - 1] {
                let files = MemoryFiles::new();
                let shared: Arc<dyn Files> = Arc::new(files.clone());
                let keyring = open(&files, &old, 0).expect("is made");
                keyring.ensure(&Zone::default(), TODAY, 0, &SeededEntropy::new(9)).expect("writes");
                let held = |keyring: &Keyring| {
                    let key = keyring.date_key(0, TODAY).expect("was made");
                    (keyring.generation(), *key.bytes(), *keyring.lasting_key().bytes())
                };
                let before = held(&keyring);
                files.faults(|faults| faults.plan(Call::Overwrite, slot, Fault::Torn(bytes)));
                keyring.rotate(new.clone(), &SeededEntropy::new(10)).expect_err("the write is torn");
                assert!(keyring.is_under(&old));
                files.crash();
                let tries = [&old, &new].map(|kek| Keyring::open_read_only(shared.clone(), kek.clone(), 2));
                assert!(tries.iter().any(Result::is_ok), "slot {slot} torn at {bytes}");
                assert!(tries.iter().flatten().all(|keyring| held(keyring) == before));
                // Torn once more while it is finished.
                files.faults(|faults| faults.plan(Call::Overwrite, 0, Fault::Torn(bytes)));
                let _ = rotate(&shared, &old, &new, &SeededEntropy::new(11));
                files.crash();
                files.faults(Faults::forget);
                rotate(&shared, &old, &new, &SeededEntropy::new(12)).expect("is finished");
                assert!(!rotate(&shared, &old, &new, &SeededEntropy::new(13)).expect("is finished already"));
                assert!(matches!(open(&files, &old, 2), Err(Error::WrongKek)), "the old one is in no slot");
                for damaged in [0, SLOT_BYTES as u64] {
                    files.overwrite(FILE, damaged, &[0; 100]).expect("writes");
                    assert_eq!(held(&open(&files, &new, 2).expect("either slot is enough")), before);
                }
            }
        }
    }

    #[test]
    fn a_rotation_keeps_what_is_made_after_it_and_refuses_what_it_must() {
        let files = MemoryFiles::new();
        let shared: Arc<dyn Files> = Arc::new(files.clone());
        let (old, new) = (Kek::new(Key::new([1; 32])), Kek::new(Key::new([2; 32])));
        assert!(matches!(rotate(&shared, &old, &new, &SeededEntropy::new(1)), Err(Error::Missing)));
        let keyring = open(&files, &old, 0).expect("is made");
        assert!(matches!(keyring.rotate(Kek::dev(), &SeededEntropy::new(2)), Err(Error::Mode(_))));
        keyring.rotate(new.clone(), &SeededEntropy::new(3)).expect("rotates");
        assert!(keyring.is_under(&new) && !keyring.is_under(&old));
        keyring.ensure(&Zone::default(), TODAY, 0, &SeededEntropy::new(9)).expect("writes");
        assert_eq!(open(&files, &new, 2).expect("is under the new one").generation(), 2);
        let neither = Kek::new(Key::new([3; 32]));
        assert!(matches!(rotate(&shared, &old, &neither, &SeededEntropy::new(4)), Err(Error::WrongKek)));
        assert!(matches!(rotate(&shared, &Kek::dev(), &neither, &SeededEntropy::new(5)), Err(Error::Mode(_))));
        open(&files, &new, 2).expect("nothing was changed");
    }
}
