//! What is going to expire, counted.

use super::super::base::Base;
use super::super::indexer;
use super::super::reader::ReadError;
use crate::model::date::Date;
use crate::model::origin::Controller;
use crate::store::{Family, Scan, keys};

/// Records of one controller whose cores expire on one date, of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Whose they are.
    pub controller: Controller,
    /// The first day, in the trail's zone, on which their cores are unreadable.
    pub date: Date,
    /// Number of their class.
    pub class: u16,
    /// How many.
    pub records: u64,
}

/// Counts what expires on or before `until`, by default today in each trail's zone, and is not yet expired. Notices do not
/// expire.
pub(super) fn preview(
    base: &Base,
    controllers: &[Controller],
    until: Option<Date>,
) -> Result<Vec<PreviewRow>, ReadError> {
    let mut rows: Vec<PreviewRow> = Vec::new();
    for controller in controllers {
        let Some(info) = base.trail(controller)? else { continue };
        let until = until.unwrap_or_else(|| base.today(&info.zone));
        let from = base.zones.expired(info.zone.name()).map_or(Date::from_days(1), |date| date.plus_days(1));
        let key = |date: Date| keys::counter(info.number, date, 0, Date::default()).to_vec();
        let scan = Scan { from: key(from), to: Some(key(until.plus_days(1))), ..Scan::all(Family::Counter) };
        if scan.to.as_ref().is_some_and(|to| *to <= scan.from) {
            continue;
        }
        for row in base.index.scan(scan) {
            let (key, value) = row?;
            let Some((date, class)) = keys::counted(&key) else { continue };
            let records = indexer::number(Some(value.into_vec()));
            match rows.last_mut() {
                Some(last) if (&last.controller, last.date, last.class) == (controller, date, class) => {
                    last.records += records;
                }
                _ => rows.push(PreviewRow { controller: controller.clone(), date, class, records }),
            }
        }
    }
    Ok(rows)
}
