//! Placing a hold: counted, keyed, described, told.

use std::sync::Arc;

use prost::Message;
use tokio::sync::oneshot;

use super::super::acts::{ChangeError, Noted};
use super::super::answer::{AskError, blocking};
use super::super::ask::{Asked, Asker};
use super::super::base::Base;
use super::super::change::Made;
use super::super::decision::Decision;
use super::super::keyring;
use super::super::node::Node;
use super::super::reader::{ReadError, Reader};
use super::super::search;
use super::super::submission::{Receipt, RecordError};
use super::super::threads::Inbox;
use super::super::trails::Info;
use super::super::writer::Writer;
use super::{Standing, cover, hold_id};
use crate::env::random;
use crate::model::date::{Date, Timestamp};
use crate::model::hold::row::{self, HoldId};
use crate::model::hold::{HOLDS_NODE_MAX, Hold, last_review};
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::permission::acts::Refusal;
use crate::model::permission::change::{ActId, Change, Decided};
use crate::model::seal::Key;
use crate::model::stored::NoticeCore;
use crate::store::{self, Batch, Family, Scan, keys};

/// A hold that is to be placed.
#[derive(Debug, Clone)]
pub struct Placing {
    /// Its id.
    pub id: ActId,
    /// What it keeps, for whom and why.
    pub hold: Hold,
    /// The day by which somebody must look whether it is still needed, in the trail's zone.
    pub review_on: Date,
    /// Records that it covers, as they were counted.
    pub records: u64,
}

impl Node {
    /// Counts the records that a hold would cover, of which something is readable. As that tells whether there is anything about somebody, it is recorded before it
    /// returns, as any question.
    ///
    /// # Errors
    ///
    /// Reading or recording fails.
    pub async fn count_hold(
        self: &Arc<Self>,
        asker: &Asker,
        controller: &Controller,
        hold: &Hold,
    ) -> Result<u64, AskError> {
        let info = self.trail(controller).await?;
        let size = info.size();
        self.flush_index().await?;
        let (node, counted) = (self.clone(), hold.clone());
        let records = blocking(move || {
            let past =
                info.past.iter().map(|info| count(&node.base, info, &counted, info.size())).sum::<Result<u64, _>>()?;
            Ok(past + count(&node.base, &info, &counted, size)?)
        });
        let records = records.await?;
        let asked = Asked { call: "PlaceHold", shape: hold.selection.names().join(","), export: false };
        self.record_read(asker, controller, asked, usize::try_from(records).unwrap_or(usize::MAX)).await?;
        Ok(records)
    }

    /// The day in the time zone of a controller's trail.
    ///
    /// # Errors
    ///
    /// It has no trail, or reading fails.
    pub async fn today(self: &Arc<Self>, controller: &Controller) -> Result<Date, AskError> {
        let info = self.trail(controller).await?;
        Ok(info.zone.date(self.base.now()))
    }

    /// Somebody looked whether a hold is still needed: it is, until that day in the trail's zone. Durable before it
    /// returns.
    ///
    /// # Errors
    ///
    /// There is no such hold, the day is not a good one, or the disk is full or fails.
    pub async fn review_hold(
        self: &Arc<Self>,
        controller: &Controller,
        id: ActId,
        review_on: Date,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        let of = controller.clone();
        let info = self.trail(controller).await.map_err(|error| {
            tracing::error!(%error, "a hold is not reviewed: its trail cannot be read");
            RecordError::NoController
        })?;
        day_is_good(&of, &info, review_on, self.base.now())?;
        let noted = self.change(vec![(of, Change::ReviewHold { id, review_on })], decided).await?;
        noted.into_iter().next().ok_or_else(|| RecordError::Uncertain.into())
    }

    /// Places a hold, durable before it returns; it covers what is there and what comes. The same hold again gets the
    /// first notice's receipt. Cancel-safe: what was handed over is done.
    ///
    /// # Errors
    ///
    /// It is not as it should be, its id is another's, there are too many, or the disk is full or fails.
    pub async fn place_hold(
        self: &Arc<Self>,
        controller: &Controller,
        placing: Placing,
        decided: Decided,
    ) -> Result<Noted, ChangeError> {
        let (answer, made) = oneshot::channel();
        let of = controller.clone();
        self.decide(Inbox::Decide(Box::new(Decision::PlaceHold { of, placing: Box::new(placing), decided, answer })))?;
        made.await.unwrap_or(Err(RecordError::Uncertain.into()))
    }
}

