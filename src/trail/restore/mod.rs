//! Restoring: an older copy of the history beside the newest keyring and vault, so that nothing comes back that was
//! forgotten since.
//!
//! Records that came after the copy was made are lost, and what was signed of them cannot be signed again. So the trails of
//! the copy are frozen: no header is added, though their parts still expire and are erased. Each controller goes on in a
//! **successor** of another writer, whose second notice names the old one, its size and root, and what the guard remembered.
//! Each step durable before the next:
//!
//! ```text
//! 1. every trail of the copy frozen, another writer, `restored` = 0, in one batch            (freeze)
//! 2. what only lost trails had goes: keys of their controllers, what they held or removed    (lost)
//! 3. a successor for each controller, which restates what still holds                        (succeed)
//! 4. as at every start: what was destroyed, released or removed since is told and applied
//! 5. rows of people of lost controllers go, `restored` is removed                            (lost)
//! ```
//!
//! A start finishes 2 to 5 before anything is read. **Grants, incidents and requests do not hold any more**: whoever ended one
//! after the copy was made would find it alive. Everything else that was decided holds as the copy says.

mod apply;
mod freeze;
mod lost;
mod restate;
mod succeed;

use std::collections::BTreeSet;

use prost::Message;

pub use self::apply::{Applied, Went, apply};
pub use self::freeze::freeze;
pub(super) use self::succeed::succeed;
use super::base::Base;
use super::meta;
use crate::model::notice::Says;
use crate::model::origin::{Controller, Origin};
use crate::model::restored::Restored;
use crate::model::stored::NoticeCore;
use crate::store::keys::Trail;
use crate::store::{Error, Family, Store, keys};

/// Whether a restore is under way.
pub(super) fn under_way(db: &dyn Store) -> Result<bool, Error> {
    match db.get(Family::Meta, keys::META_RESTORED)?.as_deref() {
        None => Ok(false),
        Some([0]) => Ok(true),
        Some(_) => Err(Error::Corrupt("meta: the row \"restored\" is not 0".to_owned())),
    }
}

/// Trails of which a trail of the node tells that their controller came to its end, though they do not.
pub(super) fn ended(base: &Base) -> Result<BTreeSet<Origin>, Error> {
    Ok(of_node(base)?.into_iter().flat_map(|restored| restored.ended).map(|ended| ended.origin).collect())
}

/// What the node's trails say of those before them.
pub(super) fn of_node(base: &Base) -> Result<Vec<Restored>, Error> {
    let node = Controller::node();
    let mut line = meta::past(base.db.as_ref(), &node)?;
    // The first follows none.
    if !line.is_empty() {
        line.extend(meta::description(base.db.as_ref(), &node)?);
    }
    line.iter().filter_map(|meta| told(base, meta.number).transpose()).collect()
}

/// What a trail says of the one before it: its second notice; `None` if it follows none, or does not say so well.
pub(super) fn told(base: &Base, trail: Trail) -> Result<Option<Restored>, Error> {
    let core = base.db.get(Family::Notice, &keys::trail_seq(trail, 1))?;
    let says = core.and_then(|core| NoticeCore::decode(core.as_slice()).ok()).and_then(|core| core.kind);
    // What is not well-formed verification names.
    Ok(match says {
        Some(Says::TrailRestored(told)) => Restored::hear(&told).ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
