//! Everything that can be read of a folder: records, who is in them, what searches and look-ups find.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use akta::model::date::{Date, Timestamp};
use akta::model::facts::Facts;
use akta::model::identity::{Identity, Pseudonym};
use akta::model::origin::Controller;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::record::Record;
use akta::model::stored::Action;
use akta::trail::base::Base;
use akta::trail::indexer::{Known, event_id};
use akta::trail::reader::{ReadError, Reader};
use akta::trail::search;
use akta::trail::trails::Info;
use akta::trail::vault::Of;

use crate::node::trails;

/// What can be read of one trail.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Trail {
    records: Vec<Record>,
    people: BTreeMap<[u8; 32], Option<Identity>>,
    found: Vec<Vec<u64>>,
    by_id: Vec<Option<Known>>,
}

/// What can be read of a folder, by controller.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen(BTreeMap<Controller, Trail>);

impl Seen {
    /// Reads all of a folder that is whole.
    pub(crate) fn of(base: &Base) -> Self {
        Self::try_of(base, None).unwrap()
    }

    /// Reads as much of a folder as `like` has: a start adds to the node's own trail.
    pub(crate) fn again(base: &Base, like: &Self) -> Result<Self, ReadError> {
        Self::try_of(base, Some(like))
    }

    fn try_of(base: &Base, like: Option<&Self>) -> Result<Self, ReadError> {
        let mut all = BTreeMap::new();
        for info in trails(base)? {
            let size = match like.map(|like| like.0.get(&info.controller)) {
                None => info.size(),
                Some(Some(trail)) => info.size().min(trail.records.len() as u64),
                Some(None) => continue,
            };
            all.insert(info.controller.clone(), trail(base, &info, size)?);
        }
        Ok(Self(all))
    }

    /// What is not as it was, in a few words; `None` if everything is.
    pub(crate) fn differs(&self, from: &Self) -> Option<String> {
        for (controller, was) in &from.0 {
            let Some(is) = self.0.get(controller) else { return Some(format!("{controller} is gone")) };
            if is.records.len() != was.records.len() {
                return Some(format!("{controller} has {} records, had {}", is.records.len(), was.records.len()));
            }
            if let Some(at) = is.records.iter().zip(&was.records).position(|(is, was)| is != was) {
                return Some(format!("record {at} of {controller}"));
            }
            if is.people != was.people {
                return Some(format!("people of {controller}"));
            }
            // A digest that is gone is as after a rebuild: then the same id is the same event.
            let same = |is: &Option<Known>, was: &Option<Known>| {
                let digest = is.and_then(|is| is.request);
                is.map(|is| is.seq) == was.map(|was| was.seq)
                    && (digest.is_none() || digest == was.and_then(|was| was.request))
            };
            if is.by_id.len() != was.by_id.len() || !is.by_id.iter().zip(&was.by_id).all(|(is, was)| same(is, was)) {
                return Some(format!("event ids of {controller}"));
            }
            if is.found != was.found {
                return Some(format!("what is found of {controller}"));
            }
        }
        None
    }
}

fn trail(base: &Base, info: &Info, size: u64) -> Result<Trail, ReadError> {
    let mut reader = Reader::new(base, info, base.today(&info.zone));
    let mut trail = Trail::default();
    let of = Of { controller: &info.controller, key: &info.key };
    for seq in 0..size {
        let record = reader.record(seq)?;
        let actor = record.contents.actor.iter().flat_map(|actor| [&actor.pseudonym, &actor.on_behalf_of]);
        let subjects = record.contents.subjects.iter().map(|subject| &subject.pseudonym);
        for pseudonym in actor.chain(subjects).filter_map(|bytes| Pseudonym::from_slice(bytes)) {
            if let std::collections::btree_map::Entry::Vacant(unseen) = trail.people.entry(pseudonym.0) {
                unseen.insert(base.vault.identity(of, &pseudonym)?);
            }
        }
        if let Some(core) = &record.contents.core
            && let Ok(id) = core.event_id.as_slice().try_into()
        {
            trail.by_id.push(event_id(base, info, &id, Date::of_utc(base.now()))?);
        }
        trail.records.push(record);
    }
    for filter in filters(base, info)? {
        let start = Cursor { size, next: u64::MAX, question: [0; 8] };
        let page = search::search(base, info, &filter, Order::NewestFirst, start, 100_000)?;
        trail.found.push(page.records.iter().map(|record| record.header.seq).collect());
    }
    Ok(trail)
}

/// Questions that use every kind of term.
fn filters(base: &Base, info: &Info) -> Result<Vec<Filter>, ReadError> {
    let facts = |facts: Facts| Filter { facts, ..Filter::default() };
    let mut filters = vec![
        facts(Facts { ip: Some(vec![192, 0, 2, 1]), ..Facts::default() }),
        facts(Facts { resource_types: vec!["mark-sheet".to_owned()], ..Facts::default() }),
        facts(Facts {
            since: Timestamp::parse("2026-09-12T00:00:00Z"),
            until: Timestamp::parse("2026-09-12T12:00:00Z"),
            ..Facts::default()
        }),
    ];
    for action in [Action::Login, Action::Update] {
        filters.push(facts(Facts { actions: vec![action as i32], ..Facts::default() }));
    }
    for number in 0..2 {
        let staff = search::pseudonyms(base, info, &Identity::new("staff", &format!("staff-{number}")))?;
        filters.push(Filter { actor: Some(staff), ..Filter::default() });
        let pupil = search::pseudonyms(base, info, &Identity::new("pupil", &format!("pupil-{number}")))?;
        filters.push(Filter { subject: Some(pupil), ..Filter::default() });
    }
    Ok(filters)
}
