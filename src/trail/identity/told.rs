//! What a trail tells of people: looked up when it is asked for again, or when a start must know how far something came.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;

use super::super::base::Base;
use super::super::reader::{ReadError, Reader};
use super::super::submission::Receipt;
use super::super::trails::Info;
use crate::model::date::Timestamp;
use crate::model::notice::Says;
use crate::model::origin::Origin;
use crate::model::removal::RemovalId;
use crate::model::removal::told;
use crate::model::stored::{IdentityErased, NoticeCore};
use crate::store::{Error, Family, Scan, keys};

/// Every notice of people of a trail, oldest first. What is not well-formed verification names.
pub(super) fn notices(base: &Base, info: &Info) -> Result<Vec<(u64, Timestamp, Says)>, Error> {
    let mut all = Vec::new();
    for row in base.db.scan(Scan::prefix(Family::Notice, &info.number.to_be_bytes())) {
        let (key, core) = row?;
        let Ok(NoticeCore { recorded_at, kind: Some(says), .. }) = NoticeCore::decode(&*core) else { continue };
        if told::is_of_people(&says) {
            all.push((keys::seq_of(&key).unwrap_or_default(), Timestamp::from_nanos(recorded_at), says));
        }
    }
    Ok(all)
}

/// The notices with that id of which `is` says yes, and the receipt of the first, in the oldest of a controller's trails that has any.
pub(super) fn first(
    base: &Base,
    last: &Arc<Info>,
    id: &RemovalId,
    is: impl Fn(&Says) -> bool,
) -> Result<Option<(Receipt, Vec<Says>)>, ReadError> {
    for info in last.line() {
        if let Some(found) = first_in(base, &info, id, &is)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn first_in(
    base: &Base,
    info: &Info,
    id: &RemovalId,
    is: &impl Fn(&Says) -> bool,
) -> Result<Option<(Receipt, Vec<Says>)>, ReadError> {
    let own = |(_, _, says): &(u64, Timestamp, Says)| told::id(says) == Some(id) && is(says);
    let all: Vec<_> = notices(base, info)?.into_iter().filter(own).collect();
    let Some((seq, recorded_at, _)) = all.first() else { return Ok(None) };
    let link = Reader::headers(base, info).linked(*seq)?.link;
    let receipt = Receipt { origin: info.origin.clone(), seq: *seq, link, recorded_at: *recorded_at };
    Ok(Some((receipt, all.into_iter().map(|(_, _, says)| says).collect())))
}

/// Which notices there are in some trails: what the core of each says, as bytes.
#[derive(Default)]
pub(super) struct Told(BTreeSet<Vec<u8>>);

impl Told {
    /// Those of a trail, beside what was there before.
    pub(super) fn add(&mut self, base: &Base, info: &Info) -> Result<(), Error> {
        self.0.extend(notices(base, info)?.into_iter().map(|(_, _, says)| bytes(says, &info.origin)));
        Ok(())
    }

    /// Whether that was told, of the trail of that origin.
    pub(super) fn has(&self, says: &Says, of: &Origin) -> bool {
        self.0.contains(&bytes(says.clone(), of))
    }
}

/// Of an erasure, which it is and of which trail: told again after a restore, it counts what the copy has.
fn bytes(says: Says, of: &Origin) -> Vec<u8> {
    let says = match says {
        Says::IdentityErased(IdentityErased { id, origin, .. }) => {
            let origin = if origin.is_empty() { of.to_string() } else { origin };
            Says::IdentityErased(IdentityErased { id, origin, ..IdentityErased::default() })
        }
        other => other,
    };
    NoticeCore { kind: Some(says), ..NoticeCore::default() }.encode_to_vec()
}
