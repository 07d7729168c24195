//! Faults on command, for the twins in memory of stores and files: every call is counted, and one of them fails.
//!
//! What fails then is gone for the process, as a disk is that answers no more; the process must end, and
//! [`Faults::end`] gives the disk back to the next one.

use std::collections::BTreeMap;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A synced batch.
    Commit,
    /// A batch that is not synced.
    Derive,
    /// Making derived batches durable.
    Flush,
    /// Making the bytes of removed rows go.
    Reclaim,
    /// Reading rows or a file.
    Read,
    /// Making a file.
    Create,
    /// Writing over bytes of a file.
    Overwrite,
    /// Adding bytes to a file.
    Append,
}

/// How a call fails. It answers with an error each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It took no effect.
    Lost,
    /// It took effect.
    AppliedThenFailed,
    /// Of a file, only so many bytes arrived. A batch is never torn: its log record is whole or does not count.
    Torn(usize),
}

impl Fault {
    /// Its kind, in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::AppliedThenFailed => "applied, then failed",
            Self::Torn(_) => "torn",
        }
    }
}

/// The faults of one disk or folder.
#[derive(Debug, Default)]
pub struct Faults {
    calls: BTreeMap<Call, u64>,
    planned: Option<(Call, u64, Fault)>,
    struck: Option<(Call, Fault)>,
    aside: bool,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Good,
    Fails(Fault),
    /// An earlier one failed.
    Gone,
}

impl Faults {
    /// Lets a call of that sort fail, after `after` good ones. One fault is planned at a time.
    pub fn plan(&mut self, call: Call, after: u64, fault: Fault) {
        self.planned = Some((call, after, fault));
    }

    /// The process ends, and the next one finds the disk answering; what is planned stays so. What had struck.
    pub fn end(&mut self) -> Option<(Call, Fault)> {
        self.struck.take()
    }

    /// Nothing is planned any more.
    pub fn forget(&mut self) {
        self.planned = None;
    }

    /// While aside, calls are neither counted nor struck: somebody looks who is no part of the process.
    pub fn aside(&mut self, aside: bool) {
        self.aside = aside;
    }

    /// Calls so far, by sort.
    pub fn calls(&self) -> &BTreeMap<Call, u64> {
        &self.calls
    }

    pub(super) fn meet(&mut self, call: Call) -> Fate {
        if self.aside {
            return Fate::Good;
        }
        if self.struck.is_some() {
            return Fate::Gone;
        }
        *self.calls.entry(call).or_default() += 1;
        match &mut self.planned {
            Some((planned, 0, fault)) if *planned == call => {
                let fault = *fault;
                self.planned = None;
                self.struck = Some((call, fault));
                Fate::Fails(fault)
            }
            Some((planned, after, _)) if *planned == call => {
                *after -= 1;
                Fate::Good
            }
            _ => Fate::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planned_call_fails_and_none_after_it_answers() {
        let mut faults = Faults::default();
        faults.plan(Call::Commit, 1, Fault::Lost);
        assert_eq!(faults.meet(Call::Commit), Fate::Good);
        assert_eq!(faults.meet(Call::Read), Fate::Good);
        faults.aside(true);
        assert_eq!(faults.meet(Call::Commit), Fate::Good);
        faults.aside(false);
        assert_eq!(faults.meet(Call::Commit), Fate::Fails(Fault::Lost));
        assert_eq!(faults.meet(Call::Read), Fate::Gone);
        assert_eq!(faults.end(), Some((Call::Commit, Fault::Lost)));
        assert_eq!(faults.meet(Call::Commit), Fate::Good);
        assert_eq!(*faults.calls(), BTreeMap::from([(Call::Commit, 3), (Call::Read, 1)]));
        faults.plan(Call::Read, 0, Fault::Lost);
        assert_eq!(faults.end(), None);
        faults.forget();
        assert_eq!(faults.meet(Call::Read), Fate::Good);
    }
}
