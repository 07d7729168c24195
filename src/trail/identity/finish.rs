//! Finishing, at a start, what a stop left half done: before anything is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::group::WriteError;
use super::super::trails::Info;
use super::super::writer::Writer;
use super::everybody::{Everybody, Kind};
use super::restrict::end;
use super::rewrite::{self, Frames};
use super::told::Told;
use crate::model::notice::Says;
use crate::model::removal::row::Place;
use crate::model::stored::{NoticeCore, RemovalTold, RestrictionLifted};

impl Writer {
    /// Goes on with removals: a fresh bucket key that nothing is under goes; what the vault says is decided and the trail does
    /// not tell is told; old bucket keys go; frames are rewritten. What is then left is handed on ([`rewrite::pending`]).
    pub(in crate::trail) fn finish_removals(&mut self) -> Result<(), WriteError> {
        let base = self.base();
        let everybody = Everybody::of(&base)?;
        let controllers = everybody.all();
        let (mut begun, mut idle) = (Vec::new(), Vec::new());
        for bucket in base.keyring.fresh_buckets() {
            let fresh = base.keyring.bucket_keys(bucket).and_then(|keys| keys.fresh);
            let key = |trail| everybody.info(trail).map(|info| info.key.clone());
            let under = fresh.map(|fresh| base.vault.is_under(bucket, &fresh, &controllers, key)).transpose()?;
            if under == Some(true) { begun.push(bucket) } else { idle.push(bucket) }
        }
        if !idle.is_empty() {
            base.keyring.drop_fresh(&idle, base.world.entropy.as_ref())?;
            self.note_generation()?;
        }
        self.tell_untold(&everybody)?;
        if !begun.is_empty() {
            tracing::warn!(buckets = begun.len(), "people were being removed when akta stopped: it is finished");
            self.change_buckets(&begun)?;
        }
        for job in rewrite::pending(&base)? {
            let mut frames = Frames::of(&base, &job)?;
            while frames.slice(&base)? {}
        }
        Ok(())
    }

    fn tell_untold(&mut self, everybody: &Everybody) -> Result<(), WriteError> {
        let base = self.base();
        let mut trails: BTreeMap<u32, (Arc<Info>, Told)> = BTreeMap::new();
        let mut untold: Vec<(Arc<Info>, Vec<RemovalTold>)> = Vec::new();
        let mut lifted: Vec<Place> = Vec::new();
        for (place, removal) in everybody.removals(&base, &[])? {
            let Some(described) = everybody.info(place.trail) else { continue };
            if let std::collections::btree_map::Entry::Vacant(vacant) = trails.entry(place.trail) {
                let info = match base.trail(&described.controller) {
                    Ok(Some(info)) => info,
                    Ok(None) => continue,
                    Err(error) if WriteError::from(error.clone()).is_damage() => {
                        tracing::error!(%error, "what was decided about somebody is not told: their trail cannot be read");
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let told = Told::of(&base, &info)?;
                vacant.insert((info, told));
            }
            let Some((info, told)) = trails.get(&place.trail) else { continue };
            let is_lifted = Says::RestrictionLifted(RestrictionLifted { id: place.id.to_vec() });
            if Kind::of(&removal) == Kind::Restriction && told.has(&is_lifted) {
                lifted.push(place);
                continue;
            }
            let left: Vec<RemovalTold> = removal.told.into_iter().filter(|own| !is_told(told, own)).collect();
            if !left.is_empty() {
                untold.push((info.clone(), left));
            }
        }
        if !lifted.is_empty() {
            let own = |place: &Place| -> Result<_, WriteError> {
                let of = everybody.controller(place.trail);
                let removal = of.map(|of| base.vault.removal(of, (place.bucket, place.trail, place.id))).transpose()?;
                Ok(removal.flatten())
            };
            for place in &lifted {
                if let (Some(removal), Some(info)) = (own(place)?, everybody.info(place.trail)) {
                    base.vault.hidden().remove(&info.controller, &super::restrict::people(&base, info, &removal)?);
                }
            }
            end(&base, &lifted)?;
        }
        if !untold.is_empty() {
            // The indexer is opened after this, and finds it.
            self.tell_removals(untold)?.1.publish();
        }
        Ok(())
    }
}

fn is_told(told: &Told, own: &RemovalTold) -> bool {
    let says = own.core.as_ref().and_then(|core: &NoticeCore| core.kind.as_ref());
    says.is_none_or(|says| told.has(says))
}
