//! The walk over the records of a trail.

use std::collections::{BTreeMap, HashSet};

use super::dates;
use super::held::Placed;
use super::index::Sum;
use super::notices::Notices;
use super::removed::Removed;
use super::{Bad, Known, TrailReport};
use crate::env::random;
use crate::model::date::{Date, Timestamp};
use crate::model::header::{Header, Kind, Link};
use crate::model::identity::Pseudonym;
use crate::model::policy::Class;
use crate::model::record::{Contents, Record, Verdict};
use crate::model::removal::rules::Removals;
use crate::model::term::Term;
use crate::model::tree::{self, Frontier};
use crate::store::{Family, keys};
use crate::trail::base::Base;
use crate::trail::closing;
use crate::trail::indexer;
use crate::trail::meta;
use crate::trail::position::stored_size;
use crate::trail::reader::{ReadError, Reader};
use crate::trail::trails::{Head, Info};
use crate::trail::vault::Of;

/// A walk, and what it found out on the way.
pub(super) struct Walk<'a> {
    base: &'a Base,
    info: &'a Info,
    pub(super) today: Date,
    pub(super) report: TrailReport,
    /// Number of records that the index says it holds, of those walked over.
    pub(super) indexed: u64,
    /// The postings that these give.
    pub(super) expected: Sum,
    /// Records by what they count for and day.
    pub(super) counters: BTreeMap<[u8; 14], u64>,
    /// All that is stored is walked over: nothing may lie beyond.
    pub(super) whole: bool,
    /// Sums up the event ids that the index must know.
    pub(super) event_ids: Sum,
    /// Its controller is closed: every part is expired by that, and nothing is left in the index.
    pub(super) closed: bool,
    tree: Frontier,
    known: HashSet<Pseudonym>,
    /// Event ids of the week of this moment and the one before are kept.
    pub(super) latest: Timestamp,
    /// What the guard remembers of the trail.
    guarded: Option<Head>,
    /// What the guard remembered of it and the copy lacks that was restored, as is told.
    lost: Option<Head>,
    /// The holds that its notices tell of.
    pub(super) placed: Placed,
    /// What its notices tell of people.
    pub(super) told: Removals,
    /// What its notices list as removed.
    pub(super) removed: Removed<'a>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(base: &'a Base, info: &'a Info, known: &Known, whole: bool) -> Result<Self, ReadError> {
        Ok(Self {
            base,
            info,
            today: base.today(&info.zone),
            report: TrailReport::new(&info.origin),
            indexed: 0,
            expected: Sum::new(random(base.world.entropy.as_ref())),
            counters: BTreeMap::new(),
            whole,
            event_ids: Sum::new(random(base.world.entropy.as_ref())),
            closed: closing::is_over(base, info)?,
            tree: Frontier::default(),
            known: HashSet::new(),
            guarded: known.guarded.get(info.origin.as_str()).copied(),
            lost: known.followed.guarded(info.origin.as_str()).filter(|_| info.frozen),
            latest: known.latest,
            placed: Placed::default(),
            told: Removals::default(),
            removed: Removed::new(base, info)?,
        })
    }

    /// Walks over the records up to `size`, by default all that are stored.
    pub(super) fn records(&mut self, size: Option<u64>, mut progress: impl FnMut(u64, u64) -> bool) -> Result<(), Bad> {
        let stored = stored_size(self.base.db.as_ref(), self.info.number)?;
        let size = size.unwrap_or(stored);
        self.report.size = size;
        let indexed = indexer::indexed(self.base.index.as_ref(), self.info)?;
        self.indexed = indexed.min(size);
        if let Some(guarded) = self.guarded.filter(|guarded| guarded.size > stored && self.lost != Some(*guarded)) {
            return Err(Bad::Trail(format!("{} records were guarded, the trail has {stored}", guarded.size)));
        }
        let mut reader = Reader::judging(self.base, self.info)?.with_held().once();
        let mut before = Before::new(self.info);
        // The trail's size was read before: what its notices name is noted by now.
        let newest = meta::generation(self.base.db.as_ref())?.unwrap_or_default();
        let clock = self.info.zone.date(self.base.now());
        let mut notices = Notices::new(self.info, &self.base.keyring, newest, self.base.format, clock);
        for seq in 0..size {
            let record = reader.record(seq)?;
            let follows = before.check(&record).and_then(|()| notices.check(&record));
            let follows = follows.and_then(|()| dates::check(&record, notices.retention(), &self.info.zone));
            follows.map_err(|what| Bad::Record(seq, what))?;
            self.leaf(&record.header)?;
            self.gone(&record)?;
            self.people(seq, &record.contents)?;
            self.count(&record)?;
            if seq % 256 == 255 && !progress(seq + 1, size) {
                return Err(Bad::Left);
            }
        }
        progress(size, size);
        if size == 0 {
            return Err(Bad::Record(0, "the opening notice is missing".to_owned()));
        }
        self.placed = notices.holds();
        self.told = notices.removals();
        // Those that follow it tell of keys that came later.
        self.report.handovers = notices.handovers(self.whole && !self.info.frozen).map_err(Bad::Trail)?;
        Ok(())
    }

    /// Adds a header to the tree: whole subtrees must be the stored ones, and the root what was guarded.
    fn leaf(&mut self, header: &Header) -> Result<(), Bad> {
        let mut whole = Vec::new();
        let leaf = tree::leaf_hash(&header.encode());
        self.tree.append(leaf, |level, index, hash| whole.push((level, index, hash)));
        for (level, index, hash) in whole {
            let stored = self.base.db.get(Family::Tree, &keys::tree(self.info.number, level, index))?;
            if stored.as_deref() != Some(&hash.0) {
                let what = format!("subtree {index} of level {level} is not the one of the headers");
                return Err(Bad::Record(header.seq, what));
            }
        }
        self.report.root = self.tree.root();
        match self.guarded.filter(|guarded| guarded.size == self.tree.size()) {
            Some(guarded) if guarded.root != self.report.root => {
                Err(Bad::Record(header.seq, "with it, the trail is another one than was guarded".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Everybody in it leads back to an identity that the pseudonym commits to, but for those who were removed.
    fn people(&mut self, seq: u64, contents: &Contents) -> Result<(), Bad> {
        let of = Of { controller: &self.info.controller, key: &self.info.key };
        for pseudonym in contents.people().filter_map(Pseudonym::from_slice) {
            if self.known.contains(&pseudonym) {
                continue;
            }
            match self.base.vault.check(of, &pseudonym) {
                Ok(()) => {
                    self.removed.led(seq, &pseudonym).map_err(|what| Bad::Record(seq, what))?;
                    self.known.insert(pseudonym);
                    self.report.people += 1;
                }
                Err(why) => {
                    self.removed.unled(seq, &pseudonym, why)?.map_err(|what| Bad::Record(seq, what))?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, record: &Record) -> Result<(), Bad> {
        let header = &record.header;
        self.report.records += 1;
        self.report.notices += u64::from(header.kind == Kind::Notice);
        self.report.head = record.link;
        for verdict in &record.verdicts {
            match verdict {
                Verdict::Intact => self.report.groups_intact += 1,
                Verdict::Expired => self.report.groups_expired += 1,
                Verdict::Sealed => self.report.groups_sealed += 1,
                Verdict::Held => self.report.groups_held += 1,
                Verdict::Erased => self.report.groups_erased += 1,
            }
        }
        if header.seq >= self.indexed {
            self.report.unindexed += 1;
            return Ok(());
        }
        let (date, class) = indexer::counts_for(header);
        // Those of what is past come and go with what is done about it.
        if date == Date::NEVER || date > self.today {
            *self.counters.entry(keys::counter(self.info.number, date, class, header.day)).or_default() += 1;
        }
        for (date, term) in Term::of(header, &record.contents) {
            if matches!(term, Term::Ip(_)) && self.removed.has_no_net(header.seq) {
                continue;
            }
            if let Some(prefix) = super::index::prefix(self.base, self.info, self.today, date, &term) {
                self.expected.add(&prefix, header.seq);
            }
        }
        super::index::event_id(self.base, self.info, self.latest, record, &mut self.event_ids)
    }
}

/// What the record before fixes for the next one.
struct Before {
    link: Link,
    day: Date,
    time: Option<Timestamp>,
}

impl Before {
    fn new(info: &Info) -> Self {
        Self { link: info.link, day: Date::default(), time: None }
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        let header = &record.header;
        if header.previous != self.link {
            return Err("its header does not carry the link of the record before".to_owned());
        }
        if header.day < self.day {
            return Err("its day is before that of the record before".to_owned());
        }
        let time = record.recorded_at();
        if time.is_some_and(|time| Some(time) < self.time || Date::of_utc(time) != header.day) {
            return Err("its recorded time goes back, or is not of its day".to_owned());
        }
        if let Some(core) = &record.contents.core {
            use crate::model::stored::RetentionClass as Choice;
            let choices = [Choice::Unspecified, Choice::Register, Choice::Accounting];
            if !choices.into_iter().any(|choice| Class::of(core.action, core.outcome, choice) == header.class) {
                return Err("its header names a class that its action and outcome do not give".to_owned());
            }
        }
        self.link = record.link;
        self.day = header.day;
        self.time = time.or(self.time);
        Ok(())
    }
}
