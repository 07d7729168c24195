//! Header rows: neighbours become runs of up to 64.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::base::Base;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::{Merged, Slice, loss, recut, replace};
use crate::model::date::Date;
use crate::model::header::{Header, Link};
use crate::model::run::{self, HEADERS_MAX, Linked};
use crate::store::{Batch, Family, Row, keys};

/// Merges the header rows wholly within `seqs`, and the row before them, reading at most `rows` (never fewer than
/// two). The expiry dates of the headers it meets are added to `dates`: there lie the frames and postings to merge.
///
/// Every link is computed anew and must be the one that the next row carries: after the merge that row is gone, and
/// with it the witness.
///
/// # Errors
/// A row that is not what was recorded, by the position of its record; the batch is then as it was.
pub fn headers(
    base: &Base,
    info: &Info,
    seqs: Range<u64>,
    rows: usize,
    dates: &mut BTreeSet<Date>,
    batch: &mut Batch,
) -> Result<Merged<u64>, ReadError> {
    let row = |seq| keys::trail_seq(info.number, seq);
    // The row at the end is read too: it carries the link of the last one that is merged.
    let through = [&row(seqs.end)[..], &[0]].concat();
    let bounds = [&row(0)[..], &row(seqs.start), &through];
    let slice = Slice::with_the_one_before(base.db.as_ref(), Family::Header, bounds, rows)?;

    let (mut old, mut lengths, mut all): (Vec<Row>, Vec<usize>, Vec<Linked>) = Default::default();
    let mut more = slice.more;
    let mut before: Option<(u64, Link)> = None;
    for (key, value) in slice.rows {
        let first = keys::seq_of(&key).ok_or_else(|| loss(info, seqs.start, "a header row has a bad key"))?;
        let run = run::decode(first, &value).map_err(|error| loss(info, first, error.to_string()))?;
        let expected = before.or((first == 0).then_some((0, info.link)));
        if let Some((seq, link)) = expected {
            if first != seq {
                return Err(loss(info, first.min(seq), "its header is missing, or stands in two rows"));
            }
            if run[0].header.previous != link {
                return Err(loss(info, first, "its header does not carry the link of the record before"));
            }
        }
        let last = run.last().expect("a run has at least one header");
        let end = last.header.seq + 1;
        before = Some((end, last.link));
        if end > seqs.end {
            more = false;
            break;
        }
        dates.extend(run.iter().flat_map(|linked| linked.header.groups.iter().map(|group| group.date)));
        lengths.push(run.len());
        all.extend(run);
        old.push((key, value));
    }

    let mut new = Vec::new();
    let mut rest = all.as_slice();
    for length in recut(lengths, HEADERS_MAX) {
        let (run, after) = rest.split_at(length);
        rest = after;
        let first = run[0].header.seq;
        let value = run::encode(&run.iter().map(|linked| linked.header.clone()).collect::<Vec<Header>>());
        if run::decode(first, &value).as_deref() != Ok(run) {
            return Err(loss(info, first, "its header does not survive being stored anew"));
        }
        new.push((row(first).into(), value.into()));
    }
    let next = new.last().and_then(|(key, _): &Row| keys::seq_of(key)).filter(|_| more);
    let (replaced, written) = replace(Family::Header, &old, new, batch);
    Ok(Merged { replaced, written, next })
}
