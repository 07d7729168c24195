//! Expiry: what is past its date is told, its keys are destroyed, its bytes go.
//!
//! Each step durable before the next, for one time zone after the other:
//!
//! 1. readers and the writer refuse what is dated on or before the day ([`zones`]); what holds keep of it is sealed under
//!    their own keys ([`super::hold`]);
//! 2. every trail that has parts of such dates tells of it in a notice, in batches of bounded size; the first notes
//!    how far the run is to come, the last that all have told (`meta`, `expired/` + zone);
//! 3. the keyring goes on without the keys of these dates, in both slots: from here on nobody opens them;
//! 4. one batch removes the frames, and notes the keyring's generation, so that an older one is refused;
//! 5. postings and counters are removed by the indexer, and a thread of its own makes the bytes go ([`reclaim`]);
//! 6. `reclaimed/` + zone.
//!
//! A start finishes 2 to 4 before anything is read, and takes up 5. What tells which trails have such parts is the
//! family `part` itself, never the index. **A trail that cannot be read** (damage) is passed over, with an error in the log, and the keys are
//! destroyed all the same: the law wants the data of everybody gone on their date, and one damaged trail must not keep the keys
//! of all others alive. Its frames stay where they are, sealed under no key, so that the next run tells of them
//! once it can be read; until then verification names it, as it does for the damage.

pub mod reclaim;
mod run;
mod told;
pub mod zones;

use std::sync::Arc;

use tokio::sync::oneshot;

pub(super) use self::run::Expirer;
pub use self::told::told_through;
use super::base::Base;
use super::closing;
use super::group::WriteError;
use super::identity::rewrite;
use super::indexer::Indexer;
use super::node::Node;
use super::reader::ReadError;
use super::threads::Inbox;
use super::writer::Writer;
use crate::model::date::Date;
use crate::store::Error;

/// More days than this since the last run expire only once their date is confirmed: more often than not, so many days at
/// once are a clock that is wrong.
pub const UNCONFIRMED_DAYS_MAX: u32 = 45;

/// Dates of one time zone that are past, and not yet expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// IANA name.
    pub zone: String,
    /// What expired on it or before has been expired; `None`: nothing yet.
    pub last: Option<Date>,
    /// Today in the zone: what expires on it or before is past.
    pub through: Date,
    /// Days from the last run, or from the zone's first day, to `through`; at least 1.
    pub days: u32,
    /// More than [`UNCONFIRMED_DAYS_MAX`] days: nothing is destroyed before somebody confirms the date.
    pub needs_confirmation: bool,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// By zone; zones in which nothing was due are left out.
    pub zones: Vec<ZoneDone>,
}

/// What a run did in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDone {
    /// IANA name.
    pub zone: String,
    /// How far the zone had come before; `None`: nowhere.
    pub last: Option<Date>,
    /// What expires on it or before is unreadable for good.
    pub through: Date,
    /// Trails that had such parts, and tell of it in a notice.
    pub trails: u64,
    /// Trails that could not be read, and tell nothing until they are mended.
    pub damaged: u64,
    /// Date keys that were destroyed.
    pub keys: u64,
    /// Dates whose frames were handed over to be reclaimed.
    pub dates: u64,
}

/// Why nothing was expired, or not all.
#[derive(Debug, thiserror::Error)]
pub enum ExpireError {
    /// Nothing was expired: so many days at once need a confirmed date.
    #[error(
        "{days} days are to expire at once in {zone}, through {through}: check the clock; if it is right, confirm the date {through}"
    )]
    Confirm {
        /// IANA name.
        zone: String,
        /// How far the zone has come; `None`: nowhere.
        last: Option<Date>,
        /// The date to confirm.
        through: Date,
        /// Days since the last run.
        days: u32,
    },
    /// Nothing was expired: another date was confirmed than Akta's clock says.
    #[error(
        "the date that was confirmed is not today by Akta's clock, which says {through} in {zone}: set the clock, or confirm that date"
    )]
    ConfirmedOther {
        /// IANA name.
        zone: String,
        /// Today in the zone.
        through: Date,
    },
    /// What tells which trails have such parts cannot be read; nothing was destroyed in that zone.
    #[error("what is to expire cannot be read, so no key was destroyed: {0}; run akta verify")]
    Damaged(WriteError),
    /// Nobody knows how far it came: the writer has stopped, the next start goes on.
    #[error("how far the expiry came is not known; the writer has stopped, and the next start goes on: {0}")]
    Write(#[from] WriteError),
    /// There is no writer any more.
    #[error("akta is closing, or its writer has stopped: restart it")]
    Closing,
}

