//! Trimming: the headers of a prefix of which nothing is left go; a notice says so and restates the notices among them.
//!
//! [`choice`]: how far it may go. [`told`]: what the notice says, and whether that can be. [`restated`]: all
//! trims of a trail together. [`reach`]: what can be proved afterwards. Who does it, and when, is not written yet (docs/next.md).

pub mod choice;
pub mod reach;
pub mod restated;
#[cfg(test)]
mod tests;
pub mod told;

use super::date::Date;
use super::header::Header;

/// A prefix ends at a multiple of this: from there on the rows of the tree, which hold whole subtrees of so many leaves,
/// stand for its headers in every root and every proof of what is kept.
pub const STEP: u64 = 256;

/// Most headers of notices that one notice restates, about 64 KiB: twice what a step can have, so that there is
/// always one that fits.
pub const RESTATED_MAX: usize = 2 * STEP as usize;

/// The last date on which something of a record expires; `None` for a notice without slices, whose core never does.
fn last_date(header: &Header) -> Option<Date> {
    header.groups.iter().map(|group| group.date).filter(|date| *date != Date::NEVER).max()
}
