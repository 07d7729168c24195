//! The grid: what can be damaged, and in which ways.

use akta::store::{Database, Family, keys};

use super::folder::Original;

/// What is damaged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell {
    /// Rows of a family, of those the ones that a test on their key picks.
    Rows(&'static str, Family, Pick),
    /// A file that is read.
    File(&'static str, Option<Database>, Kind),
    /// A file that holds nothing that is read.
    Bystander(&'static str, Kind),
    /// Whole folders, and cuts through all of them that leave nothing inconsistent.
    Whole(&'static str, Part),
}

/// Which rows of a family.
pub(crate) type Pick = fn(&Original, &[u8]) -> bool;

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    Log,
    Manifest,
    Current,
    Keyring,
    Guard,
    Lock,
    StoreLock,
    Chatter,
    OldChatter,
    Options,
    Identity,
    EmptyLog,
}

/// What goes as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// One database.
    Database(Database),
    /// Vault and keyring.
    Forgettable,
    /// The whole data folder, the guard too.
    Folder,
    /// The newest records of a trail with all that belongs to them.
    Tail,
    /// The newest trail with all that belongs to it.
    Trail,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damage {
    FlipKey,
    FlipValue,
    Truncate,
    Delete,
    Duplicate,
    Swap,
    RollBack,
}

impl Damage {
    pub(crate) const ALL: [Self; 7] =
        [Self::FlipKey, Self::FlipValue, Self::Truncate, Self::Delete, Self::Duplicate, Self::Swap, Self::RollBack];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FlipKey => "flip key",
            Self::FlipValue => "flip value",
            Self::Truncate => "truncate",
            Self::Delete => "delete",
            Self::Duplicate => "duplicate",
            Self::Swap => "swap",
            Self::RollBack => "roll back",
        }
    }
}

impl Cell {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rows(name, ..) | Self::File(name, ..) | Self::Bystander(name, _) | Self::Whole(name, _) => name,
        }
    }

    /// The database that it is in, if one.
    pub(crate) fn database(self) -> Option<Database> {
        match self {
            Self::Rows(_, family, _) => {
                Database::ALL.into_iter().find(|database| database.families().contains(&family))
            }
            Self::File(_, database, _) => database,
            Self::Whole(_, Part::Database(database)) => Some(database),
            Self::Bystander(..) | Self::Whole(..) => None,
        }
    }

    fn is_fixed(self) -> bool {
        ["db/meta format", "db/meta writer"].contains(&self.name())
    }

    /// What can be done to it.
    pub(crate) fn damages(self) -> &'static [Damage] {
        match self {
            Self::Whole(_, Part::Database(_)) => &[Damage::Delete, Damage::Duplicate, Damage::RollBack],
            Self::Whole(_, Part::Forgettable | Part::Folder) => &[Damage::RollBack],
            Self::Whole(_, Part::Tail | Part::Trail) => &[Damage::Delete],
            // It is empty: nothing can be flipped or cut.
            Self::Bystander(_, Kind::Lock | Kind::StoreLock | Kind::EmptyLog) => {
                &[Damage::FlipKey, Damage::FlipValue, Damage::Delete, Damage::Duplicate]
            }
            // They never change: there is no state before.
            Self::Rows(_, Family::Meta, _) if self.is_fixed() => {
                let (_, others) = Damage::ALL.split_last().unwrap_or((&Damage::RollBack, &[]));
                others
            }
            Self::Rows(..) | Self::File(..) | Self::Bystander(..) => &Damage::ALL,
        }
    }
}

