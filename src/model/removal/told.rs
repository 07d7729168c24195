//! How notices tell of people who are masked, left out of searches or erased. And back.
//!
//! ```text
//! slice 0    by · ground                             all of them
//! slice 1    a pseudonym for each domain             of IdentityErased, and of IdentityMasked where ids are gone with e-mail addresses
//! slice 2..  parts that are gone                     of IdentityErased
//! date       24 months after the day of recorded_at; of IdentityMasked 84, which outlives every record;
//!            of IdentityErased the latest of what it is about, if that is later than 24
//! ```

use super::RemovalId;
use super::list::{self, Gone};
use crate::model::date::{Date, Lifetime, Timestamp, Zone};
use crate::model::identity::{Domain, Pseudonym};
use crate::model::notice::{Says, Told};
use crate::model::origin::Origin;
use crate::model::permission::change::Decided;
use crate::model::stored::{
    Attribute, DetailPart, ErasedClass, ErasureGround, IdentityDeactivated, IdentityErased, IdentityMasked,
    IdentityRestricted, NoticeCore, RestrictionLifted,
};

/// Slices live so long, as those of decisions do.
const KEPT: Lifetime = Lifetime::Months(24);
/// Longer than any record that is there on the day.
const OUTLIVES: Lifetime = Lifetime::Months(84);
/// Most records that one notice lists: as many as fit into one frame.
pub const LISTED_MAX: usize = 150_000;

/// A pseudonym in its domain.
pub type People = Vec<(Domain, Pseudonym)>;

/// Names of domains, in the order of their letters.
const DOMAINS: [(&str, Domain); 4] = [
    ("access", Domain::Access),
    ("accounting", Domain::Accounting),
    ("evidence", Domain::Evidence),
    ("register", Domain::Register),
];

/// When and where something is told.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// `recorded_at`.
    pub time: Timestamp,
    /// The trail's zone.
    pub zone: &'a Zone,
}

impl At<'_> {
    fn after(&self, lifetime: Lifetime) -> Date {
        self.zone.after(lifetime, self.time)
    }
}

/// Whether it tells of people.
pub fn is_of_people(says: &Says) -> bool {
    id(says).is_some()
}

/// The id of what it tells of; `None` of what does not tell of people.
pub fn id(says: &Says) -> Option<&[u8]> {
    match says {
        Says::IdentityDeactivated(IdentityDeactivated { id, .. })
        | Says::IdentityMasked(IdentityMasked { id })
        | Says::IdentityErased(IdentityErased { id, .. })
        | Says::IdentityRestricted(IdentityRestricted { id })
        | Says::RestrictionLifted(RestrictionLifted { id }) => Some(id),
        _ => None,
    }
}

/// Somebody is deactivated.
pub fn deactivated(id: &RemovalId, mask_on: Date, decided: &Decided, at: At<'_>) -> Told {
    let says = Says::IdentityDeactivated(IdentityDeactivated { id: id.to_vec(), mask_on: mask_on.days() });
    Told { says, slices: vec![who(decided)], date: at.after(KEPT) }
}

/// Names and e-mail addresses of somebody are gone; `people` are the pseudonyms whose ids are gone with them, perhaps none.
pub fn masked(id: &RemovalId, people: &[(Domain, Pseudonym)], at: At<'_>) -> Told {
    let decided = Decided { by: "akta".to_owned(), ground: String::new() };
    let says = Says::IdentityMasked(IdentityMasked { id: id.to_vec() });
    let people = (!people.is_empty()).then(|| named(people));
    let slices = std::iter::once(who(&decided)).chain(people).collect();
    Told { says, slices, date: at.after(OUTLIVES) }
}

/// Somebody's records are left out of searches.
pub fn restricted(id: &RemovalId, decided: &Decided, at: At<'_>) -> Told {
    let says = Says::IdentityRestricted(IdentityRestricted { id: id.to_vec() });
    Told { says, slices: vec![who(decided)], date: at.after(KEPT) }
}

/// They no longer are.
pub fn lifted(id: &RemovalId, decided: &Decided, at: At<'_>) -> Told {
    let says = Says::RestrictionLifted(RestrictionLifted { id: id.to_vec() });
    Told { says, slices: vec![who(decided)], date: at.after(KEPT) }
}

/// What is told of an erasure.
#[derive(Debug, Clone)]
pub struct Erased<'a> {
    /// Its id.
    pub id: &'a RemovalId,
    /// Why.
    pub ground: ErasureGround,
    /// What became of their records, ascending by class; `stripped` and `parts` follow from the list.
    pub classes: &'a [ErasedClass],
    /// Holds that keep something.
    pub holds: &'a [[u8; 16]],
    /// Pseudonyms that lead to nobody any more.
    pub people: &'a People,
    /// What is gone, ascending, each with its class.
    pub list: &'a [(Gone, u32)],
    /// The same of trails that this one follows, each with its origin.
    pub before: &'a [(Origin, Vec<(Gone, u32)>)],
    /// The latest date of what names them and of what is gone.
    pub latest: Date,
}

/// What one notice lists, and the trail it is gone from where that is not the notice's own.
type Listed<'a> = (Option<&'a Origin>, &'a [(Gone, u32)]);

