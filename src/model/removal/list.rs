//! Which parts of which records are gone: as slices of a notice tell it, and as the vault keeps it meanwhile.
//!
//! ```text
//! slice   attributes: key = first position, 20 digits · value = items, a blank between
//! item    decimal step from the position before (0 for the first of an attribute) · letters of the parts: n s d
//! ```

use crate::model::part::PartId;
use crate::model::stored::{Attribute, DetailPart, RemovedParts};

/// Parts that may be gone, each with its letter.
pub const PARTS: [(PartId, char); 3] = [(PartId::Net, 'n'), (PartId::Session, 's'), (PartId::Detail, 'd')];
/// Bytes of an attribute's value.
const VALUE_BYTES: usize = 480;
/// Attributes of one slice.
const ATTRIBUTES: usize = 32;

/// Parts of one record: a bitmap of those of [`PARTS`], one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    /// Position of the record.
    pub seq: u64,
    bitmap: u8,
}

impl Gone {
    /// These parts of a record; `None` if they are none, or others than may be gone.
    pub fn of(seq: u64, bitmap: u8) -> Option<Self> {
        let all = PARTS.iter().fold(0, |bits, (id, _)| bits | id.bit());
        (bitmap != 0 && bitmap & !all == 0).then_some(Self { seq, bitmap })
    }

    /// Whether a part is among them.
    pub fn has(self, id: PartId) -> bool {
        self.bitmap & id.bit() != 0
    }

    /// Which.
    pub fn parts(self) -> impl Iterator<Item = PartId> {
        PARTS.into_iter().map(|(id, _)| id).filter(move |id| self.has(*id))
    }
}

/// The slices that tell of a list, which ascends by position; none of an empty one.
pub fn slices(list: &[Gone]) -> Vec<DetailPart> {
    let mut attributes: Vec<Attribute> = Vec::new();
    let mut before = 0;
    for gone in list {
        let letters: String = PARTS.iter().filter(|(id, _)| gone.has(*id)).map(|(_, letter)| *letter).collect();
        let next = attributes.last_mut().filter(|attribute| attribute.value.len() < VALUE_BYTES);
        match next {
            Some(attribute) => attribute.value.push_str(&format!(" {}{letters}", gone.seq - before)),
            None => attributes.push(Attribute { key: format!("{:020}", gone.seq), value: format!("0{letters}") }),
        }
        before = gone.seq;
    }
    let slice = |own: &[Attribute]| DetailPart { attributes: own.to_vec(), ..DetailPart::default() };
    attributes.chunks(ATTRIBUTES).map(slice).collect()
}

/// The list that these slices tell, ascending; `None` if they are not as Akta writes them.
pub fn read<'a>(slices: impl IntoIterator<Item = &'a DetailPart>) -> Option<Vec<Gone>> {
    let mut list: Vec<Gone> = Vec::new();
    for slice in slices {
        if slice.attributes.is_empty() {
            return None;
        }
        for attribute in &slice.attributes {
            let mut seq = attribute.key.parse::<u64>().ok().filter(|_| attribute.key.len() == 20)?;
            for item in attribute.value.split(' ') {
                let letters = item.find(|letter: char| !letter.is_ascii_digit())?;
                let (step, letters) = item.split_at(letters);
                seq = seq.checked_add(step.parse().ok()?)?;
                let bit = |letter| Some(PARTS.iter().find(|(_, known)| *known == letter)?.0.bit());
                let bitmap = letters.chars().try_fold(0, |bits, letter| Some(bits | bit(letter)?))?;
                list.push(Gone::of(seq, bitmap)?);
            }
        }
    }
    list.is_sorted_by(|one, other| one.seq < other.seq).then_some(list)
}

/// As the vault keeps it.
pub fn stored(list: &[Gone]) -> Vec<RemovedParts> {
    let mut before = 0;
    let step = |gone: &Gone| {
        let step = gone.seq - std::mem::replace(&mut before, gone.seq);
        RemovedParts { step, bitmap: gone.bitmap.into() }
    };
    list.iter().map(step).collect()
}

/// What the vault keeps; `None` if it is not as Akta writes it.
pub fn of_stored(stored: &[RemovedParts]) -> Option<Vec<Gone>> {
    let mut seq = 0_u64;
    let gone = |part: &RemovedParts| {
        seq = seq.checked_add(part.step)?;
        Gone::of(seq, u8::try_from(part.bitmap).ok()?)
    };
    let list = stored.iter().map(gone).collect::<Option<Vec<Gone>>>()?;
    list.is_sorted_by(|one, other| one.seq < other.seq).then_some(list)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_list() -> impl Strategy<Value = Vec<Gone>> {
        let bitmaps = (1..8_u8).prop_map(|bits| bits << 3);
        prop::collection::btree_map(any::<u64>(), bitmaps, 0..400)
            .prop_map(|map| map.into_iter().map(|(seq, bitmap)| Gone { seq, bitmap }).collect())
    }

    proptest! {
        #[test]
        fn lists_round_trip(list in any_list(), close in prop::collection::vec(1..300_u64, 0..3_000)) {
            prop_assert_eq!(of_stored(&stored(&list)), Some(list.clone()));
            let mut seq = 7;
            let close: Vec<Gone> = close.iter().map(|step| { seq += step; Gone { seq, bitmap: 8 } }).collect();
            for list in [list, close] {
                let slices = slices(&list);
                prop_assert_eq!(read(&slices), Some(list));
                let mut all = slices.iter().flat_map(|slice| &slice.attributes);
                prop_assert!(all.all(|attribute| attribute.key.len() <= 64 && attribute.value.len() <= 512));
                prop_assert!(slices.iter().all(|slice| slice.attributes.is_sorted_by(|a, b| a.key < b.key)));
            }
        }

        #[test]
        fn other_text_never_panics(key in "[0-9]{18,21}", value in "[0-9nsd ]{0,40}") {
            let slice = DetailPart { attributes: vec![Attribute { key, value }], ..DetailPart::default() };
            let _ = read([&slice]);
        }
    }

    #[test]
    fn a_list_reads_as_people_would_read_it() {
        let list = [(7, 0b111), (19, 0b001), (20, 0b110)].map(|(seq, bits)| Gone { seq, bitmap: bits << 3 });
        let slices = slices(&list);
        assert_eq!(slices.len(), 1);
        let attribute = &slices[0].attributes[0];
        assert_eq!((attribute.key.as_str(), attribute.value.as_str()), ("00000000000000000007", "0nsd 12n 1sd"));
        assert_eq!(Gone::of(7, 0), None);
        assert_eq!(Gone::of(7, 0b1001), None, "a core never goes");
    }
}
