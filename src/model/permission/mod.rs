//! Who may: permissions, the roles that hold them, the policy that gives roles, and the decision. Pure: rules and a
//! time in, an answer out.
//!
//! Reading order: [`Permission`] → [`role`] → [`holder`] and [`scope`] → [`policy`] (who has which role for whom) →
//! [`grants`] (what opens a school to the vendor's staff, and until when) → [`decide`] → [`approval`] (what one person
//! may not do alone), [`holding`] (what is kept past its date) → [`change`] and [`acts`] (what a controller decides, and what of that holds) → [`told`] (how
//! a notice tells it). [`who_can`] asks the same the other way round, [`advice`] looks for what was forgotten.

pub mod acts;
pub mod advice;
pub mod approval;
pub mod change;
pub mod decide;
pub mod grants;
pub mod holder;
pub mod holding;
pub mod issuer;
pub mod policy;
pub mod role;
pub mod scope;
#[cfg(test)]
mod tests;
pub mod told;
pub mod who_can;

use std::fmt;
use std::str::FromStr;

/// What a call needs, for one controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Report events.
    Record,
    /// Report events older than the retry window.
    Import,
    /// Ask who accessed what.
    Search,
    /// Follow events as they come.
    Watch,
    /// Take evidence out: everything, with what opens it.
    Export,
    /// Read what the trail says about itself.
    Notices,
    /// Get checkpoints and proofs.
    Prove,
    /// Have the whole trail checked.
    Verify,
    /// See that there is such a controller, and its settings.
    List,
    /// Open a controller's trail and set its profile.
    Open,
    /// Open a controller's trail to the vendor's staff, and let one person approve alone.
    Grant,
    /// Declare an incident, and end it.
    Incident,
    /// Be the second who agrees.
    Approve,
    /// Erase a person.
    Erase,
    /// Lead a pseudonym back to a person where names are withheld.
    Reidentify,
    /// Keep named records past their date, and let go of them.
    Hold,
    /// Destroy what is past its date.
    Purge,
    /// Set how long records live.
    Retention,
    /// See health, metrics and status.
    Operate,
}

/// How far a permission reaches into what a controller has entrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Shows no record and nobody's name.
    Blind,
    /// Shows records or decides about the people in them: the vendor's staff need a grant.
    Content,
    /// The controller's own: its staff only, whatever anybody was granted.
    Own,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Record,
        Self::Import,
        Self::Search,
        Self::Watch,
        Self::Export,
        Self::Notices,
        Self::Prove,
        Self::Verify,
        Self::List,
        Self::Open,
        Self::Grant,
        Self::Incident,
        Self::Approve,
        Self::Erase,
        Self::Reidentify,
        Self::Hold,
        Self::Purge,
        Self::Retention,
        Self::Operate,
    ];

    /// As the policy file and the command line write it.
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// Whether it only looks: nothing changes by it.
    pub const fn reads(self) -> bool {
        matches!(
            self,
            Self::Search
                | Self::Watch
                | Self::Export
                | Self::Notices
                | Self::Prove
                | Self::Verify
                | Self::List
                | Self::Reidentify
        )
    }

    /// How far it reaches.
    pub const fn reach(self) -> Reach {
        self.row().1
    }

    const fn row(self) -> (&'static str, Reach) {
        match self {
            Self::Record => ("record", Reach::Blind),
            Self::Import => ("import", Reach::Blind),
            Self::Search => ("search", Reach::Content),
            Self::Watch => ("watch", Reach::Content),
            Self::Export => ("export", Reach::Content),
            // Their sealed slices name who was erased and who asked for it.
            Self::Notices => ("notices", Reach::Content),
            Self::Prove => ("prove", Reach::Blind),
            Self::Verify => ("verify", Reach::Blind),
            Self::List => ("list", Reach::Blind),
            Self::Open => ("open", Reach::Blind),
            Self::Grant => ("grant", Reach::Own),
            // Shows nothing itself: the searches that it allows do, without names, and the controller is told.
            Self::Incident => ("incident", Reach::Blind),
            Self::Approve => ("approve", Reach::Content),
            Self::Erase => ("erase", Reach::Content),
            Self::Reidentify => ("reidentify", Reach::Content),
            Self::Hold => ("hold", Reach::Content),
            Self::Purge => ("purge", Reach::Blind),
            Self::Retention => ("retention", Reach::Blind),
            Self::Operate => ("operate", Reach::Blind),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that is none of the known ones; says which there are, not which it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is none of {0}")]
pub struct UnknownWord(String);

impl UnknownWord {
    fn of<T: fmt::Display>(known: impl IntoIterator<Item = T>) -> Self {
        let known: Vec<String> = known.into_iter().map(|word| word.to_string()).collect();
        Self(known.join(", "))
    }
}

impl FromStr for Permission {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| UnknownWord::of(Self::ALL))
    }
}
