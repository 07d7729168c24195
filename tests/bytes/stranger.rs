//! Two verifiers, one opinion: Akta's own and the one in Python that was written from docs/format.md alone judge the same
//! folders and exports, good ones of every shape and damaged ones, with keys and without.
//!
//! `STRANGER_SEED=17 cargo test --test bytes stranger` replays one case of each; `AKTA_TORTURE=1` judges many more.
#![allow(clippy::unwrap_used)]

mod allowed;
mod bite;
mod export;
mod opinion;
pub(crate) mod python;
mod shape;
mod variety;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use akta::model::date::Timestamp;
use akta::store::disk::Disk;
use akta::store::files::{Files, Folder};

use crate::skip::skip;
use crate::tamper::cells::{self, Cell, Damage, Part};
use crate::tamper::{ORIGINAL, TORTURE, damage, judge};
use opinion::Opinion;
use python::Stranger;
use shape::MARKS;

/// Both opinions of a folder at that moment.
fn both(
    stranger: &mut Stranger,
    folder: &Path,
    now: Timestamp,
    keys: bool,
    guard: Option<&Path>,
) -> (Opinion, Opinion) {
    let opened = Disk::open_read_only(folder, None).map_err(|error| error.to_string());
    let elsewhere = guard.map(|guard| std::sync::Arc::new(Folder::new(guard)) as std::sync::Arc<dyn Files>);
    let report = judge::report(&opened, now, keys, elsewhere);
    drop(opened);
    (Opinion::of_akta(&report, keys), Opinion::of_stranger(&stranger.folder(folder, now, keys, guard)))
}

/// Runs the cases, or the one that the environment names.
fn run(name: &str, count: u64, case: impl Fn(&mut Stranger, u64) -> Result<(), String> + Sync) -> Option<Vec<String>> {
    if python::python().is_none() {
        skip(name, "AKTA_PYTHON does not name a Python with what the verifier needs");
        return None;
    }
    if let Ok(seed) = std::env::var("STRANGER_SEED") {
        println!("{name}: {:?}", case(&mut Stranger::start(), seed.parse().unwrap()));
        return None;
    }
    Some(python::each(count, case))
}

#[test]
fn both_see_the_same_in_folders_of_every_shape() {
    let count = if *TORTURE { 200 } else { 22 };
    let met = Mutex::new((BTreeSet::<shape::Mark>::new(), opinion::Trail::default()));
    let wrong = run("both_see_the_same_in_folders_of_every_shape", count, |stranger, seed| {
        let folder = tempfile::tempdir().unwrap();
        // Enough for a second level of the tree, once in a while.
        let records = if *TORTURE && seed == 7 { 66_000 } else { 0 };
        let shape = shape::make(folder.path(), seed, records);
        let now = shape::looked_at(&shape, seed);
        for keys in [true, false] {
            let (akta, other) = both(stranger, folder.path(), now, keys, None);
            if let Ok(keep) = std::env::var("STRANGER_KEEP") {
                crate::node::copy(folder.path(), Path::new(&keep));
                println!("kept in {keep}, looked at {now:?}");
            }
            if akta.found {
                return Err(format!("{:?}: akta finds {}", shape.marks, akta.shown()));
            }
            akta.agrees(&other).map_err(|(how, what)| format!("{:?}, keys {keys}: {how:?}: {what}", shape.marks))?;
            let mut met = met.lock().unwrap();
            for trail in akta.trails.values() {
                met.1.add(trail);
            }
            met.0.extend(&shape.marks);
        }
        Ok(())
    });
    let Some(wrong) = wrong else { return };
    assert!(wrong.is_empty(), "{} of {count} folders:\n{}", wrong.len(), wrong.join("\n"));
    let (marks, seen) = met.into_inner().unwrap();
    println!("{count} folders: {seen:?}");
    let missed: Vec<_> = MARKS.iter().filter(|mark| !marks.contains(mark)).collect();
    assert!(missed.is_empty(), "no folder of this run had {missed:?}");
    for number in [seen.events, seen.notices, seen.intact, seen.expired, seen.sealed, seen.people, seen.postings] {
        assert!(number > 100, "{seen:?}");
    }
}

/// Opinions of damages, counted.
type Tally = Mutex<BTreeMap<&'static str, u32>>;

