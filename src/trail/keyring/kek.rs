//! The KEK, and a keyring that is sealed under another one: offline, at a start, while a node serves.

use std::sync::{Arc, PoisonError};

use zeroize::ZeroizeOnDrop;

use super::{Error, Keyring};
use crate::env::Entropy;
use crate::model::seal::Key;
use crate::store::files::Files;

/// The key-encryption key that the operator supplies.
#[derive(Debug, Clone)]
pub struct Kek {
    pub(super) key: Key,
    pub(super) dev: bool,
}

impl Kek {
    /// A real one: 32 random bytes, kept elsewhere.
    pub fn new(key: Key) -> Self {
        Self { key, dev: false }
    }

    /// The public one of `--dev`: protects nothing.
    pub fn dev() -> Self {
        Self { key: Key::derive("akta v1 dev kek", &[]), dev: true }
    }
}

/// The key in it is.
impl ZeroizeOnDrop for Kek {}

impl PartialEq for Kek {
    fn eq(&self, other: &Self) -> bool {
        // By hashes: how long it takes says nothing of the keys.
        self.dev == other.dev && self.key.hash(b"kek") == other.key.hash(b"kek")
    }
}

/// Seals an existing keyring under another KEK, whichever of the two it is under, in one slot or both: what was stopped
/// half-way is finished. Whether it was still under the old one. Nobody else may have it open.
pub fn rotate(files: &Arc<dyn Files>, old: &Kek, new: &Kek, entropy: &dyn Entropy) -> Result<bool, Error> {
    // No keyring is made here: the store has used one, whichever.
    const USED: u64 = 1;
    match Keyring::open(files.clone(), new.clone(), entropy, USED) {
        Ok(_) => Ok(false),
        Err(Error::WrongKek) => {
            Keyring::open(files.clone(), old.clone(), entropy, USED)?.rotate(new.clone(), entropy)?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

impl Keyring {
    /// Seals the keyring under another KEK, in both slots; durable when it answers. What it holds stays, generation and
    /// all. If it fails, a slot may be under the one and a slot under the other, so both must be kept: opened
    /// under either, it is whole.
    pub fn rotate(&self, kek: Kek, entropy: &dyn Entropy) -> Result<(), Error> {
        if kek.dev != self.dev {
            return Err(Error::Mode("a keyring cannot change between --dev and a real key-encryption key"));
        }
        let mut old = self.kek.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation();
        self.write(&kek, generation, entropy, |next| next.kek_rotated_at = generation)?;
        *old = kek;
        Ok(())
    }

    /// Whether the file is sealed under this KEK.
    pub fn is_under(&self, kek: &Kek) -> bool {
        *self.kek.lock().unwrap_or_else(PoisonError::into_inner) == *kek
    }

    /// The generation that was the newest when the keyring was last sealed under another KEK; `None` if it never was.
    pub fn kek_rotated_at(&self) -> Option<u64> {
        Some(self.secrets().keyring.kek_rotated_at).filter(|generation| *generation > 0)
    }

    /// Goes past the generation that the KEK before sealed too, so that the store can refuse every image under that
    /// one. Durable when it answers.
    pub(in crate::trail) fn pass_old_kek(&self, entropy: &dyn Entropy) -> Result<(), Error> {
        if self.kek_rotated_at() == Some(self.generation()) { self.renew(entropy, |_| ()) } else { Ok(()) }
    }
}
