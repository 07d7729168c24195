//! What only trails had that the copy lacks: nobody can read it any more, and no later controller may come upon it.

use std::collections::{BTreeSet, HashSet};

use super::super::base::Base;
use super::super::group::WriteError;
use super::super::trails::{Info, last_of_each};
use super::super::vault::{Of, Reseal};
use super::super::writer::Writer;
use crate::model::removal::row::Place;
use crate::model::stored::{Removal, TrailMeta};
use crate::store::keys::Trail;
use crate::store::{Batch, Error, Family, Scan, keys};

/// Rows of people that are removed in one batch.
const ROWS: usize = 4_096;

/// Keys of controllers that have no trail, and what is held of trails that are not there; what is removed of people moves. Before a number is given
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
    if !batch.is_empty() {
        vault.commit(batch)?;
    }
    Ok(keep_removals(base, &metas)?)
}

/// What is removed of people of a controller that is there stands with the last trail of it that is there: also where it was told by
/// one that is lost. Of controllers that are lost it goes.
fn keep_removals(base: &Base, metas: &[TrailMeta]) -> Result<(), Error> {
    let last = last_of_each(metas, &base.keyring);
    let last = last.values().filter(|info| !info.destroyed);
    let controllers: Vec<(Of<'_>, Trail)> =
        last.map(|info| (Of { controller: &info.controller, key: &info.key }, info.number)).collect();
    let known: BTreeSet<Trail> = metas.iter().map(|meta| meta.number).collect();
    let vault = base.vault.store();
    let mut reseal = Reseal::new(&base.vault, &[], base.world.entropy.as_ref());
    for row in vault.scan(Scan::all(Family::Removal)) {
        let (name, value) = row?;
        let Some((bucket, trail, id)) = keys::removal_of(&name).filter(|(_, trail, _)| !known.contains(trail)) else {
            continue;
        };
        let place = Place { bucket, trail, id };
        reseal.end(&place);
        let opened = controllers.iter().find_map(|(of, trail)| {
            let (key, removal) = base.vault.removal_under(*of, &place, &value)?;
            Some((*of, Place { trail: *trail, ..place }, key, removal))
        });
        let Some((of, place, key, removal)) = opened else { continue };
        // What it lists is lost. Of the same erasure the trail that is there may have a list of its own.
        let parts = base.vault.removal(of, (bucket, place.trail, id))?.map(|own| own.parts).unwrap_or_default();
        reseal.removal(of, &place, &key, &Removal { parts, ..removal });
    }
    base.vault.commit_batch(reseal.into_batch(), &[])
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