impl Writer {
    /// Places a hold: its key, its row, its notice, in this order.
    pub fn place_hold(&mut self, of: &Controller, placing: &Placing, decided: &Decided) -> Made<Noted> {
        let base = self.base();
        let Placing { id, hold, review_on, records } = placing;
        let refused = |refusal| Made::refused(ChangeError::Refused { controller: of.clone(), refusal });
        let Some(bytes) = hold_id(id) else {
            return refused(Refusal::Unknown("hold"));
        };
        let placed = base.holds.find(of, &bytes).map(|standing| standing.hold() == Some(hold));
        match placed {
            Some(true) => return self.told_before(of, &bytes, |says| matches!(says, Says::HoldPlaced(_))),
            Some(false) => return refused(Refusal::Taken),
            None => {}
        }
        if base.keyring.hold_ids().len() >= HOLDS_NODE_MAX {
            return refused(Refusal::TooMany { what: "holds on this node", limit: HOLDS_NODE_MAX });
        }
        // Before what notices are held to, which knows no zone. That there is no trail, or none that can be read, is said below.
        if let Ok(Some(info)) = base.trail(of)
            && let Err(refusal) = day_is_good(of, &info, *review_on, base.now())
        {
            return Made::refused(refusal);
        }
        let change = Change::PlaceHold {
            id: id.clone(),
            kind: hold.kind,
            records: *records,
            review_on: *review_on,
            owner: hold.owner.clone(),
            selection: hold.selection.attributes().into_iter().map(|said| (said.key, said.value)).collect(),
        };
        let mut standing = None;
        let made = self.change_after(vec![(of.clone(), change)], decided, |base| {
            let info = base.trail(of)?.ok_or_else(|| crate::store::Error::Corrupt("the trail is gone".to_owned()))?;
            match base.keyring.add_hold(&bytes, base.world.entropy.as_ref()) {
                // Nothing was written.
                Err(keyring::Error::Full) => {
                    let refusal = Refusal::TooMany { what: "keys for a hold in the keyring", limit: HOLDS_NODE_MAX };
                    return Ok(Err(ChangeError::Refused { controller: of.clone(), refusal }));
                }
                added => added?,
            }
            let mut placed =
                Standing { id: bytes, zone: info.zone.clone(), hold: Some(hold.clone()), keys: Vec::new() };
            for info in info.line() {
                placed.keys.push((info.number, describe(base, &info, &bytes, hold)?));
            }
            standing = Some(placed);
            Ok(Ok(()))
        });
        if made.answer.is_ok()
            && let Some(standing) = standing
        {
            base.holds.add(of, standing);
        }
        made.map(|mut noted| noted.remove(0))
    }

    /// The receipt of the notice that told it before.
    pub(super) fn told_before(&self, of: &Controller, id: &HoldId, is: impl Fn(&Says) -> bool) -> Made<Noted> {
        let found = first_receipt(&self.base, of, id, is).map_err(|error| {
            tracing::error!(%error, "the notice of a hold cannot be read");
            ChangeError::from(RecordError::Damaged)
        });
        Made::nothing(found.map(|receipt| Noted { controller: of.clone(), receipt }))
    }
}

/// From today on, and at most six months ahead, in the trail's zone.
fn day_is_good(of: &Controller, info: &Info, review_on: Date, now: Timestamp) -> Result<(), ChangeError> {
    let (today, last) = (info.zone.date(now), last_review(now, &info.zone));
    if (today..=last).contains(&review_on) {
        return Ok(());
    }
    let why = format!("must be a day from {today} on, at most 6 months ahead: until {last}");
    Err(ChangeError::field(of, "review_on", why))
}

/// The hold's own row in a trail, durable when it returns; what seals what it keeps there.
pub(super) fn describe(base: &Base, info: &Info, id: &HoldId, hold: &Hold) -> Result<Key, store::Error> {
    let lost = || store::Error::Corrupt("the keyring lacks the key of a hold that was just made".to_owned());
    let key = base.keyring.hold_key(id).ok_or_else(lost)?;
    let key = row::key(&key, &info.key, &info.link);
    let value = row::seal_hold(&key, random(base.world.entropy.as_ref()), &info.link, id, hold, 0);
    let mut batch = Batch::default();
    batch.put(Family::Held, keys::hold(info.number, id), value);
    base.vault.store().commit(batch)?;
    Ok(key)
}

/// Number of records below `size` that a hold covers and that are not past.
fn count(base: &Base, info: &Info, hold: &Hold, size: u64) -> Result<u64, ReadError> {
    let today = base.today(&info.zone);
    let cover = cover(base, info, hold)?;
    let mut reader = Reader::new(base, info, today).once();
    let seqs: Box<dyn Iterator<Item = u64>> = match search::among(base, info, cover.filter(), 0..size, today)? {
        Some(found) => Box::new(found.into_iter()),
        None => Box::new(0..size),
    };
    let mut records = 0;
    for seq in seqs {
        let record = reader.record(seq)?;
        records += u64::from(cover.covers(&record.header, &record.contents));
    }
    Ok(records)
}

/// The receipt of the newest notice about a hold of which `is` says yes.
fn first_receipt(
    base: &Base,
    of: &Controller,
    id: &HoldId,
    is: impl Fn(&Says) -> bool,
) -> Result<Option<Receipt>, ReadError> {
    let Some(info) = base.trail(of)? else { return Ok(None) };
    let at = |seq| keys::trail_seq(info.number, seq);
    for row in base.db.scan(Scan::back(Family::Notice, &at(0), &at(u64::MAX))) {
        let (key, core) = row?;
        // What is not well-formed verification will name.
        let Some(core) = NoticeCore::decode(&*core).ok() else { continue };
        let own = match &core.kind {
            Some(Says::HoldPlaced(placed)) => placed.id == id,
            Some(Says::HoldReleased(released)) => released.id == id,
            _ => false,
        };
        if own && core.kind.as_ref().is_some_and(&is) {
            let seq = keys::seq_of(&key).unwrap_or_default();
            let link = Reader::headers(base, &info).linked(seq)?.link;
            let recorded_at = Timestamp::from_nanos(core.recorded_at);
            return Ok(Some(Receipt { origin: info.origin.clone(), seq, link, recorded_at }));
        }
    }
    Ok(None)
}
