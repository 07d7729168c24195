//! What no single trail accounts for: rows of trails that are not there, the family `meta`, trails that were guarded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, closed, expired};
use crate::model::stored::TrailMeta;
use crate::store::{self, Database, Family, Scan, Store};
use crate::trail::base::Base;
use crate::trail::meta;

/// Where the keys of a family name what they belong to.
struct Owner {
    family: Family,
    /// Length of a key.
    length: usize,
    /// Where the trail's number stands.
    trail: usize,
    /// Where the zone's number stands, if it does.
    zone: Option<usize>,
}

impl Owner {
    /// Of a family whose rows belong to trails; others are looked at elsewhere.
    fn of(family: Family) -> Option<Self> {
        let (length, trail, zone) = match family {
            Family::Header | Family::Notice => (12, 0, None),
            Family::Tree => (13, 0, None),
            Family::Part => (18, 6, Some(4)),
            Family::Posting => (35, 6, Some(4)),
            Family::EventId => (24, 4, None),
            Family::Counter => (14, 0, None),
            Family::Indexed => (4, 0, None),
            // `meta` names controllers, `people` looks at every person in the vault, `held` at what holds keep, `removed` at
            // removals.
            Family::Meta | Family::Row | Family::Pseudonym | Family::Held | Family::Removal => return None,
        };
        Some(Self { family, length, trail, zone })
    }
}

/// Everything that is wrong with the store as a whole, each with the name of the place.
pub(super) fn check(
    base: &Base,
    metas: &[TrailMeta],
    sizes: &BTreeMap<String, u64>,
    known: &Known,
) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let owners = |database: Database| database.families().iter().copied().filter_map(Owner::of);
    for owner in owners(Database::Db) {
        found.extend(strays(base.db.as_ref(), &owner, metas).into_iter().map(|what| ("db", what)));
    }
    for owner in owners(Database::Index) {
        let remedy = |what| ("index", format!("{what}: {}", super::index::REMEDY));
        found.extend(strays(base.index.as_ref(), &owner, metas).into_iter().map(remedy));
    }
    let odd = meta::odd_rows(base.db.as_ref(), |controller| sizes.get(controller.as_str()).copied());
    found.extend(odd.unwrap_or_else(|error| vec![error.to_string()]).into_iter().map(|what| ("db", what)));
    if let Some(what) = generation(base) {
        found.push(("db", what));
    }
    let expired = expired::check(base, metas).unwrap_or_else(|error| vec![error.to_string()]);
    found.extend(expired.into_iter().map(|what| ("db", what)));
    let closed = closed::check(base, metas).unwrap_or_else(|error| vec![error.to_string()]);
    found.extend(closed.into_iter().map(|what| ("db", what)));
    let described: BTreeSet<&str> = metas.iter().map(|meta| meta.origin.as_str()).collect();
    for (origin, head) in &known.guarded {
        if !described.contains(origin.as_str()) && !known.followed.is_lost(origin, *head) {
            found
                .push(("guard", format!("{} records of {origin} were guarded, but there is no such trail", head.size)));
        }
    }
    found
}

/// A keyring goes ahead of the store by the generation that a crash kept the store from noting, never by more.
fn generation(base: &Base) -> Option<String> {
    let noted = match meta::generation(base.db.as_ref()) {
        Ok(noted) => noted.unwrap_or_default(),
        Err(error) => return Some(error.to_string()),
    };
    let have = base.keyring.generation();
    (have > noted.saturating_add(1) && !base.keyring.is_absent())
        .then(|| format!("meta: the row \"keyring generation\" says {noted}, but the keyring is of generation {have}"))
}

/// Rows of trails that have no description, or of another zone than theirs: one look for each such group of rows.
fn strays(store: &dyn Store, owner: &Owner, metas: &[TrailMeta]) -> Vec<String> {
    let known: BTreeMap<u32, u32> = metas.iter().map(|meta| (meta.number, meta.zone_number)).collect();
    let mut found = Vec::new();
    let mut from = Some(Vec::new());
    while let Some(first) = from {
        let name = owner.family.name();
        let key = match store.first(Scan { from: first, ..Scan::all(owner.family) }) {
            Ok(Some((key, _))) => key,
            Ok(None) => break,
            Err(error) => {
                found.push(error.to_string());
                break;
            }
        };
        let group = key.get(..owner.trail + 4).filter(|_| key.len() == owner.length);
        let Some((group, trail)) = group.and_then(|group| Some((group, u32::from_be_bytes(*group.last_chunk()?))))
        else {
            found.push(format!("the family {name} has a row with a bad key"));
            // Looked at no further than a person would read.
            if found.len() >= super::FINDINGS_MAX {
                break;
            }
            from = Some([&key[..], &[0]].concat());
            continue;
        };
        let zone = owner.zone.and_then(|at| group.get(at..at + 2)?.try_into().ok()).map(u16::from_be_bytes);
        match known.get(&trail) {
            None => found.push(format!("the family {name} has rows of a trail {trail} that has no description")),
            Some(own) if zone.is_some_and(|zone| u32::from(zone) != *own) => {
                found.push(format!("the family {name} has rows of trail {trail} in a zone that is not its own"));
            }
            Some(_) => {}
        }
        if found.len() >= super::FINDINGS_MAX {
            break;
        }
        from = Scan::prefix(owner.family, group).to;
    }
    found
}

impl From<store::Error> for super::Bad {
    fn from(error: store::Error) -> Self {
        Self::Trail(error.to_string())
    }
}
