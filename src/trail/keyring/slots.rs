//! The file of the keyring: two slots, each with a whole generation.
//!
//! ```text
//! file  = slot A · slot B, 1 MiB each, always whole
//! slot  = 8 "aktakeys" · 1 format=1 · 1 flags (bit 0: dev) · 8 generation · 4 length · sealed Keyring · zeros
//! sealed = AES-256-GCM under the KEK, place = the 18 bytes before the length
//! ```

use std::io;

use prost::Message;
use zeroize::{Zeroize, Zeroizing};

use super::{Error, Kek};
use crate::env::{Entropy, random};
use crate::model::stored;
use crate::store::files::Files;

/// Name of the file.
pub const FILE: &str = "keyring";
/// Bytes of a slot.
pub(super) const SLOT_BYTES: usize = 1 << 20;

const MAGIC: &[u8; 8] = b"aktakeys";
const FORMAT: u8 = 1;
const DEV: u8 = 1;
const PLACE_BYTES: usize = 18;
const CLEAR_BYTES: usize = PLACE_BYTES + 4;

/// The keys of one generation, in memory. Erased when dropped.
pub(super) struct Secrets {
    pub(super) generation: u64,
    pub(super) keyring: stored::Keyring,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for zone in &mut self.keyring.zones {
            zone.keys.zeroize();
        }
        self.keyring.controller_keys.zeroize();
        self.keyring.bucket_keys.zeroize();
        self.keyring.lasting_key.zeroize();
        self.keyring.signing_seed.zeroize();
        self.keyring.next_signing_seed.zeroize();
        self.keyring.fresh_buckets.iter_mut().for_each(|fresh| fresh.key.zeroize());
        self.keyring.holds.iter_mut().for_each(|hold| hold.key.zeroize());
    }
}

pub(super) fn encode(secrets: &Secrets, kek: &Kek, entropy: &dyn Entropy) -> Result<Zeroizing<Vec<u8>>, Error> {
    let plain = Zeroizing::new(secrets.keyring.encode_to_vec());
    let mut slot = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
    slot.extend(MAGIC);
    slot.extend([FORMAT, if kek.dev { DEV } else { 0 }]);
    slot.extend(secrets.generation.to_be_bytes());
    let sealed = kek.key.seal(random(entropy), &slot, &plain);
    slot.extend(u32::try_from(sealed.len()).map_err(|_| Error::Full)?.to_be_bytes());
    slot.extend(sealed);
    if slot.len() > SLOT_BYTES {
        return Err(Error::Full);
    }
    slot.resize(SLOT_BYTES, 0);
    Ok(slot)
}

pub(super) fn overwrite(files: &dyn Files, slot: &[u8]) -> io::Result<()> {
    files.overwrite(FILE, 0, slot)?;
    files.overwrite(FILE, SLOT_BYTES as u64, slot)
}

enum Slot {
    Good(Box<Secrets>),
    Closed(Error),
    Damaged,
}

pub(super) fn newest(file: &[u8], kek: &Kek, used: u64) -> Result<Secrets, Error> {
    let mut best: Option<Box<Secrets>> = None;
    let mut closed = None;
    for slot in file.chunks(SLOT_BYTES) {
        match decode(slot, kek) {
            Slot::Good(secrets) if best.as_ref().is_none_or(|best| best.generation < secrets.generation) => {
                best = Some(secrets);
            }
            Slot::Good(_) | Slot::Damaged => {}
            Slot::Closed(error) => closed = Some(error),
        }
    }
    match best {
        Some(secrets) if secrets.generation < used => Err(Error::Old { have: secrets.generation, need: used }),
        Some(secrets) => Ok(*secrets),
        None => Err(closed.unwrap_or(Error::Damaged)),
    }
}

/// Numbers of the slots that do not hold this generation.
pub(super) fn behind(file: &[u8], kek: &Kek, generation: u64) -> Vec<u64> {
    let holds = |slot: &[u8]| matches!(decode(slot, kek), Slot::Good(secrets) if secrets.generation == generation);
    let slot = |number: usize| file.get(number * SLOT_BYTES..(number + 1) * SLOT_BYTES).unwrap_or_default();
    // One that the file was cut off before, or within, is missing.
    (0..2).filter(|number| !holds(slot(*number))).map(|number| number as u64).collect()
}

fn decode(slot: &[u8], kek: &Kek) -> Slot {
    let Some((clear, rest)) = slot.split_first_chunk::<CLEAR_BYTES>() else { return Slot::Damaged };
    if clear[..8] != *MAGIC || clear[8] != FORMAT {
        return Slot::Damaged;
    }
    match (clear[9] & DEV != 0, kek.dev) {
        (true, false) => {
            return Slot::Closed(Error::Mode(
                "this data folder was made with --dev: its keys are public; start with --dev, or use a new folder",
            ));
        }
        (false, true) => {
            return Slot::Closed(Error::Mode(
                "this data folder has real keys: start without --dev and give its KEK, or use a new folder",
            ));
        }
        (true, true) | (false, false) => {}
    }
    let mut number = [0; 8];
    number.copy_from_slice(&clear[10..18]);
    let generation = u64::from_be_bytes(number);
    let length = u32::from_be_bytes([clear[18], clear[19], clear[20], clear[21]]) as usize;
    let Some(sealed) = rest.get(..length) else { return Slot::Damaged };
    let Some(plain) = kek.key.open(&clear[..PLACE_BYTES], sealed) else { return Slot::Closed(Error::WrongKek) };
    // Made first, so that what is not used is erased too.
    let secrets = stored::Keyring::decode(plain.as_slice()).map(|keyring| Box::new(Secrets { generation, keyring }));
    match secrets {
        Ok(secrets) if secrets.keyring.lasting_key.len() == 32 => Slot::Good(secrets),
        Ok(_) | Err(_) => Slot::Damaged,
    }
}
