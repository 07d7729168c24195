//! Copies of a data folder that somebody restores from: old ones of the history, the newest alone of what must be forgettable.
//!
//! ```text
//! history-TIME          db/ as of a moment
//! forgettable-GEN-N     vault/ and keyring of one moment, and the guard; once a newer one stands, it goes
//! *.partial             is being made
//! ```
//!
//! Each is made under another name and gets its own once it is durable. A history gets it only after a forgettable set stands that
//! was made later: so nobody in it lacks their row, and no part its key.

mod keeper;
mod layout;
#[cfg(test)]
mod tests;

use std::io;

pub use self::keeper::{Keeper, Rhythm};
pub use self::layout::{Copies, History};
use super::meta;
use crate::model::date::Timestamp;
use crate::store::disk::{Disk, GUARD};
use crate::store::{Database, Error, Store, copying};

/// Name of the file with all keys.
const KEYRING: &str = "keyring";

/// Why no copy was made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The folder of copies.
    #[error("the folder of copies: {0}")]
    Folder(#[from] io::Error),
    /// A database.
    #[error(transparent)]
    Store(#[from] Error),
    /// There is nothing to copy.
    #[error("there is no keyring to copy")]
    NoKeyring,
    /// The node is closing, or its writer has stopped.
    #[error("akta is closing, or its writer has stopped")]
    Closing,
}

/// Copies `vault/`, keyring and guard, while nobody changes them; what was copied before goes.
///
/// # Errors
///
/// Nothing counts that was copied: the set before stays.
pub fn forgettable(disk: &Disk, copies: &Copies) -> Result<(), CopyError> {
    let generation = meta::generation(disk.db.as_ref())?.unwrap_or_default();
    let making = copies.begin_forgettable(generation)?;
    disk.vault.checkpoint(&making.path().join(Database::Vault.folder()))?;
    let keyring = disk.files.read(KEYRING)?.ok_or(CopyError::NoKeyring)?;
    copying::put(&making.path().join(KEYRING), &keyring)?;
    if let Some(guard) = disk.guard.read(GUARD)? {
        copying::put(&making.path().join(GUARD), &guard)?;
    }
    making.end()?;
    Ok(copies.forget_older()?)
}

/// Copies `db/`, which others may go on writing; then `forgettable` makes the set that belongs to it. Copies of histories older than
/// `keep_days` go.
///
/// # Errors
///
/// Nothing counts that was copied.
pub fn history(
    db: &dyn Store,
    copies: &Copies,
    now: Timestamp,
    keep_days: u32,
    forgettable: impl FnOnce() -> Result<(), CopyError>,
) -> Result<History, CopyError> {
    let making = copies.begin_history(now)?;
    // It makes the folder itself.
    db.checkpoint(making.path())?;
    copying::sync(making.path())?;
    forgettable()?;
    let history = making.end()?;
    copies.prune(now, keep_days)?;
    Ok(History { path: history, at: now })
}
