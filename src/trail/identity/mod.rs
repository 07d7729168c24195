//! Identities: who somebody is, found, masked on a day, left out of searches, or erased.
//!
//! What changes the vault stands in a row of its family `removal` from the moment on that it is decided, with all that the
//! trail is to tell of it. Each step durable before the next:
//!
//! ```text
//! deactivated, restricted   rows marked, with the removal → the notice                                             (deactivate, restrict)
//! lifted                    the notice → rows unmarked, the removal goes                                           (restrict)
//! masked on its day, erased a fresh bucket key in the keyring → the bucket's other rows sealed anew under it, with the
//!                           removal → the notice → the old bucket key destroyed → people met lately forgotten     (remove)
//!                           → frames rewritten, postings removed, bytes reclaimed → the removal goes             (rewrite)
//! ```
//!
//! With its removal in the vault a deed is decided: what a stop kept from being told, the next start tells, and goes on
//! from there before anything is read (`finish`). A fresh key without one was for nothing, and goes.

mod deactivate;
mod doomed;
mod erase;
mod everybody;
mod find;
mod finish;
mod named;
mod remove;
mod restrict;
pub(super) mod rewrite;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;

use tokio::sync::oneshot;

use self::doomed::Doomed;
pub(super) use self::erase::Erasing;
pub(super) use self::everybody::fill;
use super::acts::{ChangeError, Noted};
use super::answer::{AskError, blocking};
use super::ask::{Asked, Asker};
use super::decision::Decision;
use super::node::Node;
use super::reader::ReadError;
use super::submission::{Receipt, RecordError};
use super::threads::Inbox;
use crate::model::date::Date;
use crate::model::hold::row::HoldId;
use crate::model::identity::{Domain, Identity};
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::change::{ActId, Decided};
use crate::model::policy::Class;
use crate::model::removal::RemovalId;
pub use crate::model::removal::rules::MASK_DAYS_MAX;
use crate::model::stored::ErasureGround;