#[test]
fn both_find_the_same_damages() {
    let grid = cells::grid();
    let count = grid.len() as u64 * if *TORTURE { 8 } else { 1 };
    let both_ways = *TORTURE || std::env::var_os("STRANGER_SEED").is_some();
    let tally = Tally::default();
    let wrong = run("both_find_the_same_damages", count, |stranger, seed| {
        let (cell, damage) = grid[usize::try_from(seed).unwrap() % grid.len()];
        let passes: &[bool] = match cell {
            // What nobody reads, nobody reads without keys either.
            Cell::Bystander(..) => &[true],
            // Each cell without keys too, but only every other damage: all are for the long form.
            _ if !both_ways && cell.damages().len() > 1 && seed % 2 == 1 => &[true],
            _ => &[true, false],
        };
        differences(stranger, (cell, damage, seed), passes, &tally)
    });
    let Some(wrong) = wrong else { return };
    let tally = tally.into_inner().unwrap();
    println!("{count} damages, with keys and without: {tally:?}\nnot needed in this run: {:?}", allowed::unused());
    assert!(wrong.is_empty(), "{} of {count} damages:\n{}", wrong.len(), wrong.join("\n"));
    for (what, least) in
        [("nothing found by either", 20), ("found by both, the same record named", 50), ("found by both", 50)]
    {
        assert!(tally.get(what).is_some_and(|count| *count > least), "{what}: {tally:?}");
    }
}

/// What the long form found and was mended since: cell, damage, seed. Each without keys.
const FOUND: &[(&str, Damage, u64)] = &[
    ("vault/row", Damage::Truncate, 324),
    ("vault/row", Damage::Truncate, 1086),
    ("vault/row", Damage::Truncate, 1340),
    ("vault/row", Damage::Truncate, 1594),
    ("vault/row", Damage::Truncate, 1848),
    ("index/event_id", Damage::FlipKey, 851),
    ("index/event_id", Damage::Duplicate, 855),
    ("index/event_id", Damage::FlipKey, 1359),
    ("index/event_id", Damage::Swap, 1872),
];

#[test]
fn both_find_what_was_found_before() {
    let count = FOUND.len() as u64;
    let wrong = run("both_find_what_was_found_before", count, |stranger, number| {
        let Some((name, damage, seed)) = FOUND.get(usize::try_from(number).unwrap()) else { return Ok(()) };
        let cell = cells::CELLS.iter().find(|cell| cell.name() == *name).unwrap();
        differences(stranger, (*cell, *damage, *seed), &[true, false], &Tally::default())
    });
    let Some(wrong) = wrong else { return };
    assert!(wrong.is_empty(), "{} of {count} damages:\n{}", wrong.len(), wrong.join("\n"));
}

/// Where the two differ, and may not, on a copy of the folder with that damage, drawn by that seed.
fn differences(
    stranger: &mut Stranger,
    (cell, damage, seed): (Cell, Damage, u64),
    passes: &[bool],
    tally: &Tally,
) -> Result<(), String> {
    // Beside it, since tables are linked.
    let copy = tempfile::tempdir_in(ORIGINAL.root.path()).unwrap();
    let path = copy.path().join("data");
    crate::node::copy(&ORIGINAL.whole.path, &path);
    let struck = damage::strike(&ORIGINAL, cell, damage, seed, &path);
    // What goes back with the folder tells nobody: its guard lies elsewhere.
    let guard = matches!(cell, Cell::Whole(_, Part::Folder)).then_some(ORIGINAL.whole.path.as_path());
    let mut wrong = Vec::new();
    for keys in passes.iter().copied() {
        let (akta, other) = both(stranger, &path, ORIGINAL.now, keys, guard);
        let agreed = akta.agrees(&other);
        let named = akta.records.iter().next().filter(|first| other.records.contains(first)).is_some();
        let counted = match &agreed {
            Err(_) => "allowed to differ",
            Ok(()) if !akta.found => "nothing found by either",
            Ok(()) if named => "found by both, the same record named",
            Ok(()) => "found by both",
        };
        *tally.lock().unwrap().entry(counted).or_default() += 1;
        if let Err((how, what)) = agreed
            && !allowed::may(cell, damage, keys, how)
        {
            let about = format!("{} {}: {}", cell.name(), damage.name(), struck.what);
            wrong.push(format!("{about}, keys {keys}: {how:?}: {what}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
