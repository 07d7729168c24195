//! What becomes of a damaged folder: what verification says of it, with keys and without, and what a start makes of it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use akta::store::Database;
use akta::store::disk::Disk;
use akta::store::files::MemoryFiles;
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::verify::verify;

use super::cells::{Cell, Kind};
use super::damage::Struck;
use super::folder::Original;
use super::marks::Said;
use super::seen::Seen;
use crate::node::{Node, settings, world};

/// What becomes of one damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It is reported, and the place is named.
    Named,
    /// The next start builds the index anew, or catches it up, and everything reads as before.
    Rebuilt,
    /// Nothing is reported, and everything reads as before.
    Harmless,
    /// Only the guard tells, or a checkpoint that somebody else kept.
    Guard,
    /// It is reported where the keys are at hand.
    Keys,
    /// Nobody tells, and something reads otherwise: docs/threat-model.md says so.
    Silent,
}

/// Verdict with keys and without, each with what was said.
pub(crate) struct Judged {
    pub(crate) with_keys: (Verdict, String),
    pub(crate) without: (Verdict, String),
}

/// Judges a damaged folder; an error if what is said does not name the place.
pub(crate) fn judge(original: &Original, cell: Cell, struck: &Struck, folder: &Path) -> Result<Judged, String> {
    let opened = Disk::open_read_only(folder, None).map_err(|error| error.to_string());
    let look = |keys: bool, guard: bool| look(original, &opened, keys, guard);
    let (blind, blind_guarded) = (look(false, false), look(false, true));
    let (keyed, keyed_guarded) = (look(true, false), look(true, true));
    drop(opened);
    let started = start(original, cell, folder);

    let verdict = |alone: &[Said], guarded: &[Said]| -> Result<Option<(Verdict, String)>, String> {
        if let Some(said) = alone.iter().find(|said| struck.marks.iter().any(|mark| mark.fits(said))) {
            return Ok(Some((Verdict::Named, shown(said))));
        }
        if !alone.is_empty() {
            return Err(format!("what is said does not name the place: {}", all(alone)));
        }
        match guarded.iter().find(|said| said.what.contains("guard")) {
            // Of the guard itself: it is named.
            Some(said) if matches!(cell, Cell::File(_, _, Kind::Guard)) => Ok(Some((Verdict::Named, shown(said)))),
            Some(said) => Ok(Some((Verdict::Guard, shown(said)))),
            None if guarded.is_empty() => Ok(None),
            None => Err(format!("the guard makes a difference, but is not named: {}", all(guarded))),
        }
    };
    let index = cell.database() == Some(Database::Index);
    let with_keys = match (verdict(&keyed, &keyed_guarded)?, started) {
        // What every start does away with is not left to a human.
        (Some(_), Ok(Started::Rebuilt)) if index => (Verdict::Rebuilt, shown(&keyed_guarded[0])),
        (Some(found), _) => found,
        (None, Err(said)) if struck.marks.iter().any(|mark| mark.fits(&said)) => (Verdict::Named, shown(&said)),
        (None, Err(said)) => return Err(format!("a start is refused without naming the place: {}", said.what)),
        (None, Ok(Started::Rebuilt)) => (Verdict::Rebuilt, String::new()),
        (None, Ok(Started::Same)) => (Verdict::Harmless, String::new()),
        (None, Ok(Started::Differs(what))) => (Verdict::Silent, what),
    };
    let without = match verdict(&blind, &blind_guarded)? {
        Some(_) if with_keys.0 == Verdict::Rebuilt => with_keys.clone(),
        Some(found) => found,
        None if with_keys.0 == Verdict::Named && !keyed.is_empty() => (Verdict::Keys, with_keys.1.clone()),
        None => with_keys.clone(),
    };
    Ok(Judged { with_keys, without })
}

fn shown(said: &Said) -> String {
    format!("{}{}: {}", said.origin, said.seq.map(|seq| format!(" record {seq}")).unwrap_or_default(), said.what)
}

fn all(said: &[Said]) -> String {
    said.iter().map(shown).collect::<Vec<_>>().join(" | ")
}

/// What `akta verify` says.
fn look(original: &Original, opened: &Result<Disk, String>, keys: bool, guard: bool) -> Vec<Said> {
    let refused = |what: String| vec![Said { origin: String::new(), seq: None, what }];
    let mut disk = match opened {
        Ok(disk) => disk.clone(),
        Err(error) => return refused(error.clone()),
    };
    if !guard {
        disk.guard = Arc::new(MemoryFiles::new());
    }
    let (world, _) = world(original.now, 77);
    let base = match Base::open_read_only(disk, keys.then(Kek::dev), settings("UTC"), world) {
        Ok(base) => base,
        Err(error) => return refused(error.to_string()),
    };
    let report = verify(&base, |_, _, _| {});
    assert_eq!(report.sealed, !keys);
    report.findings.into_iter().map(|found| Said { origin: found.origin, seq: found.seq, what: found.what }).collect()
}

/// What a start made of it.
enum Started {
    /// The index was made anew, or brought up to its trail; everything reads as before.
    Rebuilt,
    /// Everything reads as before.
    Same,
    /// Something does not.
    Differs(String),
}

/// Starts a node on the folder, once more if the index is found damaged in use, and compares all that can be read.
fn start(original: &Original, cell: Cell, folder: &Path) -> Result<Started, Said> {
    let refused = |what: String| Said { origin: String::new(), seq: None, what };
    let file = std::fs::metadata(folder.join("index/IDENTITY")).and_then(|file| file.modified()).ok();
    let mut rebuilt = false;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut node = Node::open(folder, original.now, 99, "UTC").map_err(|error| refused(error.to_string()))?;
        let anew = std::fs::metadata(folder.join("index/IDENTITY")).and_then(|file| file.modified()).ok() != file;
        rebuilt |= node.rebuilt || node.behind || anew;
        let seen = node.indexer.flush().map_err(Into::into).and_then(|()| Seen::again(&node.base, &original.seen));
        match seen {
            Ok(seen) => match seen.differs(&original.seen) {
                None if rebuilt => return Ok(Started::Rebuilt),
                None => return Ok(Started::Same),
                Some(what) => return Ok(Started::Differs(what)),
            },
            // Damage within the index is noted when it is met: the next start begins it anew.
            Err(_) if tries == 1 && cell.database() == Some(Database::Index) => {}
            Err(error) => return Err(refused(error.to_string())),
        }
    }
}
