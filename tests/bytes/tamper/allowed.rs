//! Which verdicts a cell may have beside "named" and, in the index, "rebuilt", and why.

use akta::store::Database;

use super::cells::{Cell, Damage};
use super::judge::{Judged, Verdict};

/// A verdict that damages of some cells may have.
struct Allowed {
    cells: &'static [&'static str],
    damages: &'static [Damage],
    verdict: Verdict,
}

const ALLOWED: &[Allowed] = &[];

/// Whether the cell may have these verdicts.
pub(crate) fn check(cell: Cell, damage: Damage, judged: &Judged) -> Result<(), String> {
    for (keys, (verdict, what)) in [("with keys", &judged.with_keys), ("without keys", &judged.without)] {
        let index = cell.database() == Some(Database::Index);
        let good = *verdict == Verdict::Named || (*verdict == Verdict::Rebuilt && index);
        let listed = ALLOWED.iter().any(|allowed| {
            allowed.verdict == *verdict && allowed.cells.contains(&cell.name()) && allowed.damages.contains(&damage)
        });
        if !good && !listed {
            return Err(format!("{keys} it is {verdict:?}: {what}"));
        }
    }
    Ok(())
}
