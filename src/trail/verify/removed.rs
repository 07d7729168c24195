//! What was removed, against the notices: a part is gone, and a pseudonym leads to nobody, only where a notice lists it; and
//! what a notice lists is gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prost::Message;

use super::{FINDINGS_MAX, walk::Walk};
use crate::model::identity::Pseudonym;
use crate::model::notice::Says;
use crate::model::part::PartId;
use crate::model::record::{Record, Verdict};
use crate::model::removal::list::Gone;
use crate::model::removal::row;
use crate::model::removal::rules::Removals;
use crate::model::removal::told::{self, Heard};
use crate::model::stored::{ErasedClass, IdentityErased, NoticeCore, Removal};
use crate::store::{self, Family, Scan, keys};
use crate::trail::base::Base;
use crate::trail::meta;
use crate::trail::position::stored_size;
use crate::trail::reader::{ReadError, Reader};
use crate::trail::trails::Info;
use crate::trail::vault::{Of, Unled};

/// What a stop may have left.
const FINISHED: &str = "start akta once, which finishes what was stopped";

/// Where something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    /// Number of the trail: those that follow it have greater ones.
    trail: u32,
    seq: u64,
}

/// What is gone of a record.
struct Listed {
    gone: Gone,
    said: Said,
    /// Whose it was, where the notice names them.
    people: Arc<[Pseudonym]>,
}

/// What the notices of a trail, and of those that follow it, list of it.
pub(super) struct Removed<'a> {
    base: &'a Base,
    info: &'a Info,
    /// Those that follow it.
    later: Vec<Info>,
    /// Of the trail and of each of these, the position before which notices are read.
    next: Vec<u64>,
    /// Pseudonyms that lead to nobody any more.
    gone: HashMap<Pseudonym, Said>,
    /// Pseudonyms of people whose ids are masked.
    masked: HashMap<Pseudonym, Said>,
    /// The last erasure whose slices are past: whom it names nobody knows any more.
    forgotten: Option<Said>,
    /// Parts that are gone, by record.
    parts: BTreeMap<u64, Listed>,
    /// What is wrong with a notice of the trail.
    bad: BTreeMap<u64, String>,
}

impl<'a> Removed<'a> {
    pub(super) fn new(base: &'a Base, info: &'a Info) -> Result<Self, ReadError> {
        let later = base.later(info)?;
        let later: Vec<Info> = later.iter().filter_map(|meta| Info::new(meta, &base.keyring)).collect();
        let mut removed = Self {
            base,
            info,
            next: vec![0; later.len() + 1],
            later,
            gone: HashMap::new(),
            masked: HashMap::new(),
            forgotten: None,
            parts: BTreeMap::new(),
            bad: BTreeMap::new(),
        };
        removed.refresh()?;
        Ok(removed)
    }

