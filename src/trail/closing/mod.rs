//! A controller's end (GDPR art. 28(3)(g)): what it entrusted was handed out, then it is destroyed, and the node certifies that.
//!
//! Each step durable before the next:
//!
//! ```text
//! 1. the notice in its own trail, the same with who and why in the node's, and closed/ + name = 0, in one batch      (tell)
//! 2. its people removed from the vault: by its key they are found, so before that goes                             (destroy)
//! 3. its key destroyed in the keyring, for good
//! 4. one batch: its frames removed, the keyring's generation noted; what its holds kept removed; caches dropped
//! 5. its postings, counters and event ids removed by the indexer; the bytes of all that, on the reclaiming thread    (bytes)
//! 6. closed/ + name = 1
//! ```
//!
//! From 1 on nothing is recorded, searched or exported for it. A start finishes 2 to 4 before anything is read, and takes up 5. Headers,
//! notices and tree stay: they prove what was there. Only `SigningKeyRotated` may follow the notice, for without it checkpoints
//! of the trail would end with the signing key.

mod bytes;
mod certificate;
mod count;
mod destroy;
mod tell;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use prost::Message;
use tokio::sync::oneshot;

pub use self::bytes::Job;
pub(super) use self::bytes::{UNDER_WAY, indexed_rows, pending, reclaim};
pub use self::certificate::Certificate;
pub use self::count::{Counts, Preview};
pub(super) use self::destroy::Closer;
pub(super) use self::tell::Ending;
use super::acts::{ChangeError, Noted};
use super::answer::{AskError, blocking};
use super::base::Base;
use super::decision::Decision;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::restore;
use super::submission::{Receipt, RecordError};
use super::threads::Inbox;
use super::trails::Info;
use crate::model::closing::{Closing, Export};
use crate::model::date::Timestamp;
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::change::{ActId, Decided};
use crate::model::stored::NoticeCore;
use crate::store::{Error, Family, Scan, keys};

/// What is said of a controller's end by whoever ends it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request that was agreed to; `None` only in a node of `--dev`.
    pub approval: Option<ActId>,
    /// What was handed out before; `None`: nothing, as was agreed.
    pub export: Option<Export>,
}

/// A controller that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The notice in its own trail.
    pub receipt: Receipt,
    /// Whether it was closed by this call.
    pub now: bool,
}

/// The notice of a controller's end, in its own trail.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Its position.
    pub(super) seq: u64,
    /// When it was recorded.
    pub(super) at: Timestamp,
    /// What it says.
    pub(super) closing: Closing,
}

/// What a trail tells of its controller's end; `None`: nothing. What may follow it verification judges.
pub(super) fn told(base: &Base, info: &Info) -> Result<Option<Told>, Error> {
    let of = |seq| keys::trail_seq(info.number, seq);
    for row in base.db.scan(Scan::back(Family::Notice, &of(0), &of(u64::MAX))) {
        let (key, core) = row?;
        // What is not well-formed verification names.
        let Ok(NoticeCore { recorded_at, kind: Some(Says::ControllerClosed(told)), .. }) = NoticeCore::decode(&*core)
        else {
            continue;
        };
        let closing = Closing::hear(&told).ok().filter(|told| told.origin == info.origin);
        if let Some((closing, seq)) = closing.zip(keys::seq_of(&key)) {
            return Ok(Some(Told { seq, at: Timestamp::from_nanos(recorded_at), closing }));
        }
    }
    Ok(None)
}

/// Whether the controller of a trail came to its end: its last trail tells or, where that was lost, the node's.
pub(super) fn is_over(base: &Base, info: &Info) -> Result<bool, Error> {
    let ended = restore::ended(base)?;
    let is_over = |info: &Info| Ok::<_, Error>(told(base, info)?.is_some() || ended.contains(&info.origin));
    if is_over(info)? {
        return Ok(true);
    }
    let last = base.later(info)?.pop().and_then(|last| Info::new(&last, &base.keyring));
    last.map_or(Ok(false), |last| is_over(&last))
}

/// The receipt of the notice of a controller's end.
fn receipt(base: &Base, info: &Info, told: &Told) -> Result<Receipt, ReadError> {
    let link = Reader::headers(base, info).linked(told.seq)?.link;
    Ok(Receipt { origin: info.origin.clone(), seq: told.seq, link, recorded_at: told.at })
}

impl Node {
    /// Closes a controller: when it returns, its key is destroyed, and its rows are removed. Closed before, it gets the first
    /// notice's receipt. Cancel-safe: what was handed over is done.
    ///
    /// # Errors
    ///
    /// It has holds, the request is none for this, events were recorded after the export, or the disk fails.
    pub async fn close_controller(
        self: &Arc<Self>,
        of: &Controller,
        asked: Asked,
        decided: Decided,
    ) -> Result<Closed, ChangeError> {
        let counts = match self.acts(of).closed() {
            Some(_) => Ok(Counts::default()),
            None => self.count_closing(of, asked.export).await,
        };
        let counts = counts.map_err(|error| match error {
            AskError::NoController => RecordError::NoController,
            error => {
                tracing::error!(%error, "a controller is not closed: its trail cannot be read");
                RecordError::Damaged
            }
        })?;
        let (answer, made) = oneshot::channel();
        let ending = Ending { of: of.clone(), asked, counts, decided };
        self.decide(Inbox::Decide(Box::new(Decision::Close { ending: Box::new(ending), answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }
}

/// A notice that was just made, or was there before.
fn noted(noted: Vec<Noted>) -> Option<Receipt> {
    noted.into_iter().filter_map(|noted| noted.receipt).next_back()
}

async fn read<T: Send + 'static>(
    node: &Arc<Node>,
    info: &Arc<Info>,
    work: impl FnOnce(&Base, &Info) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, AskError> {
    let (base, info) = (node.base().clone(), info.clone());
    blocking(move || work(&base, &info)).await
}
