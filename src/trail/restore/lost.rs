//! What only trails had that the copy lacks: nobody can read it any more, and no later controller may come upon it.

use std::collections::{BTreeSet, HashSet};

use super::super::base::Base;
use super::super::group::WriteError;
use super::super::trails::Info;
use super::super::vault::Of;
use super::super::writer::Writer;
use crate::store::keys::Trail;
use crate::store::{Batch, Error, Family, Scan, keys};

/// Rows of people that are removed in one batch.
const ROWS: usize = 4_096;

/// Keys of controllers that have no trail, and what is held or removed of trails that are not there. Before a number is given
/// to another trail.
pub(super) fn forget_trails(base: &Base) -> Result<(), WriteError> {
    let metas = base.descriptions()?;
    let slots: BTreeSet<u32> = metas.iter().map(|meta| meta.controller_slot).collect();
    base.keyring.destroy_all_but(&slots, base.world.entropy.as_ref())?;
    let known: BTreeSet<Trail> = metas.iter().map(|meta| meta.number).collect();
    let mut batch = Batch::default();
    let vault = base.vault.store();
    let mut from = Vec::new();
    while let Some((key, _)) = vault.first(Scan { from, ..Scan::all(Family::Held) })? {
        // What has no such key verification names.
        let Some(group) = key.first_chunk::<4>() else { break };
        let own = Scan::prefix(Family::Held, group);
        let Some(next) = own.to else { break };
        if !known.contains(&Trail::from_be_bytes(*group)) {
            batch.remove_range(Family::Held, own.from, next.clone());
        }
        from = next;
    }
    for row in vault.scan(Scan::all(Family::Removal)) {
        let (key, _) = row?;
        if keys::removal_of(&key).is_some_and(|(_, trail, _)| !known.contains(&trail)) {
            batch.remove(Family::Removal, key);
        }
    }
    if !batch.is_empty() {
        vault.commit(batch)?;
    }
    Ok(())
}

impl Writer {
    /// The last step of a restore, once all else is applied: rows of people whom no controller's key opens go. Nothing where no
    /// restore is under way.
    pub(in crate::trail) fn finish_restore(&mut self) -> Result<(), WriteError> {
        let base = self.base();
        if !super::under_way(base.db.as_ref())? {
            return Ok(());
        }
        forget_people(&base)?;
        let mut batch = Batch::default();
        batch.remove(Family::Meta, keys::META_RESTORED);
        self.write(batch, base.keyring.generation())
    }
}

/// What opens under no key is of a controller that is lost, whose key is destroyed: as good as gone, but for verification, which
/// would take it for damage.
fn forget_people(base: &Base) -> Result<(), Error> {
    let infos: Vec<Info> = base.descriptions()?.iter().filter_map(|meta| Info::new(meta, &base.keyring)).collect();
    let controllers: Vec<Of<'_>> =
        infos.iter().map(|info| Of { controller: &info.controller, key: &info.key }).collect();
    let vault = base.vault.store();
    let mut gone: HashSet<Box<[u8]>> = HashSet::new();
    for row in vault.scan(Scan::all(Family::Row)) {
        let (key, value) = row?;
        if !controllers.iter().any(|of| base.vault.examine(*of, &key, &value).is_some()) {
            gone.insert(key);
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    tracing::warn!(people = gone.len(), "the copy that was restored lacks controllers: the people of these go");
    let mut rows: Vec<(Family, Box<[u8]>)> = Vec::new();
    for row in vault.scan(Scan::all(Family::Pseudonym)) {
        let (key, leads) = row?;
        if gone.contains(&leads) {
            rows.push((Family::Pseudonym, key));
        }
    }
    // Those that lead to them first: else a stop would leave some that lead to nobody.
    rows.extend(gone.into_iter().map(|key| (Family::Row, key)));
    for some in rows.chunks(ROWS) {
        let mut batch = Batch::default();
        some.iter().for_each(|(family, key)| batch.remove(*family, key.to_vec()));
        vault.commit(batch)?;
    }
    Ok(())
}
