//! What an erasure takes and what it leaves: looked at record by record, up to a position, and from there on again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::base::Base;
use super::super::hold::Covering;
use super::super::reader::{ReadError, Reader};
use super::super::search;
use super::super::trails::Info;
use super::super::vault::Known;
use super::{Erasure, Fate, Kept, What};
use crate::model::date::Date;
use crate::model::header::Kind;
use crate::model::hold::row::HoldId;
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::origin::Origin;
use crate::model::part::{PartId, PartKey};
use crate::model::policy::Class;
use crate::model::query::Filter;
use crate::model::record::Record;
use crate::model::removal::list::{Gone, PARTS};
use crate::model::stored::{ErasedClass, ErasureKept, IdentityErased};
use crate::store::{self, Family};

/// What becomes of somebody, as far as looked at.
pub(in crate::trail) struct Doomed {
    pub(super) known: Known,
    /// By number.
    classes: BTreeMap<u32, ErasedClass>,
    /// Parts that go, ascending, each with the number of its class.
    pub(super) list: List,
    /// The same of the trails that the last one follows.
    pub(super) before: Vec<(Arc<Info>, List)>,
    /// The latest date of what names them and of what goes.
    pub(super) latest: Date,
    /// Holds for which they must be led back to still.
    row: BTreeSet<HoldId>,
    /// Holds that keep parts.
    parts: BTreeSet<HoldId>,
    /// Records below this are looked at.
    upto: u64,
    /// The holds that were looked at.
    standing: Vec<HoldId>,
}

/// Parts of one trail.
pub(super) type List = Vec<(Gone, u32)>;

impl Doomed {
    /// Looks at all records that name somebody, in the last trail of their controller below `size`.
    ///
    /// # Errors
    ///
    /// A hold cannot be read: then nobody knows what it keeps, and nothing may go. Or the disk fails.
    pub(super) fn of(base: &Base, last: &Arc<Info>, known: Known, size: u64) -> Result<Self, ReadError> {
        let mut doomed = Self {
            row: naming(base, last, &known.identity),
            known,
            classes: BTreeMap::new(),
            list: Vec::new(),
            before: Vec::new(),
            latest: Date::NEVER,
            parts: BTreeSet::new(),
            upto: 0,
            standing: standing(base, last),
        };
        for info in &last.past {
            doomed.look_for(base, info, info.size())?;
            let list = std::mem::take(&mut doomed.list);
            doomed.before.push((info.clone(), list));
        }
        doomed.look_for(base, last, size)?;
        doomed.upto = size;
        Ok(doomed)
    }

    /// Looks at the records of a trail below `size` that name them.
    fn look_for(&mut self, base: &Base, info: &Info, size: u64) -> Result<(), ReadError> {
        let covering = Covering::of(base, info)?;
        if let Some(own) = self.own() {
            self.row.extend(covering.name(base, info, |who| *who == own)?);
        }
        let all = Some(self.known.all());
        let today = base.today(&info.zone);
        let mut seqs = roaring::RoaringTreemap::new();
        for filter in [
            Filter { subject: all.clone(), ..Filter::default() },
            Filter { actor: all.clone(), ..Filter::default() },
            Filter { on_behalf_of: all, ..Filter::default() },
        ] {
            seqs |= search::among(base, info, &filter, 0..size, today)?.unwrap_or_else(|| (0..size).collect());
        }
        self.look(base, info, &covering, seqs)
    }

    /// The same up to a later size, whatever was recorded, held or drawn since.
    pub(super) fn up_to(self, base: &Base, info: &Arc<Info>, known: Known, size: u64) -> Result<Self, ReadError> {
        if self.standing != standing(base, info) || self.known.identity != known.identity || self.upto > size {
            return Self::of(base, info, known, size);
        }
        let from = self.upto;
        let mut doomed = Self { known, ..self };
        let covering = Covering::of(base, info)?;
        doomed.look(base, info, &covering, from..size)?;
        doomed.list = alive(base, info, doomed.list)?;
        for (info, list) in &mut doomed.before {
            *list = alive(base, info, std::mem::take(list))?;
        }
        doomed.upto = size;
        Ok(doomed)
    }

    /// The pseudonym that is to lead to nobody; no law keeps those of other domains from being erased.
    fn own(&self) -> Option<Pseudonym> {
        self.known.pseudonym(Domain::Access)
    }

    /// The pseudonyms that go.
    pub(super) fn gone(&self) -> Vec<(Domain, Pseudonym)> {
        let own = self.own().filter(|_| self.row.is_empty());
        own.map(|pseudonym| (Domain::Access, pseudonym)).into_iter().collect()
    }

