//! Copies of a data folder that somebody restores from: old ones of the history, the newest alone of what must be forgettable.
//!
//! ```text
//! history-TIME          db/ as of a moment
//! forgettable-GEN-N     vault/ and keyring of one moment, and the guard; once a newer one stands, it goes
//! *.partial             is being made
//! of                    whose copies they are
//! ```
//!
//! Each is made under another name and gets its own once it is durable. A history gets it only after a forgettable set stands that
//! was made later: so nobody in it lacks their row, and no part its key.

mod keeper;
mod layout;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use self::keeper::{Keeper, Rhythm};
pub use self::layout::{Copies, DAYS_MAX, History};
use super::keyring::FILE as KEYRING;
use super::meta;
use crate::model::date::Timestamp;
use crate::store::disk::{Disk, GUARD};
use crate::store::{Database, Error, Store, copying};

/// Name of the folder in which hard links are made for a copy, beside the databases.
pub const STAGING: &str = "copying";

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

/// The origin of a store's first trail, by which its copies are told from those of others; `None`: nothing was ever recorded.
///
/// # Errors
///
/// The store cannot be read.
pub fn store(db: &dyn Store) -> Result<Option<String>, Error> {
    Ok(meta::descriptions(db)?.into_iter().find(|trail| trail.number == 0).map(|trail| trail.origin))
}

/// `vault/`, keyring and guard of one moment.
pub struct Still {
    vault: PathBuf,
    keyring: Vec<u8>,
    guard: Option<Vec<u8>>,
    /// The keyring's generation, as the store notes it.
    pub generation: Option<u64>,
}

/// Takes them while nobody changes them: hard links in `staging`, a folder on the volume of the data that is made anew.
///
/// # Errors
///
/// The disk fails.
pub fn stand_still(disk: &Disk, staging: &Path) -> Result<Still, CopyError> {
    copying::remove(staging)?;
    copying::make(staging)?;
    let vault = staging.join(Database::Vault.folder());
    disk.vault.checkpoint(&vault)?;
    let keyring = disk.files.read(KEYRING)?.ok_or(CopyError::NoKeyring)?;
    Ok(Still { vault, keyring, guard: disk.guard.read(GUARD)?, generation: meta::generation(disk.db.as_ref())? })
}

/// Makes the forgettable set of them, and lets go of `staging`; what was copied before goes.
///
/// # Errors
///
/// Nothing counts that was copied: the set before stays.
pub fn forgettable(still: &Still, copies: &Copies) -> Result<(), CopyError> {
    let making = copies.begin_forgettable(still.generation.unwrap_or_default())?;
    copying::folder(&still.vault, &making.partial().join(Database::Vault.folder()), |_| true, |_| ())?;
    copying::put(&making.partial().join(KEYRING), &still.keyring)?;
    if let Some(guard) = &still.guard {
        copying::put(&making.partial().join(GUARD), guard)?;
    }
    making.end()?;
    still.vault.parent().map_or(Ok(()), copying::remove)?;
    Ok(copies.forget_older()?)
}

/// Copies `db/`, which others may go on writing; then `forgettable` makes the set that belongs to it.
///
/// # Errors
///
/// Nothing counts that was copied.
pub fn history(
    db: &dyn Store,
    copies: &Copies,
    now: Timestamp,
    forgettable: impl FnOnce() -> Result<(), CopyError>,
) -> Result<History, CopyError> {
    let making = copies.begin_history(now)?;
    // It makes the folder itself.
    db.checkpoint(making.partial())?;
    forgettable()?;
    let history = making.end()?;
    Ok(History { path: history, at: now })
}
