//! Damage that leaves nothing inconsistent behind, or as little as can be: folders put back, ends cut off.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use akta::cli::random::Random;
use akta::store::{Database, Family, keys};

use super::cells::{Damage, Part};
use super::damage::Struck;
use super::folder::Original;
use super::marks::Mark;
use super::rows;
use crate::node::copy;

/// Damages a whole.
pub(crate) fn strike(original: &Original, part: Part, damage: Damage, random: &mut Random, folder: &Path) -> Struck {
    let state = random.index(original.before.len());
    let before = &original.before[state].path;
    let back = |name: &str| {
        fs::remove_dir_all(folder.join(name)).unwrap();
        copy(&before.join(name), &folder.join(name));
    };
    match (part, damage) {
        (Part::Database(database), Damage::Delete) => fs::remove_dir_all(folder.join(database.folder())).unwrap(),
        (Part::Database(database), Damage::Duplicate) => {
            copy(&folder.join(database.folder()), &folder.join(format!("{}.copy", database.folder())));
        }
        (Part::Database(database), _) => back(database.folder()),
        (Part::Forgettable, _) => {
            back("vault");
            fs::copy(before.join("keyring"), folder.join("keyring")).unwrap();
        }
        (Part::Folder, _) => {
            fs::remove_dir_all(folder).unwrap();
            copy(before, folder);
        }
        (Part::Tail, _) => tail(original, random, folder),
        (Part::Trail, _) => trail(original, folder),
    }
    let marks = match part {
        Part::Database(database) => {
            let all = [format!("{}/ ", database.folder()), format!("the {} ", database.folder())];
            all.into_iter().map(Mark::word).chain([Mark::SomeRecord]).collect()
        }
        Part::Forgettable => vec![Mark::SomeRecord, Mark::word("keyring")],
        Part::Trail => vec![Mark::word("vault row")],
        Part::Folder | Part::Tail => Vec::new(),
    };
    Struck { what: format!("{part:?}, state {state}"), marks, beyond: false }
}

/// Cuts the end off a trail where a header row begins and no frame, notice or subtree reaches across, in `db/` and index.
fn tail(original: &Original, random: &mut Random, folder: &Path) {
    let rows = &original.whole.rows;
    let mut trails: Vec<u32> = original.trails.keys().copied().collect();
    loop {
        let trail = trails.swap_remove(random.index(trails.len()));
        let of = |key: &[u8]| key.starts_with(&trail.to_be_bytes());
        let firsts = rows[&Family::Header].keys().filter(|key| of(key)).filter_map(|key| keys::seq_of(key));
        let spans: Vec<(u64, u64)> = rows[&Family::Part]
            .iter()
            .filter(|(key, _)| key[6..10] == trail.to_be_bytes())
            .map(|(key, value)| {
                let first = keys::seq_of(key).unwrap();
                (first, first + u64::from(u32::from_be_bytes(value[2..6].try_into().unwrap())))
            })
            .collect();
        let mut cuts: Vec<u64> =
            firsts.filter(|cut| *cut > 0 && spans.iter().all(|(first, end)| cut <= first || cut >= end)).collect();
        cuts.sort_unstable();
        let Some(cut) = cuts.last().copied() else { continue };
        let gone = |family: Family, of: &dyn Fn(&[u8]) -> bool| {
            let keys = rows[&family].keys().filter(|key| of(key) && keys::seq_of(key) >= Some(cut));
            keys.map(|key| (key.clone(), None)).collect::<Vec<_>>()
        };
        rows::write(folder, Database::Db, Family::Header, gone(Family::Header, &of));
        rows::write(folder, Database::Db, Family::Notice, gone(Family::Notice, &of));
        rows::write(folder, Database::Db, Family::Part, gone(Family::Part, &|key| key[6..10] == trail.to_be_bytes()));
        // Whoever does this well leaves the index to be built anew.
        return fs::remove_dir_all(folder.join("index")).unwrap();
    }
}

/// Removes the newest trail, with everything that belongs to it but its people, which nobody can tell without keys.
fn trail(original: &Original, folder: &Path) {
    let rows = &original.whole.rows;
    let (trail, (origin, ..)) = original.trails.iter().next_back().unwrap();
    let controller = origin.split('/').nth(1).unwrap().as_bytes();
    let of = |family: Family| {
        let keys = rows[&family].keys().filter(|key| match family {
            Family::Part => key[6..10] == trail.to_be_bytes(),
            Family::Meta => key.ends_with(controller),
            _ => key.starts_with(&trail.to_be_bytes()),
        });
        keys.map(|key| (key.clone(), None)).collect::<Vec<_>>()
    };
    for family in Database::Db.families() {
        rows::write(folder, Database::Db, *family, of(*family));
    }
    fs::remove_dir_all(folder.join("index")).unwrap();
}
