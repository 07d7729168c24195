//! Sealing: AES-256-GCM with a fresh random nonce always, and the keys that seal and index.
//!
//! A sealed value is `12 nonce || ciphertext || 16 tag`; its associated data bind it to its place, so a value that
//! was moved does not open.

use std::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::header::Link;

/// Bytes that sealing adds.
pub const OVERHEAD: usize = 12 + 16;

/// 32 secret bytes. Erased from memory when dropped; printed as nothing.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// Stands where no key is at hand: opens nothing.
    pub fn absent() -> Self {
        Self::new([0; 32])
    }

    /// The key of those bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// From stored bytes; `None` if they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that this context and these inputs give: `derive_key(context, input || input || ...)`.
    pub fn derive(context: &str, inputs: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        for input in inputs {
            hasher.update(input);
        }
        Self::new(*hasher.finalize().as_bytes())
    }

    /// Keyed hash of some bytes.
    pub fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, bytes).as_bytes()
    }

    /// Seals `plain` under a nonce that must never come again with this key.
    pub fn seal(&self, nonce: [u8; 12], place: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.extend(nonce);
        sealed.extend(plain);
        let tag = Aes256Gcm::new(self.bytes().into())
            .encrypt_inout_detached(&Nonce::from(nonce), place, (&mut sealed[12..]).into())
            .expect("nothing sealed here comes near AES-GCM's 64 GiB");
        sealed.extend(tag.as_slice());
        sealed
    }

    /// Opens what was sealed for `place`; `None` if key, place or any bit is another.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<12>()?;
        let (body, tag) = rest.split_last_chunk::<16>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        Aes256Gcm::new(self.bytes().into())
            .decrypt_inout_detached(&Nonce::from(*nonce), place, plain.as_mut_slice().into(), &(*tag).into())
            .ok()?;
        Some(plain)
    }
}

/// By [`Zeroizing`].
impl ZeroizeOnDrop for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(32 bytes)")
    }
}

/// What a key of a date is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// Sealing frames.
    Seal,
    /// Keying index terms.
    Index,
}

/// The key of (use, controller, zone, date):
/// `derive_key("akta v1 <use> key", controller key || date key || O)`.
pub fn date_key(purpose: Use, controller: &Key, date: &Key, origin: &Link) -> Key {
    let context = match purpose {
        Use::Seal => "akta v1 seal key",
        Use::Index => "akta v1 index key",
    };
    Key::derive(context, &[controller.bytes(), date.bytes(), &origin.0])
}

/// Keys of one controller that have no date.
#[derive(Debug)]
pub struct LastingKeys {
    session: Key,
    request: Key,
}

impl LastingKeys {
    /// Those that the controller's key gives.
    pub fn of(controller: &Key) -> Self {
        let derive = |context| Key::derive(context, &[controller.bytes()]);
        Self { session: derive("akta v1 session key"), request: derive("akta v1 request key") }
    }

    /// Stands for a session id: first 16 bytes of its hash under the session key.
    pub fn session_hash(&self, session: &[u8]) -> Vec<u8> {
        self.session.hash(session)[..16].to_vec()
    }

    /// Stands for a request in the index, which must tell nothing about events: first 16 bytes of its hash under the
    /// request key.
    pub fn request_digest(&self, request: &[u8; 32]) -> [u8; 16] {
        let hash = self.request.hash(request);
        let (first, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
        *first
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_the_same_key_place_and_bytes_open(
            plain in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let key = Key::new([1; 32]);
            let sealed = key.seal([2; 12], b"place", &plain);
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(key.open(b"place", &sealed).map(|plain| plain.to_vec()), Some(plain));
            prop_assert!(key.open(b"elsewhere", &sealed).is_none());
            prop_assert!(Key::new([3; 32]).open(b"place", &sealed).is_none());
            let mut flipped = sealed.clone();
            let at = at.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert!(key.open(b"place", &flipped).is_none());
            prop_assert!(key.open(b"place", &sealed[..sealed.len() - 1]).is_none());
        }
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Key::new([0xab; 32])), "Key(32 bytes)");
    }
}
