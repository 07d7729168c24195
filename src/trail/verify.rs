//! Verification of a data folder: every header, link and readable part is read again, nothing is assumed. The vault
//! is not judged: it is forgettable by design.
//!
//! Checks, for each trail: the opening notice; every header and link from record 0; classes against actions; days and recorded times that
//! never go back; notices by ordinal; every group commitment whose key is at hand; and that the index holds
//! exactly the terms of the records. Stops a trail at its first bad record and names it.

use super::base::Base;
use super::indexer::decode_seqs;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::env::random;
use crate::model::date::{Date, Timestamp};
use crate::model::header::{Kind, Link};
use crate::model::policy::Class;
use crate::model::record::{Record, Verdict};
use crate::model::seal::Use;
use crate::model::stored::notice_core;
use crate::model::term::Term;
use crate::store::keys::{self, POSTING_PREFIX};
use crate::store::{self, Family, Scan};

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Origin of the trail.
    pub origin: String,
    /// First bad record, where one can be named.
    pub seq: Option<u64>,
    /// What is wrong; never content.
    pub what: String,
}

/// What verification saw of one trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailReport {
    /// Origin.
    pub origin: String,
    /// Records whose header, link and readable parts hold.
    pub records: u64,
    /// Of these, notices.
    pub notices: u64,
    /// Groups of parts that were opened and match their commitment.
    pub groups_intact: u64,
    /// Groups of parts whose date is past.
    pub groups_expired: u64,
    /// Postings that the index holds for it.
    pub postings: u64,
    /// Records that the index does not hold yet; it is caught up at the next start.
    pub unindexed: u64,
    /// Link of the newest record.
    pub head: String,
}

/// What verification saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every trail, by controller.
    pub trails: Vec<TrailReport>,
    /// Everything that is wrong; empty if all holds.
    pub findings: Vec<Finding>,
}

/// Verifies every trail; `progress` hears how many records of a trail are done, of how many.
pub fn verify(base: &Base, mut progress: impl FnMut(&str, u64, u64)) -> Report {
    let mut report = Report::default();
    for info in base.trails.all() {
        let mut trail = Trail::new(base, &info);
        let outcome = trail.records(&mut progress).and_then(|()| trail.index());
        if let Err(bad) = outcome {
            let (seq, what) = match bad {
                Bad::Record(seq, what) => (Some(seq), what),
                Bad::Trail(what) => (None, what),
            };
            report.findings.push(Finding { origin: info.origin.to_string(), seq, what });
        }
        report.trails.push(trail.report);
    }
    report
}

enum Bad {
    Record(u64, String),
    Trail(String),
}

impl From<store::Error> for Bad {
    fn from(error: store::Error) -> Self {
        Self::Trail(error.to_string())
    }
}

impl From<ReadError> for Bad {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::DataLoss { seq, what, .. } => Self::Record(seq, what),
            ReadError::Store(error) => error.into(),
        }
    }
}

/// Order-free digest of a multiset of (posting, seq): equal sums mean equal sets, but for a chance of 2^-128.
struct Sum {
    key: [u8; 32],
    total: u128,
    count: u64,
}

impl Sum {
    fn add(&mut self, prefix: &[u8], seq: u64) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(prefix).update(&seq.to_be_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        self.total = self.total.wrapping_add(u128::from_be_bytes(bytes));
        self.count += 1;
    }
}

struct Trail<'a> {
    base: &'a Base,
    info: &'a Info,
    today: Date,
    size: u64,
    indexed: u64,
    expected: Sum,
    event_ids: u64,
    report: TrailReport,
}

impl<'a> Trail<'a> {
    fn new(base: &'a Base, info: &'a Info) -> Self {
        let key = random(base.world.entropy.as_ref());
        let report = TrailReport { origin: info.origin.to_string(), ..TrailReport::default() };
        let expected = Sum { key, total: 0, count: 0 };
        let today = base.today(&info.zone);
        Self { base, info, today, size: 0, indexed: 0, expected, event_ids: 0, report }
    }

    fn records(&mut self, progress: &mut impl FnMut(&str, u64, u64)) -> Result<(), Bad> {
        self.size = self.stored_size()?;
        let indexed = self.base.index.get(Family::Indexed, &self.info.number.to_be_bytes())?;
        self.indexed = indexed.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let mut reader = Reader::new(self.base, self.info, self.today);
        let mut before = Before { link: self.info.link, day: Date::default(), time: None, notices: 0, notice_seq: 0 };
        for seq in 0..self.size {
            let record = reader.record(seq)?;
            before.check(&record, self.info).map_err(|what| Bad::Record(seq, what))?;
            self.count(&record)?;
            if seq % 256 == 255 {
                progress(&self.report.origin, seq + 1, self.size);
            }
        }
        progress(&self.report.origin, self.size, self.size);
        if self.size == 0 {
            return Err(Bad::Record(0, "the opening notice is missing".to_owned()));
        }
        Ok(())
    }

    /// Number of records by the last header row. That none is missing before it is for the walk to see.
    fn stored_size(&self) -> Result<u64, Bad> {
        let from = keys::trail_seq(self.info.number, 0);
        let through = keys::trail_seq(self.info.number, u64::MAX);
        let Some((key, value)) = self.base.db.first(Scan::back(Family::Header, &from, &through))? else { return Ok(0) };
        let first = keys::seq_of(&key).ok_or_else(|| Bad::Trail("a header row has a bad key".to_owned()))?;
        let count = crate::model::run::decode(first, &value).map_or(1, |run| run.len());
        Ok(first.saturating_add(count as u64))
    }

