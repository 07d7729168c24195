//! A controller's profile: what kind of controller it is, as its steward set it. It decides what of an event is flagged
//! or refused.

use std::collections::BTreeSet;

use super::check::{Checker, Violation};

/// Longest name of a source, in bytes, as in an event.
pub const SOURCE_BYTES_MAX: usize = 64;
/// Most sources that are named.
pub const SOURCES_MAX: usize = 100;

/// What to do with an event that a processor reports with the purpose MARKETING or ANALYTICS: a processor uses personal
/// data for its controller's purposes only (GDPR art. 28(3)(a)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForeignPurposes {
    /// Record it with a warning.
    #[default]
    Flag,
    /// Refuse it.
    Refuse,
}

/// What kind of controller it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// A public authority or body: it may not rely on legitimate interests for its tasks (GDPR art. 6(1), last sentence).
    pub public_body: bool,
    /// It keeps a school register, whose changes live by the law on school documentation.
    pub register_keeper: bool,
    /// Sources whose exports and disclosures concern groups: they need not name every subject.
    pub group_only_sources: BTreeSet<String>,
    /// What to do with MARKETING and ANALYTICS.
    pub foreign_purposes: ForeignPurposes,
}

impl Profile {
    /// Whether a source may report exports of groups without naming every subject.
    pub fn is_group_only(&self, source: &str) -> bool {
        self.group_only_sources.contains(source)
    }

    /// Checks its sources.
    ///
    /// # Errors
    ///
    /// Too many of them, or one that is no name of a source.
    pub fn checked(self) -> Result<Self, Vec<Violation>> {
        let mut checker = Checker::default();
        if self.group_only_sources.len() > SOURCES_MAX {
            let count = self.group_only_sources.len();
            checker.refuse("group_only_sources", format!("has {count} entries, the limit is {SOURCES_MAX}"));
        }
        for (place, source) in self.group_only_sources.iter().enumerate() {
            checker.required_plain(&format!("group_only_sources[{place}]"), source.clone(), SOURCE_BYTES_MAX);
        }
        checker.finish(self)
    }
}
