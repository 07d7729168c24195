//! Releasing a hold: told, then its key is destroyed, then its rows go. And what a stop left half done.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::acts::{ChangeError, Noted};
use super::super::answer::blocking;
use super::super::base::Base;
use super::super::change::Made;
use super::super::decision::Decision;
use super::super::group::WriteError;
use super::super::node::Node;
use super::super::submission::RecordError;
use super::super::threads::Inbox;
use super::super::writer::Writer;
use super::{hold_id, ids};
use crate::model::hold::row::HoldId;
use crate::model::notice::Says;
use crate::model::origin::{Controller, Origin};
use crate::model::permission::acts::Refusal;
use crate::model::permission::change::{ActId, Change, Decided};
use crate::store::keys::Trail;
use crate::store::{Batch, Error, Family, Scan, keys};

impl Node {
    /// Releases a hold: when it returns, its key is destroyed, and what it kept past its date is unreadable. Released
    /// again, it gets the first notice's receipt. Cancel-safe: what was handed over is done.
    ///
    /// # Errors
    ///
    /// There is no such hold, or the disk fails.
    pub async fn release_hold(
        self: &Arc<Self>,
        controller: &Controller,
        id: ActId,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        let (answer, made) = oneshot::channel();
        let of = controller.clone();
        let bytes = hold_id(&id);
        self.decide(Inbox::Decide(Box::new(Decision::ReleaseHold { of, id, decided, answer })))?;
        let made = made.await.unwrap_or(Err(RecordError::Uncertain.into()))?;
        let (node, of) = (self.clone(), controller.clone());
        // Unreadable they are already.
        let reclaimed = blocking(move || {
            let line = node.base.trail(&of)?.map(|info| info.line()).unwrap_or_default();
            let mut rows = line.iter().filter_map(|info| Some((info.number, bytes?)));
            Ok(rows.try_for_each(|(trail, id)| reclaim(&node.base, trail, &id))?)
        });
        if let Err(error) = reclaimed.await {
            tracing::error!(%error, "the bytes of what a released hold kept are still on the disk, sealed under no key");
        }
        Ok(made)
    }
}

impl Writer {
    /// Releases a hold: its notice, its key, its rows, in this order.
    pub fn release_hold(&mut self, of: &Controller, id: &ActId, decided: &Decided) -> Made<Noted> {
        let base = self.base();
        let Some(bytes) = hold_id(id) else {
            let refusal = Refusal::Unknown("hold");
            return Made::refused(ChangeError::Refused { controller: of.clone(), refusal });
        };
        let made = self.change(vec![(of.clone(), Change::ReleaseHold(id.clone()))], decided);
        let mut made = made.map(|mut noted| noted.remove(0));
        match &made.answer {
            Err(_) => return made,
            Ok(Noted { receipt: None, .. }) => {
                return self.told_before(of, &bytes, |says| matches!(says, Says::HoldReleased(_)));
            }
            Ok(_) => {}
        }
        // Told, so nobody reads by it any more; a start would go on from here.
        base.holds.remove(of, &bytes);
        let rows = base.trail(of).map_err(WriteError::from).map(|info| {
            let line = info.map(|info| info.line()).unwrap_or_default();
            line.iter().map(|info| (info.number, bytes)).collect::<Vec<_>>()
        });
        if let Err(error) = rows.and_then(|rows| self.destroy_holds(&[bytes], &rows)) {
            self.fail(&error);
            made.answer = Err(RecordError::Uncertain.into());
        }
        made
    }

    /// Goes on with what a stop left half done, before anything is read: keys and rows of holds that no notice placed, or
    /// that are released.
    pub(in crate::trail) fn finish_holds(&mut self) -> Result<(), WriteError> {
        let base = self.base();
        let (mut standing, mut rows) = (HashSet::new(), Vec::new());
        for meta in base.descriptions()? {
            let Some(controller) = Origin::parse(&meta.origin).map(|origin| origin.controller()) else { continue };
            let Some(acts) = base.acts.readable(&controller) else {
                tracing::error!(%controller, "which holds it has cannot be read: no key of a hold is destroyed");
                return Ok(());
            };
            let own: HashSet<HoldId> = acts.holds().standing().filter_map(|hold| hold_id(&hold.id)).collect();
            let over = ids(&base, meta.number)?.into_iter().filter(|id| !own.contains(id));
            rows.extend(over.map(|id| (meta.number, id)));
            standing.extend(own);
        }
        let over: Vec<HoldId> = base.keyring.hold_ids().into_iter().filter(|id| !standing.contains(id)).collect();
        if over.is_empty() && rows.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            keys = over.len(),
            holds = rows.len(),
            "holds were being placed or released when akta stopped: what is left of them goes"
        );
        self.destroy_holds(&over, &rows)?;
        rows.iter().try_for_each(|(trail, id)| Ok(reclaim(&base, *trail, id)?))
    }

    /// The keys, then the rows.
    fn destroy_holds(&mut self, ids: &[HoldId], rows: &[(Trail, HoldId)]) -> Result<(), WriteError> {
        let base = self.base();
        base.keyring.destroy_holds(ids, base.world.entropy.as_ref())?;
        self.note_generation()?;
        remove(&base, rows)
    }
}

/// Removes the rows of holds.
fn remove(base: &Base, rows: &[(Trail, HoldId)]) -> Result<(), WriteError> {
    let mut batch = Batch::default();
    for (trail, id) in rows {
        let all = Scan::prefix(Family::Held, &keys::hold(*trail, id));
        if let Some(to) = all.to {
            batch.remove_range(Family::Held, all.from, to);
        }
    }
    if !batch.is_empty() {
        base.vault.store().commit(batch)?;
    }
    Ok(())
}

/// Makes the bytes go of what a hold kept, out of logs and files.
fn reclaim(base: &Base, trail: Trail, id: &HoldId) -> Result<(), Error> {
    let all = Scan::prefix(Family::Held, &keys::hold(trail, id));
    all.to.map_or(Ok(()), |to| base.vault.store().reclaim(Family::Held, &all.from, &to))
}
