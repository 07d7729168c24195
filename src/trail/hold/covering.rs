//! Asked by whoever is about to take something away: is it held?

use std::sync::Arc;

use super::super::base::Base;
use super::super::trails::Info;
use super::{Standing, cover, has_kept, kept_rows};
use crate::model::hold::Cover;
use crate::model::hold::row::HoldId;
use crate::model::identity::Pseudonym;
use crate::model::part::{PartId, PartKey};
use crate::model::query::Filter;
use crate::model::record::{Contents, Record};
use crate::store;

/// The holds of a trail as they are at a moment, to be asked about many records. Nothing that one of them keeps may be
/// destroyed before it is released: a hold goes before an erasure.
pub struct Covering(Vec<(Arc<Standing>, Filter)>);

impl Covering {
    /// The holds of a trail as they are now.
    ///
    /// # Errors
    ///
    /// One of them cannot be read: then nobody knows what it covers. Or the disk fails.
    pub fn of(base: &Base, info: &Info) -> Result<Self, store::Error> {
        let standing = base.holds.of(&info.controller);
        let with_filter = |standing: &Arc<Standing>| {
            let (_, hold) = standing.opened(info)?;
            let filter = cover(base, info, hold)?.filter().clone();
            Ok((standing.clone(), filter))
        };
        Ok(Self(standing.iter().map(with_filter).collect::<Result<_, store::Error>>()?))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The holds that cover a record, by what is readable of it or because they have kept some of it, whichever parts they
    /// keep.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn cover(&self, base: &Base, info: &Info, record: &Record) -> Result<Vec<HoldId>, store::Error> {
        self.which(base, info, record, |_| true)
    }

    /// The holds that keep a part of a record; `content` is the part's.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn keep(
        &self,
        base: &Base,
        info: &Info,
        record: &Record,
        (key, content): (PartKey, &[u8]),
    ) -> Result<Vec<HoldId>, store::Error> {
        self.which(base, info, record, |cover| cover.keeps(key, content))
    }

    /// The holds that have kept, past its date or the day before, something that names one of these people: whoever is
    /// erased is led back from there no more.
    ///
    /// # Errors
    ///
    /// What is kept does not open, or the disk fails.
    pub fn name(
        &self,
        base: &Base,
        info: &Info,
        mut is_theirs: impl FnMut(&Pseudonym) -> bool,
    ) -> Result<Vec<HoldId>, store::Error> {
        let mut ids = Vec::new();
        for (standing, _) in &self.0 {
            for row in kept_rows(base, info, standing) {
                if row?.parts.iter().any(|part| names(part.key, &part.content, &mut is_theirs)) {
                    ids.push(standing.id);
                    break;
                }
            }
        }
        Ok(ids)
    }

    fn which(
        &self,
        base: &Base,
        info: &Info,
        record: &Record,
        wanted: impl Fn(&Cover<'_>) -> bool,
    ) -> Result<Vec<HoldId>, store::Error> {
        let mut ids = Vec::new();
        for (standing, filter) in &self.0 {
            let (_, hold) = standing.opened(info)?;
            let cover = Cover::over(hold, filter);
            let covers = cover.covers(&record.header, &record.contents)
                || has_kept(base, info, &standing.id, record.header.seq)?;
            if covers && wanted(&cover) {
                ids.push(standing.id);
            }
        }
        Ok(ids)
    }
}

fn names(key: PartKey, content: &[u8], is_theirs: &mut impl FnMut(&Pseudonym) -> bool) -> bool {
    if !matches!(key.id, PartId::Actor | PartId::Subject) {
        return false;
    }
    let mut contents = Contents::default();
    if contents.add(key, content).is_err() {
        return false;
    }
    contents.people().filter_map(Pseudonym::from_slice).any(|who| is_theirs(&who))
}
