//! Telling: the notice in the controller's own trail, the same in the node's with who and why, and what is to be done, in one batch.

use super::super::acts::ChangeError;
use super::super::approved::{Doing, approved};
use super::super::base::Base;
use super::super::change::{Made, place, plan};
use super::super::group::{Group, Staged, Target, WriteError};
use super::super::indexer::Entry;
use super::super::reader::ReadError;
use super::super::submission::{Receipt, RecordError};
use super::super::trails::Info;
use super::super::writer::{Step, Writer};
use super::{Asked, Closed, Counts, bytes, noted, receipt, told};
use crate::model::closing::Closing;
use crate::model::notice::Told;
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::approval::Deed;
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::told::tell;
use crate::model::record::Contents;
use crate::store::{Batch, Family, keys};

/// A controller's end, as it is handed to the writer.
pub(in crate::trail) struct Ending {
    pub(in crate::trail) of: Controller,
    pub(in crate::trail) asked: Asked,
    /// What was counted before it came here.
    pub(in crate::trail) counts: Counts,
    pub(in crate::trail) decided: Decided,
}

impl Writer {
    /// Tells of a controller's end. Told before, it gets the first notice's receipt.
    pub(in crate::trail) fn tell_end(&mut self, ending: Ending) -> Made<Closed> {
        self.unless_stopped(|writer| {
            let base = writer.base();
            let read = base.trail(&ending.of).map_err(WriteError::from);
            let read = read.and_then(|info| Ok(info.map(|info| prepare(&base, &info, ending)).transpose()?));
            let prepared = match read {
                Ok(Some(Ok(Prepared::New(prepared)))) => prepared,
                Ok(Some(Ok(Prepared::Told(receipt)))) => {
                    return Ok(Ok((Closed { receipt, now: false }, Step::nothing())));
                }
                Ok(Some(Err(refusal))) => return Ok(Err(refusal)),
                Ok(None) => return Ok(Err(RecordError::NoController.into())),
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "a controller is not closed: its trail cannot be read");
                    return Ok(Err(RecordError::Damaged.into()));
                }
                Err(error) => return Err(error),
            };
            let New { of, changes, decided, closing } = *prepared;
            let mut group = Group::new(&base);
            let (mut planned, acts) = match plan(&base, &group, changes, &decided)? {
                Ok(planned) => planned,
                Err(refusal) => return Ok(Err(refusal)),
            };
            // Slices in its own trail would go with its key.
            if let Some((_, own)) = planned.last_mut().and_then(|last| last.notice.as_mut()) {
                *own = Told::from(own.says.clone());
            }
            let made = noted(place(&mut group, planned)?);
            if let Err(refusal) = tell_node(&mut group, closing, &decided)? {
                return Ok(Err(refusal));
            }
            let mut batch = Batch::default();
            batch.put(Family::Meta, keys::closed(&of), [bytes::UNDER_WAY]);
            let step = writer.commit_with(group, batch)?;
            for (controller, acts) in acts {
                base.acts.put(controller, acts);
            }
            let receipt =
                made.ok_or_else(|| ReadError::from(crate::store::Error::Corrupt("nothing was told".to_owned())))?;
            Ok(Ok((Closed { receipt, now: true }, step)))
        })
    }
}

enum Prepared {
    Told(Receipt),
    New(Box<New>),
}

struct New {
    of: Controller,
    changes: Vec<(Controller, Change)>,
    decided: Decided,
    closing: Closing,
}

/// What is to be told, if nothing speaks against it.
fn prepare(base: &Base, info: &Info, ending: Ending) -> Result<Result<Prepared, ChangeError>, ReadError> {
    let Ending { of, asked: Asked { approval, export }, mut counts, decided } = ending;
    if base.closed_on(&of, Some(info)).is_some() {
        let told = told(base, info)?.ok_or_else(|| {
            crate::store::Error::Corrupt(format!("the key of {of} is destroyed, but its trail does not tell why"))
        })?;
        return Ok(Ok(Prepared::Told(receipt(base, info, &told)?)));
    }
    let size = info.position().size;
    counts.go_on(base, info, export, size)?;
    if export.is_some_and(|export| export.size == 0 || export.size > size) {
        let why =
            format!("must be a number of records from 1 to {size}, those of the trail: take \"size\" of the last line");
        return Ok(Err(ChangeError::field(&of, "export.size", why)));
    }
    if counts.unexported > 0 {
        let refusal = Refusal::Unexported(counts.unexported);
        return Ok(Err(ChangeError::Refused { controller: of, refusal }));
    }
    let used = match &approval {
        None if base.keyring.is_dev() => None,
        None => {
            return Ok(Err(ChangeError::field(&of, "approval_id", "is required: name the request that was agreed to")));
        }
        Some(id) => {
            let concerning = [format!("controller:{of}")];
            let request = "request for an erasure concerning controller:NAME, this one";
            let doing = Doing { deed: Deed::Erasure, concerning: &concerning, request };
            match approved(base, &of, id, &doing, &decided.by, base.now()) {
                Ok(approval) => approval.to_tell(id),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    };
    let size = size + u64::from(used.is_some());
    let closing = Closing { origin: info.origin.clone(), size, export, request: approval, events: counts.events };
    let changes = used.into_iter().chain([Change::Close(closing.clone())]).map(|change| (of.clone(), change)).collect();
    Ok(Ok(Prepared::New(Box::new(New { of, changes, decided, closing }))))
}

/// Stages the notice in the node's trail, which has no end.
fn tell_node(
    group: &mut Group<'_>,
    closing: Closing,
    decided: &Decided,
) -> Result<Result<(), ChangeError>, WriteError> {
    let node = Controller::node();
    let Target { info, recorded_at, .. } = match group.target(&node, false)? {
        Ok(target) => target,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    let info = group.stage(info, &node, recorded_at)?;
    let told = match tell(&Change::Close(closing), decided, recorded_at, &info.zone) {
        Ok(told) => told,
        Err(refusal) => return Ok(Err(ChangeError::Refused { controller: node, refusal })),
    };
    let Staged { info, sequencer } = group.staged.get_mut(&node).expect("was staged above");
    let placed = sequencer.notice(told, recorded_at);
    let entry = Entry::of(info, &placed.header, &Contents::default(), None);
    group.entries.push(entry);
    Ok(Ok(()))
}
