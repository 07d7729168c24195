//! The sequencer: gives records their place. Pure: values in, values out, no clock, no disk.
//!
//! It turns contents into parts, groups, headers and frames, in order, and stages the rows of one batch. Nothing
//! it gives a position to exists until that batch is durable.

use std::collections::BTreeMap;

use super::position::Position;
use crate::env::{Entropy, random};
use crate::model::date::{Date, Timestamp};
use crate::model::frame;
use crate::model::header::{Group, Header, Kind, Link};
use crate::model::notice::{self, Told};
use crate::model::part::{self, PartHash, PartId, PartKey};
use crate::model::policy::{Class, Dates};
use crate::model::record::Contents;
use crate::model::run;
use crate::model::seal::Key;
use crate::model::tree::{self, Hash};
use crate::store::keys::{self, Trail, ZoneNumber};
use crate::store::{Batch, Family};

/// The place of a record in its trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its header.
    pub header: Header,
    /// Its link.
    pub link: Link,
}

/// Stages the records of one trail for one batch.
pub struct Sequencer<'a> {
    trail: Trail,
    zone: ZoneNumber,
    origin: Link,
    position: Position,
    entropy: &'a dyn Entropy,
    headers: Vec<Header>,
    notices: Vec<(u64, Vec<u8>)>,
    subtrees: Vec<(u8, u64, Hash)>,
    open: BTreeMap<Date, frame::Builder>,
    full: Vec<(Date, frame::Builder)>,
}

impl<'a> Sequencer<'a> {
    /// Goes on from `position`.
    pub fn new(trail: Trail, zone: ZoneNumber, origin: Link, position: Position, entropy: &'a dyn Entropy) -> Self {
        Self {
            trail,
            zone,
            origin,
            position,
            entropy,
            headers: Vec::new(),
            notices: Vec::new(),
            subtrees: Vec::new(),
            open: BTreeMap::new(),
            full: Vec::new(),
        }
    }

    /// Where the trail stands with what is staged.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Places an event.
    pub fn event(&mut self, contents: &Contents, class: Class, dates: &Dates, recorded_at: Timestamp) -> Placed {
        let seq = self.position.size;
        let mut groups: BTreeMap<Date, (u8, Vec<(PartKey, PartHash)>)> = BTreeMap::new();
        for (key, content) in contents.parts() {
            let date = date_of(key.id, dates).expect("contents hold only parts that are kept");
            let hash = self.frame(date, seq).add(seq, key, content);
            let group = groups.entry(date).or_default();
            group.0 |= key.id.bit();
            group.1.push((key, hash));
        }
        let groups = groups
            .into_iter()
            .map(|(date, (bitmap, parts))| Group { date, bitmap, commitment: part::group_hash(parts) })
            .collect();
        let day = Date::of_utc(recorded_at);
        self.place(Header { kind: Kind::Event, class, seq, day, previous: self.position.head, groups }, recorded_at)
    }

    /// Places a notice.
    pub fn notice(&mut self, told: impl Into<Told>, recorded_at: Timestamp) -> Placed {
        let seq = self.position.size;
        let told = told.into();
        let date = told.date;
        let contents = notice::contents(told, self.position.notice, recorded_at);
        let ordinal = self.position.notice.map_or(0, |before| before.ordinal + 1);
        let mut parts = contents.parts().into_iter();
        let (_, core) = parts.next().expect("a notice has a core");
        let mut header = notice::header(&core, seq, recorded_at, self.position.head);
        let hashes: Vec<_> = parts.map(|(key, content)| (key, self.frame(date, seq).add(seq, key, content))).collect();
        if !hashes.is_empty() {
            let bitmap = PartId::Detail.bit();
            header.groups.push(Group { date, bitmap, commitment: part::group_hash(hashes) });
        }
        self.notices.push((seq, core));
        self.position.notice = Some(notice::Before { ordinal, seq });
        self.place(header, recorded_at)
    }

    /// Seals what is staged into `batch`; `key` gives the seal key of an expiry date. Where the trail then stands, or
    /// the date that has no key.
    pub fn finish(mut self, batch: &mut Batch, mut key: impl FnMut(Date) -> Option<Key>) -> Result<Position, Date> {
        for headers in self.headers.chunks(run::HEADERS_MAX) {
            batch.put(Family::Header, keys::trail_seq(self.trail, headers[0].seq), run::encode(headers));
        }
        for (seq, core) in self.notices {
            batch.put(Family::Notice, keys::trail_seq(self.trail, seq), core);
        }
        for (level, index, hash) in self.subtrees {
            batch.put(Family::Tree, keys::tree(self.trail, level, index), hash.0);
        }
        self.full.extend(self.open);
        for (date, frame) in self.full {
            let seal = key(date).ok_or(date)?;
            let row = keys::part(date, self.zone, self.trail, frame.first());
            batch.put(Family::Part, row, frame.seal(&seal, random(self.entropy), &self.origin, date));
        }
        Ok(self.position)
    }

    fn place(&mut self, header: Header, recorded_at: Timestamp) -> Placed {
        debug_assert_eq!(header.check(), Ok(()), "a placed header keeps the rules");
        assert!(recorded_at >= self.position.recorded_at, "recorded time never goes back");
        let bytes = header.encode();
        let link = Link::of(&bytes);
        let subtrees = &mut self.subtrees;
        self.position.tree.append(tree::leaf_hash(&bytes), |level, index, hash| subtrees.push((level, index, hash)));
        self.position.size = header.seq + 1;
        self.position.head = link;
        self.position.recorded_at = recorded_at;
        self.headers.push(header.clone());
        Placed { header, link }
    }

    /// The open frame of a date. A record is never split over two frames of one date, so a frame is only closed
    /// when the next record comes.
    fn frame(&mut self, date: Date, seq: u64) -> &mut frame::Builder {
        if self.open.get(&date).is_some_and(|frame| frame.is_full() && frame.last() < seq) {
            self.full.extend(self.open.remove(&date).map(|frame| (date, frame)));
        }
        self.open.entry(date).or_insert_with(|| frame::Builder::new(seq, random(self.entropy)))
    }
}

fn date_of(id: PartId, dates: &Dates) -> Option<Date> {
    match id {
        PartId::Core | PartId::Actor | PartId::Subject => Some(dates.core),
        PartId::Net => dates.net,
        PartId::Session => dates.session,
        PartId::Detail => dates.detail,
    }
}
