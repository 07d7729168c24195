//! Reading records back: header, frames, parts, each checked against its commitment.
//!
//! Readers look at positions below a size that was published, never at a snapshot of the store.

use std::collections::HashMap;

use super::base::Base;
use super::closing;
use super::expiry::told_through;
use super::hold;
use super::trails::Info;
use crate::model::date::Date;
use crate::model::frame::{self, BarePart, OpenPart, Opened};
use crate::model::header::{Group, Kind};
use crate::model::hold::row::Kept;
use crate::model::notice;
use crate::model::part::{self, NO_SALT, PartHash, PartId, PartKey};
use crate::model::record::{Contents, Opening, Record, Verdict};
use crate::model::run::{self, Linked};
use crate::model::seal::Use;
use crate::model::stored::NoticeCore;
use crate::store::{self, Family, Scan, keys};
use prost::Message;

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was recorded: a human must look. Names the record, never its content.
    #[error("record {seq} of {origin}: {what}")]
    DataLoss {
        /// Origin of the trail.
        origin: String,
        /// Position of the first bad record.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// With it every part is past.
const EVERY: Date = Date::from_days(u32::MAX);

/// Reads records of one trail; keeps what neighbours share.
pub struct Reader<'a> {
    base: &'a Base,
    info: &'a Info,
    today: Date,
    openings: bool,
    /// What holds keep of what is past is read, too.
    held: bool,
    /// Nothing of what is read is likely to be read again soon.
    once: bool,
    /// For it only what the trail tells is expired, not what the clock says.
    judges: bool,
    run: Vec<Linked>,
    frames: HashMap<Date, OpenFrame>,
}

/// The frame last opened of one date: the parts of records in `[first, end)`; none where no keys are at hand.
struct OpenFrame {
    first: u64,
    end: u64,
    parts: Opened,
}

impl<'a> Reader<'a> {
    /// A reader of that trail, for which dates up to and including `today` are past; every date, where its controller is closed.
    pub fn new(base: &'a Base, info: &'a Info, today: Date) -> Self {
        Self::at(base, info, if info.destroyed { EVERY } else { today })
    }

    fn at(base: &'a Base, info: &'a Info, today: Date) -> Self {
        Self {
            base,
            info,
            today,
            openings: false,
            held: false,
            once: false,
            judges: false,
            run: Vec::new(),
            frames: HashMap::new(),
        }
    }

    /// Keeps with each record what opens its parts, if `wanted`.
    #[must_use]
    pub fn with_openings(self, wanted: bool) -> Self {
        Self { openings: wanted, ..self }
    }

    /// Reads what holds keep of parts whose date is past. Without it these are expired, as for everybody who looks for
    /// something: no term of an index leads to them any more.
    #[must_use]
    pub fn with_held(self) -> Self {
        Self { held: true, ..self }
    }

    /// Leaves nothing in the store's cache: for a walk through everything, and for what is looked at when a trail is
    /// opened.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// A reader of headers alone: for it every date is past.
    pub fn headers(base: &'a Base, info: &'a Info) -> Self {
        Self::at(base, info, EVERY)
    }

    /// A reader that judges: for it a part is expired once a notice of the trail says so, and not before, whatever the
    /// clock says. Where one says that the controller is closed, every part is.
    pub fn judging(base: &'a Base, info: &'a Info) -> Result<Self, ReadError> {
        let told = match closing::is_over(base, info)? {
            true => EVERY,
            false => told_through(base, info)?.unwrap_or(Date::NEVER),
        };
        Ok(Self { judges: true, ..Self::at(base, info, told) })
    }

