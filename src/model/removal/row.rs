//! How a removal rests in the vault: sealed as the rows of its bucket are, so that with the bucket's key it is gone, too.
//!
//! ```text
//! value   1 format=1 · sealed Removal      key = vault key of bucket and controller, place = 1 format · 1 what=2 · 2 bucket · 4 trail · 16 id
//! ```

use prost::Message;

use super::RemovalId;
use crate::model::seal::{self, Key};
use crate::model::stored::Removal;

/// Format of the value.
pub const FORMAT: u8 = 1;

/// Where a removal stands: what its seal is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bucket of whom it is about.
    pub bucket: u16,
    /// Number of the trail.
    pub trail: u32,
    /// Its id.
    pub id: RemovalId,
}

impl Place {
    fn bytes(&self) -> Vec<u8> {
        [&[FORMAT, 2][..], &self.bucket.to_be_bytes(), &self.trail.to_be_bytes(), &self.id].concat()
    }

    /// Seals a removal for it.
    pub fn seal(&self, key: &Key, nonce: [u8; 12], removal: &Removal) -> Vec<u8> {
        [&[FORMAT][..], &key.seal(nonce, &self.bytes(), &removal.encode_to_vec())].concat()
    }

    /// What is stored for it; `None` if that is not the value of its place.
    pub fn open(&self, key: &Key, value: &[u8]) -> Option<Removal> {
        Removal::decode(key.open(&self.bytes(), sealed(value)?)?.as_slice()).ok()
    }
}

/// Whether a value has the form of one, as far as that shows without keys.
pub fn is_row(value: &[u8]) -> bool {
    sealed(value).is_some()
}

fn sealed(value: &[u8]) -> Option<&[u8]> {
    let (format, sealed) = value.split_first()?;
    (*format == FORMAT && sealed.len() >= seal::OVERHEAD).then_some(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_in_its_place_alone() {
        let (key, removal) = (Key::new([1; 32]), Removal { namespace: "staff".into(), ..Removal::default() });
        let place = Place { bucket: 7, trail: 3, id: [9; 16] };
        let value = place.seal(&key, [2; 12], &removal);
        assert_eq!((place.open(&key, &value), is_row(&value)), (Some(removal), true));
        for other in [Place { bucket: 8, ..place }, Place { trail: 4, ..place }, Place { id: [8; 16], ..place }] {
            assert_eq!(other.open(&key, &value), None);
        }
        assert_eq!(place.open(&Key::new([2; 32]), &value), None);
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 1;
            assert_eq!(place.open(&key, &other), None, "byte {at}");
            assert_eq!(is_row(&value[..at]), at > seal::OVERHEAD);
        }
    }
}
