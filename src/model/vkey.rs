//! Keys of signed notes (c2sp.org/signed-note): public as a *vkey*, secret as a [`Signer`].
//!
//! ```text
//! vkey   = name "+" hex(key id) "+" base64(type || public key)
//! key id = first 4 bytes of SHA-256(name || 0x0a || type || public key)
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::ZeroizeOnDrop;

/// What a key signs; its number stands before the public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Scheme {
    /// Ed25519 over the text: logs.
    Note = 0x01,
    /// Ed25519 over a time and the text, c2sp.org/tlog-cosignature `cosignature/v1`: witnesses.
    Cosignature = 0x04,
}

/// Why a text is not a vkey that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VkeyError {
    /// Not name, id and key.
    #[error("must be a name, 8 lower-case hex digits and base64, joined by '+'")]
    Form,
    /// Empty, or with white space, a control character or a plus.
    #[error("the key name must not be empty and must hold no white space, control character or '+'")]
    Name,
    /// The id is not that of name and key.
    #[error("the key id does not belong to name and key")]
    Id,
    /// Neither Ed25519 nor an Ed25519 cosignature.
    #[error("signature type {0:#04x} is not supported, 0x01 and 0x04 are")]
    Type(u8),
    /// Not a point of the curve, or one under which everybody can sign.
    #[error("the public key is not a usable Ed25519 key")]
    Key,
}

/// A public key and the name of its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    id: u32,
    scheme: Scheme,
    key: VerifyingKey,
}

impl Vkey {
    fn new(name: &str, scheme: Scheme, key: VerifyingKey) -> Result<Self, VkeyError> {
        if !is_key_name(name) {
            return Err(VkeyError::Name);
        }
        let typed = Sha256::new().chain_update(name).chain_update([b'\n', scheme as u8]).chain_update(key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = typed.finalize().into();
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes([a, b, c, d]), scheme, key })
    }

    /// The log's key of that name with these 32 public bytes.
    pub fn log(name: &str, key: &[u8; 32]) -> Result<Self, VkeyError> {
        let key = VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak()).ok_or(VkeyError::Key)?;
        Self::new(name, Scheme::Note, key)
    }

    /// Its 32 public bytes, without name and type.
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Name of the owner; for a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Short name of the key, not unique.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether `signature` is this key's over `text`; of a cosignature also the time in it.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let good =
            |text: &[u8], signature: &[u8; 64]| self.key.verify_strict(text, &Signature::from_bytes(signature)).is_ok();
        match self.scheme {
            Scheme::Note => good(text.as_bytes(), signature.try_into().ok()?).then_some(None),
            Scheme::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                let signed = cosigned(time, text);
                (i64::try_from(time).is_ok() && good(signed.as_bytes(), signature.try_into().ok()?))
                    .then_some(Some(time))
            }
        }
    }
}

/// What a witness signs at `time`, in seconds since 1970.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl FromStr for Vkey {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        let (name, rest) = text.split_once('+').ok_or(VkeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(VkeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| VkeyError::Form)?;
        let (scheme, key) = match key.split_first().ok_or(VkeyError::Form)? {
            (0x01, key) => (Scheme::Note, key),
            (0x04, key) => (Scheme::Cosignature, key),
            (other, _) => return Err(VkeyError::Type(*other)),
        };
        let key = VerifyingKey::try_from(key).ok().filter(|key| !key.is_weak()).ok_or(VkeyError::Key)?;
        let vkey = Self::new(name, scheme, key)?;
        if id.len() != 8 || !id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(VkeyError::Form);
        }
        if id != format!("{:08x}", vkey.id) {
            return Err(VkeyError::Id);
        }
        Ok(vkey)
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.scheme as u8];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl fmt::Debug for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A secret key and the name of its owner. Erased from memory when dropped; prints as its vkey.
pub struct Signer {
    vkey: Vkey,
    key: SigningKey,
}

impl Signer {
    /// The log's key that 32 secret bytes give (RFC 8032); refuses what is not a key name. The origin of a trail is one.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, VkeyError> {
        let key = SigningKey::from_bytes(seed);
        Ok(Self { vkey: Vkey::new(name, Scheme::Note, key.verifying_key())?, key })
    }

    /// Its public key.
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Its signature over `text`.
    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

/// The key in it is.
impl ZeroizeOnDrop for Signer {}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.vkey)
    }
}

