//! Frames: neighbours of one date become one, with the seeds of its sources.

use std::ops::Range;

use super::super::base::Base;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::{Merged, Slice, loss, replace};
use crate::env::random;
use crate::model::date::Date;
use crate::model::frame::{self, Builder, FrameError, Opened};
use crate::model::seal::Use;
use crate::store::{Batch, Family, Row, keys};

/// One frame to be, and the rows that it is made of.
struct Group {
    frame: Builder,
    rows: Vec<Row>,
}

/// Merges the frames of `date` wholly within `seqs`, and the one before them, until they are full; reads at most
/// `rows` (never fewer than two). The new frame is sealed under the same key with a fresh nonce, and spans every
/// position from its first record to its last. Where the date is past or its key gone, nothing is done.
///
/// # Errors
/// A frame that is not what was recorded, by the position of its first record; the batch is then as it was.
pub fn frames(
    base: &Base,
    info: &Info,
    date: Date,
    seqs: Range<u64>,
    rows: usize,
    batch: &mut Batch,
) -> Result<Merged<u64>, ReadError> {
    let readable = date > base.today(&info.zone);
    let Some(key) = info.date_key(&base.keyring, Use::Seal, date).filter(|_| readable) else {
        return Ok(Merged::NOTHING);
    };
    let row = |seq| keys::part(date, info.zone_number, info.number, seq);
    let bounds = [&row(0)[..], &row(seqs.start), &row(seqs.end)];
    let slice = Slice::with_the_one_before(base.db.as_ref(), Family::Part, bounds, rows)?;
    if slice.rows.len() < 2 {
        return Ok(Merged::NOTHING);
    }
    let wrong = |first| move |error: FrameError| loss(info, first, format!("its frame of {date}: {error}"));

    let mut groups: Vec<Group> = Vec::new();
    let mut more = slice.more;
    let mut free = 0;
    for (name, value) in slice.rows {
        let first = keys::seq_of(&name).ok_or_else(|| loss(info, seqs.start, "a frame has a bad key"))?;
        if first < free {
            return Err(loss(info, first, format!("its frame of {date} begins within the one before")));
        }
        free = first.saturating_add(u64::from(frame::count(&value).map_err(wrong(first))?));
        if free > seqs.end {
            more = false;
            break;
        }
        let frame = Builder::reopen(&key, &info.link, date, first, &value).map_err(wrong(first))?;
        let apart = match groups.last_mut() {
            Some(group) => group.frame.join(frame).map(|()| group.rows.push((name.clone(), value.clone()))).err(),
            None => Some(frame),
        };
        groups.extend(apart.map(|frame| Group { frame, rows: vec![(name, value)] }));
    }

    let next = groups.last().map(|group| group.frame.first()).filter(|_| more);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for Group { frame, rows } in groups.into_iter().filter(|group| group.rows.len() > 1) {
        let first = frame.first();
        let value = frame.seal(&key, random(base.world.entropy.as_ref()), &info.link, date);
        // The same salts and contents, and of what was erased the same hashes: every commitment stays true.
        let mut parts = Opened::default();
        for (name, value) in &rows {
            let first = keys::seq_of(name).unwrap_or(first);
            let own = frame::open(&key, &info.link, date, first, value).map_err(wrong(first))?;
            parts.open.extend(own.open);
            parts.bare.extend(own.bare);
        }
        if frame::open(&key, &info.link, date, first, &value).as_ref() != Ok(&parts) {
            return Err(loss(info, first, format!("its frame of {date} does not survive being stored anew")));
        }
        new.push((row(first).into(), value.into()));
        old.extend(rows);
    }
    let (replaced, written) = replace(Family::Part, &old, new, batch);
    Ok(Merged { replaced, written, next })
}
