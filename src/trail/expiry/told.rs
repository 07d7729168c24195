//! What a trail tells of expiry.

use prost::Message;

use super::super::base::Base;
use super::super::trails::Info;
use crate::model::date::Date;
use crate::model::stored::{NoticeCore, notice_core::Kind};
use crate::store::keys::Trail;
use crate::store::{Error, Family, Scan, keys};

/// Up to which date a trail tells that its parts are expired: the last notice of that kind says so for all before it.
/// `None` where there is none. Of one that others follow, these tell. What is not well-formed is passed over; verification names it.
pub fn told_through(base: &Base, info: &Info) -> Result<Option<Date>, Error> {
    let mut told = told_in(base, info.number)?;
    for later in base.later(info)? {
        told = told.max(told_in(base, later.number)?);
    }
    Ok(told)
}

fn told_in(base: &Base, trail: Trail) -> Result<Option<Date>, Error> {
    let of = |seq| keys::trail_seq(trail, seq);
    for row in base.db.scan(Scan::back(Family::Notice, &of(0), &of(u64::MAX))) {
        let (_, core) = row?;
        if let Ok(NoticeCore { kind: Some(Kind::Expired(told)), .. }) = NoticeCore::decode(&*core) {
            return Ok(Some(Date::from_days(told.through)));
        }
    }
    Ok(None)
}