    /// What goes of the trails that the last one follows, by their origins.
    pub(super) fn listed_before(&self) -> Vec<(Origin, List)> {
        let some = self.before.iter().filter(|(_, list)| !list.is_empty());
        some.map(|(info, list)| (info.origin.clone(), list.clone())).collect()
    }

    /// What the notice counts; parts that go are counted by the list.
    pub(super) fn classes(&self) -> Vec<ErasedClass> {
        let held = if self.row.is_empty() { ErasureKept::Unspecified } else { ErasureKept::Held };
        let kept = |of: &ErasedClass| match law(of.retention_class) {
            Some(kept) => kept,
            None => held,
        };
        self.classes.values().map(|of| ErasedClass { kept: kept(of).into(), ..*of }).collect()
    }

    /// Every hold that keeps something.
    pub(super) fn holds(&self) -> Vec<HoldId> {
        self.row.union(&self.parts).copied().collect()
    }

    /// As it is answered.
    pub(super) fn erasure(&self) -> Erasure {
        let mut classes = self.classes();
        for class in &mut classes {
            let all = || self.before.iter().flat_map(|(_, list)| list).chain(&self.list);
            let own = || all().filter(|(_, of)| *of == class.retention_class);
            (class.stripped, class.parts) =
                (own().count() as u64, own().map(|(gone, _)| gone.parts().count() as u64).sum());
        }
        Erasure { fates: fates(&classes, &self.holds()), receipt: None }
    }

