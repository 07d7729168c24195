//! Opening successors: each controller goes on in a trail of this store's own writer.

use std::collections::BTreeMap;

use super::super::base::{Base, OpenError};
use super::super::closing;
use super::super::folding;
use super::super::group::WriteError;
use super::super::guard::Guard;
use super::super::hold;
use super::super::meta;
use super::super::opening::{Opening, open_trail};
use super::super::position::{position, stored_size};
use super::super::reader::ReadError;
use super::super::trails::{Head, Info};
use super::lost;
use super::restate::{Restated, restate};
use crate::model::notice::{Says, Told};
use crate::model::origin::Origin;
use crate::model::restored::{Guarded, Restored};
use crate::model::stored::TrailMeta;
use crate::store::{Batch, Error, Family, keys};

/// Steps 2 and 3 of a restore that is under way; nothing where none is.
///
/// # Errors
///
/// What was decided by the copy cannot be read: then another copy must do. Or the disk fails.
pub(in crate::trail) fn succeed(base: &Base) -> Result<(), OpenError> {
    if !super::under_way(base.db.as_ref())? {
        return Ok(());
    }
    lost::forget_trails(base)?;
    let guarded = base.guard.as_ref().map(Guard::heads).transpose().map_err(OpenError::Guard)?.unwrap_or_default();
    let last: Vec<TrailMeta> = meta::descriptions_after(base.db.as_ref(), None).collect::<Result<_, _>>()?;
    let of_node = ended_and_lost(base, &guarded)?;
    for before in last.iter().filter(|before| before.frozen) {
        let info = Info::new(before, &base.keyring).ok_or_else(|| {
            Error::Corrupt(format!("the keyring lacks the keys of {}: restore the newest keyring", before.origin))
        })?;
        if info.destroyed || closing::told(base, &info)?.is_some() {
            continue;
        }
        one(base, before, &info, &guarded, &of_node)?;
    }
    base.trails.close_unused();
    Ok(())
}

type Heads = BTreeMap<String, Head>;

/// Trails that have no successor.
struct Others {
    ended: Vec<Guarded>,
    lost: Vec<Guarded>,
}

/// What the successor of the node's trail tells of others: which ended, and which are lost. Of those that ended, what the copy
/// still has goes at this start.
fn ended_and_lost(base: &Base, guarded: &Heads) -> Result<Others, ReadError> {
    let metas = base.descriptions()?;
    let mut ended = Vec::new();
    for info in metas.iter().filter_map(|meta| Info::new(meta, &base.keyring)).filter(|info| info.destroyed) {
        if closing::told(base, &info)?.is_none() {
            let head = || base.root(&info, stored_size(base.db.as_ref(), info.number)?);
            let head = guarded.get(info.origin.as_str()).copied().map_or_else(head, Ok)?;
            ended.push(Guarded { origin: info.origin, size: head.size, root: head.root });
        }
    }
    ended.sort_by(|one, other| one.origin.cmp(&other.origin));
    let mut batch = Batch::default();
    for Guarded { origin, .. } in &ended {
        let row = keys::closed(&origin.controller());
        if base.db.get(Family::Meta, &row)?.is_none() {
            batch.put(Family::Meta, row, [closing::UNDER_WAY]);
        }
    }
    if !batch.is_empty() {
        base.db.commit(batch)?;
    }
    let missing = guarded.iter().filter(|(origin, _)| !metas.iter().any(|meta| meta.origin == **origin));
    let lost = missing.filter_map(|(origin, head)| named(origin, *head)).collect();
    Ok(Others { ended, lost })
}

fn named(origin: &str, head: Head) -> Option<Guarded> {
    Some(Guarded { origin: Origin::parse(origin)?, size: head.size, root: head.root })
}

fn one(base: &Base, before: &TrailMeta, info: &Info, guarded: &Heads, others: &Others) -> Result<(), OpenError> {
    let stood = position(base, info)?;
    let recorded_at = base.now().max(stood.recorded_at);
    let acts = folding::of_trail(base, info, before)?;
    let Restated { told, holds, released } = restate(base, info, &acts, recorded_at)?;
    let node = info.controller.is_node();
    let restored = Restored {
        predecessor: info.origin.clone(),
        size: stood.size,
        root: stood.tree.root(),
        guarded: guarded.get(info.origin.as_str()).and_then(|head| named(info.origin.as_str(), *head)),
        released,
        lost: if node { others.lost.clone() } else { Vec::new() },
        ended: if node { others.ended.clone() } else { Vec::new() },
    };
    let first = Told::from(Says::TrailRestored(restored.told()));
    let opening = Opening {
        controller: info.controller.clone(),
        zone: info.zone.clone(),
        recorded_at,
        predecessor: Some(before.clone()),
        first: std::iter::once(first).chain(told).collect(),
    };
    // The row of a hold stands before its notice, in each trail of the line.
    let next = open_trail(base, &opening, |next| {
        holds.iter().try_for_each(|id| hold::follow(base, info, next, id)).map_err(WriteError::from)
    });
    let (next, _) = next.map_err(OpenError::Write)?;
    tracing::warn!(
        predecessor = %info.origin, successor = %next.origin, records = stood.size,
        "a trail was restored from a copy, and goes on in another"
    );
    Ok(())
}
