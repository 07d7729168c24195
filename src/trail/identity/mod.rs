//! Identities: who somebody is, found, masked on a day, left out of searches, or erased.
//!
//! What changes the vault stands in a row of its family `removal` from the moment on that it is decided, with all that the
//! trail is to tell of it. Each step durable before the next:
//!
//! ```text
//! deactivated, restricted   rows marked, with the removal → the notice                                             (mark)
//! lifted                    the notice → rows unmarked, the removal goes                                           (mark)
//! masked on its day, erased a fresh bucket key in the keyring → the bucket's other rows sealed anew under it, with the
//!                           removal → the notice → the old bucket key destroyed → people met lately forgotten     (remove)
//!                           → frames rewritten, postings removed, bytes reclaimed → the removal goes             (rewrite)
//! ```
//!
//! With its removal in the vault a deed is decided: what a stop kept from being told, the next start tells, and goes on
//! from there before anything is read ([`finish`]). A fresh key without one was for nothing, and goes.

use std::sync::Arc;

use super::acts::{ChangeError, Noted};
use super::answer::AskError;
use super::ask::Asker;
use super::node::Node;
use super::submission::{Receipt, RecordError};
use crate::model::date::Date;
use crate::model::hold::row::HoldId;
use crate::model::identity::{Domain, Identity};
use crate::model::origin::Controller;
use crate::model::permission::change::{ActId, Decided};
use crate::model::policy::Class;
use crate::model::stored::ErasureGround;

/// Most people that a question for a name or an e-mail address is answered with.
pub const FOUND_MAX: usize = 100;
/// Fewest characters of a name or an e-mail address that may be asked for.
pub const ASKED_CHARS_MIN: usize = 3;
/// Days from a deactivation to the day on which names and e-mail addresses go, unless another is asked for.
pub const MASK_DAYS: u32 = 30;
/// Most such days.
pub const MASK_DAYS_MAX: u32 = 90;

/// Whom somebody looks for. A text is part of what is looked for, in capitals or not, of at least
/// [`ASKED_CHARS_MIN`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By namespace and id.
    Exact(Identity),
    /// By what they are called.
    Name(String),
    /// By how they are reached, or an id of that form.
    Email(String),
}

/// Who was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// At most [`FOUND_MAX`].
    pub people: Vec<Person>,
    /// There are more: ask more closely.
    pub more: bool,
}

/// Somebody, as the vault knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// With name and e-mail address, where these are known.
    pub identity: Identity,
    /// Where they have a pseudonym, ascending.
    pub domains: Vec<Domain>,
    /// What was decided about them.
    pub standing: PersonStanding,
}

/// What was decided about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonStanding {
    /// When they were deactivated.
    pub deactivated_on: Option<Date>,
    /// When names and e-mail addresses go, or went.
    pub mask_on: Option<Date>,
    /// They are gone.
    pub masked: bool,
    /// Their records are left out of ordinary searches.
    pub restricted: bool,
}

/// What an erasure does, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasure {
    /// By class, ascending; several of one class where its records fared differently.
    pub fates: Vec<Fate>,
    /// The notice; `None` of what was only asked for.
    pub receipt: Option<Receipt>,
}

/// What becomes of somebody's records of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Which class.
    pub class: Class,
    /// What becomes of them.
    pub what: What,
    /// How many records.
    pub records: u64,
    /// How many parts of them, where parts are what it is about.
    pub parts: u64,
}

/// What becomes of records that name somebody who is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// They are about and by nobody else: address, session and details are gone.
    Erased,
    /// They stay, and their pseudonym leads to nobody any more.
    Pseudonymised,
    /// They stay as they are.
    Refused(Kept),
}

/// Why records of somebody who is erased stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// These holds keep them. Which, only the erasure itself says, not each of its fates.
    Held(Vec<HoldId>),
    /// Entries of a school register name who made them.
    Register,
    /// They are the evidence that duties were met.
    Evidence,
    /// They are accounts.
    Accounting,
}

impl Node {
    /// Finds people of one controller; the question is durable in its trail before it returns.
    pub async fn find_identities(
        self: &Arc<Self>,
        _asker: &Asker,
        _of: &Controller,
        _wanted: &Wanted,
    ) -> Result<Found, AskError> {
        Err(AskError::Closing)
    }

    /// Deactivates somebody: names and e-mail addresses go on a day, and none is taken in meanwhile. The notice, and the day.
    pub async fn deactivate_identity(
        self: &Arc<Self>,
        _of: &Controller,
        _who: &Identity,
        _mask_on: Option<Date>,
        _decided: Decided,
    ) -> Result<(Noted, Date), ChangeError> {
        Err(RecordError::Uncertain.into())
    }

    /// What an erasure would do; the question is durable in the trail before it returns.
    pub async fn preview_erasure(
        self: &Arc<Self>,
        _asker: &Asker,
        _of: &Controller,
        _who: &Identity,
    ) -> Result<Erasure, AskError> {
        Err(AskError::Closing)
    }

    /// Erases somebody, by a request that was agreed to: whoever decides asked for it. The same again gets the first receipt.
    pub async fn erase_identity(
        self: &Arc<Self>,
        _of: &Controller,
        _who: &Identity,
        _ground: ErasureGround,
        _approval: &ActId,
        _decided: Decided,
    ) -> Result<Erasure, ChangeError> {
        Err(RecordError::Uncertain.into())
    }

    /// Leaves somebody's records out of ordinary searches.
    pub async fn restrict_identity(
        self: &Arc<Self>,
        _of: &Controller,
        _who: &Identity,
        _decided: Decided,
    ) -> Result<Noted, ChangeError> {
        Err(RecordError::Uncertain.into())
    }

    /// Lets them be found again.
    pub async fn lift_restriction(
        self: &Arc<Self>,
        _of: &Controller,
        _who: &Identity,
        _decided: Decided,
    ) -> Result<Noted, ChangeError> {
        Err(RecordError::Uncertain.into())
    }
}
