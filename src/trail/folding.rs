//! What controllers have decided, folded from the notices of their trails when the node starts: one scan of the family
//! `notice`, whatever the number of events. Slices are opened only of what still matters.

use std::sync::Arc;

use prost::Message;

use super::base::Base;
use super::meta;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::date::Timestamp;
use crate::model::permission::acts::{Acts, SHOWN};
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::told::{self, Heard};
use crate::model::record::Record;
use crate::model::retention::in_force::Retention;
use crate::model::stored::{NoticeCore, TrailMeta, notice_core::Kind};
use crate::store::{self, Family, Scan, keys};

/// Fills the registry. A controller whose notices are damaged has decided nothing, until they are mended: nobody is let
/// in by what cannot be read.
///
/// # Errors
///
/// The disk fails.
pub(super) fn fill(base: &Base) -> Result<(), ReadError> {
    for meta in meta::descriptions_after(base.db.as_ref(), None) {
        let meta = meta?;
        let Some(rows) = acts_of(base, &meta) else { continue };
        let Some(info) = Info::new(&meta, &base.keyring) else {
            tracing::error!(origin = meta.origin, "the keyring lacks the keys of this trail: no grant of it holds");
            continue;
        };
        if info.controller.is_node() {
            continue;
        }
        match rows.and_then(|rows| fold(base, &info, &rows)) {
            Ok(acts) => base.acts.put(info.controller.clone(), acts),
            Err(ReadError::Store(error @ store::Error::Failed(_))) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "what a controller decided cannot be read: no grant of it holds, and nothing \
                    more is decided, until it is mended; run akta verify");
                base.acts.put_unreadable(info.controller.clone(), readable_choice(base, &info, &meta));
            }
        }
    }
    Ok(())
}

/// What was decided in a trail, as of now.
///
/// # Errors
///
/// Its notices are damaged, or the disk fails.
pub(super) fn of_trail(base: &Base, info: &Info, meta: &TrailMeta) -> Result<Acts, ReadError> {
    acts_of(base, meta).map_or_else(|| Ok(Acts::default()), |rows| fold(base, info, &rows?))
}

/// The policy of the last choice of lifetimes that is as it was recorded, where not all notices are.
fn readable_choice(base: &Base, info: &Info, meta: &TrailMeta) -> Arc<Retention> {
    let mut acts = Acts::default();
    let mut cores = Reader::headers(base, info).once();
    let rows = base.db.scan(Scan::prefix(Family::Notice, &meta.number.to_be_bytes())).map_while(Result::ok);
    for seq in rows.filter_map(|(key, _)| keys::seq_of(&key)) {
        let heard = cores.record(seq).ok().and_then(|record| heard(&record).ok());
        if let Some((Some(Heard { change: change @ Change::Retention { .. }, .. }), at)) = heard {
            acts.apply(change, nobody(), at);
        }
    }
    acts.retention().clone()
}

type Rows = Vec<(u64, NoticeCore)>;

/// The notices of a trail; `None` if there is none but the opening one. What stands in clear is compared with the header
/// once it is folded.
fn acts_of(base: &Base, meta: &TrailMeta) -> Option<Result<Rows, ReadError>> {
    let mut rows = Vec::new();
    let mut told = false;
    let loss = |seq: u64| ReadError::DataLoss {
        origin: meta.origin.clone(),
        seq,
        what: "its notice is not well-formed, or one before it is missing".to_owned(),
    };
    let mut before = 0;
    for (ordinal, row) in (0..).zip(base.db.scan(Scan::prefix(Family::Notice, &meta.number.to_be_bytes()))) {
        let (key, value) = match row {
            Ok(row) => row,
            Err(error) => return Some(Err(error.into())),
        };
        let seq = keys::seq_of(&key).unwrap_or_default();
        let core = NoticeCore::decode(&*value).ok();
        let Some(core) = core.filter(|core| (core.ordinal, core.previous_seq) == (ordinal, before)) else {
            return Some(Err(loss(seq)));
        };
        before = seq;
        told |= !matches!(
            core.kind,
            Some(Kind::Opened(_) | Kind::TrailRestored(_) | Kind::KeyringOpened(_) | Kind::Expired(_))
        );
        rows.push((seq, core));
    }
    told.then_some(Ok(rows))
}

fn fold(base: &Base, info: &Info, rows: &Rows) -> Result<Acts, ReadError> {
    let now = base.now();
    let mut cores = Reader::headers(base, info).once();
    let mut whole = Reader::new(base, info, base.today(&info.zone)).once();
    let mut acts = Acts::default();
    for (seq, core) in rows {
        let record = if matters(core, &acts, now) { whole.record(*seq) } else { cores.record(*seq) }?;
        let loss =
            |what: &str| ReadError::DataLoss { origin: info.origin.to_string(), seq: *seq, what: what.to_owned() };
        let (heard, at) = heard(&record).map_err(loss)?;
        // Of what is not at hand nothing follows for anybody: only what holds without who and why is kept.
        let Some(Heard { change, decided }) = heard else { continue };
        if let Some(decided) = decided.or_else(|| lasting(core)) {
            acts.apply(change, decided, at);
        }
    }
    Ok(acts.as_of(now))
}

/// What the record of a notice tells, and when.
fn heard(record: &Record) -> Result<(Option<Heard>, Timestamp), &'static str> {
    let core = record.contents.notice.as_ref().ok_or("it is no notice")?;
    let slices = record.contents.slices.as_slice();
    let heard = told::hear(core, (!slices.is_empty()).then_some(slices))?;
    Ok((heard, Timestamp::from_nanos(core.recorded_at)))
}

/// Whether who, why and about whom is still looked at.
fn matters(core: &NoticeCore, acts: &Acts, now: Timestamp) -> bool {
    let old = now.minus(SHOWN);
    let id = |id: &[u8]| uuid::Uuid::from_slice(id).map(|id| id.to_string()).unwrap_or_default();
    match &core.kind {
        Some(says @ (Kind::Granted(_) | Kind::IncidentDeclared(_) | Kind::ApprovalAsked(_))) => {
            told::end(says, Timestamp::from_nanos(core.recorded_at)) > Some(old)
        }
        Some(Kind::ApprovalAnswered(answered)) => acts.request(&id(&answered.id)).is_some(),
        Some(Kind::ApprovalUsed(used)) => acts.request(&id(&used.id)).is_some(),
        _ => false,
    }
}

/// Of what holds whoever decided it, nobody: of what is over as soon as it is told, for it says how things are from then on.
fn lasting(core: &NoticeCore) -> Option<Decided> {
    let at = Timestamp::from_nanos(core.recorded_at);
    let lasts = core.kind.as_ref().is_some_and(|says| told::end(says, at) == Some(at));
    lasts.then(nobody)
}

fn nobody() -> Decided {
    Decided { by: String::new(), ground: String::new() }
}

#[cfg(test)]
mod tests;
