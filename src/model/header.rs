//! Headers: the fixed bytes of a record that are hashed into its link and into the tree.
//!
//! ```text
//! 1 version=1 · 1 kind · 2 class · 8 seq · 4 day · 32 previous · 1 n (1..6)
//! n x ( 4 expiry date, 0 = never · 1 bitmap of part ids · 32 group commitment )       length 49 + 37n
//! ```
//!
//! Integers are big-endian. A header holds no identity and no content; it outlives every part.

use std::fmt;
use std::sync::LazyLock;

use blake3::Hasher;

use super::date::Date;
use super::origin::Origin;
use super::part::{GroupHash, PartId};
use super::policy::Class;

/// Version of the header.
pub const VERSION: u8 = 1;
/// Bytes before the groups.
pub const FIXED_BYTES: usize = 49;
/// Bytes of one group.
pub const GROUP_BYTES: usize = 37;
const _: () = assert!(FIXED_BYTES == 1 + 1 + 2 + 8 + 4 + 32 + 1);
const _: () = assert!(GROUP_BYTES == 4 + 1 + 32);

/// BLAKE3 hash of a header under `"akta v1 record link"`; the next record's `previous`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link(pub [u8; 32]);

impl Link {
    /// What stands before record 0 of a trail: `derive_key("akta v1 trail origin", origin)`; the `O` of every key
    /// and associated datum of the trail.
    pub fn of_origin(origin: &Origin) -> Self {
        Self(blake3::derive_key("akta v1 trail origin", origin.as_str().as_bytes()))
    }

    /// The link of a header's bytes.
    pub fn of(header: &[u8]) -> Self {
        static BASE: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key("akta v1 record link"));
        Self(*BASE.clone().update(header).finalize().as_bytes())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// What an application reported.
    Event = 0,
    /// What the trail says about itself.
    Notice = 1,
}

/// Parts of a record that expire on one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// First day, in the trail's zone, on which they are unreadable; [`Date::NEVER`] only in notices.
    pub date: Date,
    /// Bit p is set if parts of id p are in it.
    pub bitmap: u8,
    /// Commitment to them.
    pub commitment: GroupHash,
}

impl Group {
    /// Whether parts of that id are in it.
    pub fn has(&self, id: PartId) -> bool {
        self.bitmap & id.bit() != 0
    }

    /// The group of exactly [`GROUP_BYTES`] bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            date: Date::from_days(u32::from_be_bytes(array(&bytes[..4]))),
            bitmap: bytes[4],
            commitment: array(&bytes[5..]),
        }
    }
}

/// A record's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Event or notice.
    pub kind: Kind,
    /// Retention class.
    pub class: Class,
    /// 0-based position.
    pub seq: u64,
    /// UTC day of the recorded time.
    pub day: Date,
    /// Link of the record before.
    pub previous: Link,
    /// Groups, strictly ascending by date.
    pub groups: Vec<Group>,
}

/// Why bytes are not a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Wrong length for the number of groups.
    #[error("length does not fit the number of groups")]
    Length,
    /// Unknown version.
    #[error("version {0} is not known")]
    Version(u8),
    /// Unknown kind.
    #[error("kind {0} is not known")]
    Kind(u8),
    /// Unknown class.
    #[error("class {0} is not known")]
    Class(u16),
    /// Not 1 to 6 groups.
    #[error("{0} groups, must be 1 to 6")]
    GroupCount(u8),
    /// Dates do not strictly ascend.
    #[error("expiry dates do not strictly ascend")]
    DateOrder,
    /// A date is not after the day, or is "never" in an event.
    #[error("an expiry date is not after the day of recording")]
    DatePast,
    /// Bitmaps are zero, overlap, or name unknown parts.
    #[error("part bitmaps are empty, overlap or name unknown parts")]
    Bitmap,
    /// Bit 0 is in no group.
    #[error("no group holds the core")]
    Core,
}

