//! What becomes of a damaged folder: what verification says of it, with keys and without, and what a start makes of it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use akta::model::date::Timestamp;
use akta::store::Database;
use akta::store::disk::Disk;
use akta::store::files::{Files, Folder, MemoryFiles};
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::verify::{Report, verify};

use super::cells::{Cell, Kind, Part};
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
/// With `starts`, a start is tried also where enough was said.
pub(crate) fn judge(
    original: &Original,
    cell: Cell,
    struck: &Struck,
    folder: &Path,
    starts: bool,
) -> Result<Judged, String> {
    let judge = Judge { original, cell, struck, folder };
    let opened = Disk::open_read_only(folder, None).map_err(|error| error.to_string());
    let [blind, keyed] = [false, true].map(|keys| judge.looked(&opened, keys));
    let (blind, keyed) = (blind?, keyed?);
    drop(opened);
    let index = cell.database() == Some(Database::Index) && !struck.beyond;
    let seen = keyed.is_some();
    let with_keys = match keyed {
        // Where the index alone is damaged, the start does away with it, or the remedy that is named does.
        Some((verdict, said)) if index => match judge.start(true) {
            Ok(Started::Rebuilt) => (Verdict::Rebuilt, said),
            Ok(_) | Err(_) => {
                std::fs::remove_dir_all(folder.join("index")).map_err(|error| error.to_string())?;
                match judge.start(true) {
                    Ok(Started::Rebuilt) => (verdict, said),
                    other => return Err(format!("without the folder index: {}", other.shown())),
                }
            }
        },
        Some(found) => {
            // A start need not go well, but it must not crash: some of them show it, with AKTA_TORTURE all.
            if starts {
                let _ = judge.start(false);
            }
            found
        }
        None => match judge.start(true) {
            Err(said) if struck.marks.iter().any(|mark| mark.fits(&said)) => (Verdict::Named, shown(&said)),
            Err(said) => return Err(format!("a start is refused without naming the place: {}", said.what)),
            Ok(Started::Rebuilt) => (Verdict::Rebuilt, String::new()),
            Ok(Started::Same) => (Verdict::Harmless, String::new()),
            Ok(Started::Differs(what)) => (Verdict::Silent, what),
        },
    };
    let without = match blind {
        Some(_) if with_keys.0 == Verdict::Rebuilt => with_keys.clone(),
        Some(found) => found,
        None if seen && with_keys.0 != Verdict::Rebuilt => (Verdict::Keys, with_keys.1.clone()),
        // What a start alone tells, or nobody.
        None => with_keys.clone(),
    };
    Ok(Judged { with_keys, without })
}

/// One folder before its judge.
struct Judge<'a> {
    original: &'a Original,
    cell: Cell,
    struck: &'a Struck,
    folder: &'a Path,
}

