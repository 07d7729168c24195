//! One case: a copy of the folder with one damage in it.

use std::path::Path;

use akta::cli::random::Random;

use super::cells::{Cell, Damage};
use super::folder::Original;
use super::marks::Mark;
use super::{files, rows, wholes};

/// What was done, and how it may be named.
pub(crate) struct Struck {
    pub(crate) what: String,
    pub(crate) marks: Vec<Mark>,
    /// Another database than that of the cell was damaged too.
    pub(crate) beyond: bool,
}

/// Damages the folder.
pub(crate) fn strike(original: &Original, cell: Cell, damage: Damage, seed: u64, folder: &Path) -> Struck {
    let random = &mut Random::new(seed);
    match cell {
        Cell::Rows(_, family, pick) => rows::strike(original, (family, pick), damage, random, folder),
        Cell::File(_, database, kind) => files::strike(original, (database, kind), damage, random, folder),
        Cell::Bystander(_, kind) => files::strike(original, (None, kind), damage, random, folder),
        Cell::Whole(_, part) => wholes::strike(original, part, damage, random, folder),
    }
}
