//! What was removed, against the notices: a part is gone, and a pseudonym leads to nobody, only where a notice lists it; and
//! what a notice lists is gone.

use std::collections::{BTreeMap, HashMap};

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
use crate::trail::reader::{ReadError, Reader};
use crate::trail::trails::Info;
use crate::trail::vault::{Of, Unled};

/// What a stop may have left.
const FINISHED: &str = "start akta once, which finishes what was stopped";

/// What the notices of a trail list.
pub(super) struct Removed<'a> {
    base: &'a Base,
    info: &'a Info,
    /// Notices before it are read.
    next: u64,
    /// Pseudonyms that lead to nobody any more, with the notice that says so.
    gone: HashMap<Pseudonym, u64>,
    /// Pseudonyms of people who are masked.
    masked: HashMap<Pseudonym, u64>,
    /// Parts that are gone, by record.
    parts: BTreeMap<u64, (Gone, u64)>,
    /// What is wrong with a notice.
    bad: BTreeMap<u64, String>,
}

impl<'a> Removed<'a> {
    pub(super) fn new(base: &'a Base, info: &'a Info) -> Result<Self, ReadError> {
        let mut removed = Self {
            base,
            info,
            next: 0,
            gone: HashMap::new(),
            masked: HashMap::new(),
            parts: BTreeMap::new(),
            bad: BTreeMap::new(),
        };
        removed.refresh()?;
        Ok(removed)
    }

    /// Reads the notices that came since.
    fn refresh(&mut self) -> Result<(), ReadError> {
        let mut reader = Reader::judging(self.base, self.info)?.once();
        let from = keys::trail_seq(self.info.number, self.next).to_vec();
        let scan = Scan { from, ..Scan::prefix(Family::Notice, &self.info.number.to_be_bytes()) };
        let rows = self.base.db.scan(scan).map(|row| row.map(|(key, core)| (keys::seq_of(&key), core)));
        for row in rows.collect::<Result<Vec<_>, _>>()? {
            let (Some(seq), core) = row else { continue };
            self.next = seq.saturating_add(1);
            // What is not well-formed the walk names.
            let Ok(core) = NoticeCore::decode(&*core) else { continue };
            let Some(says @ (Says::IdentityMasked(_) | Says::IdentityErased(_))) = &core.kind else { continue };
            let record = reader.record(seq)?;
            if record.verdicts.get(1) != Some(&Verdict::Intact) {
                continue;
            }
            match told::hear(&core, &record.contents.slices) {
                Err(what) => drop(self.bad.insert(seq, what.to_owned())),
                Ok(Heard { people, list }) => {
                    let people = people.into_iter().map(|(_, pseudonym)| (pseudonym, seq));
                    if let Says::IdentityErased(told) = says {
                        self.gone.extend(people);
                        if let Err(what) = self.listed(&record, told, &list)? {
                            self.bad.insert(seq, what);
                        }
                        self.parts.extend(list.into_iter().map(|gone| (gone.seq, (gone, seq))));
                    } else {
                        self.masked.extend(people);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a list is of parts that there were, none of which outlives it, and as many as the notice counts.
    fn listed(&self, notice: &Record, told: &IdentityErased, list: &[Gone]) -> Result<Result<(), String>, ReadError> {
        let mut reader = Reader::headers(self.base, self.info).once();
        let until = notice.header.groups.get(1).map(|group| group.date);
        let mut counted: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for gone in list {
            if gone.seq >= notice.header.seq {
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

    /// Judges a record: what is gone of it is listed, and, where nobody is at work, what is listed is gone.
    pub(super) fn record(&mut self, record: &Record, whole: bool) -> Result<Result<(), String>, ReadError> {
        let seq = record.header.seq;
        if let Some(what) = self.bad.remove(&seq) {
            return Ok(Err(what));
        }
        let listed =
            |own: &Self, id: PartId| own.parts.get(&seq).is_some_and(|(gone, notice)| gone.has(id) && *notice > seq);
        for key in &record.erased {
            if listed(self, key.id) && key.index == 0 {
                continue;
            }
            self.refresh()?;
            if !listed(self, key.id) || key.index != 0 {
                return Ok(Err(format!("its {} is gone, but no notice lists it as erased", key.id)));
            }
        }
        let Some((gone, _)) = self.parts.get(&seq).filter(|_| whole) else { return Ok(Ok(())) };
        match gone.parts().find(|id| record.verdict(*id) == Some(Verdict::Intact)) {
            Some(id) => Ok(Err(format!("its {id} is listed as erased, but is there: {FINISHED}"))),
            None => Ok(Ok(())),
        }
    }

    /// Judges somebody in a record who does not lead back to an identity.
    pub(super) fn unled(&mut self, seq: u64, who: &Pseudonym, why: Unled) -> Result<Result<(), String>, ReadError> {
        let told = |own: &Self| {
            let known = if why == Unled::Missing { &own.gone } else { &own.masked };
            known.get(who).is_some_and(|notice| *notice > seq)
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
        self.parts.get(&seq).is_some_and(|(gone, _)| gone.has(PartId::Net))
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
        let of = place.and_then(|place| Some((place, trails.iter().find(|(info, _)| info.number == place.1)?)));
        let what = match of {
            None => Some("has a bad key, or is of a trail that has no description"),
            Some(_) if !row::is_row(&value) => Some("is not well-formed"),
            Some(_) if base.keyring.is_absent() => None,
            Some((place, (info, told))) => {
                let of = Of { controller: &info.controller, key: &info.key };
                match base.vault.removal(of, place) {
                    Ok(Some(removal)) if is_told(&removal, told) => None,
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

fn is_told(removal: &Removal, told: &Removals) -> bool {
    let says = |told: &crate::model::stored::RemovalTold| told.core.as_ref().and_then(|core| core.kind.clone());
    !removal.told.is_empty() && removal.told.iter().all(|own| says(own).is_some_and(|says| told.tell(&says)))
}

impl Walk<'_> {
    /// What is gone of a record is listed.
    pub(super) fn gone(&mut self, record: &Record) -> Result<(), super::Bad> {
        let judged = self.removed.record(record, self.whole)?;
        judged.map_err(|what| super::Bad::Record(record.header.seq, what))
    }
}
