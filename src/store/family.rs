//! The three databases and the families of rows in them.

/// A set of rows with one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `db/`: runs of headers.
    Header,
    /// `db/`: sealed frames.
    Part,
    /// `db/`: cores of notices, in clear.
    Notice,
    /// `db/`: hashes of completed subtrees.
    Tree,
    /// `db/`: what the store knows of itself.
    Meta,
    /// `vault/`: sealed halves of identities.
    Row,
    /// `vault/`: which row a pseudonym leads to.
    Pseudonym,
    /// `vault/`: holds, and what they have kept past its date.
    Held,
    /// `vault/`: who is to be masked or is left out of searches, and what is being erased.
    Removal,
    /// `index/`: postings.
    Posting,
    /// `index/`: event ids.
    EventId,
    /// `index/`: numbers of records.
    Counter,
    /// `index/`: how far each trail is indexed.
    Indexed,
}

/// One of the three databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Database {
    /// The history set.
    Db,
    /// Part of the forgettable set.
    Vault,
    /// Derived: rebuilt if it is missing.
    Index,
}

impl Database {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Db, Self::Vault, Self::Index];

    /// Its folder within the data folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::Vault => "vault",
            Self::Index => "index",
        }
    }

    /// Its families.
    pub fn families(self) -> &'static [Family] {
        match self {
            Self::Db => &[Family::Header, Family::Part, Family::Notice, Family::Tree, Family::Meta],
            Self::Vault => &[Family::Row, Family::Pseudonym, Family::Held, Family::Removal],
            Self::Index => &[Family::Posting, Family::EventId, Family::Counter, Family::Indexed],
        }
    }
}

impl Family {
    /// Its name within its database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Part => "part",
            Self::Notice => "notice",
            Self::Tree => "tree",
            Self::Meta => "meta",
            Self::Row => "row",
            Self::Pseudonym => "pseudonym",
            Self::Held => "held",
            Self::Removal => "removal",
            Self::Posting => "posting",
            Self::EventId => "event_id",
            Self::Counter => "counter",
            Self::Indexed => "indexed",
        }
    }
}
