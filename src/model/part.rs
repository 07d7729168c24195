//! Parts: the slices of a record, each committed to under its own salt, grouped by expiry date.
//!
//! ```text
//! salt  = keyed_hash(seed, seq u64 || part u8 || index u16)
//! part  = derive_key("akta v1 part", salt || part u8 || index u16 || bytes)
//! group = derive_key("akta v1 group", (part u8 || index u16 || part hash)* strictly ascending)
//! ```

use std::fmt;
use std::sync::LazyLock;

use blake3::Hasher;

/// Which slice of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PartId {
    /// What happened.
    Core = 0,
    /// Who acted.
    Actor = 1,
    /// Whose data; one part per subject.
    Subject = 2,
    /// Where from.
    Net = 3,
    /// Session.
    Session = 4,
    /// Details; in notices several, by index.
    Detail = 5,
}

impl PartId {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Core, Self::Actor, Self::Subject, Self::Net, Self::Session, Self::Detail];

    /// The part with that number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|id| *id as u32 == number)
    }

    /// Its bit in a group's bitmap.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Actor => "actor",
            Self::Subject => "subject",
            Self::Net => "net",
            Self::Session => "session",
            Self::Detail => "detail",
        })
    }
}

/// Names a part within its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartKey {
    /// Which slice.
    pub id: PartId,
    /// Index among parts of that id; 0 but for subjects and details of notices.
    pub index: u16,
}

impl PartKey {
    /// The first part of that id.
    pub const fn first(id: PartId) -> Self {
        Self { id, index: 0 }
    }

    fn bytes(self) -> [u8; 3] {
        let [high, low] = self.index.to_be_bytes();
        [self.id as u8, high, low]
    }
}

/// 32 bytes that keep a part's hash from being guessed.
pub type Salt = [u8; 32];

/// The salt of a notice's core, which stands in clear.
pub const NO_SALT: Salt = [0; 32];

/// Hash of one salted part.
pub type PartHash = [u8; 32];

/// Commitment to all parts of a record that expire on one date.
pub type GroupHash = [u8; 32];

/// The salt that a frame's seed gives a part.
pub fn salt(seed: &[u8; 32], seq: u64, key: PartKey) -> Salt {
    *Hasher::new_keyed(seed).update(&seq.to_be_bytes()).update(&key.bytes()).finalize().as_bytes()
}

/// Commits to the bytes of one part.
pub fn part_hash(salt: &Salt, key: PartKey, content: &[u8]) -> PartHash {
    static BASE: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key("akta v1 part"));
    *BASE.clone().update(salt).update(&key.bytes()).update(content).finalize().as_bytes()
}

/// Commits to the parts of a group; they must come strictly ascending by key.
pub fn group_hash(parts: impl IntoIterator<Item = (PartKey, PartHash)>) -> GroupHash {
    static BASE: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key("akta v1 group"));
    let mut hasher = BASE.clone();
    let mut last = None;
    for (key, hash) in parts {
        assert!(last < Some(key), "parts of a group ascend strictly");
        last = Some(key);
        hasher.update(&key.bytes()).update(&hash);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_hash_depends_on_everything() {
        let key = PartKey::first(PartId::Net);
        let base = part_hash(&[1; 32], key, b"192.0.2.1");
        assert_ne!(base, part_hash(&[2; 32], key, b"192.0.2.1"));
        assert_ne!(base, part_hash(&[1; 32], PartKey { index: 1, ..key }, b"192.0.2.1"));
        assert_ne!(base, part_hash(&[1; 32], PartKey::first(PartId::Core), b"192.0.2.1"));
        assert_ne!(base, part_hash(&[1; 32], key, b"192.0.2.2"));
    }

    #[test]
    fn golden_hashes() {
        let key = PartKey { id: PartId::Subject, index: 258 };
        let salt = salt(&[7; 32], 0x0102_0304_0506_0708, key);
        let hash = part_hash(&salt, key, b"content");
        let group = group_hash([(PartKey::first(PartId::Core), [9; 32]), (key, hash)]);
        let hex = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex().to_string();
        // docs/format.md and tests/bytes/golden/commitments.txt have the same values.
        assert_eq!(hex(&salt), "9bc1b4c98423cf2b1b147cff6fa65da6c2a8c6d61b78c50571a83b86a58c2777");
        assert_eq!(hex(&hash), "9b216fcfd2f77e91ab0ea8673ff97981f939a6b7a007b812d329200f4dd299ec");
        assert_eq!(hex(&group), "9426d0a39a0f367503fe7db332514844b0eb7736a3d477f49dd80a03d0274313");
    }
}
