//! Merging: many small rows become few large ones, and no reader can tell.
//!
//! Events that come one by one leave a header row, one to four frames and some six postings each. [`headers`],
//! [`frames`] and [`postings`] each plan one slice of bounded size into a batch; [`Pass`] leads through all slices.
//!
//! **What readers see.** A batch removes the old rows and puts the new ones. Whatever a reader wants of them it finds
//! by one scan, and a scan sees the store as of one moment: all old rows or all new ones. Both hold the same headers,
//! links, salts, contents and seqs: each new row is read back and compared before it is put into the batch. So it
//! does not matter which of the two a reader still holds, or that it takes headers before and frames after a merge.
//!
//! **Who may call.** Only the thread that writes the database: for `db/` the writer, between two groups, for `index/`
//! whoever writes postings; and it commits the batch before it does anything else. Then nothing can change the rows
//! between reading and replacing them: new records only come behind `to`, and what removes rows (an expiry, an
//! erasure, another merge) has its turn before or after. A plan that is kept for later could bring back what was
//! erased since.
//!
//! **After a crash** a batch is there or it is not. A failed commit ends the writer as every other one does.

mod frames;
mod headers;
mod pass;
mod postings;

pub use frames::frames;
pub use headers::headers;
pub use pass::{Pass, Postings};
pub use postings::postings;

use super::reader::ReadError;
use super::trails::Info;
use crate::store::{self, Batch, Family, Row, Scan, Store};

/// A slice ends early rather than read more than this, so that nobody waits long for its turn.
const BYTES_MAX: usize = 1 << 20;

/// What one call planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged<P> {
    /// Rows that give way.
    pub replaced: usize,
    /// Rows that take their place.
    pub written: usize,
    /// Where the next call goes on, once the batch is committed; `None`: nothing is left.
    pub next: Option<P>,
}

impl<P> Merged<P> {
    const NOTHING: Self = Self { replaced: 0, written: 0, next: None };
}

/// Rows of one call.
struct Slice {
    rows: Vec<Row>,
    /// There may be more behind them.
    more: bool,
}

impl Slice {
    /// Rows of a scan: at most `rows` and about [`BYTES_MAX`], but never fewer than two, so that every call gets on.
    fn read(store: &dyn Store, scan: Scan, rows: usize) -> Result<Self, store::Error> {
        let mut slice = Self { rows: Vec::new(), more: false };
        let mut bytes = 0;
        for row in store.scan(scan) {
            let row = row?;
            bytes += row.0.len() + row.1.len();
            slice.rows.push(row);
            if slice.rows.len() >= 2 && (slice.rows.len() >= rows || bytes >= BYTES_MAX) {
                slice.more = true;
                break;
            }
        }
        Ok(slice)
    }

    /// Rows of `[from, to)`, and the one before `from`: if there is room in it, it is filled up.
    fn with_the_one_before(
        store: &dyn Store,
        family: Family,
        [least, from, to]: [&[u8]; 3],
        rows: usize,
    ) -> Result<Self, store::Error> {
        let before = store.first(Scan::back(family, least, from))?;
        let from = before.map_or(from.to_vec(), |(key, _)| key.into_vec());
        Self::read(store, Scan { family, from, to: Some(to.to_vec()), descending: false }, rows)
    }
}

/// Lengths of the rows that rows of `lengths` become: full ones stay as they are, neighbours below are cut anew into
/// rows of `max` items and a rest.
fn recut(lengths: impl IntoIterator<Item = usize>, max: usize) -> Vec<usize> {
    let mut new = Vec::new();
    let mut rest = 0;
    for length in lengths {
        if length >= max {
            new.extend((rest > 0).then_some(rest));
            new.push(length);
            rest = 0;
        } else if rest + length >= max {
            new.push(max);
            rest = rest + length - max;
        } else {
            rest += length;
        }
    }
    new.extend((rest > 0).then_some(rest));
    new
}

/// Puts the change from `old` to `new` rows into the batch; rows that stay as they are are not touched.
fn replace(family: Family, old: &[Row], new: Vec<Row>, batch: &mut Batch) -> (usize, usize) {
    let replaced = old.iter().filter(|row| new.binary_search(row).is_err()).count();
    let mut written = 0;
    for (key, _) in old.iter().filter(|(key, _)| new.binary_search_by(|(new, _)| new.cmp(key)).is_err()) {
        batch.remove(family, key.to_vec());
    }
    for row in new {
        if old.binary_search(&row).is_err() {
            written += 1;
            batch.put(family, row.0, row.1);
        }
    }
    (replaced, written)
}

fn loss(info: &Info, seq: u64, what: impl Into<String>) -> ReadError {
    ReadError::DataLoss { origin: info.origin.to_string(), seq, what: what.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Change;

    proptest! {
        #[test]
        fn recutting_keeps_every_item_and_settles_at_once(lengths in prop::collection::vec(1..20_usize, 0..50)) {
            let new = recut(lengths.clone(), 8);
            prop_assert_eq!(new.iter().sum::<usize>(), lengths.iter().sum::<usize>());
            prop_assert_eq!(recut(new.clone(), 8), new.clone());
            prop_assert!(new.windows(2).all(|pair| pair[0] >= 8 || pair[1] >= 8), "no two neighbours could be one");
            let large = |all: &[usize]| all.iter().copied().filter(|length| *length > 8).collect::<Vec<_>>();
            prop_assert_eq!(large(&new), large(&lengths), "full rows stay");
        }

        #[test]
        fn what_is_replaced_is_the_difference(
            old in prop::collection::btree_map(0..20_u8, 0..3_u8, 0..20),
            new in prop::collection::btree_map(0..20_u8, 0..3_u8, 0..20),
        ) {
            let rows = |map: &std::collections::BTreeMap<u8, u8>| -> Vec<Row> {
                map.iter().map(|(key, value)| ([*key].into(), [*value].into())).collect()
            };
            let mut batch = Batch::default();
            let (replaced, written) = replace(Family::Header, &rows(&old), rows(&new), &mut batch);
            prop_assert_eq!(replaced, old.iter().filter(|(key, value)| new.get(key) != Some(value)).count());
            prop_assert_eq!(written, new.iter().filter(|(key, value)| old.get(key) != Some(value)).count());
            let mut map = old;
            for change in batch.into_changes() {
                match change {
                    Change::Put(_, key, value) => map.insert(key[0], value[0]),
                    Change::Remove(_, key) => map.remove(&key[0]),
                    Change::RemoveRange(..) => panic!("merging removes no ranges"),
                };
            }
            prop_assert_eq!(map, new);
        }
    }
}
