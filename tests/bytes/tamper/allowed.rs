//! Which verdicts a cell may have beside "named" and, in the index, "rebuilt", and why. docs/threat-model.md says the
//! same to people.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use akta::store::Database;

use super::cells::{Cell, Damage};
use super::judge::{Judged, Verdict};
use Damage::{Delete, Duplicate, FlipKey, FlipValue, RollBack, Swap, Truncate};
use Verdict::{Guard, Harmless, Keys, Rebuilt, Silent};

/// A verdict that damages of some cells may have: which cells, which damages, which verdict, why.
type Allowed = (&'static [&'static str], &'static [Damage], Verdict, &'static str);

const ANY: &[Damage] = &Damage::ALL;

#[rustfmt::skip]
const ALLOWED: &[Allowed] = &[
    (&["db/meta merged/"], &[FlipKey, FlipValue, Delete, Swap, RollBack], Harmless,
        "says where merging goes on, nothing that is read"),
    (&["db/meta keyring generation"], &[RollBack], Harmless,
        "one less is what a crash between keyring and batch leaves; the next start notes it again"),
    (&["db/meta expired/"], &[FlipKey, FlipValue, Delete, Swap, RollBack], Keys,
        "of a zone in which no part was past yet: compared with the keyring"),
    (&["db/meta reclaimed/"], &[FlipKey, FlipValue, Delete, Swap, RollBack], Harmless,
        "says how far nothing is left: where it says less, it is looked at again"),
    (&["index/event_id"], &[FlipKey, Duplicate, RollBack], Harmless, "of a week that is over: dropped with it"),
    (&["index/event_id"], &[Truncate], Harmless, "without the digest, as after a rebuild"),
    (&["index/event_id"], &[FlipValue, Swap], Silent, "the digest of a request cannot be computed from the record"),
    (&["index/*.sst", "db/*.sst", "vault/*.sst"], &[FlipValue], Harmless, "a byte that holds nothing: filling of the footer"),
    (&["db/*.sst", "vault/*.sst", "index/*.sst", "db/MANIFEST", "vault/MANIFEST", "index/MANIFEST", "db/CURRENT", "vault/CURRENT",
        "index/CURRENT", "keyring", "guard", "db/", "vault/", "index/"], &[Duplicate], Harmless, "nothing names the copy"),
    (&["db/*.log", "vault/*.log"], &[FlipKey, Duplicate], Harmless, "every log is read, in the order of their numbers"),
    (&["db/*.log", "db/MANIFEST", "db/"], &[FlipKey, FlipValue, Truncate, Delete, Swap, RollBack], Guard, "a shorter store that is whole in itself"),
    (&["keyring"], &[FlipValue, Truncate, Swap], Harmless, "the other slot holds the same; a start writes the bad one anew"),
    (&["guard"], &[FlipValue, Truncate, Swap, RollBack], Harmless, "it says less, and nothing else depends on it"),
    (&["vault/row"], &[Truncate, RollBack], Silent, "contact data are not evidence: they may be older, or none"),
    (&["db/part", "db/part, past"], &[FlipValue, Truncate, Swap, RollBack, FlipKey, Duplicate], Keys, "what is sealed is not opened"),
    (&["db/meta keyring generation"], &[FlipValue, Swap, RollBack], Keys, "compared with the keyring"),
    (&["db/meta trail/"], &[FlipValue, Swap], Keys, "a controller's key that opens nothing"),
    (&["vault/row"], &[FlipKey, FlipValue, Truncate, Swap, Duplicate, RollBack], Keys, "what is sealed is not opened"),
    (&["vault/held"], &[FlipValue, Truncate, Swap, Delete, RollBack], Keys, "what is sealed is not opened, nor how much there is"),
    (&["vault/held"], &[RollBack], Harmless, "all of a hold as it was before it kept something: nothing else says how much it has kept"),
    (&["vault/pseudonym"], &[FlipKey, Swap, RollBack], Keys, "keys of the rows are keyed hashes"),
    (&["index/posting", "index/event_id"], ANY, Keys, "terms and ids stand in sealed parts"),
    (&["vault/*.log", "vault/*.sst", "vault/MANIFEST", "vault/"], &[FlipKey, FlipValue, Truncate, Delete, Swap, RollBack], Keys,
        "who is missing only the records tell"),
    (&["index/MANIFEST"], &[Swap], Keys, "with that of the vault: who is missing only the records tell"),
    (&["keyring"], &[FlipKey, FlipValue, Truncate, Delete, RollBack], Keys, "it is not read"),
    (&["vault/ and keyring"], &[RollBack], Keys, "they are not read"),
    (&["vault/ and keyring", "vault/"], &[RollBack], Silent, "contact data are not evidence: they may be older, or none"),
    (&["db/header"], &[FlipValue], Guard, "a trail's last header: without keys only the guard holds its hash"),
    (&["newest records", "newest trail"], &[Delete], Guard, "a shorter store that is whole in itself"),
    (&["everything"], &[RollBack], Guard, "an older store that is whole in itself, and only a guard elsewhere tells"),
    (&["LOCK", "*/LOCK"], ANY, Harmless, "held, never read"),
    (&["*/LOG", "*/LOG.old.*"], ANY, Harmless, "RocksDB's diary, never read"),
    (&["*/OPTIONS-*"], ANY, Harmless, "options stand in the program; never read"),
    (&["*/IDENTITY"], ANY, Harmless, "a name that RocksDB also keeps in its manifest"),
    (&["index/*.log"], ANY, Harmless, "empty: the index has no log"),
    (&["index/*.log", "*/LOG", "*/LOCK", "*/IDENTITY", "*/OPTIONS-*", "*/LOG.old.*"], ANY, Rebuilt, "of the index"),
];

/// What was needed of the list so far.
static USED: Mutex<BTreeSet<(usize, &str, Damage)>> = Mutex::new(BTreeSet::new());

/// What of the list nothing needed: it may be too generous, or the run too short.
pub(crate) fn unused() -> Vec<(&'static str, Damage, Verdict)> {
    let used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    let every = (0..).zip(ALLOWED).flat_map(|(at, (cells, damages, verdict, _))| {
        let pairs = cells.iter().flat_map(|cell| damages.iter().map(|damage| (*cell, *damage)));
        pairs.map(move |(cell, damage)| (at, cell, damage, *verdict))
    });
    every.filter(|(at, cell, damage, _)| !used.contains(&(*at, *cell, *damage))).map(|(_, a, b, c)| (a, b, c)).collect()
}

/// Whether the cell may have these verdicts.
pub(crate) fn check(cell: Cell, damage: Damage, judged: &Judged) -> Result<(), String> {
    for (keys, (verdict, what)) in [("with keys", &judged.with_keys), ("without keys", &judged.without)] {
        let index = cell.database() == Some(Database::Index);
        let good = *verdict == Verdict::Named || (*verdict == Rebuilt && index);
        if good {
            continue;
        }
        let listed = ALLOWED.iter().position(|(cells, damages, allowed, _)| {
            allowed == verdict && cells.contains(&cell.name()) && damages.contains(&damage)
        });
        let Some(at) = listed else { return Err(format!("{keys} it is {verdict:?}: {what}")) };
        USED.lock().unwrap_or_else(PoisonError::into_inner).insert((at, cell.name(), damage));
    }
    Ok(())
}