/// All of them.
#[rustfmt::skip]
pub(crate) const CELLS: &[Cell] = &[
    Cell::Rows("db/header", Family::Header, any),
    Cell::Rows("db/part", Family::Part, live),
    Cell::Rows("db/part, past", Family::Part, past),
    Cell::Rows("db/notice", Family::Notice, any),
    Cell::Rows("db/tree", Family::Tree, any),
    Cell::Rows("db/meta format", Family::Meta, |_, key| key == keys::META_FORMAT),
    Cell::Rows("db/meta writer", Family::Meta, |_, key| key == keys::META_WRITER),
    Cell::Rows("db/meta keyring generation", Family::Meta, |_, key| key == keys::META_GENERATION),
    Cell::Rows("db/meta trail/", Family::Meta, |_, key| key.starts_with(keys::META_TRAIL)),
    Cell::Rows("db/meta merged/", Family::Meta, |_, key| key.starts_with(keys::META_MERGED)),
    Cell::Rows("db/meta expired/", Family::Meta, |_, key| key.starts_with(keys::META_EXPIRED)),
    Cell::Rows("db/meta reclaimed/", Family::Meta, |_, key| key.starts_with(keys::META_RECLAIMED)),
    Cell::Rows("vault/row", Family::Row, any),
    Cell::Rows("vault/pseudonym", Family::Pseudonym, any),
    Cell::Rows("vault/held", Family::Held, any),
    Cell::Rows("index/posting", Family::Posting, live),
    Cell::Rows("index/event_id", Family::EventId, any),
    Cell::Rows("index/counter", Family::Counter, any),
    Cell::Rows("index/indexed", Family::Indexed, any),
    Cell::File("db/*.sst", Some(Database::Db), Kind::Table),
    Cell::File("db/*.log", Some(Database::Db), Kind::Log),
    Cell::File("db/MANIFEST", Some(Database::Db), Kind::Manifest),
    Cell::File("db/CURRENT", Some(Database::Db), Kind::Current),
    Cell::File("vault/*.sst", Some(Database::Vault), Kind::Table),
    Cell::File("vault/*.log", Some(Database::Vault), Kind::Log),
    Cell::File("vault/MANIFEST", Some(Database::Vault), Kind::Manifest),
    Cell::File("vault/CURRENT", Some(Database::Vault), Kind::Current),
    Cell::File("index/*.sst", Some(Database::Index), Kind::Table),
    Cell::File("index/MANIFEST", Some(Database::Index), Kind::Manifest),
    Cell::File("index/CURRENT", Some(Database::Index), Kind::Current),
    Cell::File("keyring", None, Kind::Keyring),
    Cell::File("guard", None, Kind::Guard),
    Cell::Bystander("LOCK", Kind::Lock),
    Cell::Bystander("*/LOCK", Kind::StoreLock),
    Cell::Bystander("*/LOG", Kind::Chatter),
    Cell::Bystander("*/LOG.old.*", Kind::OldChatter),
    Cell::Bystander("*/OPTIONS-*", Kind::Options),
    Cell::Bystander("*/IDENTITY", Kind::Identity),
    Cell::Bystander("index/*.log", Kind::EmptyLog),
    Cell::Whole("db/", Part::Database(Database::Db)),
    Cell::Whole("vault/", Part::Database(Database::Vault)),
    Cell::Whole("index/", Part::Database(Database::Index)),
    Cell::Whole("vault/ and keyring", Part::Forgettable),
    Cell::Whole("newest records", Part::Tail),
    Cell::Whole("newest trail", Part::Trail),
    Cell::Whole("everything", Part::Folder),
];

/// Every damage of every cell, one after another.
pub(crate) fn grid() -> Vec<(Cell, Damage)> {
    CELLS.iter().flat_map(|cell| cell.damages().iter().map(|damage| (*cell, *damage))).collect()
}

fn any(_: &Original, _: &[u8]) -> bool {
    true
}

fn live(original: &Original, key: &[u8]) -> bool {
    !past(original, key)
}

/// The date of a frame or posting is past in the zone of its trail.
fn past(original: &Original, key: &[u8]) -> bool {
    let trail = key.get(6..10).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    keys::date_of(key).is_some_and(|date| date <= original.today(trail))
}
