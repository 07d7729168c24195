//! Trails that follow others, where a copy was restored: what each says of the one before it is so.

use std::collections::{BTreeMap, BTreeSet};

use super::FINDINGS_MAX;
use crate::model::restored::{Guarded, Restored};
use crate::model::stored::TrailMeta;
use crate::store;
use crate::trail::base::Base;
use crate::trail::restore;
use crate::trail::trails::{Head, Info};

/// What trails say of those before them.
#[derive(Default)]
pub(super) struct Followed {
    /// By the origin of the one before.
    of: BTreeMap<String, Restored>,
    /// Trails that were lost, as the node's say.
    lost: BTreeMap<String, Head>,
    /// Trails that ended after the copy was made, as the node's say.
    ended: BTreeMap<String, Head>,
}

impl Followed {
    pub(super) fn of(base: &Base, metas: &[TrailMeta]) -> Result<Self, store::Error> {
        let mut followed = Self::default();
        for meta in metas {
            if let Some(restored) = restore::told(base, meta.number)? {
                followed.lost.extend(restored.lost.iter().map(named));
                followed.ended.extend(restored.ended.iter().map(named));
                followed.of.insert(restored.predecessor.to_string(), restored);
            }
        }
        Ok(followed)
    }

    /// What the guard remembered of a trail that the copy may lack the end of.
    pub(super) fn guarded(&self, origin: &str) -> Option<Head> {
        let of = self.of.get(origin).and_then(|told| told.guarded.as_ref());
        of.map(|guarded| named(guarded).1).or_else(|| self.ended.get(origin).copied())
    }

    /// Whether a trail that was guarded was lost, and is told to be.
    pub(super) fn is_lost(&self, origin: &str, guarded: Head) -> bool {
        self.lost.get(origin) == Some(&guarded)
    }
}

/// A trail by its origin, as the guard remembered it.
fn named(guarded: &Guarded) -> (String, Head) {
    (guarded.origin.to_string(), Head { size: guarded.size, root: guarded.root })
}

/// What is wrong with how trails follow each other; `sizes` are what each has, by origin.
pub(super) fn check(
    base: &Base,
    metas: &[TrailMeta],
    followed: &Followed,
    heads: &BTreeMap<String, Head>,
) -> Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    if restore::under_way(base.db.as_ref())? {
        found.push("a copy was being restored: start akta once, which finishes it".to_owned());
    }
    // A controller's, by number: each but the last is frozen, and the next one says so.
    let mut lines: BTreeMap<String, BTreeMap<u32, &TrailMeta>> = BTreeMap::new();
    for (meta, info) in metas.iter().filter_map(|meta| Some((meta, Info::new(meta, &base.keyring)?))) {
        lines.entry(info.controller.to_string()).or_default().insert(meta.number, meta);
    }
    let mut origins = BTreeSet::new();
    for line in lines.values() {
        let line: Vec<&TrailMeta> = line.values().copied().collect();
        for (before, next) in line.iter().zip(&line[1..]) {
            origins.insert(before.origin.as_str());
            let told = restore::told(base, next.number)?.filter(|told| told.predecessor.as_str() == before.origin);
            let Some(told) = told else {
                found.push(format!(
                    "{} is there, but {} after it does not say that it follows it",
                    before.origin, next.origin
                ));
                continue;
            };
            let said = Head { size: told.size, root: told.root };
            if heads.get(&before.origin).is_some_and(|head| *head != said) {
                found.push(format!(
                    "{} is frozen, but is not as {} after it says: {} records",
                    before.origin, next.origin, told.size
                ));
            }
        }
    }
    let others = followed.of.iter().filter(|(origin, _)| !origins.contains(origin.as_str()));
    found.extend(others.map(|(origin, _)| format!("a trail says that it follows {origin}, which is not there")));
    found.truncate(FINDINGS_MAX);
    Ok(found)
}
