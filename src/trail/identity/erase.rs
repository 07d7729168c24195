//! Erasure: by a request that was agreed to, in the order of [`super`].

use std::sync::Arc;

use super::super::acts::ChangeError;
use super::super::approved::{Approval, Doing, approved};
use super::super::base::Base;
use super::super::change::Made;
use super::super::group::WriteError;
use super::super::submission::RecordError;
use super::super::trails::Info;
use super::super::vault::Known;
use super::super::writer::{Step, Writer};
use super::deactivate::ground_is_good;
use super::doomed::{Doomed, List};
use super::everybody::{Everybody, of};
use super::remove::{Removing, to_tell};
use super::{Erasure, named, told, unknown};
use crate::model::identity::Identity;
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::approval::Deed;
use crate::model::permission::change::{ActId, Decided};
use crate::model::removal::list::{self, Gone};
use crate::model::removal::row::Place;
use crate::model::removal::told as notice;
use crate::model::stored::{ErasureGround, Removal, RemovalTold};

/// What is asked of the writer.
pub(in crate::trail) struct Erasing {
    /// Who.
    pub(in crate::trail) who: Identity,
    /// Why.
    pub(in crate::trail) ground: ErasureGround,
    /// The request that was agreed to.
    pub(in crate::trail) approval: ActId,
    /// What was looked at before it came here; `None` where nobody was known by then.
    pub(in crate::trail) doomed: Option<Doomed>,
}

impl Writer {
    /// Erases somebody. That the request is used is told before anything goes; should it stop there, the same call goes on.
    pub(in crate::trail) fn erase(&mut self, at: &Controller, erasing: Erasing, decided: &Decided) -> Made<Erasure> {
        let mut used = Step::nothing();
        let made = self.unless_stopped(|writer| {
            let base = writer.base();
            let Some(info) = base.trail(at)?.filter(|_| !at.is_node()) else {
                return Ok(Err(RecordError::NoController.into()));
            };
            let refused = |refusal| Ok(Err(ChangeError::Refused { controller: at.clone(), refusal }));
            let Some(id) = uuid::Uuid::try_parse(&erasing.approval).ok().map(uuid::Uuid::into_bytes) else {
                return refused(Refusal::Unknown("request"));
            };
            if let Err(refusal) = ground_is_good(at, decided) {
                return Ok(Err(refusal));
            }
            if erasing.ground == ErasureGround::Unspecified {
                return Ok(Err(ChangeError::field(at, "ground_code", "is required: one of GDPR art. 17(1)")));
            }
            let known = base.vault.known(of(&info), &erasing.who)?;
            let by = decided.by.as_str();
            let approval = approved_for(&base, &info, &erasing.who, known.as_ref(), &erasing.approval, by);
            let approval = match approval {
                Ok(approval) => approval,
                Err(refusal) => return Ok(Err(refusal)),
            };
            // Done before, for this person and by whoever asks now: the first answer.
            if matches!(approval, Approval::Used)
                && let Some((receipt, says)) =
                    told::first(&base, &info, &id, |says| matches!(says, Says::IdentityErased(_)))?
            {
                let notices: Vec<_> = says
                    .into_iter()
                    .filter_map(|says| if let Says::IdentityErased(told) = says { Some(told) } else { None })
                    .collect();
                return Ok(Ok((Erasure { receipt: Some(receipt), ..Erasure::told(&notices) }, Step::nothing())));
            }
            let bucket = base.vault.bucket_of(of(&info), &erasing.who);
            let doomed = match writer.doomed(&info, bucket, &erasing.who, erasing.doomed)? {
                Ok(Some(doomed)) => doomed,
                Ok(None) => return Ok(Err(unknown(at))),
                Err(damaged) => {
                    tracing::error!(error = %damaged, "somebody is not erased: what there is of them cannot be read");
                    return Ok(Err(RecordError::Damaged.into()));
                }
            };
            if let Some(change) = approval.to_tell(&erasing.approval) {
                let by = Decided { by: decided.by.clone(), ground: String::new() };
                let Made { answer, step } = writer.change(vec![(at.clone(), change)], &by);
                used = step;
                if let Err(refusal) = answer {
                    return Ok(Err(refusal));
                }
            }
            let people = doomed.gone();
            let time = base.now().max(info.position().recorded_at);
            let told = notice::Erased {
                id: &id,
                ground: erasing.ground,
                classes: &doomed.classes(),
                holds: &doomed.holds(),
                people: &people,
                list: &doomed.list,
                before: &doomed.listed_before(),
                latest: doomed.latest,
            };
            let told = notice::erased(&told, decided, notice::At { time, zone: &info.zone });
            let tell: Vec<RemovalTold> = told.iter().map(|told| to_tell(told, doomed.latest)).collect();
            let stays = doomed.known.pseudonyms.len() > people.len();
            // What is removed of each trail stands with what is told of that.
            let of_trail = |of: &Arc<Info>, list: &List| {
                let gone: Vec<Gone> = list.iter().map(|(gone, _)| *gone).collect();
                let told = tell.iter().filter(|told| is_of(told, &info, of)).cloned().collect();
                Removing {
                    info: of.clone(),
                    place: Place { bucket, trail: of.number, id },
                    removal: Removal { told, parts: list::stored(&gone), ..Removal::default() },
                    tell: Vec::new(),
                    identity: erasing.who.clone(),
                    goes: Vec::new(),
                    masked: Vec::new(),
                    stays,
                }
            };
            let goes = people.iter().map(|(_, pseudonym)| *pseudonym).collect();
            let last = Removing { tell: tell.clone(), goes, ..of_trail(&info, &doomed.list) };
            let before = doomed.before.iter().filter(|(_, list)| !list.is_empty());
            let all = std::iter::once(last).chain(before.map(|(of, list)| of_trail(of, list))).collect();
            let (receipts, step) = writer.remove(all)?;
            Ok(Ok((Erasure { receipt: receipts.into_iter().next(), ..doomed.erasure() }, step)))
        });
        Made { answer: made.answer, step: used.and(made.step) }
    }