/// Somebody is erased: one notice, or several where the list is long.
pub fn erased(erased: &Erased<'_>, decided: &Decided, at: At<'_>) -> Vec<Told> {
    let mut lists: Vec<Listed<'_>> = match erased.list.is_empty() {
        true => vec![(None, &[])],
        false => erased.list.chunks(LISTED_MAX).map(|list| (None, list)).collect(),
    };
    for (origin, list) in erased.before {
        lists.extend(list.chunks(LISTED_MAX).map(|list| (Some(origin), list)));
    }
    let one = |(number, (origin, own)): (usize, Listed<'_>)| {
        let mut classes: Vec<ErasedClass> = match number {
            0 => erased.classes.to_vec(),
            _ => erased.classes.iter().map(|class| ErasedClass { records: 0, held: 0, ..*class }).collect(),
        };
        for class in &mut classes {
            let gone = || own.iter().filter(|(_, of)| *of == class.retention_class);
            class.stripped = gone().count() as u64;
            class.parts = gone().map(|(gone, _)| gone.parts().count() as u64).sum();
        }
        if number > 0 {
            classes.retain(|class| class.stripped > 0);
        }
        let says = Says::IdentityErased(IdentityErased {
            id: erased.id.to_vec(),
            ground: erased.ground.into(),
            classes,
            holds: erased.holds.iter().map(|id| id.to_vec()).collect(),
            origin: origin.map(ToString::to_string).unwrap_or_default(),
            restated: false,
        });
        let nobody = People::new();
        let people = if number == 0 { erased.people } else { &nobody };
        let gone: Vec<Gone> = own.iter().map(|(gone, _)| *gone).collect();
        let slices = [who(decided), named(people)].into_iter().chain(list::slices(&gone)).collect();
        Told { date: date(&says, erased.latest, at), says, slices }
    };
    lists.into_iter().enumerate().map(one).collect()
}

/// The date of the slices of a notice that is told now; `latest` is that of what it is about.
pub fn date(says: &Says, latest: Date, at: At<'_>) -> Date {
    match says {
        Says::IdentityErased(_) => at.after(KEPT).max(latest),
        Says::IdentityMasked(_) => at.after(OUTLIVES),
        _ => at.after(KEPT),
    }
}

/// Whether the slices of a notice may have that date.
pub fn date_is_good(says: &Says, date: Date, at: At<'_>) -> bool {
    match says {
        Says::IdentityErased(_) => (at.after(KEPT)..=at.after(OUTLIVES)).contains(&date),
        Says::IdentityMasked(_) => date == at.after(OUTLIVES),
        _ => date == at.after(KEPT),
    }
}

/// What slices tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Whom it is about.
    pub people: People,
    /// What is gone.
    pub list: Vec<Gone>,
}

/// What the slices of a notice of people tell.
///
/// # Errors
///
/// They are not as Akta writes them; in a few words.
pub fn hear(core: &NoticeCore, slices: &[(u16, DetailPart)]) -> Result<Heard, &'static str> {
    const WRONG: &str = "its slices are not those of its kind";
    let says = core.kind.as_ref().ok_or(WRONG)?;
    let plain = |slice: &DetailPart| {
        let attributes = slice.attributes.clone();
        attributes.is_sorted_by(|a, b| a.key < b.key) && *slice == DetailPart { attributes, ..DetailPart::default() }
    };
    let numbered = (0..).zip(slices).all(|(index, (own, _)): (u16, _)| index == *own);
    if !numbered || !slices.iter().all(|(_, slice)| plain(slice)) {
        return Err(WRONG);
    }
    let by = slices.first().and_then(|(_, slice)| slice.attributes.first());
    if by.is_none_or(|by| by.key != "by" || by.value.is_empty()) {
        return Err("its slice 0 does not say who and why");
    }
    match (says, &slices[1..]) {
        (
            Says::IdentityDeactivated(_)
            | Says::IdentityMasked(_)
            | Says::IdentityRestricted(_)
            | Says::RestrictionLifted(_),
            [],
        ) => Ok(Heard::default()),
        (Says::IdentityErased(_), [(_, people), rest @ ..]) => {
            let list =
                list::read(rest.iter().map(|(_, slice)| slice)).ok_or("its list of parts is not as it must be")?;
            Ok(Heard { people: read_people(people).ok_or(WRONG)?, list })
        }
        (Says::IdentityMasked(_), [(_, people)]) => {
            let people = read_people(people).filter(|people| !people.is_empty()).ok_or(WRONG)?;
            Ok(Heard { people, list: Vec::new() })
        }
        _ => Err(WRONG),
    }
}

fn who(decided: &Decided) -> DetailPart {
    let text = |key: &str, value: &str| Attribute { key: key.to_owned(), value: value.to_owned() };
    let ground = (!decided.ground.is_empty()).then(|| text("ground", &decided.ground));
    let attributes = std::iter::once(text("by", &decided.by)).chain(ground).collect();
    DetailPart { attributes, ..DetailPart::default() }
}

fn named(people: &[(Domain, Pseudonym)]) -> DetailPart {
    let attributes = DOMAINS.into_iter().filter_map(|(key, domain)| {
        let (_, pseudonym) = people.iter().find(|(own, _)| *own == domain)?;
        let value = pseudonym.0.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Attribute { key: key.to_owned(), value })
    });
    DetailPart { attributes: attributes.collect(), ..DetailPart::default() }
}

fn read_people(slice: &DetailPart) -> Option<People> {
    let read = |attribute: &Attribute| {
        let (_, domain) = DOMAINS.into_iter().find(|(key, _)| *key == attribute.key)?;
        let text = Some(attribute.value.as_str()).filter(|text| text.len() == 64 && text.is_ascii())?;
        let bytes =
            (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect::<Option<Vec<_>>>();
        Some((domain, Pseudonym::from_slice(&bytes?)?))
    };
    slice.attributes.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
