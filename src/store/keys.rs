//! Every storage key. Integers are big-endian, so keys sort as their numbers do.
//!
//! ```text
//! header    trail u32 · first seq u64                                           db/
//! part      expiry date u32 · zone u16 · trail u32 · first seq u64              db/
//! notice    trail u32 · seq u64                                                 db/
//! tree      trail u32 · level u8 · index u64                                    db/
//! meta      a name (below)                                                      db/
//! row       bucket u16 · row hash 32                                            vault/
//! pseudonym keyed hash of the pseudonym 32                                      vault/
//! held      trail u32 · hold 16                                                 vault/   the hold itself
//!           trail u32 · hold 16 · seq u64 · expiry date u32                     vault/   what it has kept
//! removal   bucket u16 · trail u32 · id 16                                      vault/
//! posting   expiry date u32 · zone u16 · trail u32 · kind u8 · term 16 · first seq u64    index/
//! event_id  week u32 · trail u32 · event id 16                                  index/
//! counter   trail u32 · core's expiry date u32 · class u16 · day u32            index/
//! indexed   trail u32                                                           index/
//! ```
//!
//! The date leads where it can expire, so a date is one range to drop.

use crate::model::date::Date;
use crate::model::origin::Controller;
use crate::model::term::TERM_BYTES;

/// Bytes of a posting's key that name date, zone, trail and term.
pub const POSTING_PREFIX: usize = 4 + 2 + 4 + 1 + TERM_BYTES;

/// Bytes of the key of a hold.
pub const HOLD_BYTES: usize = 4 + 16;
/// Bytes of the key of what a hold has kept.
pub const HELD_BYTES: usize = HOLD_BYTES + 8 + 4;

/// Bytes of the key of a removal.
pub const REMOVAL_BYTES: usize = 2 + 4 + 16;

/// Meta: version of the format, u32.
pub const META_FORMAT: &[u8] = b"format";
/// Meta: the writer part of this store's origins.
pub const META_WRITER: &[u8] = b"writer";
/// Meta: the newest keyring generation used, u64.
pub const META_GENERATION: &[u8] = b"keyring generation";
/// Meta: prefix of the last trail of each controller, followed by its name.
pub const META_TRAIL: &[u8] = b"trail/";
/// Meta: prefix of trails that another one of the same controller follows, followed by the controller's name, `/`, and the number of the trail in 10 digits.
pub const META_FROZEN: &[u8] = b"frozen/";
/// Meta: prefix of how far the rows of a trail are merged, u64, followed by the controller's name.
pub const META_MERGED: &[u8] = b"merged/";

/// Meta: prefix of how far dates are expired, two u32, followed by the zone's name.
pub const META_EXPIRED: &[u8] = b"expired/";
/// Meta: prefix of how far dates have left no byte, u32, followed by the zone's name.
pub const META_RECLAIMED: &[u8] = b"reclaimed/";

/// Meta: prefix of controllers that are closed, u8, followed by the controller's name.
pub const META_CLOSED: &[u8] = b"closed/";

/// Meta: a restore is under way, u8 0.
pub const META_RESTORED: &[u8] = b"restored";

/// Number of a trail in storage keys.
pub type Trail = u32;

/// Number of a zone in storage keys: its position in the keyring.
pub type ZoneNumber = u16;