    /// What goes, up to what is recorded by now; nothing is in flight, for this is the thread that records. `None`: nobody is
    /// known by that name. The inner error is damage: nothing was written.
    fn doomed(
        &self,
        info: &Arc<Info>,
        bucket: u16,
        who: &Identity,
        before: Option<Doomed>,
    ) -> Result<Result<Option<Doomed>, WriteError>, WriteError> {
        let base = self.base();
        let find = || -> Result<Option<Doomed>, WriteError> {
            let everybody = Everybody::of(&base)?;
            everybody.readable(&base, bucket)?;
            let Some(known) = base.vault.known(of(info), who)? else { return Ok(None) };
            let size = info.position().size;
            Ok(Some(match before {
                Some(doomed) => doomed.up_to(&base, info, known, size)?,
                None => Doomed::of(&base, info, known, size)?,
            }))
        };
        match find() {
            Err(error) if error.is_damage() => Ok(Err(error)),
            found => found.map(Ok),
        }
    }
}

/// Where the request stands by which somebody is to be erased, as `by` asks. One that was used, and names a pseudonym that leads to
/// nobody any more, may have been for anybody: `by` gets the answer again that it got.
pub(super) fn approved_for(
    base: &Base,
    info: &Info,
    who: &Identity,
    known: Option<&Known>,
    id: &ActId,
    by: &str,
) -> Result<Approval, ChangeError> {
    let at = &info.controller;
    // One that names an id would lead whoever is erased back: it is made while nobody is known by that, and is for nobody.
    let nobody = || format!("{}:{}", who.namespace, who.id);
    let mut concerning: Vec<String> = known.map_or_else(|| Some(nobody()), named::text).into_iter().collect();
    let acts = base.acts.of(at);
    let used = acts.request(id).filter(|request| request.used.is_some());
    concerning.extend(used.map(|used| &used.concerning).filter(|text| named::leads_nowhere(base, info, text)).cloned());
    let request = "request for the erasure of this person";
    approved(base, at, id, &Doing { deed: Deed::Erasure, concerning: &concerning, request }, by, base.now())
}

/// Whether a notice that the last trail tells is of what that trail of its line lists.
fn is_of(told: &RemovalTold, last: &Info, of: &Info) -> bool {
    match told.core.as_ref().and_then(|core| core.kind.as_ref()) {
        Some(Says::IdentityErased(says)) if says.origin.is_empty() => last.number == of.number,
        Some(Says::IdentityErased(says)) => says.origin == of.origin.as_str(),
        _ => false,
    }
}

/// What an erasure would do, of somebody who is known.
pub(super) fn preview(base: &Base, info: &Arc<Info>, known: Known, size: u64) -> Result<Erasure, super::ReadError> {
    Ok(Doomed::of(base, info, known, size)?.erasure())
}
