//! How expiry stands in each time zone of a node.

use super::base::Base;
use crate::model::date::{Date, Zone};

/// How expiry stands in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// IANA name.
    pub zone: String,
    /// Today there.
    pub today: Date,
    /// What is dated on it or before is expired; `None`: nothing yet.
    pub expired_through: Option<Date>,
    /// The last day that is due, if any is.
    pub due_through: Option<Date>,
    /// How many days are due.
    pub due_days: u32,
    /// They wait for somebody to confirm their date.
    pub needs_confirmation: bool,
    /// Bytes of what expired are still on disk.
    pub reclaim_pending: bool,
}

impl Base {
    /// How expiry stands in those zones that have a trail and are wanted, by name.
    pub fn standings(&self, wanted: impl Fn(&str) -> bool) -> Vec<Standing> {
        let due = self.due();
        let standing = |name: String| {
            let zone = Zone::named(&name)?;
            let marks = self.zones.marks(&name);
            let due = due.iter().find(|due| due.zone == name);
            Some(Standing {
                today: self.today(&zone),
                expired_through: marks.done,
                due_through: due.map(|due| due.through),
                due_days: due.map_or(0, |due| due.days),
                needs_confirmation: due.is_some_and(|due| due.needs_confirmation),
                reclaim_pending: marks.reclaimed < marks.done,
                zone: name,
            })
        };
        self.zones.names().into_iter().filter(|name| wanted(name)).filter_map(standing).collect()
    }
}
