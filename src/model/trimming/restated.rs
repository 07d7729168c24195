//! All trims of a trail together: each notice of which the header is gone is bound by one of them, and none is left out.

use super::told::Trimmed;
use crate::model::date::Date;
use crate::model::header::Header;
use crate::model::notice::{self, Before};

/// Why trims and notices do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not begin where the one before ended.
    #[error("trims from {start}, where the trail is trimmed to {first}")]
    Gap {
        /// Where it begins.
        start: u64,
        /// Where the one before ended.
        first: u64,
    },
    /// It tells of records that come after itself, or of dates that go back.
    #[error("stands at {0}, where it cannot")]
    Place(u64),
    /// It calls past what had not been told to be destroyed when it was written.
    #[error("trims what is dated {0}, which was not told to be destroyed before")]
    NotPast(Date),
    /// No trim restates it.
    #[error("is restated by no notice of trimming")]
    NotRestated,
    /// Its core is not the one that its header commits to.
    #[error("is another than its restated header commits to")]
    Altered,
    /// A notice between it and the one before is missing, or one too many is there.
    #[error("is not the notice that follows the one before")]
    Order,
    /// Restated, and its core is not there.
    #[error("is restated, and its core is missing")]
    Lost,
}

/// The trims of a trail, and the notices that they restate, told in order.
#[derive(Debug, Clone, Default)]
pub struct Restated {
    trims: Vec<Trimmed>,
    told_at: u64,
    // Notices whose cores were checked, and the last of them.
    checked: usize,
    last: Option<Before>,
}

impl Restated {
    /// Takes the next notice of trimming, at position `seq`; `expired`: the last date that an earlier notice tells to be destroyed.
    ///
    /// # Errors
    ///
    /// It does not go on where the one before ended, or trims what was not past.
    pub fn trim(&mut self, seq: u64, trimmed: Trimmed, expired: Option<Date>) -> Result<(), Unfit> {
        if trimmed.start != self.first() {
            return Err(Unfit::Gap { start: trimmed.start, first: self.first() });
        }
        let back = self.trims.last().is_some_and(|before| trimmed.through < before.through || seq <= self.told_at);
        // Its own header, and the records that its checkpoint is of, come before it.
        if back || seq < trimmed.below.size {
            return Err(Unfit::Place(seq));
        }
        if expired.is_none_or(|expired| expired < trimmed.through) {
            return Err(Unfit::NotPast(trimmed.through));
        }
        self.told_at = seq;
        self.trims.push(trimmed);
        Ok(())
    }

    /// The first header that is kept; 0 if the trail was never trimmed.
    pub fn first(&self) -> u64 {
        self.trims.last().map_or(0, |trimmed| trimmed.first)
    }

    /// The header of a trimmed notice.
    pub fn header(&self, seq: u64) -> Option<&Header> {
        let at = self.trims.partition_point(|trimmed| trimmed.first <= seq);
        self.trims.get(at)?.header(seq)
    }

    /// Takes the core of the next trimmed notice, once all trims are taken: its bytes, and what it says of its place.
    ///
    /// # Errors
    ///
    /// It is not what was trimmed.
    pub fn core(&mut self, seq: u64, core: &[u8], ordinal: u64, previous_seq: u64) -> Result<(), Unfit> {
        let header = self.header(seq).ok_or(Unfit::NotRestated)?;
        if header.groups[0].commitment != notice::commitment(core) {
            return Err(Unfit::Altered);
        }
        if (ordinal, previous_seq) != self.last.map_or((0, 0), |before| (before.ordinal + 1, before.seq)) {
            return Err(Unfit::Order);
        }
        self.checked += 1;
        self.last = Some(Before { ordinal, seq });
        Ok(())
    }

    /// The last trimmed notice, which the first kept one must name as the one before it; `None` if none was.
    ///
    /// # Errors
    ///
    /// A core is missing.
    pub fn finish(&self) -> Result<Option<Before>, Unfit> {
        let restated: usize = self.trims.iter().map(|trimmed| trimmed.restated.len()).sum();
        if self.checked != restated { Err(Unfit::Lost) } else { Ok(self.last) }
    }
}
