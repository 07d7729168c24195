//! Selections: which records a hold keeps, in the words of the application; stored, and told in a notice.

use prost::Message;

use super::SELECTION_BYTES_MAX;
use crate::model::date::Timestamp;
use crate::model::facts::{Facts, address};
use crate::model::identity::{Identity, Pseudonym};
use crate::model::origin::Origin;
use crate::model::query::Filter;
use crate::model::stored::{Attribute, HeldPerson, HoldSelection};

/// Which records: every field that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Whose data.
    pub subject: Option<Identity>,
    /// Who acted.
    pub actor: Option<Identity>,
    /// In whose name somebody acted.
    pub on_behalf_of: Option<Identity>,
    /// Which object, of whatever class.
    pub resource_id: Option<String>,
    /// All else.
    pub facts: Facts,
}

impl Selection {
    /// Names of the fields that are set; none of a selection of everything.
    pub fn names(&self) -> Vec<&'static str> {
        let people = [
            ("subject", self.subject.is_some()),
            ("actor", self.actor.is_some()),
            ("on_behalf_of", self.on_behalf_of.is_some()),
            ("resource_id", self.resource_id.is_some()),
        ];
        people.into_iter().filter_map(|(name, set)| set.then_some(name)).chain(self.facts.names()).collect()
    }

    /// Whether it is longer than what a hold may select by.
    pub fn is_too_long(&self) -> bool {
        self.store().encoded_len() > SELECTION_BYTES_MAX
    }

    /// What must hold for a record, where `lead` gives the pseudonyms of a person.
    ///
    /// # Errors
    ///
    /// Those of `lead`.
    pub fn filter<E>(&self, mut lead: impl FnMut(&Identity) -> Result<Vec<Pseudonym>, E>) -> Result<Filter, E> {
        let mut led = |who: &Option<Identity>| who.as_ref().map(&mut lead).transpose();
        Ok(Filter {
            subject: led(&self.subject)?,
            actor: led(&self.actor)?,
            on_behalf_of: led(&self.on_behalf_of)?,
            facts: self.facts.clone(),
        })
    }

    /// As a notice tells it: an attribute for each field that is set, ascending by name.
    pub fn attributes(&self) -> Vec<Attribute> {
        let mut said = Said::default();
        self.subject.say("subject", &mut said);
        self.actor.say("actor", &mut said);
        self.on_behalf_of.say("on_behalf_of", &mut said);
        said.one("resource_id", self.resource_id.clone());
        said.facts(&self.facts);
        let mut attributes = said.0;
        attributes.sort_by(|one, other| one.key.cmp(&other.key));
        attributes
    }
}

/// Attributes in the making.
#[derive(Default)]
struct Said(Vec<Attribute>);

impl Said {
    fn one(&mut self, key: &str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| Attribute { key: key.to_owned(), value: value.to_string() }));
    }

    fn several<T: ToString>(&mut self, key: &str, values: &[T]) {
        let all: Vec<String> = values.iter().map(ToString::to_string).collect();
        self.one(key, (!all.is_empty()).then(|| all.join(", ")));
    }
}

/// A field of a selection, to and from what is stored of it.
trait Field: Sized {
    type Stored: Clone;
    fn store(&self) -> Self::Stored;
    /// `None`: Akta does not write that.
    fn load(stored: Self::Stored) -> Option<Self>;
    fn say(&self, key: &str, said: &mut Said);
}

macro_rules! as_they_are {
    ($($one:ty),*; $($several:ty),*) => {
        $(impl Field for Option<$one> {
            type Stored = Self;
            fn store(&self) -> Self { self.clone() }
            fn load(stored: Self) -> Option<Self> { Some(stored) }
            fn say(&self, key: &str, said: &mut Said) { said.one(key, self.as_ref()); }
        })*
        $(impl Field for Vec<$several> {
            type Stored = Self;
            fn store(&self) -> Self { self.clone() }
            fn load(stored: Self) -> Option<Self> { Some(stored) }
            fn say(&self, key: &str, said: &mut Said) { said.several(key, self); }
        })*
    };
}
as_they_are!(bool, u32, u64, String; i32, String);

