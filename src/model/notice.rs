//! Notices: what a trail says about itself. Their core stands in clear and outlives every key.

use super::date::{Date, Timestamp, Zone};
use super::header::{Group, Header, Kind, Link};
use super::origin::Origin;
use super::part::{self, NO_SALT, PartId, PartKey};
use super::policy::{self, Class};
use super::record::Contents;
use super::stored::{NoticeCore, TrailOpened, notice_core};

/// Record 0 of every trail.
pub fn opening(origin: &Origin, zone: &Zone, recorded_at: Timestamp) -> Contents {
    let opened = TrailOpened {
        origin: origin.to_string(),
        zone: zone.name().to_owned(),
        policy_version: policy::VERSION.to_owned(),
        predecessor: String::new(),
    };
    let core = NoticeCore {
        ordinal: 0,
        previous_seq: 0,
        recorded_at: recorded_at.nanos(),
        kind: Some(notice_core::Kind::Opened(opened)),
    };
    Contents { notice: Some(core), ..Contents::default() }
}

/// The header of a notice whose core has these bytes.
pub fn header(core: &[u8], seq: u64, recorded_at: Timestamp, previous: Link) -> Header {
    let group = Group { date: Date::NEVER, bitmap: PartId::Core.bit(), commitment: commitment(core) };
    Header {
        kind: Kind::Notice,
        class: Class::Ledger,
        seq,
        day: Date::of_utc(recorded_at),
        previous,
        groups: vec![group],
    }
}

/// Commits to a notice's core, which has no salt to hide behind.
pub fn commitment(core: &[u8]) -> part::GroupHash {
    let key = PartKey::first(PartId::Core);
    part::group_hash([(key, part::part_hash(&NO_SALT, key, core))])
}