/// Most people that a question for a name or an e-mail address is answered with.
pub const FOUND_MAX: usize = 100;
/// Fewest characters of a name or an e-mail address that may be asked for.
pub const ASKED_CHARS_MIN: usize = 3;
/// Days from a deactivation to the day on which names and e-mail addresses go, unless another is asked for.
pub const MASK_DAYS: u32 = 30;

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
    ///
    /// # Errors
    ///
    /// It has no trail, or reading or recording fails.
    pub async fn find_identities(
        self: &Arc<Self>,
        asker: &Asker,
        controller: &Controller,
        wanted: &Wanted,
    ) -> Result<Found, AskError> {
        let info = self.trail(controller).await?;
        let (node, asked) = (self.clone(), wanted.clone());
        let found = blocking(move || find::find(&node.base, &info, &asked)).await?;
        let asked = Asked { call: "FindIdentities", shape: wanted.shape().to_owned(), export: false };
        self.record_read(asker, controller, asked, found.people.len()).await?;
        Ok(found)
    }

    /// Deactivates somebody: names and e-mail addresses go on a day in the trail's zone, by default in [`MASK_DAYS`] days, and
    /// none is taken in meanwhile. The notice, and the day. The same again gets the first receipt. Cancel-safe: what was
    /// handed over is done.
    ///
    /// # Errors
    ///
    /// Nobody is known by that name, the day is not a good one, or the disk is full or fails.
    pub async fn deactivate_identity(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        mask_on: Option<Date>,
        decided: Decided,
    ) -> Result<(Noted, Date), ChangeError> {
        let (answer, made) = oneshot::channel();
        let (of, who) = (controller.clone(), who.clone());
        self.decide(Inbox::Decide(Box::new(Decision::Deactivate { of, who, mask_on, decided, answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }

    /// What an erasure would do; the question is durable in the trail before it returns.
    ///
    /// # Errors
    ///
    /// `NotFound`: nobody is known by that name. It has no trail, or reading or recording fails.
    pub async fn preview_erasure(
        self: &Arc<Self>,
        asker: &Asker,
        controller: &Controller,
        who: &Identity,
    ) -> Result<Erasure, AskError> {
        let info = self.trail(controller).await?;
        let size = info.size();
        self.flush_index().await?;
        let (node, who) = (self.clone(), who.clone());
        let found = blocking(move || {
            let known = node.base.vault.known(everybody::of(&info), &who)?;
            known.map(|known| erase::preview(&node.base, &info, known, size)).transpose()
        });
        let found = found.await?;
        let asked = Asked { call: "EraseIdentity", shape: "identity".to_owned(), export: false };
        self.record_read(asker, controller, asked, usize::from(found.is_some())).await?;
        found.ok_or(AskError::NotFound)
    }

    /// Erases somebody, by a request that was agreed to and that `decided` asked for. When it returns, their pseudonym leads to
    /// nobody, also in old copies; the parts that are theirs alone follow. The same again gets the first receipt. Cancel-safe:
    /// what was handed over is done.
    ///
    /// # Errors
    ///
    /// Nobody is known by that name, the request is not agreed to or is another's, or the disk is full or fails.
    pub async fn erase_identity(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        ground: ErasureGround,
        approval: &ActId,
        decided: Decided,
    ) -> Result<Erasure, ChangeError> {
        self.may_erase(controller, who, approval, &decided).await?;
        // Most of the looking is done beside the writer.
        let doomed = self.doom(controller, who).await.map_err(|error| match error {
            AskError::NoController => RecordError::NoController,
            AskError::Closing => RecordError::Busy { reason: "akta is closing" },
            error => {
                tracing::error!(%error, "somebody is not erased: what there is of them cannot be read");
                RecordError::Damaged
            }
        })?;
        let (answer, made) = oneshot::channel();
        let (of, approval) = (controller.clone(), approval.clone());
        let erasing = Box::new(Erasing { who: who.clone(), ground, approval, doomed });
        self.decide(Inbox::Decide(Box::new(Decision::Erase { of, erasing, decided, answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }

    /// Leaves somebody's records out of ordinary searches. The same again gets the first receipt. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Nobody is known by that name, or the disk is full or fails.
    pub async fn restrict_identity(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        self.restriction(controller, who, true, decided).await
    }

    /// Lets them be found again; nothing is recorded where they are not restricted. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As of [`Self::restrict_identity`].
    pub async fn lift_restriction(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        self.restriction(controller, who, false, decided).await
    }

    async fn restriction(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        on: bool,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        let (answer, made) = oneshot::channel();
        let (of, who) = (controller.clone(), who.clone());
        self.decide(Inbox::Decide(Box::new(Decision::Restrict { of, who, on, decided, answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }

    /// Nobody learns what there is of somebody by a request that is none: it is judged before anything is read, and again where its use
    /// is recorded.
    async fn may_erase(
        self: &Arc<Self>,
        controller: &Controller,
        who: &Identity,
        approval: &ActId,
        decided: &Decided,
    ) -> Result<(), ChangeError> {
        let info = self.trail(controller).await.map_err(|_| RecordError::NoController)?;
        let (node, who) = (self.clone(), who.clone());
        let (id, by) = (approval.clone(), decided.by.clone());
        let judged = blocking(move || {
            let known = node.base.vault.known(everybody::of(&info), &who)?;
            Ok(erase::approved_for(&node.base, &info, &who, known.as_ref(), &id, &by).map(drop))
        });
        judged.await.map_err(|_| RecordError::Damaged)?
    }

    async fn doom(self: &Arc<Self>, controller: &Controller, who: &Identity) -> Result<Option<Doomed>, AskError> {
        let info = self.trail(controller).await?;
        let size = info.size();
        self.flush_index().await?;
        let (node, who) = (self.clone(), who.clone());
        let found = blocking(move || {
            let known = node.base.vault.known(everybody::of(&info), &who)?;
            known.map(|known| Doomed::of(&node.base, &info, known, size)).transpose()
        });
        found.await
    }
}

/// The same words for whoever was erased and for whoever was never seen.
fn unknown(controller: &Controller) -> ChangeError {
    ChangeError::Refused { controller: controller.clone(), refusal: Refusal::Nobody }
}

/// A fresh UUID (version 4).
fn fresh_id(random: [u8; 16]) -> RemovalId {
    uuid::Builder::from_random_bytes(random).into_uuid().into_bytes()
}
