//! Notices: what a trail says about itself. Their core stands in clear and outlives every key.

use super::date::{Date, Timestamp, Zone};
use super::header::{Group, Header, Kind, Link};
use super::origin::Origin;
use super::part::{self, NO_SALT, PartId, PartKey};
use super::policy::{self, Class};
use super::record::Contents;
use super::stored::{DetailPart, Expired, KekRotated, KeyringOpened, NoticeCore, TrailOpened, notice_core};

/// What a notice says.
pub use notice_core::Kind as Says;

/// Where the notice before stands: every notice points at it, so that all of them can be shown without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// Its number, from 0 along the trail.
    pub ordinal: u64,
    /// Its position.
    pub seq: u64,
}

/// What a notice says in clear, and what its slices say until their date.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// In clear.
    pub says: Says,
    /// Sealed, from index 0 on; each can be shown alone.
    pub slices: Vec<DetailPart>,
    /// The first day on which the slices are unreadable; of no meaning without slices.
    pub date: Date,
}

impl From<Says> for Told {
    fn from(says: Says) -> Self {
        Self { says, slices: Vec::new(), date: Date::NEVER }
    }
}

/// Record 0 of every trail; `predecessor` is the origin of the one that it follows, empty if none.
pub fn opening(origin: &Origin, zone: &Zone, predecessor: &str) -> Says {
    Says::Opened(TrailOpened {
        origin: origin.to_string(),
        zone: zone.name().to_owned(),
        policy_version: policy::VERSION.to_owned(),
        predecessor: predecessor.to_owned(),
    })
}

/// A node opened its keyring for writing.
pub fn keyring_opened(generation: u64, dev: bool) -> Says {
    Says::KeyringOpened(KeyringOpened { generation, dev })
}

/// The keyring was sealed under another KEK: generations up to `before` were sealed under the old one, those from
/// `after` on never were.
pub fn kek_rotated(before: u64, after: u64) -> Says {
    Says::KekRotated(KekRotated { generation_before: before, generation_after: after })
}

/// What is dated `through` or before is destroyed.
pub fn expired(through: Date) -> Says {
    Says::Expired(Expired { through: through.days() })
}

/// The notice that follows `before`; the first one if there is none.
pub fn contents(told: impl Into<Told>, before: Option<Before>, recorded_at: Timestamp) -> Contents {
    let Told { says, slices, .. } = told.into();
    let core = NoticeCore {
        ordinal: before.map_or(0, |before| before.ordinal + 1),
        previous_seq: before.map_or(0, |before| before.seq),
        recorded_at: recorded_at.nanos(),
        kind: Some(says),
    };
    Contents { notice: Some(core), slices: (0..).zip(slices).collect(), ..Contents::default() }
}

/// The header of a notice without slices whose core has these bytes.
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
