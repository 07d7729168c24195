//! Staging: what a hold covers of a date is sealed under the hold's key before the date's own key is destroyed.
//!
//! Done for the dates that are due and for the next one, so that what is held is readable without a gap, and again
//! before the keys go, for what was recorded meanwhile. A row that is there stays, so it may be stopped anywhere.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

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
use crate::model::hold::row::{self, Kept, Place};
use crate::model::seal::{Key, Use};
use crate::store::{self, Batch, Family, Scan, keys};

/// Records that are looked at in one slice.
const LOOKS: usize = 256;
/// Bytes of one batch; one row may exceed them.
const BYTES: usize = 1 << 20;

/// Keeps what the holds of a trail cover of the dates up to some day, slice by slice.
pub(in crate::trail) struct Stager {
    info: Arc<Info>,
    waiting: VecDeque<(Arc<Standing>, Date)>,
    /// The hold and date at hand, and the records that are still to be looked at.
    now: Option<(Arc<Standing>, Date, Seqs)>,
}

type Seqs = std::iter::Peekable<Box<dyn Iterator<Item = u64> + Send>>;

impl Stager {
    /// For all dates up to and including `through`, and the day after. What was past when a hold was placed, it does not keep.
    ///
    /// # Errors
    ///
    /// A hold cannot be read, so that nobody knows what it covers: then nothing may be destroyed. Or the disk fails.
    pub(in crate::trail) fn new(base: &Base, info: Arc<Info>, through: Date) -> Result<Self, ReadError> {
        let holds = base.holds.of(&info.controller);
        let acts = base.acts.readable(&info.controller);
        let mut waiting = VecDeque::new();
        if !holds.is_empty() {
            let last = through.plus_days(1);
            let mut dates = indexer::dates(base.db.as_ref(), Family::Part, &info)?;
            dates.retain(|date| *date <= last && info.date_key(&base.keyring, Use::Seal, *date).is_some());
            for standing in holds.iter() {
                standing.opened(&info)?;
                let id = uuid::Uuid::from_bytes(standing.id).to_string();
                // Where that cannot be read, all that is still there is kept.
                let act = acts.as_ref().and_then(|acts| acts.holds().find(&id));
                // Nor is it known of a trail that another follows, which says only since when it stands there.
                let act = act.filter(|_| !info.frozen);
                let placed_on = act.map_or(Date::NEVER, |act| info.zone.date(act.placed_at));
                let own = dates.iter().filter(|date| **date > placed_on);
                waiting.extend(own.map(|date| (standing.clone(), *date)));
            }
        }
        Ok(Self { info, waiting, now: None })
    }

    /// Does the next piece of work; whether there is more. What it did is durable.
    ///
    /// A record that cannot be read cannot be held: it is named in the log and passed over.
    ///
    /// # Errors
    ///
    /// As of [`Self::new`].
    pub(in crate::trail) fn slice(&mut self, base: &Base) -> Result<bool, ReadError> {
        let (standing, date, mut seqs) = match self.now.take() {
            Some(now) => now,
            None => {
                let Some((standing, date)) = self.waiting.pop_front() else { return Ok(false) };
                let seqs = seqs(base, &self.info, &standing, date)?;
                (standing, date, seqs)
            }
        };
        let (seal, hold) = standing.opened(&self.info)?;
        let cover = cover(base, &self.info, hold)?;
        Staging { base, info: &self.info, standing: &standing, seal, cover: &cover, date }.some(&mut seqs)?;
        if seqs.peek().is_some() {
            self.now = Some((standing, date, seqs));
        }
        Ok(self.now.is_some() || !self.waiting.is_empty())
    }
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
    /// Looks at the next records; what is to be kept of them is durable when it returns.
    fn some(&self, seqs: &mut Seqs) -> Result<(), ReadError> {
        let mut reader = Reader::new(self.base, self.info, the_day_before(self.date)).with_held().once();
        let (mut batch, mut bytes, mut more) = (Batch::default(), 0, 0);
        for seq in seqs.by_ref().take(LOOKS) {
            let value = match self.row(&mut reader, seq) {
                Ok(value) => value,
                Err(ReadError::DataLoss { origin, seq, what }) => {
                    tracing::error!(origin, seq, what, "a record cannot be read, so it cannot be held");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(value) = value else { continue };
            bytes += value.len();
            more += 1;
            batch.put(Family::Held, keys::held(self.info.number, &self.standing.id, seq, self.date), value);
            if bytes >= BYTES {
                break;
            }
        }
        if more > 0 {
            self.count(&mut batch, more)?;
            self.base.vault.store().commit(batch)?;
        }
        Ok(())
    }

    /// The hold's own row says how many there are, so that one that is taken away is missed.
    fn count(&self, batch: &mut Batch, more: u64) -> Result<(), store::Error> {
        let Self { base, info, standing, seal, .. } = *self;
        let key = keys::hold(info.number, &standing.id);
        let value = base.vault.store().get(Family::Held, &key)?;
        let opened = value.and_then(|value| row::open_hold(seal, &info.link, &standing.id, &value));
        let lost = || store::Error::Corrupt("the row of a hold is gone or changed while it was in use".to_owned());
        let (hold, kept) = opened.ok_or_else(lost)?;
        let nonce = random(base.world.entropy.as_ref());
        batch.put(Family::Held, key, row::seal_hold(seal, nonce, &info.link, &standing.id, &hold, kept + more));
        Ok(())
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
}

/// As on the day before: what expires on the date is still there.
fn the_day_before(date: Date) -> Date {
    Date::from_days(date.days().saturating_sub(1))
}

/// Positions of records, among them all that have parts of that date and are the hold's.
fn seqs(base: &Base, info: &Info, standing: &Standing, date: Date) -> Result<Seqs, ReadError> {
    let none = || -> Box<dyn Iterator<Item = u64> + Send> { Box::new(std::iter::empty()) };
    let Some(range) = span(base, info, date)? else { return Ok(none().peekable()) };
    let (_, hold) = standing.opened(info)?;
    let cover = cover(base, info, hold)?;
    let seqs: Box<dyn Iterator<Item = u64> + Send> =
        match search::among(base, info, cover.filter(), range.clone(), the_day_before(date))? {
            // What was kept before of another date is the hold's, whatever is still readable of it.
            Some(found) => Box::new((found | kept_before(base, info, standing, &range)?).into_iter()),
            None => Box::new(range),
        };
    Ok(seqs.peekable())
}

/// The positions between which all records with parts of that date lie.
fn span(base: &Base, info: &Info, date: Date) -> Result<Option<Range<u64>>, ReadError> {
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

/// Records of which a hold has kept something, in a range.
pub(super) fn kept_before(
    base: &Base,
    info: &Info,
    standing: &Standing,
    range: &Range<u64>,
) -> Result<roaring::RoaringTreemap, store::Error> {
    let at = |seq| keys::held(info.number, &standing.id, seq, Date::from_days(0)).to_vec();
    let scan = Scan { from: at(range.start), to: Some(at(range.end)), ..Scan::all(Family::Held) };
    let mut seqs = roaring::RoaringTreemap::new();
    for row in base.vault.store().scan(scan) {
        seqs.extend(keys::held_place(&row?.0).map(|(seq, _)| seq));
    }
    Ok(seqs)
}