/// `trail · seq`: keys of headers and notices.
pub fn trail_seq(trail: Trail, seq: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&trail.to_be_bytes());
    key[4..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// Key of a frame.
pub fn part(date: Date, zone: ZoneNumber, trail: Trail, first: u64) -> [u8; 18] {
    let mut key = [0; 18];
    key[..10].copy_from_slice(&dated(date, zone, trail));
    key[10..].copy_from_slice(&first.to_be_bytes());
    key
}

/// `date · zone · trail`: what the keys of frames and postings of one trail and date begin with.
pub fn dated(date: Date, zone: ZoneNumber, trail: Trail) -> [u8; 10] {
    let mut key = [0; 10];
    key[..4].copy_from_slice(&date.days().to_be_bytes());
    key[4..6].copy_from_slice(&zone.to_be_bytes());
    key[6..].copy_from_slice(&trail.to_be_bytes());
    key
}

/// What the keys of the postings of one term begin with.
pub fn posting_prefix(
    date: Date,
    zone: ZoneNumber,
    trail: Trail,
    kind: u8,
    term: &[u8; TERM_BYTES],
) -> [u8; POSTING_PREFIX] {
    let mut key = [0; POSTING_PREFIX];
    key[..10].copy_from_slice(&dated(date, zone, trail));
    key[10] = kind;
    key[11..].copy_from_slice(term);
    key
}

/// Key of one chunk of postings.
pub fn posting(prefix: &[u8; POSTING_PREFIX], first: u64) -> [u8; POSTING_PREFIX + 8] {
    let mut key = [0; POSTING_PREFIX + 8];
    key[..POSTING_PREFIX].copy_from_slice(prefix);
    key[POSTING_PREFIX..].copy_from_slice(&first.to_be_bytes());
    key
}

/// Key of the hash of a completed subtree of 256^level leaves.
pub fn tree(trail: Trail, level: u8, index: u64) -> [u8; 13] {
    let mut key = [0; 13];
    key[..4].copy_from_slice(&trail.to_be_bytes());
    key[4] = level;
    key[5..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Key of an event id that was recorded in that week. The week leads: ids are forgotten by whole weeks.
pub fn event_id(week: u32, trail: Trail, id: &[u8; 16]) -> [u8; 24] {
    let mut key = [0; 24];
    key[..4].copy_from_slice(&week.to_be_bytes());
    key[4..8].copy_from_slice(&trail.to_be_bytes());
    key[8..].copy_from_slice(id);
    key
}

/// Key of the number of records with that expiry date of the core (0: never), class and day.
pub fn counter(trail: Trail, date: Date, class: u16, day: Date) -> [u8; 14] {
    let mut key = [0; 14];
    key[..4].copy_from_slice(&trail.to_be_bytes());
    key[4..8].copy_from_slice(&date.days().to_be_bytes());
    key[8..10].copy_from_slice(&class.to_be_bytes());
    key[10..].copy_from_slice(&day.days().to_be_bytes());
    key
}

/// Key of a vault row.
pub fn row(bucket: u16, hash: &[u8; 32]) -> [u8; 34] {
    let mut key = [0; 34];
    key[..2].copy_from_slice(&bucket.to_be_bytes());
    key[2..].copy_from_slice(hash);
    key
}

/// Bucket and row hash of a vault row's key.
pub fn row_of(key: &[u8]) -> Option<(u16, [u8; 32])> {
    let (bucket, hash) = key.split_first_chunk()?;
    Some((u16::from_be_bytes(*bucket), hash.try_into().ok()?))
}

/// Key of a hold, with which the keys of all that it has kept begin.
pub fn hold(trail: Trail, hold: &[u8; 16]) -> [u8; HOLD_BYTES] {
    let mut key = [0; HOLD_BYTES];
    key[..4].copy_from_slice(&trail.to_be_bytes());
    key[4..].copy_from_slice(hold);
    key
}

/// Key of what a hold has kept of one record and expiry date.
pub fn held(trail: Trail, hold: &[u8; 16], seq: u64, date: Date) -> [u8; HELD_BYTES] {
    let mut key = [0; HELD_BYTES];
    key[..HOLD_BYTES].copy_from_slice(&self::hold(trail, hold));
    key[HOLD_BYTES..HOLD_BYTES + 8].copy_from_slice(&seq.to_be_bytes());
    key[HOLD_BYTES + 8..].copy_from_slice(&date.days().to_be_bytes());
    key
}

/// Key of a removal.
pub fn removal(bucket: u16, trail: Trail, id: &[u8; 16]) -> [u8; REMOVAL_BYTES] {
    let mut key = [0; REMOVAL_BYTES];
    key[..2].copy_from_slice(&bucket.to_be_bytes());
    key[2..6].copy_from_slice(&trail.to_be_bytes());
    key[6..].copy_from_slice(id);
    key
}

/// Bucket, trail and id of a removal, by its key.
pub fn removal_of(key: &[u8]) -> Option<(u16, Trail, [u8; 16])> {
    let key = key.first_chunk::<REMOVAL_BYTES>().filter(|_| key.len() == REMOVAL_BYTES)?;
    let (bucket, rest) = key.split_first_chunk()?;
    let (trail, id) = rest.split_first_chunk()?;
    Some((u16::from_be_bytes(*bucket), Trail::from_be_bytes(*trail), id.try_into().ok()?))
}

/// Record and expiry date of what was kept, by its key; `None` of a hold itself.
pub fn held_place(key: &[u8]) -> Option<(u64, Date)> {
    let rest = key.get(HOLD_BYTES..).filter(|_| key.len() == HELD_BYTES)?;
    let (seq, date) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*seq), date_of(date)?))
}

