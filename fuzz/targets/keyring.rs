//! The keyring file under a known KEK. The first byte says what the rest is: a file, or what a slot's seal holds.

use std::sync::Arc;

use akta::model::date::Date;
use akta::model::origin::Origin;
use akta::model::seal::Key;
use akta::model::stored;
use akta::store::files::{Files, MemoryFiles};
use akta::trail::keyring::{Error, Kek, Keyring};
use prost::Message;

use super::input::Input;

const SLOT_BYTES: usize = 1 << 20;

/// A file, or the plaintext of a generation.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 2 {
        0 => match open(input.0, 0) {
            Ok(_) => panic!("nobody seals a keyring by chance"),
            Err(error) => assert!(matches!(error, Error::Damaged | Error::WrongKek | Error::Mode(_)), "{error}"),
        },
        _ => sealed(input.number(), input.0),
    }
}

fn open(file: &[u8], used: u64) -> Result<Keyring, Error> {
    let files = MemoryFiles::new();
    files.create("keyring", file).unwrap();
    Keyring::open_read_only(Arc::new(files), Kek::new(Key::new([1; 32])), used)
}

fn sealed(generation: u64, plain: &[u8]) {
    let mut slot = [&b"aktakeys\x01\x00"[..], &generation.to_be_bytes()].concat();
    let sealed = Key::new([1; 32]).seal([2; 12], &slot, plain);
    slot.extend(u32::try_from(sealed.len()).unwrap().to_be_bytes());
    slot.extend(sealed);
    if slot.len() > SLOT_BYTES {
        return;
    }
    let stored = stored::Keyring::decode(plain).ok().filter(|stored| stored.lasting_key.len() == 32);
    let Some(stored) = stored else {
        assert!(matches!(open(&slot, 0), Err(Error::Damaged)));
        return;
    };
    let keyring = open(&slot, generation).unwrap_or_else(|error| panic!("is well-formed: {error}"));
    assert_eq!(keyring.generation(), generation);
    assert!(generation == u64::MAX || matches!(open(&slot, generation + 1), Err(Error::Old { .. })));
    holds(&keyring, &stored);
    // Every byte before the zeros counts, but for flags that are not in use.
    let altered = Input(&stored.lasting_key).altered(&slot);
    assert!(open(&altered, 0).is_err(), "an altered slot opens");
    // The other slot stands in for it.
    let mut file = altered;
    file.resize(SLOT_BYTES, 0);
    file.extend(&slot);
    assert_eq!(open(&file, generation).unwrap().inventory(), keyring.inventory());
}

/// What was stored is found, key by key; zeros and what is not there are no keys.
fn holds(keyring: &Keyring, stored: &stored::Keyring) {
    let same = |found: Option<Key>, keys: &[u8], index: usize| {
        let key = keys.get(32 * index..32 * index + 32).filter(|key| key.iter().any(|byte| *byte != 0));
        assert_eq!(found.map(|found| found.bytes().to_vec()), key.map(<[u8]>::to_vec));
    };
    let inventory = keyring.inventory();
    assert_eq!(inventory.zones.len(), stored.zones.len());
    for index in [0, 1, 63, 64, 4_095, 65_535] {
        same(keyring.controller_key(index), &stored.controller_keys, index as usize);
        same(keyring.bucket_keys(index as u16).map(|keys| keys.now), &stored.bucket_keys, index as usize);
        for (number, zone) in (0..=u16::MAX).zip(&stored.zones) {
            if let Some(date) = zone.first_date.checked_add(index) {
                same(keyring.date_key(number, Date::from_days(date)), &zone.keys, index as usize);
            }
        }
    }
    assert_eq!(keyring.lasting_key().bytes().as_slice(), stored.lasting_key);
    let origin = Origin::parse("akta.dev/school-12/w0").unwrap();
    assert_eq!(keyring.signer(&origin).is_some(), stored.signing_seed.len() == 32);
}