    /// The record at `seq`, which is below the published size.
    pub fn record(&mut self, seq: u64) -> Result<Record, ReadError> {
        let Linked { header, link } = self.linked(seq)?;
        let mut openings = Vec::new();
        let mut contents = Contents::default();
        let mut verdicts = Vec::with_capacity(header.groups.len());
        let mut sealed = header.groups.as_slice();
        if header.kind == Kind::Notice {
            let (notice, core) = self.notice(seq, sealed)?;
            contents.notice = Some(notice);
            openings.push(Opening { key: PartKey::first(PartId::Core), salt: NO_SALT, content: core });
            verdicts.push(Verdict::Intact);
            sealed = &sealed[1..];
        }
        let (mut parts, mut closed, mut erased) = (Vec::new(), Vec::new(), Vec::new());
        for group in sealed {
            verdicts.push(if group.date <= self.today {
                self.past(seq, group, &mut parts, &mut closed)?
            } else {
                match self.open(seq, group) {
                    Ok(None) => Verdict::Sealed,
                    Ok(Some(Opened { open, bare })) => {
                        let verdict = if open.is_empty() { Verdict::Erased } else { Verdict::Intact };
                        parts.extend(open);
                        erased.extend(bare);
                        verdict
                    }
                    Err(_) if self.has_expired(group.date)? => self.past(seq, group, &mut parts, &mut closed)?,
                    Err(error) => return Err(error),
                }
            });
        }
        parts.sort_by_key(|part| part.key);
        for part in parts {
            contents
                .add(part.key, &part.content)
                .map_err(|_| self.loss(seq, format!("part {} is not well-formed", part.key.id)))?;
            if self.openings {
                openings.push(Opening { key: part.key, salt: part.salt, content: part.content });
            }
        }
        erased.sort_unstable_by_key(|bare: &BarePart| bare.key);
        if self.openings {
            closed.extend(erased.iter().map(|bare| (bare.key, bare.hash)));
        }
        closed.sort_unstable_by_key(|(key, _)| *key);
        let erased = erased.into_iter().map(|bare| bare.key).collect();
        Ok(Record { header, link, contents, verdicts, openings, closed, erased })
    }

    /// The parts of a group; none where no keys are at hand.
    fn open(&mut self, seq: u64, group: &Group) -> Result<Option<Opened>, ReadError> {
        if self.base.keyring.is_absent() {
            self.frame(seq, group.date)?;
            return Ok(None);
        }
        self.group(seq, group).map(Some)
    }

    /// Whether what cannot be opened has expired since this reader was made.
    fn has_expired(&mut self, date: Date) -> Result<bool, ReadError> {
        let told = match self.judges {
            true => told_through(self.base, self.info)?,
            false => self.base.zones.floor(self.info.zone.name()),
        };
        self.today = self.today.max(told.unwrap_or_default());
        Ok(date <= self.today)
    }

    /// The header at `seq` with its link.
    pub fn linked(&mut self, seq: u64) -> Result<Linked, ReadError> {
        let holds = |run: &[Linked]| {
            run.first().is_some_and(|first| first.header.seq <= seq && seq - first.header.seq < run.len() as u64)
        };
        if !holds(&self.run) {
            self.run = self.load_run(seq)?;
            if !holds(&self.run) {
                return Err(self.loss(seq, "its header is missing"));
            }
        }
        let offset = usize::try_from(seq - self.run[0].header.seq).expect("a run has at most 64 headers");
        Ok(self.run[offset].clone())
    }

    fn load_run(&self, seq: u64) -> Result<Vec<Linked>, ReadError> {
        let trail = self.info.number;
        let scan = Scan::back(Family::Header, &keys::trail_seq(trail, 0), &keys::trail_seq(trail, seq));
        let row = self.first(scan).map_err(|error| self.store(seq, error))?;
        let (key, value) = row.ok_or_else(|| self.loss(seq, "its header is missing"))?;
        let first = keys::seq_of(&key).ok_or_else(|| self.loss(seq, "its header row has a bad key"))?;
        run::decode(first, &value).map_err(|error| self.loss(first, error.to_string()))
    }

    /// What a notice says in clear, and the bytes of that.
    fn notice(&self, seq: u64, groups: &[Group]) -> Result<(NoticeCore, Vec<u8>), ReadError> {
        let core = self
            .base
            .db
            .get(Family::Notice, &keys::trail_seq(self.info.number, seq))
            .map_err(|error| self.store(seq, error))?
            .ok_or_else(|| self.loss(seq, "its notice is missing"))?;
        if groups.first().is_none_or(|group| group.commitment != notice::commitment(&core)) {
            return Err(self.loss(seq, "its notice does not match its header"));
        }
        let notice =
            NoticeCore::decode(core.as_slice()).map_err(|_| self.loss(seq, "its notice is not well-formed"))?;
        Ok((notice, core))
    }

    /// What became of a group whose date is past; what holds keep of it is added to the parts.
    fn past(
        &self,
        seq: u64,
        group: &Group,
        parts: &mut Vec<OpenPart>,
        closed: &mut Vec<(PartKey, PartHash)>,
    ) -> Result<Verdict, ReadError> {
        let kept = if self.held { self.held(seq, group)? } else { Kept::default() };
        if kept.parts.is_empty() {
            return Ok(Verdict::Expired);
        }
        parts.extend(kept.parts);
        if self.openings {
            closed.extend(kept.others);
        }
        Ok(Verdict::Held)
    }

