//! What is going to expire, counted: from the frames of each date and the headers of the records in them, so that it is
//! what a run destroys, whatever the index says.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::answer::{AskError, blocking};
use super::base::Base;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::date::Date;
use crate::model::frame;
use crate::model::origin::Controller;
use crate::model::part::PartId;
use crate::model::policy::Class;
use crate::store::{Family, Scan, keys};

/// Records of one controller and class of which something expires on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Whose.
    pub controller: Controller,
    /// First day, in the trail's zone, on which it is unreadable.
    pub date: Date,
    /// Their class.
    pub class: Class,
    /// How many.
    pub records: u64,
    /// Of those, how many whose core expires.
    pub whole: u64,
}

/// Which dates to count, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Not the dates before it.
    pub from: Option<Date>,
    /// Not the dates after it; today in the trail's zone if not given.
    pub until: Option<Date>,
    /// No further date once there are so many rows.
    pub rows: usize,
    /// No further date once so many steps were taken: a record looked at, a date sought.
    pub steps: u64,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// By date, then class; whole dates only.
    pub rows: Vec<PreviewRow>,
    /// The date to go on with, if there may be more.
    pub next: Option<Date>,
    /// Steps that it took.
    pub steps: u64,
}

impl Node {
    /// Counts what of a controller expires, and has not expired yet; nothing for one without a trail.
    ///
    /// # Errors
    ///
    /// What is stored cannot be read.
    pub async fn what_expires(self: &Arc<Self>, controller: Controller, span: Span) -> Result<Preview, AskError> {
        let node = self.clone();
        blocking(move || match node.base.trail(&controller)? {
            Some(last) => of_line(&node.base, &last.line(), span),
            None => Ok(Preview::default()),
        })
        .await
    }
}

/// Counts in the trails of a controller together.
fn of_line(base: &Base, line: &[Arc<Info>], span: Span) -> Result<Preview, ReadError> {
    let counted = line.iter().map(|info| count(base, info, span)).collect::<Result<Vec<_>, _>>()?;
    let next = counted.iter().filter_map(|preview| preview.next).min();
    let mut rows: BTreeMap<(Date, Class), PreviewRow> = BTreeMap::new();
    let steps = counted.iter().map(|preview| preview.steps).sum();
    for row in counted.into_iter().flat_map(|preview| preview.rows) {
        if next.is_some_and(|next| row.date >= next) {
            continue;
        }
        let (date, class) = (row.date, row.class);
        let none = PreviewRow { records: 0, whole: 0, ..row.clone() };
        let all = rows.entry((date, class)).or_insert(none);
        (all.records, all.whole) = (all.records + row.records, all.whole + row.whole);
    }
    Ok(Preview { rows: rows.into_values().collect(), next, steps })
}

/// Counts in one trail.
///
/// # Errors
///
/// What is stored cannot be read.
pub fn count(base: &Base, info: &Info, span: Span) -> Result<Preview, ReadError> {
    let until = span.until.unwrap_or_else(|| base.today(&info.zone));
    let end = keys::dated(until.plus_days(1), 0, 0).to_vec();
    let of = |date: Date| keys::dated(date, info.zone_number, info.number);
    let expired = base.zones.expired(info.zone.name());
    let unexpired = expired.map_or(Date::from_days(1), |last| last.plus_days(1));
    let mut reader = Reader::headers(base, info).once();
    let mut preview = Preview::default();
    let mut date = span.from.unwrap_or_default().max(unexpired);
    while date <= until {
        if preview.rows.len() >= span.rows || preview.steps >= span.steps {
            preview.next = Some(date);
            break;
        }
        preview.steps += 1;
        // From date to date of what is stored, of whichever trail: most dates have nothing.
        let scan = Scan { from: of(date).to_vec(), to: Some(end.clone()), ..Scan::all(Family::Part) };
        let Some((key, _)) = base.db.peek(scan)? else { break };
        let Some(found) = keys::date_of(&key) else { break };
        date = match key[..10].cmp(&of(found)[..]) {
            Ordering::Less => found,
            Ordering::Greater => found.plus_days(1),
            Ordering::Equal => {
                rows(base, info, &mut reader, found, &mut preview)?;
                found.plus_days(1)
            }
        };
    }
    Ok(preview)
}

/// The rows of one date.
fn rows(base: &Base, info: &Info, reader: &mut Reader<'_>, date: Date, preview: &mut Preview) -> Result<(), ReadError> {
    let loss = |seq, what: &str| ReadError::DataLoss { origin: info.origin.to_string(), seq, what: what.to_owned() };
    let mut frames = Vec::new();
    for row in base.db.scan(Scan::prefix(Family::Part, &keys::dated(date, info.zone_number, info.number))) {
        let (key, value) = row?;
        let first = keys::seq_of(&key).ok_or_else(|| loss(0, "a frame has a bad key"))?;
        let count = frame::count(&value).map_err(|error| loss(first, &format!("its frame of {date}: {error}")))?;
        frames.push(first..first.saturating_add(u64::from(count)));
    }
    let mut by_class: BTreeMap<Class, (u64, u64)> = BTreeMap::new();
    for seq in frames.into_iter().flatten() {
        preview.steps += 1;
        let header = reader.linked(seq)?.header;
        if let Some(group) = header.groups.iter().find(|group| group.date == date) {
            let (records, whole) = by_class.entry(header.class).or_default();
            *records += 1;
            *whole += u64::from(group.has(PartId::Core));
        }
    }
    let row =
        |(class, (records, whole))| PreviewRow { controller: info.controller.clone(), date, class, records, whole };
    preview.rows.extend(by_class.into_iter().map(row));
    Ok(())
}