impl Field for Option<Timestamp> {
    type Stored = Option<i64>;
    fn store(&self) -> Option<i64> {
        self.map(Timestamp::nanos)
    }
    fn load(stored: Option<i64>) -> Option<Self> {
        Some(stored.map(Timestamp::from_nanos))
    }
    fn say(&self, key: &str, said: &mut Said) {
        said.one(key, self.as_ref());
    }
}

impl Field for Option<[u8; 16]> {
    type Stored = Vec<u8>;
    fn store(&self) -> Vec<u8> {
        self.map(Vec::from).unwrap_or_default()
    }
    fn load(stored: Vec<u8>) -> Option<Self> {
        if stored.is_empty() { Some(None) } else { stored.try_into().ok().map(Some) }
    }
    fn say(&self, key: &str, said: &mut Said) {
        said.one(key, self.map(uuid::Uuid::from_bytes));
    }
}

impl Field for Option<Vec<u8>> {
    type Stored = Vec<u8>;
    fn store(&self) -> Vec<u8> {
        self.clone().unwrap_or_default()
    }
    fn load(stored: Vec<u8>) -> Option<Self> {
        match stored.len() {
            0 => Some(None),
            4 | 16 => Some(Some(stored)),
            _ => None,
        }
    }
    fn say(&self, key: &str, said: &mut Said) {
        said.one(key, self.as_deref().and_then(address));
    }
}

impl Field for Option<Identity> {
    type Stored = Option<HeldPerson>;
    fn store(&self) -> Option<HeldPerson> {
        self.as_ref().map(|who| HeldPerson { namespace: who.namespace.clone(), id: who.id.clone() })
    }
    fn load(stored: Option<HeldPerson>) -> Option<Self> {
        Some(stored.map(|who| Identity::new(&who.namespace, &who.id)))
    }
    fn say(&self, key: &str, said: &mut Said) {
        said.one(key, self.as_ref().map(|who| format!("{}:{}", who.namespace, who.id)));
    }
}

/// The fields whose names are the same in facts and in what is stored: with one that is missing here, this does not
/// compile.
macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        impl Selection {
            /// As it is stored. Contact data of people is no part of it.
            pub fn store(&self) -> HoldSelection {
                let Facts { corrects, $($field),* } = &self.facts;
                let (corrects_origin, corrects_seq) =
                    corrects.as_ref().map(|(origin, seq)| (origin.to_string(), *seq)).unwrap_or_default();
                HoldSelection {
                    subject: self.subject.store(),
                    actor: self.actor.store(),
                    on_behalf_of: self.on_behalf_of.store(),
                    resource_id: self.resource_id.clone(),
                    corrects_origin,
                    corrects_seq,
                    $($field: Field::store($field)),*
                }
            }

            /// From what is stored; `None` if it is not what Akta writes, or selects everything.
            pub fn load(stored: HoldSelection) -> Option<Self> {
                let HoldSelection {
                    subject, actor, on_behalf_of, resource_id, corrects_origin, corrects_seq, $($field),*
                } = stored;
                let corrects = match corrects_origin.as_str() {
                    "" => None,
                    origin => Some((Origin::parse(origin)?, corrects_seq)),
                };
                let selection = Self {
                    subject: Field::load(subject)?,
                    actor: Field::load(actor)?,
                    on_behalf_of: Field::load(on_behalf_of)?,
                    resource_id,
                    facts: Facts { corrects, $($field: Field::load($field)?),* },
                };
                (!selection.names().is_empty()).then_some(selection)
            }
        }

        impl Said {
            fn facts(&mut self, facts: &Facts) {
                let Facts { corrects, $($field),* } = facts;
                self.one("corrects", corrects.as_ref().map(|(origin, seq)| format!("{origin}:{seq}")));
                $(Field::say($field, stringify!($field), self);)*
            }
        }
    };
}

#[rustfmt::skip]
fields!(
    event_id, since, until, recorded_since, recorded_until, actions, event_names, outcomes, break_glass, operation_id,
    corrections, purposes, purpose_text, legal_bases, special_legal_bases, policy_ids, decision_id, categories,
    special_categories, resource_types, min_record_count, retention_classes, min_subject_count, children, child_flags,
    actor_kinds, roles, org_units, ip, channels, source_services, source_instances, assurances, recipient,
    recipient_countries, warnings,
);
