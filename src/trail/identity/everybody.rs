//! All controllers of a node, to whom rows of the vault may belong, and the removals of their people.

use super::super::base::Base;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::vault::Of;
use crate::model::removal::row::Place;
use crate::model::stored::Removal;
use crate::store::Error;

/// Every trail, as it is described.
pub(super) struct Everybody(Vec<Info>);

impl Everybody {
    pub(super) fn of(base: &Base) -> Result<Self, Error> {
        Ok(Self(base.descriptions()?.iter().filter_map(|meta| Info::new(meta, &base.keyring)).collect()))
    }

    /// Each with its key.
    pub(super) fn all(&self) -> Vec<Of<'_>> {
        self.0.iter().map(of).collect()
    }

    /// The trail of that number.
    pub(super) fn info(&self, trail: u32) -> Option<&Info> {
        self.0.iter().find(|info| info.number == trail)
    }

    /// The controller of a trail.
    pub(super) fn controller(&self, trail: u32) -> Option<Of<'_>> {
        self.info(trail).map(of)
    }

    /// That every row and removal of a bucket opens.
    ///
    /// # Errors
    ///
    /// One does not: then the bucket cannot be sealed anew. Or the disk fails.
    pub(super) fn readable(&self, base: &Base, bucket: u16) -> Result<(), Error> {
        base.vault.readable(bucket, &self.all())?;
        base.vault
            .removals(&bucket.to_be_bytes(), &|trail| self.controller(trail))?
            .into_iter()
            .try_for_each(|row| row.map(drop))
    }

    /// All removals, or those whose key begins so. One that does not open is an error in the log: verification names it.
    pub(super) fn removals(&self, base: &Base, prefix: &[u8]) -> Result<Vec<(Place, Removal)>, Error> {
        let mut removals = Vec::new();
        for row in base.vault.removals(prefix, &|trail| self.controller(trail))? {
            match row {
                Ok(removal) => removals.push(removal),
                Err(error @ Error::Corrupt(_)) => tracing::error!(%error, "a removal is passed over; run akta verify"),
                Err(error) => return Err(error),
            }
        }
        Ok(removals)
    }
}

/// A trail's controller and its key.
pub(super) fn of(info: &Info) -> Of<'_> {
    Of { controller: &info.controller, key: &info.key }
}

/// What a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody is to be masked.
    Deactivation,
    /// Somebody's records are left out of searches.
    Restriction,
    /// Something is being removed, or its bytes are.
    UnderWay,
    /// All that is done. A copy that is restored is brought to the same by it.
    Done,
}

impl Kind {
    pub(super) fn of(removal: &Removal) -> Self {
        match (removal.mask_on > 0, removal.restricted, removal.done_until > 0) {
            (true, ..) => Self::Deactivation,
            (false, true, _) => Self::Restriction,
            (false, false, false) => Self::UnderWay,
            (false, false, true) => Self::Done,
        }
    }
}

/// Fills in whose records are left out of searches.
pub(in crate::trail) fn fill(base: &Base) -> Result<(), ReadError> {
    let everybody = Everybody::of(base)?;
    for (place, removal) in everybody.removals(base, &[])? {
        if Kind::of(&removal) != Kind::Restriction {
            continue;
        }
        let Some(info) = everybody.info(place.trail) else { continue };
        let own = super::restrict::people(base, info, &removal)?;
        base.vault.hidden().add(own.into_iter().map(|pseudonym| (info.controller.clone(), pseudonym)));
    }
    Ok(())
}
