//! How what a hold has kept rests: one row for each record and expiry date, sealed under the hold's key.
//!
//! ```text
//! key of a trail's hold   derive_key("akta v1 hold key", hold key || controller key || O)
//! hold itself             1 format=1 · sealed Hold           place = 1 format · 0 · 32 O · 16 hold
//! group that was kept     1 format=1 · sealed HeldGroup      place = 1 format · 1 · 32 O · 16 hold · 8 seq · 4 date
//! ```

use prost::Message;

use super::Hold;
use crate::model::date::Date;
use crate::model::frame::{OpenPart, Opened};
use crate::model::header::{Group, Link};
use crate::model::part::{self, PartHash, PartId, PartKey, Salt};
use crate::model::seal::{self, Key};
use crate::model::stored::{HeldGroup, HeldHash, HeldPart};

/// Format of the values.
pub const FORMAT: u8 = 1;

/// A hold's id: a UUID.
pub type HoldId = [u8; 16];

/// What seals the rows of one hold in one trail. With the controller's key gone it is gone, too.
pub fn key(hold: &Key, controller: &Key, origin: &Link) -> Key {
    Key::derive("akta v1 hold key", &[hold.bytes(), controller.bytes(), &origin.0])
}

/// Seals what a hold keeps.
pub fn seal_hold(key: &Key, nonce: [u8; 12], origin: &Link, id: &HoldId, hold: &Hold) -> Vec<u8> {
    value(key.seal(nonce, &hold_place(origin, id), &hold.encode()))
}

/// What a hold keeps; `None` if that is not the row of its place.
pub fn open_hold(key: &Key, origin: &Link, id: &HoldId, value: &[u8]) -> Option<Hold> {
    Hold::decode(&key.open(&hold_place(origin, id), sealed(value)?)?)
}

/// What was kept of one group of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The parts that are kept, ascending.
    pub parts: Vec<OpenPart>,
    /// The bare hashes of the others, ascending.
    pub others: Vec<(PartKey, PartHash)>,
}

impl Kept {
    /// Of the parts of a group, those that are wanted; of the others the hash. What was erased has nothing else.
    pub fn of(parts: Opened, mut wanted: impl FnMut(&OpenPart) -> bool) -> Self {
        let others = parts.bare.iter().map(|bare| (bare.key, bare.hash)).collect();
        let mut kept = Self { parts: Vec::new(), others };
        for part in parts.open {
            if wanted(&part) {
                kept.parts.push(part);
            } else {
                kept.others.push((part.key, part::part_hash(&part.salt, part.key, &part.content)));
            }
        }
        kept.others.sort_unstable_by_key(|(key, _)| *key);
        kept
    }

    /// Whether together they are what a record's header commits to.
    pub fn fits(&self, group: &Group) -> bool {
        let hash = |part: &OpenPart| (part.key, part::part_hash(&part.salt, part.key, &part.content));
        let mut all: Vec<(PartKey, PartHash)> =
            self.parts.iter().map(hash).chain(self.others.iter().copied()).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        let ascends = all.is_sorted_by(|(one, _), (other, _)| one < other);
        let bitmap = all.iter().fold(0, |bits, (key, _)| bits | key.id.bit());
        ascends && bitmap == group.bitmap && part::group_hash(all) == group.commitment
    }

    /// Seals it for its place.
    pub fn seal(&self, key: &Key, nonce: [u8; 12], place: &Place<'_>) -> Vec<u8> {
        let parts = self.parts.iter().map(|part| HeldPart {
            part: part.key.id as u32,
            index: part.key.index.into(),
            salt: part.salt.to_vec(),
            content: part.content.clone(),
        });
        let others = self.others.iter().map(|(key, hash)| HeldHash {
            part: key.id as u32,
            index: key.index.into(),
            hash: hash.to_vec(),
        });
        let group = HeldGroup { parts: parts.collect(), others: others.collect() };
        value(key.seal(nonce, &place.bytes(), &group.encode_to_vec()))
    }

    /// What is stored for that place; `None` if it is not what Akta writes there.
    pub fn open(key: &Key, place: &Place<'_>, value: &[u8]) -> Option<Self> {
        let group = HeldGroup::decode(key.open(&place.bytes(), sealed(value)?)?.as_slice()).ok()?;
        let parts = group.parts.into_iter().map(|held| {
            let salt: Salt = held.salt.try_into().ok()?;
            Some(OpenPart { seq: place.seq, key: part_key(held.part, held.index)?, salt, content: held.content })
        });
        let others =
            group.others.into_iter().map(|held| Some((part_key(held.part, held.index)?, held.hash.try_into().ok()?)));
        let (parts, others) =
            (parts.collect::<Option<Vec<OpenPart>>>()?, others.collect::<Option<Vec<(PartKey, PartHash)>>>()?);
        let ascend = parts.is_sorted_by(|one, other| one.key < other.key)
            && others.is_sorted_by(|(one, _), (other, _)| one < other);
        ascend.then_some(Self { parts, others })
    }
}

/// Where a kept group stands: what its seal is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Hash of the trail's origin.
    pub origin: &'a Link,
    /// Which hold.
    pub hold: &'a HoldId,
    /// Position of the record.
    pub seq: u64,
    /// Expiry date of the group.
    pub date: Date,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let (seq, date) = (self.seq.to_be_bytes(), self.date.days().to_be_bytes());
        [&[FORMAT, 1][..], &self.origin.0, self.hold, &seq, &date].concat()
    }
}

/// Whether a value has the form of a row, as far as that shows without keys.
pub fn is_row(value: &[u8]) -> bool {
    sealed(value).is_some()
}

fn hold_place(origin: &Link, id: &HoldId) -> Vec<u8> {
    [&[FORMAT, 0][..], &origin.0, id].concat()
}

fn part_key(id: u32, index: u32) -> Option<PartKey> {
    Some(PartKey { id: PartId::from_number(id)?, index: u16::try_from(index).ok()? })
}

fn value(sealed: Vec<u8>) -> Vec<u8> {
    [&[FORMAT][..], &sealed].concat()
}

fn sealed(value: &[u8]) -> Option<&[u8]> {
    let (format, sealed) = value.split_first()?;
    (*format == FORMAT && sealed.len() >= seal::OVERHEAD).then_some(sealed)
}
