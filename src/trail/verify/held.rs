//! What holds keep, against the notices: every hold that stands has its key and its row, every row is of one that stands and
//! fits the header of its record, and of what was released nothing is left.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bad, FINDINGS_MAX};
use crate::model::hold::row::{self, HoldId, Kept, Place};
use crate::model::permission::acts::Acts;
use crate::model::stored::TrailMeta;
use crate::store::{self, Family, Scan, keys};
use crate::trail::base::Base;
use crate::trail::hold::hold_id;
use crate::trail::reader::Reader;
use crate::trail::trails::Info;

/// What a stop may have left.
const FINISHED: &str = "start akta once, which finishes what was stopped";

/// The holds of a trail, by its notices.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed {
    /// Placed and not released.
    pub(super) standing: BTreeSet<HoldId>,
    /// Released, within the last year.
    pub(super) released: BTreeSet<HoldId>,
}

impl Placed {
    /// By what was decided.
    pub(super) fn of(acts: &Acts) -> Self {
        let (mut standing, mut released) = (BTreeSet::new(), BTreeSet::new());
        for hold in acts.holds().all() {
            let set = if hold.released_at.is_none() { &mut standing } else { &mut released };
            set.extend(hold_id(&hold.id));
        }
        Self { standing, released }
    }
}

/// Everything that is wrong with rows of no trail, and with the keys of holds. A stop while a hold was being placed leaves a key
/// of which nobody was told: that is none.
pub(super) fn check(base: &Base, metas: &[TrailMeta], placed: &[Placed]) -> Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    let known: BTreeSet<u32> = metas.iter().map(|meta| meta.number).collect();
    let mut from = Vec::new();
    while let Some((key, _)) = base.vault.store().first(Scan { from, ..Scan::all(Family::Held) })? {
        match key.first_chunk().map(|trail| u32::from_be_bytes(*trail)) {
            Some(trail) if known.contains(&trail) => {}
            Some(trail) => found.push(format!("the family held has rows of a trail {trail} that has no description")),
            None => found.push("the family held has a row with a bad key".to_owned()),
        }
        // The next trail.
        let group = key.get(..4).unwrap_or(&key);
        match Scan::prefix(Family::Held, group).to {
            Some(next) if found.len() < FINDINGS_MAX => from = next,
            _ => break,
        }
    }
    let over = |id: &HoldId| placed.iter().any(|placed| placed.released.contains(id));
    let left = base.keyring.hold_ids().into_iter().filter(over).take(FINDINGS_MAX);
    found.extend(
        left.map(|id| format!("the keyring has the key of the hold {}, which is released: {FINISHED}", name(&id))),
    );
    Ok(found)
}

/// The rows of one trail, of which these holds stand. Without keys only their form and whether their records have such parts.
pub(super) fn rows(base: &Base, info: &Info, size: u64, whole: bool, placed: &Placed) -> Result<(), Bad> {
    let standing = &placed.standing;
    let mut reader = Reader::headers(base, info).once();
    // How many groups each says that it has kept, where that can be read; and how many there are.
    let mut described = BTreeMap::new();
    let mut kept = BTreeMap::<HoldId, u64>::new();
    for row in base.vault.store().scan(Scan::prefix(Family::Held, &info.number.to_be_bytes())) {
        let (key, value) = row?;
        let bad = |what: &str| Bad::Trail(format!("what holds keep: a row {what}"));
        let Some(id) = key.get(4..).and_then(|rest| rest.first_chunk::<16>()) else {
            return Err(bad("has a bad key"));
        };
        if !standing.contains(id) {
            // Beside a writer, one may be being placed or released; and one that was being placed was promised to nobody.
            let begun = key.len() == keys::HOLD_BYTES && !placed.released.contains(id);
            if !whole || begun {
                continue;
            }
            return Err(bad(&format!("is of a hold {} that is not placed, or is released: {FINISHED}", name(id))));
        }
        let formed = row::is_row(&value);
        let seal = base.keyring.hold_key(id).map(|key| row::key(&key, &info.key, &info.link));
        if key.len() == keys::HOLD_BYTES {
            let opened = seal.as_ref().map(|seal| row::open_hold(seal, &info.link, id, &value));
            if !formed || opened.as_ref().is_some_and(Option::is_none) {
                return Err(bad(&format!("of the hold {} itself does not open: nobody knows what it keeps", name(id))));
            }
            described.insert(*id, opened.flatten().map(|(_, kept)| kept));
            continue;
        }
        let Some((seq, date)) = keys::held_place(&key) else { return Err(bad("has a bad key")) };
        if seq >= size {
            if !whole {
                continue;
            }
            return Err(Bad::Record(seq, "a hold keeps parts of it, but the trail does not have it".to_owned()));
        }
        let header = reader.linked(seq)?.header;
        let Some(group) = header.groups.iter().find(|group| group.date == date) else {
            return Err(Bad::Record(seq, format!("a hold keeps parts of it with the date {date}, but it has none")));
        };
        let place = Place { origin: &info.link, hold: id, seq, date };
        let fits = seal.is_none_or(|seal| Kept::open(&seal, &place, &value).is_some_and(|kept| kept.fits(group)));
        if !formed || !fits {
            return Err(Bad::Record(seq, format!("what a hold keeps of {date} does not match its header")));
        }
        *kept.entry(*id).or_default() += 1;
    }
    if !whole {
        return Ok(());
    }
    for id in standing {
        if !base.keyring.is_absent() && base.keyring.hold_key(id).is_none() {
            return Err(Bad::Trail(format!("the keyring lacks the key of the hold {}", name(id))));
        }
        let Some(says) = described.get(id) else {
            return Err(Bad::Trail(format!("the hold {} has no row: nobody knows what it keeps", name(id))));
        };
        let found = kept.get(id).copied().unwrap_or_default();
        if let Some(says) = says.filter(|says| *says != found) {
            return Err(Bad::Trail(format!(
                "the hold {} has kept {says} groups, of which {found} are there",
                name(id)
            )));
        }
    }
    Ok(())
}

fn name(id: &HoldId) -> uuid::Uuid {
    uuid::Uuid::from_bytes(*id)
}
