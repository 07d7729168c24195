//! What a simulation met: one that meets no trouble shows nothing.

#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) recorded: u64,
    pub(crate) uncertain: u64,
    pub(crate) applied_unknown: u64,
    pub(crate) crashes: u64,
    pub(crate) searches: u64,
    pub(crate) rows: u64,
    pub(crate) expired: u64,
    pub(crate) repeated: u64,
    pub(crate) conflicts: u64,
    pub(crate) merged: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.recorded += other.recorded;
        self.uncertain += other.uncertain;
        self.applied_unknown += other.applied_unknown;
        self.crashes += other.crashes;
        self.searches += other.searches;
        self.rows += other.rows;
        self.expired += other.expired;
        self.repeated += other.repeated;
        self.conflicts += other.conflicts;
        self.merged += other.merged;
    }
}