impl Header {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + GROUP_BYTES * self.groups.len());
        bytes.push(VERSION);
        bytes.push(self.kind as u8);
        bytes.extend(u16::from(self.class as u8).to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.day.days().to_be_bytes());
        bytes.extend(self.previous.0);
        bytes.push(u8::try_from(self.groups.len()).expect("a header has at most 6 groups"));
        for group in &self.groups {
            bytes.extend(group.date.days().to_be_bytes());
            bytes.push(group.bitmap);
            bytes.extend(group.commitment);
        }
        bytes
    }

    /// The header of canonical bytes; refuses everything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED_BYTES>().ok_or(HeaderError::Length)?;
        if fixed[0] != VERSION {
            return Err(HeaderError::Version(fixed[0]));
        }
        let count = fixed[48];
        if !(1..=6).contains(&count) {
            return Err(HeaderError::GroupCount(count));
        }
        if rest.len() != usize::from(count) * GROUP_BYTES {
            return Err(HeaderError::Length);
        }
        let header = Self {
            kind: match fixed[1] {
                0 => Kind::Event,
                1 => Kind::Notice,
                other => return Err(HeaderError::Kind(other)),
            },
            class: class(u16::from_be_bytes(array(&fixed[2..4])))?,
            seq: u64::from_be_bytes(array(&fixed[4..12])),
            day: Date::from_days(u32::from_be_bytes(array(&fixed[12..16]))),
            previous: Link(array(&fixed[16..48])),
            groups: rest.chunks_exact(GROUP_BYTES).map(Group::from_bytes).collect(),
        };
        header.check()?;
        Ok(header)
    }

    /// Its link.
    pub fn link(&self) -> Link {
        Link::of(&self.encode())
    }

    /// The rules that bytes of the right length can still break.
    pub fn check(&self) -> Result<(), HeaderError> {
        let mut seen = 0u8;
        let mut last = None;
        for group in &self.groups {
            if last >= Some(group.date) {
                return Err(HeaderError::DateOrder);
            }
            last = Some(group.date);
            let never = group.date == Date::NEVER && self.kind == Kind::Notice;
            if !never && group.date <= self.day {
                return Err(HeaderError::DatePast);
            }
            if group.bitmap == 0 || group.bitmap & seen != 0 || group.bitmap >= 1 << PartId::ALL.len() {
                return Err(HeaderError::Bitmap);
            }
            seen |= group.bitmap;
        }
        if seen & PartId::Core.bit() == 0 {
            return Err(HeaderError::Core);
        }
        Ok(())
    }

    /// The group that holds parts of that id.
    pub fn group_of(&self, id: PartId) -> Option<&Group> {
        self.groups.iter().find(|group| group.has(id))
    }
}

/// The class of a stored number.
pub(crate) fn class(number: u16) -> Result<Class, HeaderError> {
    u8::try_from(number).ok().and_then(Class::from_number).ok_or(HeaderError::Class(number))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("slices of a header are cut to size")
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any valid header.
    pub(crate) fn any_header() -> impl Strategy<Value = Header> {
        let groups = prop::collection::btree_map(1u32..4000, any::<[u8; 32]>(), 1..=6);
        (0..2u8, 0..9usize, any::<u64>(), 0..20_000u32, any::<[u8; 32]>(), groups).prop_map(
            |(kind, class, seq, day, previous, groups)| {
                let groups: Vec<Group> = groups
                    .into_iter()
                    .enumerate()
                    .map(|(i, (after, commitment))| Group {
                        date: Date::from_days(day + after),
                        bitmap: 1 << i,
                        commitment,
                    })
                    .collect();
                let kind = if kind == 0 { Kind::Event } else { Kind::Notice };
                Header {
                    kind,
                    class: Class::ALL[class],
                    seq,
                    day: Date::from_days(day),
                    previous: Link(previous),
                    groups,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn headers_round_trip(header in any_header()) {
            let bytes = header.encode();
            prop_assert_eq!(bytes.len(), FIXED_BYTES + GROUP_BYTES * header.groups.len());
            prop_assert_eq!(Header::decode(&bytes).expect("own bytes"), header);
        }

        #[test]
        fn other_bytes_never_panic_and_never_decode_to_other_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }

        #[test]
        fn every_bit_counts(header in any_header(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = header.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_ne!(Link::of(&bytes), header.link());
        }
    }

    #[test]
    fn broken_rules_are_refused_by_name() {
        let group = |date, bitmap| Group { date: Date::from_days(date), bitmap, commitment: [0; 32] };
        let header = |kind, groups| Header {
            kind,
            class: Class::Access,
            seq: 0,
            day: Date::from_days(100),
            previous: Link([0; 32]),
            groups,
        };
        let rows = [
            (Kind::Event, vec![group(101, 1)], Ok(())),
            (Kind::Event, vec![group(100, 1)], Err(HeaderError::DatePast)),
            (Kind::Event, vec![group(0, 1)], Err(HeaderError::DatePast)),
            (Kind::Notice, vec![group(0, 1), group(101, 32)], Ok(())),
            (Kind::Event, vec![group(102, 1), group(101, 2)], Err(HeaderError::DateOrder)),
            (Kind::Event, vec![group(101, 1), group(101, 2)], Err(HeaderError::DateOrder)),
            (Kind::Event, vec![group(101, 1), group(102, 1)], Err(HeaderError::Bitmap)),
            (Kind::Event, vec![group(101, 1), group(102, 0)], Err(HeaderError::Bitmap)),
            (Kind::Event, vec![group(101, 65)], Err(HeaderError::Bitmap)),
            (Kind::Event, vec![group(101, 2)], Err(HeaderError::Core)),
        ];
        for (kind, groups, expected) in rows {
            let header = header(kind, groups);
            assert_eq!(header.check(), expected, "{header:?}");
            assert_eq!(Header::decode(&header.encode()).map(|_| ()), expected, "{header:?}");
        }
    }
}
