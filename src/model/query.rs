//! Questions: what to find, in which order, from where on.

use super::date::Timestamp;
use super::header::Header;
use super::identity::Pseudonym;
use super::record::Contents;
use super::stored::{ChildFlag, SubjectPart};

/// What an event must satisfy; every field that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Whose data: one of these pseudonyms of one person. `Some(empty)` matches nothing.
    pub subject: Option<Vec<Pseudonym>>,
    /// Who acted: one of these pseudonyms of one person. `Some(empty)` matches nothing.
    pub actor: Option<Vec<Pseudonym>>,
    /// All else.
    pub facts: Facts,
}

impl Filter {
    /// Whether an event satisfies it. What has expired satisfies nothing, nor does a notice.
    pub fn matches(&self, header: &Header, contents: &Contents) -> bool {
        let is = |wanted: &[Pseudonym], bytes: &[u8]| wanted.iter().any(|pseudonym| pseudonym.0 == bytes);
        let actor = self
            .actor
            .as_ref()
            .is_none_or(|wanted| contents.actor.as_ref().is_some_and(|actor| is(wanted, &actor.pseudonym)));
        let subject = self
            .subject
            .as_ref()
            .is_none_or(|wanted| contents.subjects.iter().any(|subject| is(wanted, &subject.pseudonym)));
        actor && subject && self.facts.hold(header, contents)
    }
}

/// What is asked of an event beside the people in it.
///
/// Of a list any value will do; an empty one asks nothing. Numbers are those of the vocabulary, unknown ones too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Address, 4 or 16 bytes.
    pub ip: Option<Vec<u8>>,
    /// Numbers of actions.
    pub actions: Vec<i32>,
    /// `occurred_at` at or after this.
    pub since: Option<Timestamp>,
    /// `occurred_at` before this.
    pub until: Option<Timestamp>,
    /// Numbers of outcomes.
    pub outcomes: Vec<i32>,
    /// Numbers of purposes.
    pub purposes: Vec<i32>,
    /// Numbers of legal bases.
    pub legal_bases: Vec<i32>,
    /// Numbers of kinds of data, of which the event has one or more.
    pub categories: Vec<i32>,
    /// Numbers of special categories, of which the event has one or more.
    pub special_categories: Vec<i32>,
    /// Classes of resources.
    pub resource_types: Vec<String>,
    /// The application's names of operations.
    pub event_names: Vec<String>,
    /// Numbers of kinds of actors.
    pub actor_kinds: Vec<i32>,
    /// Roles, of which the actor had one or more.
    pub roles: Vec<String>,
    /// Numbers of channels.
    pub channels: Vec<i32>,
    /// Reporting services.
    pub source_services: Vec<String>,
    /// The operation that the event is part of.
    pub operation_id: Option<String>,
    /// Who received the data.
    pub recipient: Option<String>,
    /// Whether it was an emergency access.
    pub break_glass: Option<bool>,
    /// Whether a child is among the subjects.
    pub children: Option<bool>,
    /// Numbers of retention classes.
    pub retention_classes: Vec<i32>,
}

impl Facts {
    fn hold(&self, header: &Header, contents: &Contents) -> bool {
        let Some(core) = &contents.core else { return false };
        let occurred_at = Timestamp::from_nanos(core.occurred_at);
        self.since.is_none_or(|since| occurred_at >= since)
            && self.until.is_none_or(|until| occurred_at < until)
            && self.ip.as_ref().is_none_or(|ip| contents.net.as_ref().is_some_and(|net| net.ip == *ip))
            && one_of(&self.actions, &core.action)
            && one_of(&self.outcomes, &core.outcome)
            && one_of(&self.purposes, &core.purpose)
            && one_of(&self.legal_bases, &core.legal_basis)
            && some_of(&self.categories, &core.categories)
            && some_of(&self.special_categories, &core.special_categories)
            && one_of(&self.resource_types, &core.resource_type)
            && one_of(&self.event_names, &core.event_name)
            && one_of(&self.actor_kinds, &core.actor_kind)
            && some_of(&self.roles, &core.actor_roles)
            && one_of(&self.channels, &core.channel)
            && one_of(&self.source_services, &core.source_service)
            && self.operation_id.as_ref().is_none_or(|id| core.operation_id == *id)
            && self.recipient.as_ref().is_none_or(|recipient| core.recipient == *recipient)
            && self.break_glass.is_none_or(|glass| core.break_glass == glass)
            && self.children.is_none_or(|children| contents.subjects.iter().any(is_child) == children)
            && one_of(&self.retention_classes, &i32::from(header.class as u8))
    }