impl Node {
    /// Expires what is past, in every zone: when it returns, its keys are gone, and its bytes are being reclaimed. Where
    /// more than [`UNCONFIRMED_DAYS_MAX`] days are due in a zone, `confirmed` must be today (a day more or less, as
    /// zones differ in it). The same call again does nothing more.
    ///
    /// # Errors
    ///
    /// `Confirm`, `ConfirmedOther`: nothing was done in any zone.
    pub async fn expire(self: &Arc<Self>, confirmed: Option<Date>) -> Result<Expired, ExpireError> {
        let (answer, answered) = oneshot::channel();
        let asked = Inbox::Expire(Some(Asked { confirmed, answer }));
        self.inbox.send(asked).map_err(|_| ExpireError::Closing)?;
        answered.await.unwrap_or(Err(ExpireError::Closing))
    }
}

/// Somebody asks for a run and waits for it.
pub(super) struct Asked {
    /// The date that is confirmed, if one is.
    pub(super) confirmed: Option<Date>,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Result<Expired, ExpireError>>,
}

/// Expires what is past in a folder that nobody serves, masks whoever is to be, and makes the bytes go before it returns. `base` was opened
/// for writing.
///
/// # Errors
///
/// As [`Node::expire`]; opening may have expired what needs no confirmation.
pub fn run_offline(base: &Arc<Base>, confirmed: Option<Date>) -> Result<Expired, ExpireError> {
    let (mut writer, mut done) = Writer::open_expiring(base.clone())?;
    done.zones.extend(writer.expire(confirmed, |step| step.publish())?.zones);
    reclaim_all(base, &mut writer)?;
    Ok(done)
}

/// Does what a start does, in a folder that nobody serves, and makes the bytes go before it returns.
///
/// # Errors
///
/// The disk fails, or what is stored is damaged.
pub fn finish_offline(base: &Arc<Base>) -> Result<(), WriteError> {
    let mut writer = Writer::open(base.clone())?;
    reclaim_all(base, &mut writer)?;
    if let Some(guard) = &base.guard {
        guard.tick(base).map_err(|error| Error::Failed(format!("the guard: {error}")))?;
    }
    Ok(())
}

fn reclaim_all(base: &Arc<Base>, writer: &mut Writer) -> Result<(), WriteError> {
    let (mut indexer, _) = Indexer::open(base.clone()).map_err(|error: ReadError| WriteError::from(error))?;
    for job in reclaim::pending(base) {
        indexer.forget(&job).map_err(WriteError::from)?;
        reclaim::reclaim(base, &job, || true).map_err(WriteError::from)?;
        writer.reclaimed(&job)?;
    }
    for job in rewrite::pending(base).map_err(WriteError::from)? {
        indexer.erase(&job).map_err(WriteError::from)?;
        rewrite::reclaim(base, &job, || true).map_err(WriteError::from)?;
        writer.removed(&job)?;
    }
    for job in closing::pending(base).map_err(WriteError::from)? {
        indexer.forget_controller(&job).map_err(WriteError::from)?;
        closing::reclaim(base, &job, || true).map_err(WriteError::from)?;
        writer.ended(&job)?;
    }
    indexer.flush().and_then(|()| indexer.settle()).map_err(WriteError::from)?;
    Ok(())
}
