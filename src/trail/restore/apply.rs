//! A restore from beginning to end, in a folder that nobody serves.

use std::sync::Arc;

use super::super::base::{Base, OpenError, Settings, World};
use super::super::expiry;
use super::super::keyring::Kek;
use super::super::trails::Info;
use super::super::verify::{Report, verify};
use super::told;
use crate::model::origin::{Controller, Origin};
use crate::model::restored::Restored;
use crate::store::disk::Disk;

/// A controller that goes on in another trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Went {
    /// Which.
    pub controller: Controller,
    /// In which trail.
    pub origin: Origin,
    /// What that says of the one before.
    pub restored: Restored,
}

/// What a restore did, and what verification says of it.
#[derive(Debug)]
pub struct Applied {
    /// By controller.
    pub went: Vec<Went>,
    /// Of everything.
    pub report: Report,
}

/// Applies to a copy that was frozen whatever was forgotten since, to the last byte, and verifies all of it; `progress` hears how many records
/// of a trail are done, of how many. What needs a confirmed date to expire is left to the node that starts there.
///
/// # Errors
///
/// It cannot be opened, or the disk fails: then nothing is served from there.
pub fn apply(
    disk: Disk,
    kek: Kek,
    settings: Settings,
    world: World,
    progress: impl FnMut(&str, u64, u64),
) -> Result<Applied, OpenError> {
    let base = Arc::new(Base::open(disk, kek, settings, world)?);
    expiry::finish_offline(&base)?;
    let mut went = Vec::new();
    for meta in base.descriptions()?.iter().filter(|meta| !meta.frozen) {
        let restored = told(&base, meta.number)?;
        let info = Info::new(meta, &base.keyring);
        went.extend(info.zip(restored).map(|(Info { controller, origin, .. }, restored)| Went {
            controller,
            origin,
            restored,
        }));
    }
    Ok(Applied { went, report: verify(&base, progress) })
}