/// Whether a key may have that name: not empty, no white space, no control character, no plus.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c < ' ' || c == '+')
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    /// The witness's key of a seed, and its signature line under a checkpoint's text.
    pub(in crate::model) fn witness(name: &str, seed: &[u8; 32], time: u64, text: &str) -> (Vkey, String) {
        let key = SigningKey::from_bytes(seed);
        let vkey = Vkey::new(name, Scheme::Cosignature, key.verifying_key()).expect("a name");
        let signature = key.sign(cosigned(time, text).as_bytes()).to_bytes();
        let bytes = [&vkey.id.to_be_bytes()[..], &time.to_be_bytes(), &signature].concat();
        (vkey, format!("\u{2014} {name} {}\n", STANDARD.encode(bytes)))
    }

    /// The key of `PRIVATE+KEY+name+id+base64(0x01 || seed)`, a convention of Go's notes.
    pub(in crate::model) fn go_signer(text: &str) -> Signer {
        let fields: Vec<&str> = text.splitn(5, '+').collect();
        let ["PRIVATE", "KEY", name, id, key] = fields[..] else { panic!("not a signer's key") };
        let key = STANDARD.decode(key).expect("base64");
        let signer = Signer::from_seed(name, key[1..].try_into().expect("32 bytes")).expect("a name");
        assert_eq!((key[0], format!("{:08x}", signer.vkey().id())), (1, id.to_owned()));
        signer
    }

    #[test]
    fn public_vkeys_parse_and_print_the_same() {
        for (text, name, id, scheme) in [
            (PETER, "PeterNeumann", 0xc74f_20a3, Scheme::Note),
            (
                "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                "example.com/foo",
                0x530d_903a,
                Scheme::Note,
            ),
            (
                "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "example.com/log/testdata",
                0x33d7_b496,
                Scheme::Note,
            ),
            (
                "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
                "witness.example.org",
                0xb8a2_cf20,
                Scheme::Cosignature,
            ),
        ] {
            let vkey: Vkey = text.parse().expect(text);
            assert_eq!((vkey.name(), vkey.id(), vkey.scheme()), (name, id, scheme));
            assert_eq!(vkey.to_string(), text);
        }
    }

    #[test]
    fn a_seed_gives_the_public_key_of_gos_notes_and_does_not_print() {
        let signer = go_signer("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz");
        assert_eq!(signer.vkey().to_string(), PETER);
        assert_eq!(format!("{signer:?}"), format!("Signer({PETER})"));
    }

    #[test]
    fn what_is_not_a_vkey_is_refused_by_name() {
        // y = 1 is the neutral element: under it every text has a signature that anybody can make.
        let neutral = STANDARD.encode([&[1, 1][..], &[0; 31]].concat());
        for (text, error) in [
            ("", VkeyError::Form),
            ("PeterNeumann", VkeyError::Form),
            ("PeterNeumann+c74f20a3", VkeyError::Form),
            ("PeterNeumann+c74f20a3+", VkeyError::Form),
            (&PETER.replace("c74f20a3", "C74F20A3"), VkeyError::Form),
            (&PETER.replace("c74f20a3", "74f20a3"), VkeyError::Form),
            (&PETER.replace("10TW", "10T"), VkeyError::Form),
            (&PETER.replace("c74f20a3", "c74f20a4"), VkeyError::Id),
            (&PETER.replace("PeterNeumann", "PeterNeumenn"), VkeyError::Id),
            (&PETER.replace("+AR", "+BB"), VkeyError::Id),
            (&PETER.replace("PeterNeumann", ""), VkeyError::Name),
            (&PETER.replace("PeterNeumann", "Peter Neumann"), VkeyError::Name),
            (&PETER.replace("PeterNeumann", "Peter\u{a0}Neumann"), VkeyError::Name),
            (&PETER.replace("PeterNeumann", "Peter\u{1}"), VkeyError::Name),
            (&PETER.replace("+AR", "+Ah"), VkeyError::Type(2)),
            (&PETER.replace("10TW", ""), VkeyError::Key),
            (&format!("n+00000000+{neutral}"), VkeyError::Key),
        ] {
            assert_eq!(text.parse::<Vkey>(), Err(error), "{text}");
        }
        assert_eq!(Signer::from_seed("a b", &[1; 32]).err(), Some(VkeyError::Name));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_not_and_what_parses_prints_the_same(
            text in ".{0,80}|[a-z/]{1,9}\\+[0-9a-f]{8}\\+A[QR][A-Za-z0-9+/]{42}",
        ) {
            if let Ok(vkey) = text.parse::<Vkey>() {
                prop_assert_eq!(vkey.to_string(), text);
            }
        }

        #[test]
        fn keys_of_any_name_round_trip(name in "\\PC{1,40}", seed in any::<[u8; 32]>()) {
            match Signer::from_seed(&name, &seed) {
                Ok(signer) => prop_assert_eq!(signer.vkey().to_string().parse(), Ok(signer.vkey().clone())),
                Err(error) => {
                    prop_assert_eq!(error, VkeyError::Name);
                    prop_assert!(!is_key_name(&name));
                }
            }
        }
    }
}
