//! What nobody may do alone, on its way: the request by which it is done.

use super::acts::ChangeError;
use super::base::Base;
use super::submission::RecordError;
use crate::model::date::Timestamp;
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::approval::{Deed, Standing};
use crate::model::permission::change::{ActId, Change};

/// A deed, and what it is done to.
pub(super) struct Doing<'a> {
    pub(super) deed: Deed,
    /// How a request may name what it concerns.
    pub(super) concerning: &'a [String],
    /// In words, for whoever names a request that is none for it.
    pub(super) request: &'static str,
}

/// What is left to be done about a request.
pub(super) enum Approval {
    /// It is used now.
    First { alone: bool },
    /// It was used, and a stop kept what it was used for from being told.
    Used,
}

impl Approval {
    /// That it is used now, to be told before anything is done.
    pub(super) fn to_tell(&self, id: &ActId) -> Option<Change> {
        match self {
            Self::First { alone } => Some(Change::Use { id: id.clone(), alone: *alone }),
            Self::Used => None,
        }
    }
}

/// Where a request stands by which `by` is about to do something.
///
/// # Errors
///
/// It is none for that, somebody else's, or not agreed to.
pub(super) fn approved(
    base: &Base,
    at: &Controller,
    id: &ActId,
    doing: &Doing<'_>,
    by: &str,
    now: Timestamp,
) -> Result<Approval, ChangeError> {
    let refused = |refusal| ChangeError::Refused { controller: at.clone(), refusal };
    let acts = base.acts.readable(at).ok_or(RecordError::Damaged)?;
    let request = acts.request(id);
    let request =
        request.filter(|request| request.deed == doing.deed && doing.concerning.contains(&request.concerning));
    let request = request.ok_or_else(|| refused(Refusal::Unknown(doing.request)))?;
    if request.asked.name != by {
        return Err(refused(Refusal::NotTheirs));
    }
    match request.standing(acts.lone(), now) {
        Standing::Agreed => Ok(Approval::First { alone: false }),
        Standing::AgreedAlone => Ok(Approval::First { alone: true }),
        Standing::Used => Ok(Approval::Used),
        standing => Err(refused(Refusal::Stands(standing))),
    }
}
