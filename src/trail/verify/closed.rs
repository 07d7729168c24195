//! Controllers' ends: what trails tell, what the node's trail tells, the row of meta and the keyring agree.

use std::collections::BTreeMap;

use prost::Message;

use super::FINDINGS_MAX;
use crate::model::closing::Closing;
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::stored::{NoticeCore, TrailMeta};
use crate::store::{self, Family, Scan, keys};
use crate::trail::base::Base;
use crate::trail::trails::{Info, last_of_each};
use crate::trail::{closing, meta, restore};

/// What a stop may have left.
const FINISHED: &str = "start akta once, it goes on with that";

/// What is wrong with how controllers came to their end.
pub(super) fn check(base: &Base, metas: &[TrailMeta]) -> Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    let mut rows: BTreeMap<Controller, u8> = meta::closed(base.db.as_ref())?.into_iter().collect();
    let mut in_node = told_by_node(base, metas)?;
    let lost = restore::ended(base)?;
    // Of a controller's trails the last tells. One whose keys are not at hand is named elsewhere.
    for info in last_of_each(metas, &base.keyring).into_values() {
        let of = &info.controller;
        let row = rows.remove(of);
        let node = in_node.remove(info.origin.as_str());
        match closing::told(base, &info)? {
            Some(told) => {
                if row.is_none() {
                    found.push(format!(
                        "meta: the row \"closed/{of}\" is missing, though its trail tells that it is closed"
                    ));
                }
                if node != Some(told.closing) {
                    found.push(format!("the trail of the node does not tell of the end of {of} as its own trail does"));
                }
                if !info.destroyed && !base.keyring.is_absent() {
                    found.push(format!("{of} is closed, but its key is still in the keyring: {FINISHED}"));
                }
            }
            // Told, but lost: a copy was restored.
            None if lost.contains(&info.origin) && row.is_some() && node.is_none() => {}
            None if row.is_some() || node.is_some() || info.destroyed => {
                found.push(format!(
                    "{of} is closed, or its key destroyed, but its trail does not end with a notice of that"
                ));
            }
            None => {}
        }
    }
    found.extend(
        rows.into_keys().map(|of| format!("meta: the row \"closed/{of}\" is of a controller that has no trail")),
    );
    found.extend(
        in_node.into_keys().map(|of| format!("the trail of the node tells of the end of {of}, which is not there")),
    );
    found.truncate(FINDINGS_MAX);
    Ok(found)
}

/// What the node's trail tells, by origin.
fn told_by_node(base: &Base, metas: &[TrailMeta]) -> Result<BTreeMap<String, Closing>, store::Error> {
    let mut told = BTreeMap::new();
    let infos = metas.iter().filter_map(|meta| Info::new(meta, &base.keyring));
    for info in infos.filter(|info| info.controller.is_node()) {
        for row in base.db.scan(Scan::prefix(Family::Notice, &info.number.to_be_bytes())) {
            let (_, core) = row?;
            // What is not well-formed the walk names.
            let Ok(NoticeCore { kind: Some(Says::ControllerClosed(closed)), .. }) = NoticeCore::decode(&*core) else {
                continue;
            };
            told.extend(Closing::hear(&closed).ok().map(|closing| (closed.origin, closing)));
        }
    }
    Ok(told)
}

/// Nothing is left of what a trail holds whose controller is closed: frames, what holds kept, rows of the index.
pub(super) fn left(base: &Base, info: &Info) -> Result<Option<String>, store::Error> {
    let frames = crate::trail::indexer::dates(base.db.as_ref(), Family::Part, info)?;
    if let Some(date) = frames.first() {
        return Ok(Some(format!("there are parts of {date}, though its controller is closed: {FINISHED}")));
    }
    if base.vault.store().first(Scan::prefix(Family::Held, &info.number.to_be_bytes()))?.is_some() {
        return Ok(Some(format!("holds keep parts of it, though its controller is closed: {FINISHED}")));
    }
    let removals = base.vault.store().scan(Scan::all(Family::Removal));
    for row in removals {
        if keys::removal_of(&row?.0).is_some_and(|(_, trail, _)| trail == info.number) {
            return Ok(Some(format!("the vault has a removal of it, though its controller is closed: {FINISHED}")));
        }
    }
    let indexed = closing::indexed_rows(base, info)?;
    Ok(indexed.first().map(|_| format!("the index holds rows of it, though its controller is closed: {FINISHED}")))
}
