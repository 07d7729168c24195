//! Opening a trail at first sight of its controller.

use std::sync::Arc;

use prost::Message;

use super::base::Base;
use super::group::WriteError;
use super::indexer::Entry;
use super::position::Position;
use super::sequencer::Sequencer;
use super::trails::Info;
use crate::model::date::{Date, Timestamp};
use crate::model::header::Link;
use crate::model::notice;
use crate::model::origin::{Controller, Origin};
use crate::model::record::Contents;
use crate::model::stored::TrailMeta;
use crate::store::{Batch, Family, keys};

/// Opens a trail: its description and opening notice, in a batch of their own.
///
/// Order: keyring → this batch → vault. Vault rows are sealed under the controller's key, so which slot is its own
/// must be durable before the first of them.
pub(super) fn open_trail(
    base: &Base,
    controller: &Controller,
    today: Date,
    recorded_at: Timestamp,
) -> Result<(Arc<Info>, Entry), WriteError> {
    let entropy = base.world.entropy.as_ref();
    let number = base.trails.next_number();
    let zone = &base.settings.zone;
    base.keyring.ensure(zone, today, number, entropy)?;
    let origin = Origin::new(&base.settings.authority, controller, &base.writer).expect("its parts are names");
    let zone_number = base.keyring.zone_number(zone.name()).expect("its keys were just made");
    let meta = TrailMeta {
        number,
        origin: origin.to_string(),
        zone: zone.name().to_owned(),
        controller_slot: number,
        zone_number: zone_number.into(),
    };
    let info = Arc::new(Info::new(&meta, &base.keyring).expect("its keys were just made"));
    let empty = Position::empty(Link::of_origin(&origin));
    let mut sequencer = Sequencer::new(number, zone_number, info.link, empty, entropy);
    let placed = sequencer.notice(notice::opening(&origin, zone), recorded_at);

    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::trail_meta(controller), meta.encode_to_vec());
    batch.put(Family::Meta, keys::META_GENERATION, base.keyring.generation().to_be_bytes());
    let position = sequencer.finish(&mut batch, |_| None).map_err(WriteError::NoKey)?;
    base.db.commit(batch)?;

    info.set_position(position);
    base.trails.add(info.clone());
    let entry = Entry::of(&info, &placed.header, &Contents::default(), None);
    Ok((info, entry))
}
