//! Erasure: by a request that was agreed to, in the order of [`super`].

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
use super::doomed::Doomed;
use super::everybody::{Everybody, of};
use super::remove::{Removing, to_tell};
use super::{Erasure, told, unknown};
use crate::model::identity::Identity;
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::approval::Deed;
use crate::model::permission::change::{ActId, Decided};
use crate::model::removal::list::{self, Gone};
use crate::model::removal::row::Place;
use crate::model::removal::told as notice;
use crate::model::stored::{ErasureGround, Removal};

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
            let concerning = format!("{}:{}", erasing.who.namespace, erasing.who.id);
            let request = "request for the erasure of this person";
            let doing = Doing { deed: Deed::Erasure, concerning: &concerning, request };
            let approval = match approved(&base, at, &erasing.approval, &doing, &decided.by, base.now()) {
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
                latest: doomed.latest,
            };
            let told = notice::erased(&told, decided, notice::At { time, zone: &info.zone });
            let gone: Vec<Gone> = doomed.list.iter().map(|(gone, _)| *gone).collect();
            let removal = Removal {
                told: told.iter().map(|told| to_tell(told, doomed.latest)).collect(),
                parts: list::stored(&gone),
                ..Removal::default()
            };
            let removing = Removing {
                info: info.clone(),
                place: Place { bucket, trail: info.number, id },
                removal,
                identity: erasing.who,
                goes: people.iter().map(|(_, pseudonym)| *pseudonym).collect(),
                masked: Vec::new(),
                stays: doomed.known.pseudonyms.len() > people.len(),
            };
            let (receipts, step) = writer.remove(vec![removing])?;
            Ok(Ok((Erasure { receipt: receipts.into_iter().next(), ..doomed.erasure() }, step)))
        });
        Made { answer: made.answer, step: used.and(made.step) }
    }

    /// What goes, up to what is recorded by now; nothing is in flight, for this is the thread that records. `None`: nobody is
    /// known by that name. The inner error is damage: nothing was written.
    fn doomed(
        &self,
        info: &Info,
        bucket: u16,
        who: &Identity,
        before: Option<Doomed>,
    ) -> Result<Result<Option<Doomed>, WriteError>, WriteError> {
        let base = self.base();
        let find = || -> Result<Option<Doomed>, WriteError> {
            let everybody = Everybody::of(&base)?;
            base.vault.readable(bucket, &everybody.all())?;
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

/// What an erasure would do, of somebody who is known.
pub(super) fn preview(base: &Base, info: &Info, known: Known, size: u64) -> Result<Erasure, super::ReadError> {
    Ok(Doomed::of(base, info, known, size)?.erasure())
}