impl Judge<'_> {
    /// What verification finds: without the guard, or else with it.
    fn looked(&self, opened: &Result<Disk, String>, keys: bool) -> Result<Option<(Verdict, String)>, String> {
        // What goes back with the folder does not help: only a guard elsewhere does.
        let elsewhere = matches!(self.cell, Cell::Whole(_, Part::Folder))
            .then(|| Arc::new(Folder::new(&self.original.whole.path)) as Arc<dyn Files>);
        let guarded = look(self.original, opened, keys, elsewhere);
        if guarded.is_empty() {
            // A guard only adds to what is said.
            return Ok(None);
        }
        // Where the guard says nothing, it made no difference.
        let alone = match guarded.iter().any(|said| said.what.contains("guard")) {
            true => look(self.original, opened, keys, Some(Arc::new(MemoryFiles::new()))),
            false => guarded.clone(),
        };
        if let Some(said) = alone.iter().find(|said| self.struck.marks.iter().any(|mark| mark.fits(said))) {
            return Ok(Some((Verdict::Named, shown(said))));
        }
        if !alone.is_empty() {
            return Err(format!("what is said does not name the place: {}", all(&alone)));
        }
        match guarded.iter().find(|said| said.what.contains("guard")).map(shown) {
            // Of the guard itself: it is named.
            Some(said) if matches!(self.cell, Cell::File(_, _, Kind::Guard)) => Ok(Some((Verdict::Named, said))),
            Some(said) => Ok(Some((Verdict::Guard, said))),
            None => Err(format!("the guard makes a difference, but is not named: {}", all(&guarded))),
        }
    }

    /// Starts a node on the folder, once more if the index is found damaged in use, and compares all that can be read, if
    /// that is wanted.
    fn start(&self, compare: bool) -> Result<Started, Said> {
        let Self { original, cell, folder, .. } = *self;
        let refused = |what: String| Said { origin: String::new(), seq: None, what };
        // Goes with the folder when that is removed.
        let mark = folder.join("index/mark-of-the-judge");
        let _ = std::fs::write(&mark, "");
        let mut rebuilt = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut node = Node::open(folder, original.now, 99, "UTC").map_err(|error| refused(error.to_string()))?;
            rebuilt |= node.rebuilt || node.behind || !mark.exists();
            if !compare {
                return Ok(Started::Same);
            }
            let seen = node.indexer.flush().map_err(Into::into).and_then(|()| Seen::again(&node.base, &original.seen));
            match seen.map(|seen| seen.differs(&original.seen)) {
                Ok(None) if !rebuilt => return Ok(Started::Same),
                // What was built anew is good, too.
                Ok(None) => {
                    let findings = verify(&node.base, |_, _, _| {}).findings;
                    return Ok(match findings.into_iter().next() {
                        None => Started::Rebuilt,
                        Some(left) => Started::Differs(format!("after the start: {}", left.what)),
                    });
                }
                Ok(Some(what)) => return Ok(Started::Differs(what)),
                // Damage within the index is noted when it is met: the next start begins it anew.
                Err(_) if tries == 1 && cell.database() == Some(Database::Index) => {}
                Err(error) => return Err(refused(error.to_string())),
            }
        }
    }
}

fn shown(said: &Said) -> String {
    format!("{}{}: {}", said.origin, said.seq.map(|seq| format!(" record {seq}")).unwrap_or_default(), said.what)
}

fn all(said: &[Said]) -> String {
    said.iter().map(shown).collect::<Vec<_>>().join(" | ")
}

/// What `akta verify` says, with that guard or the folder's own.
fn look(original: &Original, opened: &Result<Disk, String>, keys: bool, guard: Option<Arc<dyn Files>>) -> Vec<Said> {
    match report(opened, original.now, keys, guard) {
        Ok(report) => {
            let findings = report.findings.into_iter();
            findings.map(|found| Said { origin: found.origin, seq: found.seq, what: found.what }).collect()
        }
        Err(what) => vec![Said { origin: String::new(), seq: None, what }],
    }
}

/// The report of `akta verify` at that moment, or why it has none.
pub(crate) fn report(
    opened: &Result<Disk, String>,
    now: Timestamp,
    keys: bool,
    guard: Option<Arc<dyn Files>>,
) -> Result<Report, String> {
    let mut disk = opened.clone()?;
    disk.guard = guard.unwrap_or(disk.guard);
    let (world, _) = world(now, 77);
    let base = Base::open_read_only(disk, keys.then(Kek::dev), settings("UTC"), world);
    let report = verify(&base.map_err(|error| error.to_string())?, |_, _, _| {});
    assert_eq!(report.sealed, !keys);
    Ok(report)
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

trait Shown {
    fn shown(&self) -> String;
}

impl Shown for Result<Started, Said> {
    fn shown(&self) -> String {
        match self {
            Ok(Started::Rebuilt) => "it is rebuilt".to_owned(),
            Ok(Started::Same) => "nothing is rebuilt".to_owned(),
            Ok(Started::Differs(what)) => what.clone(),
            Err(said) => shown(said),
        }
    }
}
