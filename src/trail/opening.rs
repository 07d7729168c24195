//! Opening a trail at first sight of its controller.

use std::sync::Arc;

use prost::Message;

use super::base::Base;
use super::group::WriteError;
use super::indexer::Entry;
use super::position::Position;
use super::sequencer::{Placed, Sequencer};
use super::trails::Info;
use crate::model::date::{Timestamp, Zone};
use crate::model::header::Link;
use crate::model::notice::{self, Told};
use crate::model::origin::{Controller, Origin};
use crate::model::record::Contents;
use crate::model::seal::Use;
use crate::model::stored::TrailMeta;
use crate::store::{Batch, Family, keys};

/// A trail that is to be opened.
pub(super) struct Opening {
    pub(super) controller: Controller,
    pub(super) zone: Zone,
    pub(super) recorded_at: Timestamp,
    /// The trail that it follows.
    pub(super) predecessor: Option<TrailMeta>,
    /// What stands in it from the first batch on.
    pub(super) first: Vec<Told>,
}

/// Opens a trail: its description, its opening notice and what it begins with, in a batch of their own; what must be durable
/// before that is `prepare`d.
///
/// Order: keyring → this batch → vault. Vault rows are sealed under the controller's key, so which slot is its own
/// must be durable before the first of them.
pub(super) fn open_trail(
    base: &Base,
    opening: &Opening,
    prepare: impl FnOnce(&Info) -> Result<(), WriteError>,
) -> Result<(Arc<Info>, Vec<Entry>), WriteError> {
    let Opening { controller, zone, recorded_at, predecessor, first } = opening;
    let entropy = base.world.entropy.as_ref();
    let number = base.trails.next_number();
    // The controller keeps its key.
    let slot =
        predecessor.as_ref().map_or_else(|| base.trails.next_slot(&base.keyring), |before| before.controller_slot);
    base.keyring.ensure(zone, base.recording_day(zone, *recorded_at), slot, entropy)?;
    // Under the name of the one before, whatever the settings of who restores it.
    let before = predecessor.as_ref().and_then(|before| Origin::parse(&before.origin));
    let authority = before.as_ref().map_or(base.settings.authority.as_str(), Origin::authority);
    let origin = Origin::new(authority, controller, &base.writer).expect("its parts are names");
    let zone_number = base.keyring.zone_number(zone.name()).expect("its keys were just made");
    let meta = TrailMeta {
        number,
        origin: origin.to_string(),
        zone: zone.name().to_owned(),
        controller_slot: slot,
        zone_number: zone_number.into(),
        frozen: false,
    };
    let info = Arc::new(Info::new(&meta, &base.keyring).expect("its keys were just made"));
    prepare(&info)?;
    let empty = Position::empty(Link::of_origin(&origin));
    let mut sequencer = Sequencer::new(number, zone_number, info.link, empty, entropy);
    let follows = predecessor.as_ref().map_or("", |before| &before.origin);
    let told = std::iter::once(Told::from(notice::opening(&origin, zone, follows))).chain(first.clone());
    let placed: Vec<Placed> = told.map(|told| sequencer.notice(told, *recorded_at)).collect();

    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::trail_meta(controller), meta.encode_to_vec());
    if let Some(before) = predecessor {
        batch.put(Family::Meta, keys::frozen_meta(controller, before.number), before.encode_to_vec());
    }
    batch.put(Family::Meta, keys::META_GENERATION, base.keyring.generation().to_be_bytes());
    let key = |date| info.date_key(&base.keyring, Use::Seal, date);
    let position = sequencer.finish(&mut batch, key).map_err(WriteError::NoKey)?;
    base.db.commit(batch)?;

    info.set_position(position);
    base.zones.add(zone, zone_number);
    base.trails.made(number, slot);
    // One that follows others is opened with them, at its first use.
    if predecessor.is_none() {
        base.trails.add(info.clone());
    }
    let entry = |placed: &Placed| Entry::of(&info, &placed.header, &Contents::default(), None);
    let entries = placed.iter().map(entry).collect();
    Ok((info, entries))
}
