//! Holds: named parts are kept past their date, for whoever placed the hold, until it is released.
//!
//! What is held rests in the family `held` of the vault, sealed under the hold's own key: old copies of the history
//! cannot open it, and with the key it is gone. Each hold keeps its own copy, so that holds that overlap do not
//! know of each other. Each step durable before the next:
//!
//! ```text
//! placed     its key in the keyring → its rows in the vault → the notice                       (place)
//! each day   what it covers of the dates that are next to expire → rows in the vault           (stage)
//! released   the notice → its key destroyed → its rows removed, their bytes reclaimed          (release)
//! ```
//!
//! What was stopped in between is finished at the next start: a hold without a notice was promised to nobody, and one that
//! the trail says was released is over.

mod covering;
mod find;
mod place;
mod release;
mod remind;
pub(super) mod stage;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use self::covering::Covering;
pub(super) use self::find::find;
pub use self::place::Placing;
pub use self::remind::Reminder;
pub(super) use self::remind::remind;
use super::base::Base;
use super::meta;
use super::reader::ReadError;
use super::search;
use super::trails::Info;
use crate::model::date::{Date, Zone};
use crate::model::header::Group;
use crate::model::hold::row::{self, HoldId, Kept, Place};
use crate::model::hold::{Cover, Hold};
use crate::model::origin::{Controller, Origin};
use crate::model::permission::change::ActId;
use crate::model::seal::Key;
use crate::store::keys::Trail;
use crate::store::{self, Family, Scan, keys};

/// A hold that is not released.
#[derive(Debug)]
pub struct Standing {
    /// Its id.
    pub id: HoldId,
    /// The time zone of its trail.
    zone: Zone,
    /// What it keeps; `None` if the keyring lacks its key, or no row of it opens.
    hold: Option<Hold>,
    /// What seals that, in each trail of the controller.
    keys: Vec<(Trail, Key)>,
}

impl Standing {
    /// What it keeps; `None` if that cannot be read.
    pub fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// The same, or why not.
    fn opened(&self, info: &Info) -> Result<(&Key, &Hold), store::Error> {
        let id = uuid::Uuid::from_bytes(self.id);
        let why = || {
            store::Error::Corrupt(format!(
                "the hold {id} of {} cannot be read: restore the newest keyring and vault; or release it, if what it keeps may go",
                info.controller
            ))
        };
        let key = self.keys.iter().find(|(trail, _)| *trail == info.number).map(|(_, key)| key);
        key.zip(self.hold.as_ref()).ok_or_else(why)
    }
}

/// Holds that are not released, of all controllers.
#[derive(Debug, Default)]
pub struct Holds(RwLock<HashMap<Controller, Arc<Vec<Arc<Standing>>>>>);

impl Holds {
    /// Those of a controller, oldest first.
    pub fn of(&self, controller: &Controller) -> Arc<Vec<Arc<Standing>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(controller).cloned().unwrap_or_default()
    }

    /// The one with that id.
    pub fn find(&self, controller: &Controller, id: &HoldId) -> Option<Arc<Standing>> {
        self.of(controller).iter().find(|standing| standing.id == *id).cloned()
    }

    /// The controllers that have any, with the time zone of each.
    fn zones(&self) -> Vec<(Controller, Zone)> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(|(of, own)| Some((of.clone(), own.first()?.zone.clone()))).collect()
    }

    fn add(&self, controller: &Controller, standing: Standing) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(all.entry(controller.clone()).or_default()).push(Arc::new(standing));
    }

    fn remove(&self, controller: &Controller, id: &HoldId) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(controller) {
            Arc::make_mut(own).retain(|standing| standing.id != *id);
        }
    }
}

/// The bytes of an act's id.
pub fn hold_id(id: &ActId) -> Option<HoldId> {
    uuid::Uuid::try_parse(id).ok().map(uuid::Uuid::into_bytes)
}

/// Fills the registry: from what was decided, where that was folded before; else from the rows themselves, of which
/// verification says whether they may be there.
pub(super) fn fill(base: &Base, decided: bool) -> Result<(), ReadError> {
    for meta in meta::descriptions_after(base.db.as_ref(), None) {
        let meta = meta?;
        let Some(controller) = Origin::parse(&meta.origin).map(|origin| origin.controller()) else { continue };
        // Where what was decided cannot be read, what has rows is kept on.
        let ids = match base.acts.readable(&controller).filter(|_| decided) {
            Some(acts) => acts.holds().standing().filter_map(|hold| hold_id(&hold.id)).collect(),
            None => ids(base, meta.number)?,
        };
        if ids.is_empty() {
            continue;
        }
        let line = meta::past(base.db.as_ref(), &controller)?;
        let line: Vec<Info> = line.iter().chain([&meta]).filter_map(|meta| Info::new(meta, &base.keyring)).collect();
        for id in ids {
            let standing = read(base, &line, id)?;
            if standing.hold.is_none() && !base.keyring.is_absent() {
                tracing::error!(%controller, hold = %uuid::Uuid::from_bytes(id), "a hold cannot be read: nothing of its \
                    time zone expires until it can, or is released");
            }
            base.holds.add(&controller, standing);
        }
    }
    Ok(())
}