/// Key of a trail's description.
pub fn trail_meta(controller: &Controller) -> Vec<u8> {
    [META_TRAIL, controller.as_str().as_bytes()].concat()
}

/// Key of the description of a trail of a controller that another one follows.
pub fn frozen_meta(controller: &Controller, number: Trail) -> Vec<u8> {
    [&frozen_of(controller)[..], format!("{number:010}").as_bytes()].concat()
}

/// What the keys of such trails of a controller begin with: they sort as they follow each other.
pub fn frozen_of(controller: &Controller) -> Vec<u8> {
    [META_FROZEN, controller.as_str().as_bytes(), b"/"].concat()
}

/// Key of how far the rows of a trail are merged.
pub fn merged(controller: &Controller) -> Vec<u8> {
    [META_MERGED, controller.as_str().as_bytes()].concat()
}

/// Key of how far a zone's dates are expired.
pub fn expired(zone: &str) -> Vec<u8> {
    [META_EXPIRED, zone.as_bytes()].concat()
}

/// Key of how far a zone's dates have left no byte.
pub fn reclaimed(zone: &str) -> Vec<u8> {
    [META_RECLAIMED, zone.as_bytes()].concat()
}

/// Key of how far a controller's end has come.
pub fn closed(controller: &Controller) -> Vec<u8> {
    [META_CLOSED, controller.as_str().as_bytes()].concat()
}

/// Date, zone and trail of a key that begins with them.
pub fn dated_of(key: &[u8]) -> Option<(Date, ZoneNumber, Trail)> {
    let (date, rest) = key.split_first_chunk()?;
    let (zone, rest) = rest.split_first_chunk()?;
    let trail = rest.first_chunk()?;
    let date = Date::from_days(u32::from_be_bytes(*date));
    Some((date, ZoneNumber::from_be_bytes(*zone), Trail::from_be_bytes(*trail)))
}

/// What a counter counts: the core's expiry date and the class.
pub fn counted(key: &[u8]) -> Option<(Date, u16)> {
    let (date, rest) = key.get(4..)?.split_first_chunk()?;
    let class = rest.first_chunk()?;
    Some((Date::from_days(u32::from_be_bytes(*date)), u16::from_be_bytes(*class)))
}

/// The last 8 bytes of a key: its seq.
pub fn seq_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The first 4 bytes of a key: its expiry date.
pub fn date_of(key: &[u8]) -> Option<Date> {
    key.first_chunk().map(|bytes| Date::from_days(u32::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_numbers(a in any::<(u32, u64)>(), b in any::<(u32, u64)>()) {
            prop_assert_eq!(a.cmp(&b), trail_seq(a.0, a.1).cmp(&trail_seq(b.0, b.1)));
            let key = |(date, seq)| part(Date::from_days(date), 1, 2, seq);
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
            prop_assert_eq!(seq_of(&key(a)), Some(a.1));
            prop_assert_eq!(date_of(&key(a)), Some(Date::from_days(a.0)));
            let held = |(date, seq)| held(1, &[7; 16], seq, Date::from_days(date));
            prop_assert_eq!((a.1, a.0).cmp(&(b.1, b.0)), held(a).cmp(&held(b)));
            prop_assert_eq!(held_place(&held(a)), Some((a.1, Date::from_days(a.0))));
            prop_assert!(held(a).starts_with(&hold(1, &[7; 16])) && held_place(&hold(1, &[7; 16])).is_none());
            prop_assert_eq!(dated_of(&key(a)), Some((Date::from_days(a.0), 1, 2)));
            let id = [a.0 as u8; 16];
            prop_assert_eq!(removal_of(&removal(a.0 as u16, b.0, &id)), Some((a.0 as u16, b.0, id)));
            let counter = counter(7, Date::from_days(a.0), 3, Date::from_days(b.0));
            prop_assert_eq!(counted(&counter), Some((Date::from_days(a.0), 3)));
        }
    }
}