    fn count(&mut self, record: &Record) -> Result<(), Bad> {
        self.report.records += 1;
        self.report.notices += u64::from(record.header.kind == Kind::Notice);
        self.report.head = record.link.to_string();
        for verdict in &record.verdicts {
            match verdict {
                Verdict::Intact => self.report.groups_intact += 1,
                Verdict::Expired => self.report.groups_expired += 1,
            }
        }
        if record.header.seq >= self.indexed {
            self.report.unindexed += 1;
            return Ok(());
        }
        for (date, term) in Term::of(&record.header, &record.contents) {
            if let Some(prefix) = self.prefix(date, &term) {
                self.expected.add(&prefix, record.header.seq);
            }
        }
        let id = record.contents.core.as_ref().and_then(|core| <[u8; 16]>::try_from(core.event_id.as_slice()).ok());
        if let Some(id) = id {
            self.event_ids += 1;
            let found = self.base.index.get(Family::EventId, &keys::event_id(self.info.number, &id))?;
            if found.is_none() {
                return Err(Bad::Record(
                    record.header.seq,
                    "the index does not hold its event id: delete the folder index, it is built anew".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn prefix(&self, date: Date, term: &Term) -> Option<[u8; POSTING_PREFIX]> {
        let key = self.info.date_key(&self.base.keyring, Use::Index, date)?;
        let term_bytes = term.keyed(key.bytes());
        (date > self.today)
            .then(|| keys::posting_prefix(date, self.info.zone_number, self.info.number, term.kind(), &term_bytes))
    }

    /// The index holds exactly the terms of the records that it says it holds.
    fn index(&mut self) -> Result<(), Bad> {
        if self.indexed > self.size {
            return Err(Bad::Trail(format!("the index holds {} records, the trail {}", self.indexed, self.size)));
        }
        let mut found = Sum { key: self.expected.key, total: 0, count: 0 };
        for row in self.base.index.scan(Scan::all(Family::Posting)) {
            let (key, value) = row?;
            let Some((prefix, _)) = key.split_first_chunk::<POSTING_PREFIX>() else {
                return Err(Bad::Trail("the index holds a posting with a bad key".to_owned()));
            };
            let date = keys::date_of(&key).unwrap_or_default();
            if date <= self.today || !prefix.starts_with(&keys::dated(date, self.info.zone_number, self.info.number)) {
                continue;
            }
            let seqs = keys::seq_of(&key).and_then(|first| decode_seqs(first, &value));
            let seqs =
                seqs.ok_or_else(|| Bad::Trail("the index holds a posting that is not well-formed".to_owned()))?;
            for seq in seqs {
                found.add(prefix, seq);
            }
        }
        self.report.postings = found.count;
        if (found.total, found.count) == (self.expected.total, self.expected.count) {
            return Ok(());
        }
        Err(self.first_unindexed()?)
    }

    /// The sums differ: names the first record that the index lacks, else says that it holds too much.
    fn first_unindexed(&self) -> Result<Bad, Bad> {
        const REMEDY: &str = "delete the folder index, it is built anew";
        let mut reader = Reader::new(self.base, self.info, self.today);
        for seq in 0..self.indexed {
            let record = reader.record(seq)?;
            for (date, term) in Term::of(&record.header, &record.contents) {
                let Some(prefix) = self.prefix(date, &term) else { continue };
                let mut holds = false;
                for row in self.base.index.scan(Scan::prefix(Family::Posting, &prefix)) {
                    let (key, value) = row?;
                    let seqs = keys::seq_of(&key).and_then(|first| decode_seqs(first, &value)).unwrap_or_default();
                    holds |= seqs.binary_search(&seq).is_ok();
                }
                if !holds {
                    return Ok(Bad::Record(seq, format!("the index does not find it by one of its terms: {REMEDY}")));
                }
            }
        }
        Ok(Bad::Trail(format!("the index holds postings that no record gives: {REMEDY}")))
    }
}

/// What the record before fixes for the next one.
struct Before {
    link: Link,
    day: Date,
    time: Option<Timestamp>,
    notices: u64,
    notice_seq: u64,
}

impl Before {
    fn check(&mut self, record: &Record, info: &Info) -> Result<(), String> {
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
        if let Some(notice) = &record.contents.notice {
            let before = if self.notices == 0 { 0 } else { self.notice_seq };
            if notice.ordinal != self.notices || notice.previous_seq != before {
                return Err("a notice before it is missing".to_owned());
            }
            self.notices += 1;
            self.notice_seq = header.seq;
        }
        if let Some(core) = &record.contents.core {
            use crate::model::stored::RetentionClass as Choice;
            let choices = [Choice::Unspecified, Choice::Register, Choice::Accounting];
            if !choices.into_iter().any(|choice| Class::of(core.action, core.outcome, choice) == header.class) {
                return Err("its header names a class that its action and outcome do not give".to_owned());
            }
        }
        if header.seq == 0 {
            let opened = record.contents.notice.as_ref().and_then(|notice| notice.kind.as_ref());
            let Some(notice_core::Kind::Opened(opened)) = opened else {
                return Err("record 0 is not the opening notice".to_owned());
            };
            if opened.origin != info.origin.as_str() || opened.zone != info.zone.name() {
                return Err("the opening notice is of another trail".to_owned());
            }
        }
        self.link = record.link;
        self.day = header.day;
        self.time = time.or(self.time);
        Ok(())
    }
}
