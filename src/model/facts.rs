//! What is asked of an event beside the people in it.

use std::net::IpAddr;

use super::date::Timestamp;
use super::header::Header;
use super::origin::Origin;
use super::record::Contents;
use super::stored::{ChildFlag, SubjectPart};

/// An address of 4 or 16 bytes, as records have it; `None` of others.
pub fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// What is asked of an event beside the people in it.
///
/// Of a list any value will do; an empty one asks nothing. Numbers are those of the vocabulary, unknown ones too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The reporter's id.
    pub event_id: Option<[u8; 16]>,
    /// `occurred_at` at or after this.
    pub since: Option<Timestamp>,
    /// `occurred_at` before this.
    pub until: Option<Timestamp>,
    /// `recorded_at` at or after this.
    pub recorded_since: Option<Timestamp>,
    /// `recorded_at` before this.
    pub recorded_until: Option<Timestamp>,
    /// Numbers of actions.
    pub actions: Vec<i32>,
    /// The application's names of operations.
    pub event_names: Vec<String>,
    /// Numbers of outcomes.
    pub outcomes: Vec<i32>,
    /// Whether it was an emergency access.
    pub break_glass: Option<bool>,
    /// The operation that the event is part of.
    pub operation_id: Option<String>,
    /// The record that it corrects: origin and position.
    pub corrects: Option<(Origin, u64)>,
    /// Whether it corrects a record.
    pub corrections: Option<bool>,
    /// Numbers of purposes.
    pub purposes: Vec<i32>,
    /// Ticket number, or purpose in words.
    pub purpose_text: Option<String>,
    /// Numbers of legal bases.
    pub legal_bases: Vec<i32>,
    /// Numbers of special legal bases.
    pub special_legal_bases: Vec<i32>,
    /// Authorisation policies.
    pub policy_ids: Vec<String>,
    /// The authorisation decision.
    pub decision_id: Option<String>,
    /// Numbers of kinds of data, of which the event has one or more.
    pub categories: Vec<i32>,
    /// Numbers of special categories, of which the event has one or more.
    pub special_categories: Vec<i32>,
    /// Classes of resources.
    pub resource_types: Vec<String>,
    /// At least so many resources.
    pub min_record_count: Option<u64>,
    /// Numbers of retention classes.
    pub retention_classes: Vec<i32>,
    /// At least so many people.
    pub min_subject_count: Option<u32>,
    /// Whether a child is among the subjects.
    pub children: Option<bool>,
    /// Numbers of child flags, of which a subject has one.
    pub child_flags: Vec<i32>,
    /// Numbers of kinds of actors.
    pub actor_kinds: Vec<i32>,
    /// Roles, of which the actor had one or more.
    pub roles: Vec<String>,
    /// Organisational units of the actor.
    pub org_units: Vec<String>,
    /// Address, 4 or 16 bytes.
    pub ip: Option<Vec<u8>>,
    /// Numbers of channels.
    pub channels: Vec<i32>,
    /// Reporting services.
    pub source_services: Vec<String>,
    /// Instances of the reporting service.
    pub source_instances: Vec<String>,
    /// Numbers of source assurances.
    pub assurances: Vec<i32>,
    /// Who received the data.
    pub recipient: Option<String>,
    /// Countries of the recipient.
    pub recipient_countries: Vec<String>,
    /// Numbers of warnings, of which the event has one or more.
    pub warnings: Vec<i32>,
}

/// Names of those fields that are asked by. Takes the struct apart in full: a field that is added is named, or this
/// does not compile.
macro_rules! asked {
    ($facts:expr; $($field:ident),* $(,)?) => {{
        let Facts { $($field),* } = $facts;
        [$((stringify!($field), $field.is_asked())),*].into_iter().filter_map(|(name, asked)| asked.then_some(name))
    }};
}