    fn look(
        &mut self,
        base: &Base,
        info: &Info,
        covering: &Covering,
        seqs: impl IntoIterator<Item = u64>,
    ) -> Result<(), ReadError> {
        let mut reader = Reader::new(base, info, base.today(&info.zone)).once();
        for seq in seqs {
            match reader.record(seq) {
                Ok(record) => self.add(base, info, covering, &record)?,
                Err(ReadError::DataLoss { origin, seq, what }) => {
                    tracing::error!(origin, seq, what, "a record cannot be read, so nothing of it is erased");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn add(&mut self, base: &Base, info: &Info, covering: &Covering, record: &Record) -> Result<(), store::Error> {
        let (header, contents) = (&record.header, &record.contents);
        let names = |bytes: &[u8]| self.known.pseudonyms.iter().any(|(_, own)| own.0 == *bytes);
        let people = || contents.people();
        if header.kind != Kind::Event || !people().any(&names) {
            return Ok(());
        }
        let number = header.class as u32;
        let class =
            self.classes.entry(number).or_insert(ErasedClass { retention_class: number, ..ErasedClass::default() });
        class.records += 1;
        if law(number).is_some() {
            return Ok(());
        }
        for id in [PartId::Actor, PartId::Subject] {
            self.latest = header.group_of(id).map_or(self.latest, |group| self.latest.max(group.date));
        }
        let keeps = |key: PartKey, content: &[u8]| covering.keep(base, info, record, (key, content));
        if !covering.is_empty() {
            for (key, content) in contents.parts() {
                let theirs = match key.id {
                    PartId::Actor => {
                        contents.actor.iter().any(|actor| names(&actor.pseudonym) || names(&actor.on_behalf_of))
                    }
                    PartId::Subject => {
                        contents.subjects.get(usize::from(key.index)).is_some_and(|subject| names(&subject.pseudonym))
                    }
                    _ => false,
                };
                if theirs {
                    self.row.extend(keeps(key, &content)?);
                }
            }
        }
        // A record that names more people than it lists is about others, too.
        let listed = contents.core.as_ref().is_some_and(|core| core.subject_count as usize <= contents.subjects.len());
        if !listed || !people().all(&names) {
            return Ok(());
        }
        let there = |id: PartId| match id {
            PartId::Net => contents.net.is_some(),
            PartId::Session => contents.session.is_some(),
            _ => contents.detail.is_some(),
        };
        let mut bitmap = 0;
        for (id, _) in PARTS.into_iter().filter(|(id, _)| there(*id)) {
            let holds = keeps(PartKey::first(id), &[])?;
            if holds.is_empty() {
                bitmap |= id.bit();
                self.latest = header.group_of(id).map_or(self.latest, |group| self.latest.max(group.date));
            } else {
                class.held += 1;
                self.parts.extend(holds);
            }
        }
        self.list.extend(Gone::of(header.seq, bitmap).map(|gone| (gone, number)));
        Ok(())
    }
}

/// What of a list is not past by now: the rest is gone by itself.
fn alive(base: &Base, info: &Info, list: List) -> Result<List, ReadError> {
    let today = base.today(&info.zone);
    let mut reader = Reader::headers(base, info);
    let mut left = Vec::with_capacity(list.len());
    for (gone, class) in list {
        let header = reader.linked(gone.seq)?.header;
        let alive = |id: &PartId| header.group_of(*id).is_some_and(|group| group.date > today);
        let bitmap = gone.parts().filter(alive).fold(0, |bits, id| bits | id.bit());
        left.extend(Gone::of(gone.seq, bitmap).map(|gone| (gone, class)));
    }
    Ok(left)
}

/// The law that keeps records of a class as they are.
fn law(number: u32) -> Option<ErasureKept> {
    match u8::try_from(number).ok().and_then(Class::from_number).map(Domain::of) {
        Some(Domain::Register) => Some(ErasureKept::Register),
        Some(Domain::Evidence) => Some(ErasureKept::Evidence),
        Some(Domain::Accounting) => Some(ErasureKept::Accounting),
        Some(Domain::Access) | None => None,
    }
}

/// Holds that are about somebody by name: they could not be followed any more.
fn naming(base: &Base, info: &Info, who: &Identity) -> BTreeSet<HoldId> {
    let is = |named: &Option<Identity>| {
        named.as_ref().is_some_and(|named| (&named.namespace, &named.id) == (&who.namespace, &who.id))
    };
    let holds = base.holds.of(&info.controller);
    let about = holds.iter().filter(|standing| {
        standing.hold().is_some_and(|hold| {
            let selection = &hold.selection;
            is(&selection.subject) || is(&selection.actor) || is(&selection.on_behalf_of)
        })
    });
    about.map(|standing| standing.id).collect()
}

fn standing(base: &Base, info: &Info) -> Vec<HoldId> {
    base.holds.of(&info.controller).iter().map(|standing| standing.id).collect()
}

/// What became of each class.
fn fates(classes: &[ErasedClass], holds: &[HoldId]) -> Vec<Fate> {
    let mut fates = Vec::new();
    for told in classes {
        let Some(class) = u8::try_from(told.retention_class).ok().and_then(Class::from_number) else { continue };
        let mut add = |what, records, parts| fates.push(Fate { class, what, records, parts });
        let held = || What::Refused(Kept::Held(holds.to_vec()));
        let kept = match told.kept() {
            ErasureKept::Unspecified => What::Pseudonymised,
            ErasureKept::Held => held(),
            ErasureKept::Register => What::Refused(Kept::Register),
            ErasureKept::Evidence => What::Refused(Kept::Evidence),
            ErasureKept::Accounting => What::Refused(Kept::Accounting),
        };
        if told.records > 0 {
            add(kept, told.records, 0);
        }
        if told.stripped > 0 {
            add(What::Erased, told.stripped, told.parts);
        }
        if told.held > 0 {
            add(held(), 0, told.held);
        }
    }
    fates
}

impl Erasure {
    /// What notices with one id tell of an erasure.
    pub(super) fn told(notices: &[IdentityErased]) -> Self {
        let mut classes: BTreeMap<u32, ErasedClass> = BTreeMap::new();
        let mut holds: BTreeSet<HoldId> = BTreeSet::new();
        for notice in notices {
            holds.extend(notice.holds.iter().filter_map(|id| HoldId::try_from(id.as_slice()).ok()));
            for own in &notice.classes {
                let all = classes.entry(own.retention_class).or_insert(ErasedClass {
                    records: 0,
                    held: 0,
                    stripped: 0,
                    parts: 0,
                    ..*own
                });
                all.records += own.records;
                all.stripped += own.stripped;
                all.parts += own.parts;
                all.held += own.held;
            }
        }
        let holds: Vec<HoldId> = holds.into_iter().collect();
        Self { fates: fates(&classes.into_values().collect::<Vec<_>>(), &holds), receipt: None }
    }
}

/// Expiry dates of the parts of a list.
pub(super) fn dates(base: &Base, info: &Info, list: &[Gone]) -> Result<BTreeMap<Date, Vec<Gone>>, ReadError> {
    let mut reader = Reader::headers(base, info).once();
    let mut dates: BTreeMap<Date, Vec<Gone>> = BTreeMap::new();
    for gone in list {
        let header = reader.linked(gone.seq)?.header;
        for group in &header.groups {
            let bitmap = gone.parts().filter(|id| group.has(*id)).fold(0, |bits, id| bits | id.bit());
            if let Some(gone) = Gone::of(gone.seq, bitmap) {
                dates.entry(group.date).or_default().push(gone);
            }
        }
    }
    // Those that are expired are gone.
    let frames = super::super::indexer::dates(base.db.as_ref(), Family::Part, info)?;
    dates.retain(|date, _| frames.contains(date));
    Ok(dates)
}
