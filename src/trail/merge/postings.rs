//! Postings: rows of one term become rows of up to 4,096 seqs.

use super::super::base::Base;
use super::super::indexer::{decode_seqs, encode_seqs};
use super::super::trails::Info;
use super::{Merged, Slice, recut, replace};
use crate::model::date::Date;
use crate::store::keys::{self, POSTING_PREFIX};
use crate::store::{self, Batch, Family, Row, Scan};

/// Most seqs of a merged row. Rows that the indexer wrote larger stay.
const SEQS_MAX: usize = 4_096;

/// Merges postings of `date` whose seqs are below `to`, from the key `at` on; reads at most `rows` (never fewer than
/// two). Where the date is past, nothing is done: its rows are about to be dropped.
///
/// # Errors
/// A row that is not well-formed; the batch is then as it was.
pub fn postings(
    base: &Base,
    info: &Info,
    date: Date,
    to: u64,
    at: Option<&[u8]>,
    rows: usize,
    batch: &mut Batch,
) -> Result<Merged<Vec<u8>>, store::Error> {
    if date <= base.today(&info.zone) {
        return Ok(Merged::NOTHING);
    }
    let mut scan = Scan::prefix(Family::Posting, &keys::dated(date, info.zone_number, info.number));
    if let Some(at) = at {
        scan.from = at.to_vec();
    }
    let slice = Slice::read(base.index.as_ref(), scan, rows)?;

    let mut new: Vec<Row> = Vec::new();
    for rows in slice.rows.chunk_by(|a, b| a.0.get(..POSTING_PREFIX) == b.0.get(..POSTING_PREFIX)) {
        new.extend(term(rows, to).ok_or_else(|| {
            store::Error::Corrupt("a posting is not well-formed: delete the folder index, it is built anew".into())
        })?);
    }
    let next = new.last().map(|(key, _)| key.to_vec()).filter(|_| slice.more);
    let (replaced, written) = replace(Family::Posting, &slice.rows, new, batch);
    Ok(Merged { replaced, written, next })
}

/// The rows that neighbouring rows of one term become; `None` if they are not well-formed.
fn term(rows: &[Row], to: u64) -> Option<Vec<Row>> {
    let (mut lengths, mut all, mut new): (Vec<usize>, Vec<u64>, Vec<Row>) = Default::default();
    let mut taken = 0;
    for (key, value) in rows {
        let seqs = decode_seqs(keys::seq_of(key)?, value)?;
        if all.last().is_some_and(|last| *last >= seqs[0]) {
            return None;
        }
        if seqs.last().is_some_and(|last| *last >= to) {
            break;
        }
        taken += 1;
        lengths.push(seqs.len());
        all.extend(seqs);
    }
    let prefix = rows.first()?.0.first_chunk::<POSTING_PREFIX>()?;
    let mut rest = all.as_slice();
    for length in recut(lengths, SEQS_MAX) {
        let (seqs, after) = rest.split_at(length);
        rest = after;
        new.push((keys::posting(prefix, seqs[0]).into(), encode_seqs(seqs).into()));
    }
    new.extend_from_slice(&rows[taken..]);
    Some(new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Below the bound every term's rows become one (or rows of 4,096), the others stay, and no seq changes.
        #[test]
        fn terms_keep_their_seqs(steps in prop::collection::vec((1..6_usize, 1..900_u64), 1..40), to in 0..30_000_u64) {
            let mut seq = 0;
            let rows: Vec<Row> = steps.iter().map(|(count, gap)| {
                let seqs: Vec<u64> = (0..*count).map(|_| { seq += gap; seq }).collect();
                (keys::posting(&[7; POSTING_PREFIX], seqs[0]).into(), encode_seqs(&seqs).into())
            }).collect();
            let seqs = |rows: &[Row]| -> Vec<Vec<u64>> {
                rows.iter().map(|(key, value)| decode_seqs(keys::seq_of(key).expect("key"), value).expect("row")).collect()
            };
            let new = term(&rows, to).expect("good rows");
            prop_assert_eq!(seqs(&new).concat(), seqs(&rows).concat());
            let below = |rows: &[Row]| seqs(rows).iter().filter(|seqs| seqs.last() < Some(&to)).count();
            prop_assert_eq!(below(&new), below(&rows).min(1));
            prop_assert_eq!(new.len() - below(&new), rows.len() - below(&rows));
            prop_assert_eq!(term(&new, to).expect("good rows"), new);
        }
    }

    #[test]
    fn rows_are_full_at_4096_and_larger_ones_stay() {
        let row = |seqs: std::ops::Range<u64>| -> Row {
            let seqs: Vec<u64> = seqs.collect();
            (keys::posting(&[7; POSTING_PREFIX], seqs[0]).into(), encode_seqs(&seqs).into())
        };
        let rows = [row(0..3_000), row(3_000..6_000), row(6_000..16_000), row(16_000..16_001), row(16_001..16_002)];
        let new = [row(0..4_096), row(4_096..6_000), row(6_000..16_000), row(16_000..16_002)];
        assert_eq!(term(&rows, u64::MAX).as_deref(), Some(&new[..]));
        assert_eq!(term(&[row(0..5), row(4..6)], u64::MAX), None, "rows of a term do not overlap");
    }
}
