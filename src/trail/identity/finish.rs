//! Finishing, at a start, what a stop left half done: before anything is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::group::WriteError;
use super::super::trails::Info;
use super::super::writer::Writer;
use super::everybody::{Everybody, Kind};
use super::remove::to_tell;
use super::restrict::{end, put};
use super::rewrite::{self, Frames};
use super::told::Told;
use crate::model::date::Date;
use crate::model::hold::row::HoldId;
use crate::model::notice::{self, Says};
use crate::model::origin::{Controller, Origin};
use crate::model::permission::change::Decided;
use crate::model::removal::row::Place;
use crate::model::removal::{list, told};
use crate::model::stored::{DetailPart, IdentityErased, NoticeCore, Removal, RemovalTold, RestrictionLifted};
use crate::store;
use crate::trail::base::Base;
use crate::trail::reader::Reader;
use crate::trail::restore;

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
            let mut frames = match Frames::of(&base, &job).map_err(WriteError::from) {
                Ok(frames) => frames,
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "what is erased is not removed yet: it is tried again within the hour");
                    continue;
                }
                Err(error) => return Err(error),
            };
            while frames.slice(&base)? {}
        }
        Ok(())
    }

    /// Lets go of what is done for so long that no copy has anything of it.
    pub(in crate::trail) fn forget_removals(&mut self) -> Result<(), WriteError> {
        let base = self.base();
        let everybody = Everybody::of(&base)?;
        let mut over = Vec::new();
        for (place, removal) in everybody.removals(&base, &[])? {
            let Some(info) = everybody.info(place.trail) else { continue };
            if Kind::of(&removal) == Kind::Done && Date::from_days(removal.done_until) <= base.today(&info.zone) {
                over.push(place);
            }
        }
        if over.is_empty() {
            return Ok(());
        }
        Ok(end(&base, &over)?)
    }

    fn tell_untold(&mut self, everybody: &Everybody) -> Result<(), WriteError> {
        let base = self.base();
        let restoring = restore::under_way(base.db.as_ref())?;
        let mut lines: BTreeMap<Controller, (Arc<Info>, Told, Told)> = BTreeMap::new();
        let mut untold: Vec<(Arc<Info>, Vec<RemovalTold>)> = Vec::new();
        let mut lifted: Vec<Place> = Vec::new();
        for (place, removal) in everybody.removals(&base, &[])? {
            let Some(described) = everybody.info(place.trail) else { continue };
            if let std::collections::btree_map::Entry::Vacant(vacant) = lines.entry(described.controller.clone()) {
                let info = match base.trail(&described.controller) {
                    Ok(Some(info)) => info,
                    Ok(None) => continue,
                    Err(error) if WriteError::from(error.clone()).is_damage() => {
                        tracing::error!(%error, "what was decided about somebody is not told: their trail cannot be read");
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let (mut in_last, mut in_line) = (Told::default(), Told::default());
                in_last.add(&base, &info)?;
                info.line().iter().try_for_each(|info| in_line.add(&base, info))?;
                vacant.insert((info, in_last, in_line));
            }
            let Some((info, in_last, in_line)) = lines.get(&described.controller) else { continue };
            if info.frozen {
                continue;
            }
            let of = &described.origin;
            let kind = Kind::of(&removal);
            let is_lifted = Says::RestrictionLifted(RestrictionLifted { id: place.id.to_vec() });
            if kind == Kind::Restriction && in_line.has(&is_lifted, of) {
                lifted.push(place);
                continue;
            }
            // What is open the last trail of a controller tells, whatever those before it did.
            let open = matches!(kind, Kind::Deactivation | Kind::Restriction);
            let all_told = removal.told.iter().all(|own| is_told(if open { in_last } else { in_line }, own, of));
            if kind == Kind::Done && restoring {
                // The copy that was restored is brought to the same.
                put(&base, described, &place, &Removal { done_until: 0, ..removal.clone() })?;
            }
            if all_told {
                continue;
            }
            let again = match info.of_line(place.trail).filter(|of| of.number != info.number) {
                Some(of) => restated(&base, &of, info, removal)?,
                None => removal.told,
            };
            let left: Vec<RemovalTold> = again.into_iter().filter(|own| !is_told(in_last, own, of)).collect();
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

fn is_told(told: &Told, own: &RemovalTold, of: &Origin) -> bool {
    let says = own.core.as_ref().and_then(|core: &NoticeCore| core.kind.as_ref());
    says.is_none_or(|says| told.has(says, of))
}

/// What was told of a frozen trail and is lost, as the last one tells it: of a list, what the copy has.
fn restated(base: &Base, of: &Info, last: &Info, removal: Removal) -> Result<Vec<RemovalTold>, WriteError> {
    let Some(first) = removal.told.first().cloned() else { return Ok(Vec::new()) };
    let Some(Says::IdentityErased(says)) = first.core.as_ref().and_then(|core| core.kind.clone()) else {
        return Ok(removal.told);
    };
    let slices: Vec<(u16, DetailPart)> = (0..).zip(first.slices.clone()).collect();
    let damaged = |what: &str| store::Error::Corrupt(format!("a removal in the vault: {what}"));
    let heard = told::hear(&first.core.unwrap_or_default(), &slices).map_err(damaged)?;
    let who = first.slices.first().map(|slice| slice.attributes.as_slice()).unwrap_or_default();
    let text = |key: &str| who.iter().find(|said| said.key == key).map(|said| said.value.clone()).unwrap_or_default();
    let decided = Decided { by: text("by"), ground: text("ground") };
    let mut reader = Reader::headers(base, of).once();
    let mut list = Vec::new();
    for gone in list::of_stored(&removal.parts).unwrap_or_default().into_iter().filter(|gone| gone.seq < of.size()) {
        list.push((gone, reader.linked(gone.seq)?.header.class as u32));
    }
    let holds: Vec<HoldId> = says.holds.iter().filter_map(|id| HoldId::try_from(id.as_slice()).ok()).collect();
    let time = base.now().max(last.position().recorded_at);
    let erased = told::Erased {
        id: &says.id.as_slice().try_into().map_err(|_| damaged("an id is not 16 bytes"))?,
        ground: says.ground(),
        classes: &says.classes,
        holds: &holds,
        people: &heard.people,
        list: &[],
        before: &[(of.origin.clone(), list)],
        latest: Date::from_days(first.latest),
    };
    let told = told::erased(&erased, &decided, told::At { time, zone: &last.zone });
    let again = told.into_iter().map(|told| {
        let says = match told.says {
            Says::IdentityErased(says) => {
                Says::IdentityErased(IdentityErased { origin: of.origin.to_string(), restated: true, ..says })
            }
            other => other,
        };
        to_tell(&notice::Told { says, ..told }, erased.latest)
    });
    Ok(again.collect())
}