impl Facts {
    /// Whether all of it holds for an event. What has expired satisfies nothing, nor does a notice.
    pub fn hold(&self, header: &Header, contents: &Contents) -> bool {
        let Some(core) = &contents.core else { return false };
        self.event_id.is_none_or(|id| core.event_id == id)
            && within(core.occurred_at, self.since, self.until)
            && within(core.recorded_at, self.recorded_since, self.recorded_until)
            && one_of(&self.actions, &core.action)
            && one_of(&self.event_names, &core.event_name)
            && one_of(&self.outcomes, &core.outcome)
            && exactly(self.break_glass.as_ref(), &core.break_glass)
            && exactly(self.operation_id.as_ref(), &core.operation_id)
            && self.corrects.as_ref().is_none_or(|(origin, seq)| {
                (origin.as_str(), *seq) == (core.corrects_origin.as_str(), core.corrects_seq)
            })
            && exactly(self.corrections.as_ref(), &!core.corrects_origin.is_empty())
            && one_of(&self.purposes, &core.purpose)
            && exactly(self.purpose_text.as_ref(), &core.purpose_text)
            && one_of(&self.legal_bases, &core.legal_basis)
            && one_of(&self.special_legal_bases, &core.special_legal_basis)
            && one_of(&self.policy_ids, &core.policy_id)
            && exactly(self.decision_id.as_ref(), &core.decision_id)
            && some_of(&self.categories, &core.categories)
            && some_of(&self.special_categories, &core.special_categories)
            && one_of(&self.resource_types, &core.resource_type)
            && self.min_record_count.is_none_or(|least| core.record_count >= least)
            && one_of(&self.retention_classes, &i32::from(header.class as u8))
            && self.min_subject_count.is_none_or(|least| core.subject_count >= least)
            && exactly(self.children.as_ref(), &contents.subjects.iter().any(is_child))
            && some_of(&self.child_flags, contents.subjects.iter().map(|subject| &subject.child))
            && one_of(&self.actor_kinds, &core.actor_kind)
            && some_of(&self.roles, &core.actor_roles)
            && one_of(&self.org_units, &core.actor_org_unit)
            && self.ip.as_ref().is_none_or(|ip| contents.net.as_ref().is_some_and(|net| net.ip == *ip))
            && one_of(&self.channels, &core.channel)
            && one_of(&self.source_services, &core.source_service)
            && one_of(&self.source_instances, &core.source_instance)
            && one_of(&self.assurances, &core.source_assurance)
            && exactly(self.recipient.as_ref(), &core.recipient)
            && one_of(&self.recipient_countries, &core.recipient_country)
            && some_of(&self.warnings, &core.warnings)
    }

    /// Names of the fields that are set, as in the API; never their values.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        #[rustfmt::skip]
        let names = asked!(self;
            event_id, since, until, recorded_since, recorded_until, actions, event_names, outcomes, break_glass,
            operation_id, corrects, corrections, purposes, purpose_text, legal_bases, special_legal_bases, policy_ids,
            decision_id, categories, special_categories, resource_types, min_record_count, retention_classes,
            min_subject_count, children, child_flags, actor_kinds, roles, org_units, ip, channels, source_services,
            source_instances, assurances, recipient, recipient_countries, warnings,
        );
        names
    }
}

/// Whether a field asks anything.
trait Asked {
    fn is_asked(&self) -> bool;
}

impl<T> Asked for Option<T> {
    fn is_asked(&self) -> bool {
        self.is_some()
    }
}

impl<T> Asked for Vec<T> {
    fn is_asked(&self) -> bool {
        !self.is_empty()
    }
}

/// Whether an instant lies in a range that may be open at either end.
fn within(nanos: i64, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    let time = Timestamp::from_nanos(nanos);
    since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)
}

/// Whether a value is the one asked for, if one is.
fn exactly<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

/// Whether a value is one of those asked for, if any are.
fn one_of<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

/// Whether one or more of the values are among those asked for, if any are.
fn some_of<'a, T: PartialEq + 'a>(wanted: &[T], values: impl IntoIterator<Item = &'a T>) -> bool {
    wanted.is_empty() || values.into_iter().any(|value| wanted.contains(value))
}

fn is_child(subject: &SubjectPart) -> bool {
    matches!(subject.child(), ChildFlag::Under13 | ChildFlag::Under16 | ChildFlag::Under18)
}
