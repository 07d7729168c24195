//! Index terms: what a record can be found by.
//!
//! A term is stored as a keyed hash under the index key of its part's expiry date, so the index tells nothing to
//! whom the key does not serve, and dies with it.
//!
//! A term costs about 36 bytes an event before compression, so only what people ask by and what narrows far has one:
//! all else is read from the records that the terms leave.

use super::date::Date;
use super::header::Header;
use super::identity::Pseudonym;
use super::part::PartId;
use super::record::Contents;

/// Bytes of a keyed term.
pub const TERM_BYTES: usize = 16;

/// Something that a record can be found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// Who acted.
    Actor(Pseudonym),
    /// Whose data.
    Subject(Pseudonym),
    /// Address, 4 or 16 bytes.
    Ip(Vec<u8>),
    /// Number of the action.
    Action(i32),
    /// UTC day of `occurred_at`.
    Day(Date),
    /// Class of the resource.
    ResourceType(String),
    /// Whom the actor stood in for.
    OnBehalfOf(Pseudonym),
}

impl Term {
    /// Its kind in storage keys.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Actor(_) => 1,
            Self::Subject(_) => 2,
            Self::Ip(_) => 3,
            Self::Action(_) => 4,
            Self::Day(_) => 5,
            Self::ResourceType(_) => 6,
            Self::OnBehalfOf(_) => 7,
        }
    }

    /// `keyed_hash(index key, kind u8 || value)`, first 16 bytes.
    pub fn keyed(&self, index_key: &[u8; 32]) -> [u8; TERM_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(index_key);
        hasher.update(&[self.kind()]);
        match self {
            Self::Actor(pseudonym) | Self::Subject(pseudonym) | Self::OnBehalfOf(pseudonym) => {
                hasher.update(&pseudonym.0)
            }
            Self::Ip(bytes) => hasher.update(bytes),
            Self::Action(number) => hasher.update(&number.to_be_bytes()),
            Self::Day(day) => hasher.update(&day.days().to_be_bytes()),
            Self::ResourceType(text) => hasher.update(text.as_bytes()),
        };
        let mut term = [0; TERM_BYTES];
        hasher.finalize_xof().fill(&mut term);
        term
    }

    /// The terms of an event, each with the expiry date of the part that it comes from. Notices have none.
    pub fn of(header: &Header, contents: &Contents) -> Vec<(Date, Self)> {
        let mut terms = Vec::with_capacity(6 + contents.subjects.len());
        let mut add = |id: PartId, term: Option<Self>| {
            if let (Some(group), Some(term)) = (header.group_of(id), term) {
                terms.push((group.date, term));
            }
        };
        let pseudonym = |bytes: &[u8]| Pseudonym::from_slice(bytes);
        if let Some(actor) = &contents.actor {
            add(PartId::Actor, pseudonym(&actor.pseudonym).map(Self::Actor));
            add(PartId::Actor, pseudonym(&actor.on_behalf_of).map(Self::OnBehalfOf));
        }
        for subject in &contents.subjects {
            add(PartId::Subject, pseudonym(&subject.pseudonym).map(Self::Subject));
        }
        if let Some(net) = &contents.net {
            add(PartId::Net, (!net.ip.is_empty()).then(|| Self::Ip(net.ip.clone())));
        }
        if let Some(core) = &contents.core {
            let day = Date::of_utc(super::date::Timestamp::from_nanos(core.occurred_at));
            add(PartId::Core, Some(Self::Action(core.action)));
            add(PartId::Core, Some(Self::Day(day)));
            add(PartId::Core, (!core.resource_type.is_empty()).then(|| Self::ResourceType(core.resource_type.clone())));
        }
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::header::Link;
    use crate::model::identity::Identity;
    use crate::model::origin::{Controller, Origin};
    use crate::model::seal::{Key, Use, date_key};

    #[test]
    fn golden_terms() {
        let school = Controller::new("school-12").expect("a name");
        let pseudonym = Pseudonym::of(&[3; 32], &school, &Identity::new("pupil", "p-204"));
        let origin = Origin::parse("akta.dev/school-12/w0a1b2c3d").expect("an origin");
        let keys = [1, 2].map(|byte| Key::new([byte; 32]));
        let index_key = date_key(Use::Index, &keys[0], &keys[1], &Link::of_origin(&origin));
        // docs/format.md prints the same values.
        for (term, kind, keyed) in [
            (Term::Subject(pseudonym), 2, "4cad12b5fabb36d8065e332742513097"),
            (Term::Action(2), 4, "0c828fc81a7465749ba0cc7083df06e9"),
            (Term::Ip(vec![192, 0, 2, 1]), 3, "4bdb51b1cd4af56891a86e9313ef758a"),
            (Term::OnBehalfOf(pseudonym), 7, "27aaa3c700c66f84c0b4c06f9c4946a4"),
        ] {
            let hex: String = term.keyed(index_key.bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((term.kind(), hex.as_str()), (kind, keyed), "{term:?}");
        }
    }
}
