//! The tree of a trail as it is stored: hashes of completed subtrees of 256 leaves and up, lower levels from headers.

use super::base::Base;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::tiles::{Tiles, TilesError};
use crate::model::tree::{self, Hash};
use crate::store::{self, Family, Scan, keys};

/// Leaves and subtrees of one trail. Good for sizes that were published.
pub struct Leaves<'a> {
    base: &'a Base,
    info: &'a Info,
}

impl<'a> Leaves<'a> {
    /// Those of that trail.
    pub fn new(base: &'a Base, info: &'a Info) -> Self {
        Self { base, info }
    }

    fn headers(&self, first: u64, width: usize) -> Result<Vec<Hash>, ReadError> {
        // Headers alone are read: no date is past for them.
        let mut reader = Reader::headers(self.base, self.info).once();
        (first..first + width as u64).map(|seq| Ok(tree::leaf_hash(&reader.linked(seq)?.header.encode()))).collect()
    }

    fn subtrees(&self, level: u8, first: u64, width: usize) -> Result<Vec<Hash>, ReadError> {
        let Info { number, .. } = *self.info;
        let loss = |index: u64, what: &str| ReadError::DataLoss {
            origin: self.info.origin.to_string(),
            seq: index << (8 * u32::from(level)),
            what: format!("subtree {index} of level {level} {what}"),
        };
        let to = keys::tree(number, level, first + width as u64).to_vec();
        let scan = Scan { from: keys::tree(number, level, first).to_vec(), to: Some(to), ..Scan::all(Family::Tree) };
        let mut hashes = Vec::with_capacity(width);
        for (row, index) in self.base.db.scan(scan).zip(first..) {
            let (key, value) = row?;
            if *key != keys::tree(number, level, index) {
                return Err(loss(index, "is missing"));
            }
            hashes.push(Hash((*value).try_into().map_err(|_| loss(index, "is not 32 bytes"))?));
        }
        if hashes.len() < width {
            return Err(loss(first + hashes.len() as u64, "is missing"));
        }
        Ok(hashes)
    }
}

impl Tiles for Leaves<'_> {
    type Error = ReadError;

    fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, ReadError> {
        match level {
            0 => self.headers(256 * index, width),
            _ => self.subtrees(level, 256 * index, width),
        }
    }
}

impl From<TilesError<ReadError>> for ReadError {
    fn from(error: TilesError<ReadError>) -> Self {
        match error {
            TilesError::Tile(error) => error,
            // Asked for within the size of the trail, and answered with the width asked for.
            other @ (TilesError::Index { .. } | TilesError::Sizes { .. } | TilesError::Width { .. }) => {
                Self::Store(store::Error::Failed(other.to_string()))
            }
        }
    }
}
