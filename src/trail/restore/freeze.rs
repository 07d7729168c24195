//! Freezing: from here on no record is added to what a copy has.

use prost::Message;

use super::super::base::OpenError;
use super::super::meta::{FORMAT, Meta, writer_of};
use crate::env::Entropy;
use crate::model::origin::Origin;
use crate::model::stored::TrailMeta;
use crate::store::{Batch, Family, Store, keys};

/// Freezes every trail of a copy that nobody has open, in one batch. Frozen again, it changes nothing more.
///
/// # Errors
///
/// It is no history, or not as it must be; or the disk fails.
pub fn freeze(db: &dyn Store, entropy: &dyn Entropy) -> Result<(), OpenError> {
    let meta = Meta::read(db)?.ok_or(OpenError::HistoryMissing)?;
    if super::under_way(db)? {
        return Ok(());
    }
    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::META_RESTORED, [0]);
    let taken = |writer: &String| meta.trails.iter().any(|trail| trail.origin.ends_with(&format!("/{writer}")));
    let writer = std::iter::repeat_with(|| writer_of(entropy)).find(|writer| !taken(writer)).unwrap_or_default();
    batch.put(Family::Meta, keys::META_WRITER, writer.into_bytes());
    batch.put(Family::Meta, keys::META_FORMAT, FORMAT.to_be_bytes());
    for trail in meta.trails.into_iter().filter(|trail| !trail.frozen) {
        let Some(origin) = Origin::parse(&trail.origin) else { continue };
        let frozen = TrailMeta { frozen: true, ..trail };
        batch.put(Family::Meta, keys::trail_meta(&origin.controller()), frozen.encode_to_vec());
    }
    db.commit(batch)?;
    Ok(())
}
