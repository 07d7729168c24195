//! Finding what a hold covers, past its date as well: no term of the index leads there any more, the hold's own rows do.

use super::super::base::Base;
use super::super::reader::{ReadError, Reader};
use super::super::search::{self, Hiding, Page};
use super::super::trails::Info;
use super::{cover, has_kept, stage};
use crate::model::hold::row::HoldId;
use crate::model::query::{Cursor, Filter, Include, Order};

/// As [`search::search_including`], of what a hold covers; nothing if there is no such hold.
///
/// # Errors
///
/// The hold cannot be read, or a record.
#[expect(clippy::too_many_arguments, reason = "a search, and where")]
pub(in crate::trail) fn find(
    base: &Base,
    info: &Info,
    id: &HoldId,
    filter: &Filter,
    include: Include,
    order: Order,
    start: Cursor,
    limit: usize,
) -> Result<Page, ReadError> {
    let Some(standing) = base.holds.find(&info.controller, id) else {
        return Ok(Page { records: Vec::new(), next: None, size: start.size });
    };
    let (_, hold) = standing.opened(info)?;
    let cover = cover(base, info, hold)?;
    let today = base.today(&info.zone);
    let kept = stage::kept_before(base, info, &standing, &(0..start.size))?;
    let found = search::among(base, info, cover.filter(), 0..start.size, today)?.map(|found| found | kept);
    let seqs = search::ordered(found, order, start, 0..start.size);
    let mut reader = Reader::new(base, info, today).with_openings(include.openings).with_held();
    let all = *filter == Filter::default();
    let hidden = Hiding::of(base, info, include);
    search::page(&mut reader, seqs, start, limit, |record| {
        if hidden.hides(record) {
            return Ok(false);
        }
        if !all && !filter.matches(&record.header, &record.contents) {
            return Ok(false);
        }
        let (header, contents) = (&record.header, &record.contents);
        Ok(cover.covers(header, contents) || has_kept(base, info, id, header.seq)?)
    })
}