/// Ids of the holds that have rows of a trail.
pub(super) fn ids(base: &Base, trail: Trail) -> Result<Vec<HoldId>, store::Error> {
    let mut ids = Vec::new();
    let all = Scan::prefix(Family::Held, &trail.to_be_bytes());
    let mut from = all.from.clone();
    while let Some((key, _)) = base.vault.store().first(Scan { from, ..all.clone() })? {
        // A key that is too short is no hold's: verification names it.
        let Some(id) = key.get(4..).and_then(|rest| rest.first_chunk::<16>()) else {
            from = [&key[..], &[0]].concat();
            continue;
        };
        ids.push(*id);
        match Scan::prefix(Family::Held, &keys::hold(trail, id)).to {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(ids)
}

/// A hold as its rows in the trails of a controller say, of which there is one at least; each must say the same.
pub(super) fn read<I: Borrow<Info>>(base: &Base, line: &[I], id: HoldId) -> Result<Standing, store::Error> {
    let mut standing = Standing { id, zone: line[0].borrow().zone.clone(), hold: None, keys: Vec::new() };
    for info in line.iter().map(Borrow::borrow) {
        let key = base.keyring.hold_key(&id).map(|key| row::key(&key, &info.key, &info.link));
        let value = base.vault.store().get(Family::Held, &keys::hold(info.number, &id))?;
        let opened = key.zip(value).and_then(|(key, value)| {
            let (hold, _) = row::open_hold(&key, &info.link, &id, &value)?;
            Some((key, hold))
        });
        let Some((key, hold)) = opened else { continue };
        standing.keys.push((info.number, key));
        standing.hold = Some(hold);
    }
    Ok(standing)
}

/// The row of a hold in a trail that follows the one in which it stands; durable when it returns.
pub(super) fn follow(base: &Base, before: &Info, next: &Info, id: &HoldId) -> Result<(), store::Error> {
    match read(base, std::slice::from_ref(before), *id)?.hold {
        Some(hold) => place::describe(base, next, id, &hold).map(drop),
        None => Ok(()),
    }
}

/// What all holds have kept of a group whose date is past, ascending; nothing if none has.
///
/// # Errors
///
/// What is there is not what its header commits to, in words; or the disk fails.
pub(super) fn kept(base: &Base, info: &Info, seq: u64, group: &Group) -> Result<Result<Kept, String>, store::Error> {
    let mut all = Kept::default();
    if base.keyring.is_absent() {
        return Ok(Ok(all));
    }
    for standing in base.holds.of(&info.controller).iter() {
        let key = keys::held(info.number, &standing.id, seq, group.date);
        let Some(value) = base.vault.store().get(Family::Held, &key)? else { continue };
        let (seal, _) = standing.opened(info)?;
        let place = Place { origin: &info.link, hold: &standing.id, seq, date: group.date };
        let Some(kept) = Kept::open(seal, &place, &value).filter(|kept| kept.fits(group)) else {
            return Ok(Err(format!("what a hold keeps of {} does not match its header", group.date)));
        };
        all.parts.extend(kept.parts);
        all.others.extend(kept.others);
    }
    // Of several holds each has its own; what one keeps is open, whatever another leaves closed.
    all.parts.sort_by_key(|part| part.key);
    all.parts.dedup_by_key(|part| part.key);
    all.others.sort_unstable_by_key(|(key, _)| *key);
    all.others.dedup_by_key(|(key, _)| *key);
    let Kept { parts, others } = &mut all;
    others.retain(|(key, _)| parts.binary_search_by_key(key, |part| part.key).is_err());
    Ok(Ok(all))
}

/// What a hold covers in a trail, with the people that it names led to their pseudonyms as they are now.
pub(super) fn cover<'a>(base: &Base, info: &Info, hold: &'a Hold) -> Result<Cover<'a>, store::Error> {
    let filter = hold.selection.filter(|who| search::pseudonyms(base, info, who))?;
    Ok(Cover::new(hold, filter))
}

/// All that a hold has kept, by record and date.
fn kept_rows<'a>(
    base: &'a Base,
    info: &'a Info,
    standing: &'a Standing,
) -> impl Iterator<Item = Result<Kept, store::Error>> + 'a {
    let all = Scan::prefix(Family::Held, &keys::hold(info.number, &standing.id));
    let rows =
        base.vault.store().scan(all).filter(|row| !row.as_ref().is_ok_and(|(key, _)| key.len() == keys::HOLD_BYTES));
    rows.map(move |row| {
        let (key, value) = row?;
        let (seal, _) = standing.opened(info)?;
        let kept = keys::held_place(&key).and_then(|(seq, date)| {
            let place = Place { origin: &info.link, hold: &standing.id, seq, date };
            Kept::open(seal, &place, &value)
        });
        kept.ok_or_else(|| store::Error::Corrupt("what a hold keeps does not open".to_owned()))
    })
}

/// Whether a hold has kept something of a record, or noted that it is its.
fn has_kept(base: &Base, info: &Info, id: &HoldId, seq: u64) -> Result<bool, store::Error> {
    let of = keys::held(info.number, id, seq, Date::from_days(0));
    Ok(base.vault.store().first(Scan::prefix(Family::Held, &of[..of.len() - 4]))?.is_some())
}