    /// What holds keep of a group whose date is past; it matches the group's commitment.
    fn held(&self, seq: u64, group: &Group) -> Result<Kept, ReadError> {
        let kept = hold::kept(self.base, self.info, seq, group).map_err(|error| self.store(seq, error))?;
        kept.map_err(|what| self.loss(seq, what))
    }

    /// The parts of a group, which together match its commitment.
    pub(super) fn group(&mut self, seq: u64, group: &Group) -> Result<Opened, ReadError> {
        let frame = self.frame(seq, group.date)?;
        let Opened { open, bare } = &frame.parts;
        let of = open.partition_point(|part| part.seq < seq)..open.partition_point(|part| part.seq <= seq);
        let bare_of = bare.partition_point(|part| part.seq < seq)..bare.partition_point(|part| part.seq <= seq);
        let parts = Opened { open: open[of].to_vec(), bare: bare[bare_of].to_vec() };
        let ascend = parts.open.is_sorted_by(|one, other| one.key < other.key)
            && parts.bare.is_sorted_by(|one, other| one.key < other.key);
        let hash = |part: &OpenPart| (part.key, part::part_hash(&part.salt, part.key, &part.content));
        let bare = parts.bare.iter().map(|bare| (bare.key, bare.hash));
        let mut hashes: Vec<(PartKey, PartHash)> = parts.open.iter().map(hash).chain(bare).collect();
        hashes.sort_unstable_by_key(|(key, _)| *key);
        if !ascend || !hashes.is_sorted_by(|(one, _), (other, _)| one < other) {
            return Err(self.loss(seq, format!("its parts of {} are out of order", group.date)));
        }
        let bitmap = hashes.iter().fold(0, |bits, (key, _)| bits | key.id.bit());
        if bitmap != group.bitmap || part::group_hash(hashes) != group.commitment {
            return Err(self.loss(seq, format!("its parts of {} do not match its header", group.date)));
        }
        Ok(parts)
    }

    fn frame(&mut self, seq: u64, date: Date) -> Result<&OpenFrame, ReadError> {
        let holds = |frame: &OpenFrame| (frame.first..frame.end).contains(&seq);
        if !self.frames.get(&date).is_some_and(holds) {
            let frame = self.load_frame(seq, date)?;
            if !holds(&frame) {
                return Err(self.loss(seq, format!("its frame of {date} is missing")));
            }
            self.frames.insert(date, frame);
        }
        Ok(&self.frames[&date])
    }

    fn load_frame(&self, seq: u64, date: Date) -> Result<OpenFrame, ReadError> {
        let Info { number, zone_number, .. } = *self.info;
        let from = keys::part(date, zone_number, number, 0);
        let through = keys::part(date, zone_number, number, seq);
        let row = self.first(Scan::back(Family::Part, &from, &through)).map_err(|error| self.store(seq, error))?;
        let (key, value) = row.ok_or_else(|| self.loss(seq, format!("its frame of {date} is missing")))?;
        let first = keys::seq_of(&key).ok_or_else(|| self.loss(seq, "its frame has a bad key"))?;
        let wrong = |error: frame::FrameError| self.loss(first, format!("its frame of {date}: {error}"));
        let count = frame::count(&value).map_err(wrong)?;
        let end = first.saturating_add(u64::from(count));
        if self.base.keyring.is_absent() {
            return Ok(OpenFrame { first, end, parts: Opened::default() });
        }
        let seal = self
            .info
            .date_key(&self.base.keyring, Use::Seal, date)
            .ok_or_else(|| self.loss(seq, format!("the keyring has no key of {date}")))?;
        let parts = frame::open(&seal, &self.info.link, date, first, &value).map_err(wrong)?;
        Ok(OpenFrame { first, end, parts })
    }

    fn first(&self, scan: Scan) -> Result<Option<store::Row>, store::Error> {
        if self.once { self.base.db.peek(scan) } else { self.base.db.first(scan) }
    }

    fn loss(&self, seq: u64, what: impl Into<String>) -> ReadError {
        ReadError::DataLoss { origin: self.info.origin.to_string(), seq, what: what.into() }
    }

    /// A damaged block names a file, not a record: say which record could not be read because of it.
    fn store(&self, seq: u64, error: store::Error) -> ReadError {
        match error {
            store::Error::Corrupt(_) => self.loss(seq, error.to_string()),
            other => ReadError::Store(other),
        }
    }
}
