//! Proving: checkpoints that are guarded before they leave, and proofs under them.

use std::sync::Arc;

use super::answer::{AskError, blocking};
use super::base::Base;
use super::leaves::Leaves;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::trails::{Head, Info};
use crate::model::checkpoint::Checkpoint;
use crate::model::header::Header;
use crate::model::origin::Which;
use crate::model::tiles;
use crate::model::tree::Hash;

/// A checkpoint is waited for this many turns of the guard.
const TURNS_MAX: u32 = 10;

/// Why something cannot be proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// As for questions.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// There is no such record or size.
    #[error("{field} {what}")]
    Range {
        /// Field of the question.
        field: &'static str,
        /// What is wrong with it, and the remedy.
        what: String,
    },
    /// The guard cannot be written, so nothing may be signed.
    #[error(
        "the guard could not be written in time: no checkpoint leaves before it is; try again, and look at akta's log"
    )]
    Unguarded,
}

impl From<ReadError> for ProveError {
    fn from(error: ReadError) -> Self {
        Self::Ask(error.into())
    }
}

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpointed {
    /// Size and root.
    pub head: Head,
    /// The signed note.
    pub note: String,
    /// Key to check it with.
    pub verification_key: String,
}

/// A proof under a checkpoint.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Size of the tree that it is of.
    pub size: u64,
    /// Its hashes.
    pub hashes: Vec<Hash>,
    /// The newest checkpoint; of that size if none was asked for.
    pub checkpoint: Checkpointed,
}

impl Node {
    /// The newest checkpoint of a trail, once it covers `at_least` records.
    pub async fn checkpoint(self: &Arc<Self>, of: impl Into<Which>, at_least: u64) -> Result<Checkpointed, ProveError> {
        let info = self.which(&of.into()).await?;
        in_reach("at_least", at_least, &info)?;
        self.newest(&info, at_least).await
    }

    /// Proves that a record is in the tree of a size; of the newest checkpoint that covers it, if none is given.
    pub async fn inclusion(
        self: &Arc<Self>,
        of: impl Into<Which>,
        seq: u64,
        size: Option<u64>,
    ) -> Result<(Header, Proof), ProveError> {
        let info = self.which(&of.into()).await?;
        if seq >= info.size() {
            let what = format!("is beyond the {} records that the trail has: take seq from a receipt", info.size());
            return Err(ProveError::Range { field: "seq", what });
        }
        if size.is_some_and(|size| size <= seq) {
            let what = "is a tree that does not reach the record: give a larger one, or 0".to_owned();
            return Err(ProveError::Range { field: "size", what });
        }
        in_reach("size", size.unwrap_or_default(), &info)?;
        let checkpoint = self.newest(&info, size.unwrap_or(seq + 1)).await?;
        let size = size.unwrap_or(checkpoint.head.size);
        let node = self.clone();
        let found = blocking(move || {
            let header = Reader::headers(&node.base, &info).linked(seq)?.header;
            Ok((header, tiles::inclusion_proof(&Leaves::new(&node.base, &info), seq, size)?))
        });
        let (header, hashes) = found.await?;
        Ok((header, Proof { size, hashes, checkpoint }))
    }

    /// Proves that one tree begins with an older one; up to the newest checkpoint, if no newer size is given.
    pub async fn consistency(
        self: &Arc<Self>,
        of: impl Into<Which>,
        old: u64,
        new: Option<u64>,
    ) -> Result<Proof, ProveError> {
        let info = self.which(&of.into()).await?;
        if old == 0 {
            let what = "must be at least 1: every tree extends the empty one".to_owned();
            return Err(ProveError::Range { field: "old_size", what });
        }
        if new.is_some_and(|new| new < old) {
            let what = "is smaller than old_size: give the older tree first".to_owned();
            return Err(ProveError::Range { field: "new_size", what });
        }
        in_reach("old_size", old, &info)?;
        in_reach("new_size", new.unwrap_or_default(), &info)?;
        let checkpoint = self.newest(&info, new.unwrap_or(old)).await?;
        let size = new.unwrap_or(checkpoint.head.size);
        let node = self.clone();
        let found = blocking(move || Ok(tiles::consistency_proof(&Leaves::new(&node.base, &info), old, size)?));
        let hashes = found.await?;
        Ok(Proof { size, hashes, checkpoint })
    }

    /// Order: batch → guard → checkpoint. Only a head that the guard holds is signed.
    pub(super) async fn newest(&self, info: &Info, at_least: u64) -> Result<Checkpointed, ProveError> {
        let mut turns = self.turns.clone();
        for _ in 0..=TURNS_MAX {
            if let Some(head) = info.guarded().filter(|head| head.size >= at_least)
                && let Some(signed) = sign(&self.base, info, head)
            {
                return Ok(signed);
            }
            turns.changed().await.map_err(|_| AskError::Closing)?;
        }
        Err(ProveError::Unguarded)
    }
}

/// Signs a head that the guard holds. `None` where another key than the one in force signs that size: it was
/// replaced meanwhile; or where there is no keyring at hand, which a node that serves has.
pub fn sign(base: &Base, info: &Info, head: Head) -> Option<Checkpointed> {
    let signer = base.keyring.signer(&info.origin)?;
    // Asked once the signer is taken: this is set before a key is replaced.
    if head.size < info.signed_from() {
        return None;
    }
    let checkpoint = Checkpoint { origin: info.origin.to_string(), size: head.size, root: head.root };
    Some(Checkpointed {
        head,
        note: checkpoint.sign(&signer).expect("an origin is its own key name"),
        verification_key: signer.vkey().to_string(),
    })
}

fn in_reach(field: &'static str, size: u64, info: &Info) -> Result<(), ProveError> {
    let have = info.size();
    if size <= have {
        return Ok(());
    }
    Err(ProveError::Range { field, what: format!("is over the {have} records that the trail has") })
}
