//! The certificate: made anew from the notice whenever it is asked for, so that it is never lost.

use std::sync::Arc;

use super::super::answer::AskError;
use super::super::node::Node;
use super::super::proof::ProveError;
use super::super::submission::Receipt;
use super::{read, receipt, told};
use crate::model::closing::{Certified, Closing};
use crate::model::origin::Controller;

/// A certificate of a controller's end.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The notice in its own trail.
    pub receipt: Receipt,
    /// What was told.
    pub closing: Closing,
    /// The signed note.
    pub note: String,
    /// Key to check it with.
    pub verification_key: String,
}

impl Node {
    /// The certificate of a controller's end, once the guard holds the notice of it.
    ///
    /// # Errors
    ///
    /// It is not closed, the guard cannot be written in time, or reading fails.
    pub async fn certificate(self: &Arc<Self>, of: &Controller) -> Result<Certificate, ProveError> {
        let info = self.trail(of).await?;
        let found = read(self, &info, |base, info| {
            let Some(told) = told(base, info)? else { return Ok(None) };
            let root = base.root(info, told.seq + 1)?.root;
            Ok(Some((receipt(base, info, &told)?, told, root)))
        });
        let (receipt, told, root) = found.await?.ok_or(AskError::NotFound)?;
        self.newest(&info, told.seq + 1).await?;
        let signer = self.base.keyring.signer(&info.origin).ok_or(ProveError::Unguarded)?;
        let certified = Certified { closing: &told.closing, closed_at: told.at, root };
        let note = certified.sign(&signer).map_err(|error| {
            tracing::error!(%error, "a certificate cannot be signed");
            ProveError::Unguarded
        })?;
        let (note, verification_key) = (note.to_string(), signer.vkey().to_string());
        Ok(Certificate { receipt, closing: told.closing, note, verification_key })
    }
}