    /// Reads the notices that came since.
    fn refresh(&mut self) -> Result<(), ReadError> {
        for at in 0..self.next.len() {
            self.read(at)?;
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> Result<(), ReadError> {
        let own = at == 0;
        let later = std::mem::take(&mut self.later);
        let info = at.checked_sub(1).map_or(self.info, |at| &later[at]);
        let read = self.read_of(info, own, self.next[at]);
        self.later = later;
        self.next[at] = read?;
        Ok(())
    }

    /// Reads the notices of one trail from a position on; where to go on.
    fn read_of(&mut self, info: &Info, own: bool, mut next: u64) -> Result<u64, ReadError> {
        let mut reader = Reader::judging(self.base, info)?.once();
        let from = keys::trail_seq(info.number, next).to_vec();
        let scan = Scan { from, ..Scan::prefix(Family::Notice, &info.number.to_be_bytes()) };
        let rows = self.base.db.scan(scan).map(|row| row.map(|(key, core)| (keys::seq_of(&key), core)));
        for row in rows.collect::<Result<Vec<_>, _>>()? {
            let (Some(seq), core) = row else { continue };
            next = seq.saturating_add(1);
            let said = Said { trail: info.number, seq };
            // What is not well-formed the walk of its trail names.
            let Ok(core) = NoticeCore::decode(&*core) else { continue };
            let Some(says @ (Says::IdentityMasked(_) | Says::IdentityErased(_))) = &core.kind else { continue };
            let record = match reader.record(seq) {
                Err(ReadError::DataLoss { .. }) if !own => continue,
                record => record?,
            };
            match record.verdicts.get(1) {
                Some(Verdict::Intact) => {}
                Some(Verdict::Expired) if matches!(says, Says::IdentityErased(_)) => {
                    self.forgotten = self.forgotten.max(Some(said));
                    continue;
                }
                _ => continue,
            }
            let Heard { people, list } = match told::hear(&core, &record.contents.slices) {
                Ok(heard) => heard,
                Err(what) => {
                    own.then(|| self.bad.insert(seq, what.to_owned()));
                    continue;
                }
            };
            let people: Arc<[Pseudonym]> = people.into_iter().map(|(_, pseudonym)| pseudonym).collect();
            let Says::IdentityErased(told) = says else {
                self.masked.extend(people.iter().map(|who| (*who, said)));
                continue;
            };
            self.gone.extend(people.iter().map(|who| (*who, said)));
            let of = if told.origin.is_empty() { info.origin.as_str() } else { told.origin.as_str() };
            if own && let Err(what) = self.listed(info, &record, told, &list)? {
                self.bad.insert(seq, what);
            }
            if of == self.info.origin.as_str() {
                let listed = |gone: Gone| (gone.seq, Listed { gone, said, people: people.clone() });
                self.parts.extend(list.into_iter().map(listed));
            }
        }
        Ok(next)
    }

    /// Whether a list is of parts that there were, none of which outlives it, and as many as the notice counts.
    fn listed(
        &self,
        info: &Info,
        notice: &Record,
        told: &IdentityErased,
        list: &[Gone],
    ) -> Result<Result<(), String>, ReadError> {
        let before = (!told.origin.is_empty()).then(|| self.before(&told.origin)).transpose()?;
        let (of, size) = match &before {
            None => (info, notice.header.seq),
            Some(None) => return Ok(Err(format!("it lists records of {}, which is not there", told.origin))),
            Some(Some(before)) => (before, stored_size(self.base.db.as_ref(), before.number)?),
        };
        let mut reader = Reader::headers(self.base, of).once();
        let until = notice.header.groups.get(1).map(|group| group.date);
        let mut counted: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for gone in list {
            if gone.seq >= size {
                return Ok(Err(format!("it lists record {}, which comes after it", gone.seq)));
            }
            let header = reader.linked(gone.seq)?.header;
            let all = gone.parts().all(|id| header.group_of(id).is_some_and(|group| Some(group.date) <= until));
            if !all || header.kind != crate::model::header::Kind::Event {
                return Ok(Err(format!("it lists parts that record {} does not have, or that outlive it", gone.seq)));
            }
            let of = counted.entry(header.class as u32).or_default();
            (of.0, of.1) = (of.0 + 1, of.1 + gone.parts().count() as u64);
        }
        let count = |class: &ErasedClass| (class.retention_class, (class.stripped, class.parts));
        let said: BTreeMap<u32, (u64, u64)> = told.classes.iter().map(count).filter(|(_, of)| *of != (0, 0)).collect();
        Ok(if said == counted { Ok(()) } else { Err("it counts other parts than it lists".to_owned()) })
    }

    /// A trail of the controller before this one.
    fn before(&self, origin: &str) -> Result<Option<Info>, ReadError> {
        let past = meta::past(self.base.db.as_ref(), &self.info.controller)?;
        let found = past.into_iter().find(|meta| meta.origin == origin && meta.number < self.info.number);
        Ok(found.and_then(|meta| Info::new(&meta, &self.base.keyring)))
    }

    fn is_after(&self, said: Said, seq: u64) -> bool {
        said > Said { trail: self.info.number, seq }
    }

    /// Judges a record: what is gone of it is listed, as that of whom it names, and, where nobody is at work, what is listed is gone.
    pub(super) fn record(&mut self, record: &Record, whole: bool) -> Result<Result<(), String>, ReadError> {
        let seq = record.header.seq;
        if let Some(what) = self.bad.remove(&seq) {
            return Ok(Err(what));
        }
        let listed = |own: &Self, id: PartId| {
            own.parts.get(&seq).is_some_and(|listed| listed.gone.has(id) && own.is_after(listed.said, seq))
        };
        for key in &record.erased {
            if listed(self, key.id) && key.index == 0 {
                continue;
            }
            self.refresh()?;
            if !listed(self, key.id) || key.index != 0 {
                return Ok(Err(format!("its {} is gone, but no notice lists it as erased", key.id)));
            }
        }
        let Some(Listed { gone, people, .. }) = self.parts.get(&seq) else { return Ok(Ok(())) };
        let mut named = record.contents.people().filter_map(Pseudonym::from_slice);
        if !people.is_empty() && named.any(|who| !people.contains(&who)) {
            return Ok(Err("parts of it are listed as erased, but it names somebody else, too".to_owned()));
        }
        match gone.parts().find(|id| whole && record.verdict(*id) == Some(Verdict::Intact)) {
            Some(id) => Ok(Err(format!("its {id} is listed as erased, but is there: {FINISHED}"))),
            None => Ok(Ok(())),
        }
    }

    /// Judges somebody in a record who leads back to an identity: nobody says that they do not any more.
    pub(super) fn led(&self, seq: u64, who: &Pseudonym) -> Result<(), String> {
        match self.gone.get(who).filter(|said| self.is_after(**said, seq)) {
            Some(_) => {
                Err(format!("somebody in it is told to be erased, but the vault leads back to them: {FINISHED}"))
            }
            None => Ok(()),
        }
    }

    /// Judges somebody in a record who does not lead back to an identity.
    pub(super) fn unled(&mut self, seq: u64, who: &Pseudonym, why: Unled) -> Result<Result<(), String>, ReadError> {
        let told = |own: &Self| {
            let missing = why == Unled::Missing;
            let known = if missing { &own.gone } else { &own.masked };
            // What holds keep may outlive the list of who was erased.
            let past = own.forgotten.filter(|_| missing);
            known.get(who).copied().max(past).is_some_and(|said| own.is_after(said, seq))
        };
        if let Unled::Wrong(what) = why {
            return Ok(Err(what));
        }
        if told(self) {
            return Ok(Ok(()));
        }
        self.refresh()?;
        Ok(match told(self) {
            true => Ok(()),
            false if why == Unled::Masked => {
                Err("somebody in it leads to no id, but no notice says that they are masked".to_owned())
            }
            false => {
                Err("somebody in it cannot be led back: the vault lacks a row, and no notice lists them as erased; \
                          or it holds another"
                    .to_owned())
            }
        })
    }

    /// Whether the address of a record is listed: its postings come and go with what is done about it.
    pub(super) fn has_no_net(&self, seq: u64) -> bool {
        self.parts.get(&seq).is_some_and(|listed| listed.gone.has(PartId::Net))
    }
}

/// Everything that is wrong with the removals in the vault; `told` is what each trail's notices say.
pub(super) fn check(base: &Base, trails: &[(Info, Removals)]) -> Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    let stopped = base.keyring.fresh_buckets().len();
    if stopped > 0 {
        found.push(format!("{stopped} buckets of the vault were being sealed anew: {FINISHED}"));
    }
    for row in base.vault.store().scan(Scan::all(Family::Removal)) {
        let (key, value) = row?;
        let place = keys::removal_of(&key).filter(|(bucket, ..)| *bucket < crate::trail::keyring::BUCKETS);
        let of = place.and_then(|place| Some((place, &trails.iter().find(|(info, _)| info.number == place.1)?.0)));
        let what = match of {
            None => Some("has a bad key, or is of a trail that has no description"),
            Some(_) if !row::is_row(&value) => Some("is not well-formed"),
            Some(_) if base.keyring.is_absent() => None,
            Some((place, info)) => {
                let of = Of { controller: &info.controller, key: &info.key };
                // In its trail, or in one that follows it.
                let line =
                    trails.iter().filter(|(own, _)| own.controller == info.controller && own.number >= info.number);
                let told: Vec<&Removals> = line.map(|(_, told)| told).collect();
                match base.vault.removal(of, place) {
                    Ok(Some(removal)) if is_told(&removal, &told) => None,
                    Ok(Some(_)) => Some("is of something that no notice tells: start akta once, which finishes it"),
                    Ok(None) => None,
                    Err(_) => Some("does not open under the key of its bucket and controller"),
                }
            }
        };
        found.extend(what.map(|what| format!("the family removal has a row that {what}")));
        if found.len() >= FINDINGS_MAX {
            break;
        }
    }
    Ok(found)
}

fn is_told(removal: &Removal, told: &[&Removals]) -> bool {
    let says = |told: &crate::model::stored::RemovalTold| told.core.as_ref().and_then(|core| core.kind.clone());
    let tell = |says: Says| told.iter().any(|told| told.tell(&says));
    !removal.told.is_empty() && removal.told.iter().all(|own| says(own).is_some_and(tell))
}

impl Walk<'_> {
    /// What is gone of a record is listed.
    pub(super) fn gone(&mut self, record: &Record) -> Result<(), super::Bad> {
        let judged = self.removed.record(record, self.whole)?;
        judged.map_err(|what| super::Bad::Record(record.header.seq, what))
    }
}
