//! Staging: what a hold covers of a date is sealed under the hold's key before the date's own key is destroyed.
//!
//! Done for the dates that are due and for the next one, so that what is held is readable without a gap, and again
//! before the keys go, for what was recorded meanwhile. A row that is there stays, so it may be stopped anywhere.

use std::ops::Range;

use super::super::base::Base;
use super::super::indexer;
use super::super::position::stored_size;
use super::super::reader::{ReadError, Reader};
use super::super::search;
use super::super::trails::Info;
use super::{Standing, cover, has_kept};
use crate::env::random;
use crate::model::date::Date;
use crate::model::frame;
use crate::model::header::Kind;
use crate::model::hold::Cover;
use crate::model::hold::row::{Kept, Place};
use crate::model::seal::{Key, Use};
use crate::store::{self, Batch, Family, Scan, keys};

/// Rows of one batch: what is in memory at once is bounded.
const ROWS: usize = 256;
/// Bytes of one batch, for the same reason; one row may exceed them.
const BYTES: usize = 1 << 20;

/// Keeps what the holds of a trail cover of all dates up to and including `through`, and of the day after; the number of
/// rows that were not there before. What was past when a hold was placed, it does not keep.
///
/// A record that cannot be read cannot be held: it is named in the log and passed over.
///
/// # Errors
///
/// A hold cannot be read, so that nobody knows what it covers: then nothing may be destroyed. Or the disk fails.
pub(in crate::trail) fn stage(base: &Base, info: &Info, through: Date) -> Result<u64, ReadError> {
    let holds = base.holds.of(&info.controller);
    let Some(acts) = base.acts.readable(&info.controller) else {
        let what = format!("what {} decided cannot be read, so nobody knows what it holds", info.controller);
        return Err(store::Error::Corrupt(what).into());
    };
    if holds.is_empty() {
        return Ok(0);
    }
    let last = through.plus_days(1);
    let mut dates = indexer::dates(base.db.as_ref(), Family::Part, info)?;
    dates.retain(|date| *date <= last && info.date_key(&base.keyring, Use::Seal, *date).is_some());
    let mut rows = 0;
    for standing in holds.iter() {
        let (seal, hold) = standing.opened(info)?;
        let cover = cover(base, info, hold)?;
        let id = uuid::Uuid::from_bytes(standing.id).to_string();
        // Its notice is durable before it is in the registry.
        let placed_on = acts.holds().find(&id).map(|act| info.zone.date(act.placed_at));
        for date in &dates {
            if placed_on.is_some_and(|placed| *date > placed) {
                rows += Staging { base, info, standing, seal, cover: &cover, date: *date }.run()?;
            }
        }
    }
    Ok(rows)
}

/// One hold and date.
struct Staging<'a> {
    base: &'a Base,
    info: &'a Info,
    standing: &'a Standing,
    seal: &'a Key,
    cover: &'a Cover<'a>,
    date: Date,
}

impl Staging<'_> {
    fn run(&self) -> Result<u64, ReadError> {
        let Self { base, info, date, .. } = *self;
        let Some(range) = self.span()? else { return Ok(0) };
        // As on the day before: what expires on the date is still there.
        let before = Date::from_days(date.days().saturating_sub(1));
        let mut reader = Reader::new(base, info, before).with_held().once();
        let seqs: Box<dyn Iterator<Item = u64>> =
            match search::among(base, info, self.cover.filter(), range.clone(), before)? {
                // What was kept before of another date is the hold's, whatever is still readable of it.
                Some(found) => Box::new((found | self.kept_before(&range)?).into_iter()),
                None => Box::new(range),
            };
        let (mut batch, mut staged, mut bytes, mut rows) = (Batch::default(), 0, 0, 0);
        for seq in seqs {
            let value = match self.row(&mut reader, seq) {
                Ok(value) => value,
                Err(ReadError::DataLoss { origin, seq, what }) => {
                    tracing::error!(origin, seq, what, "a record cannot be read, so it cannot be held");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(value) = value else { continue };
            (staged, bytes, rows) = (staged + 1, bytes + value.len(), rows + 1);
            batch.put(Family::Held, keys::held(info.number, &self.standing.id, seq, date), value);
            if staged >= ROWS || bytes >= BYTES {
                base.vault.store().commit(std::mem::take(&mut batch))?;
                (staged, bytes) = (0, 0);
            }
        }
        if staged > 0 {
            base.vault.store().commit(batch)?;
        }
        Ok(rows)
    }

    /// What is to be kept of one record; nothing if it has no parts of that date, is not covered, or is kept already.
    fn row(&self, reader: &mut Reader<'_>, seq: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Self { base, info, date, .. } = *self;
        let header = reader.linked(seq)?.header;
        let Some(group) = header.groups.iter().find(|group| group.date == date) else { return Ok(None) };
        let key = keys::held(info.number, &self.standing.id, seq, date);
        if header.kind == Kind::Notice || base.vault.store().get(Family::Held, &key)?.is_some() {
            return Ok(None);
        }
        if !has_kept(base, info, &self.standing.id, seq)? {
            let record = reader.record(seq)?;
            if !self.cover.covers(&record.header, &record.contents) {
                return Ok(None);
            }
        }
        let parts = reader.group(seq, group)?;
        let kept = Kept::of(parts, |part| self.cover.keeps(part.key, &part.content));
        let place = Place { origin: &info.link, hold: &self.standing.id, seq, date };
        Ok(Some(kept.seal(self.seal, random(base.world.entropy.as_ref()), &place)))
    }

    /// The positions between which all records with parts of that date lie.
    fn span(&self) -> Result<Option<Range<u64>>, ReadError> {
        let Self { base, info, date, .. } = *self;
        let all = Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number));
        let first = base.db.first(all.clone())?.and_then(|(key, _)| keys::seq_of(&key));
        let last = base.db.first(Scan { descending: true, ..all })?;
        let end = last.and_then(|(key, value)| {
            // What is not a frame says nothing of its span; the records after it are looked at, too.
            let count = frame::count(&value).map_or(u64::MAX, u64::from);
            Some(keys::seq_of(&key)?.saturating_add(count))
        });
        let size = stored_size(base.db.as_ref(), info.number)?;
        Ok(first.zip(end).map(|(first, end)| first..end.min(size)))
    }

    fn kept_before(&self, range: &Range<u64>) -> Result<roaring::RoaringTreemap, store::Error> {
        let at = |seq| keys::held(self.info.number, &self.standing.id, seq, Date::from_days(0)).to_vec();
        let scan = Scan { from: at(range.start), to: Some(at(range.end)), ..Scan::all(Family::Held) };
        let mut seqs = roaring::RoaringTreemap::new();
        for row in self.base.vault.store().scan(scan) {
            seqs.extend(keys::held_place(&row?.0).map(|(seq, _)| seq));
        }
        Ok(seqs)
    }
}