    /// Names of the fields that are set, as in the API; never their values.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        // Taken apart in full: a field that is added is named, or this does not compile.
        #[rustfmt::skip]
        let Self {
            ip, actions, since, until, outcomes, purposes, legal_bases, categories, special_categories, resource_types,
            event_names, actor_kinds, roles, channels, source_services, operation_id, recipient, break_glass, children,
            retention_classes,
        } = self;
        [
            ("ip", ip.is_some()),
            ("actions", !actions.is_empty()),
            ("since", since.is_some()),
            ("until", until.is_some()),
            ("outcomes", !outcomes.is_empty()),
            ("purposes", !purposes.is_empty()),
            ("legal_bases", !legal_bases.is_empty()),
            ("categories", !categories.is_empty()),
            ("special_categories", !special_categories.is_empty()),
            ("resource_types", !resource_types.is_empty()),
            ("event_names", !event_names.is_empty()),
            ("actor_kinds", !actor_kinds.is_empty()),
            ("roles", !roles.is_empty()),
            ("channels", !channels.is_empty()),
            ("source_services", !source_services.is_empty()),
            ("operation_id", operation_id.is_some()),
            ("recipient", recipient.is_some()),
            ("break_glass", break_glass.is_some()),
            ("children", children.is_some()),
            ("retention_classes", !retention_classes.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
    }
}

/// Whether a value is one of those asked for, if any are.
fn one_of<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

/// Whether one or more of the values are among those asked for, if any are.
fn some_of<T: PartialEq>(wanted: &[T], values: &[T]) -> bool {
    wanted.is_empty() || values.iter().any(|value| wanted.contains(value))
}

fn is_child(subject: &SubjectPart) -> bool {
    matches!(subject.child(), ChildFlag::Under13 | ChildFlag::Under16 | ChildFlag::Under18)
}

/// What rows hold, and whether there are rows for what no filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Include {
    /// What opens the parts of each record.
    pub openings: bool,
    /// Also notices, and records whose core is past its date: every position has a row.
    pub notices: bool,
}

/// Order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By position, descending.
    #[default]
    NewestFirst,
    /// By position, ascending.
    OldestFirst,
}

/// Where the next page goes on. Opaque to clients: `1 version || 8 size || 8 next || 8 question`, as hex.
///
/// The size fixes what a search covers, so rows that arrive meanwhile shift nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Number of records the search covers.
    pub size: u64,
    /// Position to go on at, inclusive.
    pub next: u64,
    /// First bytes of a hash of the question, so that a cursor is not used with another.
    pub question: [u8; 8],
}

impl Cursor {
    const VERSION: u8 = 1;

    /// As text for the client.
    pub fn encode(&self) -> String {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.question);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From the client's text; `None` if it is none of ours.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() != 50 || !text.is_ascii() {
            return None;
        }
        let bytes: Vec<u8> =
            (0..25).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()).collect::<Option<_>>()?;
        let (version, rest) = bytes.split_first()?;
        (*version == Self::VERSION).then_some(())?;
        let (size, rest) = rest.split_first_chunk()?;
        let (next, question) = rest.split_first_chunk()?;
        Some(Self {
            size: u64::from_be_bytes(*size),
            next: u64::from_be_bytes(*next),
            question: question.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_round_trip(size in any::<u64>(), next in any::<u64>(), question in any::<[u8; 8]>()) {
            let cursor = Cursor { size, next, question };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn other_text_is_refused(text in ".{0,60}") {
            prop_assert!(Cursor::decode(&text).is_none_or(|cursor| cursor.encode() == text.to_lowercase()));
        }
    }
}
