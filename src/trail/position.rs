//! Where a trail stands: what the next record is chained to. The last stored rows decide.

use prost::Message;

use super::base::Base;
use super::leaves::Leaves;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::date::Timestamp;
use crate::model::header::Link;
use crate::model::notice;
use crate::model::run;
use crate::model::stored::NoticeCore;
use crate::model::tiles;
use crate::model::tree::Frontier;
use crate::store::keys::{self, Trail};
use crate::store::{self, Family, Scan, Store};

/// Where a trail stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Number of records: the position of the next one.
    pub size: u64,
    /// Link of the newest record; of the origin, if there is none.
    pub head: Link,
    /// When the newest record was recorded. Recorded time never goes back.
    pub recorded_at: Timestamp,
    /// The newest notice.
    pub notice: Option<notice::Before>,
    /// The tree over all headers.
    pub tree: Frontier,
}

impl Position {
    /// Before record 0.
    pub fn empty(origin: Link) -> Self {
        Self { size: 0, head: origin, recorded_at: Timestamp::from_nanos(0), notice: None, tree: Frontier::default() }
    }
}

/// Number of records of a trail by its last header row. Whether one is missing before it is for a walk to see.
pub fn stored_size(db: &dyn Store, trail: Trail) -> Result<u64, store::Error> {
    let Some((key, value)) = last(db, Family::Header, trail, u64::MAX)? else { return Ok(0) };
    let first = keys::seq_of(&key)
        .ok_or_else(|| store::Error::Corrupt(format!("the last header row of trail {trail} has a bad key")))?;
    let count = run::count(&value)
        .ok_or_else(|| store::Error::Corrupt(format!("the header row of trail {trail} at {first} is cut short")))?;
    Ok(first.saturating_add(count))
}

/// Reads where a trail stands on disk.
pub fn position(base: &Base, info: &Info) -> Result<Position, ReadError> {
    let size = stored_size(base.db.as_ref(), info.number)?;
    let Some(newest) = size.checked_sub(1) else { return Ok(Position::empty(info.link)) };
    let record = Reader::new(base, info, base.today(&info.zone)).once().record(newest)?;
    Ok(Position {
        size,
        head: record.link,
        // Where the core has expired, the day is all that is left of the time.
        recorded_at: record.recorded_at().unwrap_or(record.header.day.start()),
        notice: last_notice(base, info)?,
        tree: tiles::frontier(&Leaves::new(base, info), size)?,
    })
}

fn last_notice(base: &Base, info: &Info) -> Result<Option<notice::Before>, ReadError> {
    let Some((key, value)) = last(base.db.as_ref(), Family::Notice, info.number, u64::MAX)? else { return Ok(None) };
    let loss = |what: &str| ReadError::DataLoss {
        origin: info.origin.to_string(),
        seq: keys::seq_of(&key).unwrap_or_default(),
        what: what.to_owned(),
    };
    let seq = keys::seq_of(&key).ok_or_else(|| loss("the last notice has a bad key"))?;
    let core = NoticeCore::decode(&*value).map_err(|_| loss("its notice is not well-formed"))?;
    Ok(Some(notice::Before { ordinal: core.ordinal, seq }))
}

/// The last row of a trail at or before `seq`.
pub fn last(db: &dyn Store, family: Family, trail: Trail, seq: u64) -> Result<Option<store::Row>, store::Error> {
    db.peek(Scan::back(family, &keys::trail_seq(trail, 0), &keys::trail_seq(trail, seq)))
}
