//! The fields of a filter: how each is asked by, and what it means, said a second time and plainly.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use akta::grpc::api::{Authorization, Disclosure, EventFilter, Identity, Source};
use akta::model::date::{Date, Timestamp};
use akta::model::stored::ChildFlag;

use super::told::{
    ACTIONS, ASSURANCES, BASES, CATEGORIES, CHANNELS, CHILDREN, CLASSES, COUNTRIES, DECISIONS, INSTANCES, IPS, KINDS,
    NAMES, OPERATIONS, OUTCOMES, POLICIES, PURPOSES, RECIPIENTS, ROLES, SERVICES, SPECIAL, SPECIAL_BASES, TICKETS,
    TYPES, Told, UNITS, WARNINGS, corrected, pick, pupil, teacher,
};
use crate::story::Dice;

/// A field of the filter.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Asks by it, often for what the given event has.
    pub(super) ask: fn(&mut EventFilter, &Told, &mut Dice),
    /// Whether what is asked holds for an event on a day.
    pub(super) holds: fn(&EventFilter, &Told, Date) -> bool,
}

#[rustfmt::skip]
pub(super) const FIELDS: [Field; 40] = [
    Field { name: "subject",
        ask: |f, told, dice| {
            let of_it: Vec<_> = told.event.subjects.iter().filter_map(|subject| subject.identity.clone()).collect();
            f.subject = Some(if of_it.is_empty() { pupil(dice.roll(9)) } else { pick(dice, &of_it) });
        },
        holds: |f, told, _| told.event.subjects.iter().any(|subject| same(&subject.identity, &f.subject)) },
    Field { name: "actor",
        ask: |f, told, dice| f.actor = match dice.roll(4) {
            0 => Some(teacher(dice.roll(6))),
            _ => told.event.actor.clone().unwrap().identity,
        },
        holds: |f, told, _| same(&told.event.actor.clone().unwrap().identity, &f.actor) },
    Field { name: "ip",
        ask: |f, told, dice| f.ip = match &told.event.network {
            Some(network) if dice.roll(3) > 0 => network.ip.clone(),
            _ => pick(dice, &IPS).to_owned(),
        },
        holds: |f, told, today| told.net_ends.is_some_and(|ends| ends > today)
            && told.event.network.as_ref().is_some_and(|network| address(&network.ip) == address(&f.ip)) },
    Field { name: "actions",
        ask: |f, told, dice| f.actions = some(dice, &[told.event.action], &ACTIONS),
        holds: |f, told, _| f.actions.contains(&told.event.action) },
    Field { name: "since",
        ask: |f, told, dice| f.since = Some(near(dice, told.occurred_at)),
        holds: |f, told, _| told.occurred_at >= time(&f.since) },
    Field { name: "until",
        ask: |f, told, dice| f.until = Some(near(dice, told.occurred_at)),
        holds: |f, told, _| told.occurred_at < time(&f.until) },
    Field { name: "outcomes",
        ask: |f, told, dice| f.outcomes = some(dice, &[told.event.outcome], &OUTCOMES),
        holds: |f, told, _| f.outcomes.contains(&told.event.outcome) },
    Field { name: "purposes",
        ask: |f, told, dice| f.purposes = some(dice, &[told.event.purpose], &PURPOSES),
        holds: |f, told, _| f.purposes.contains(&told.event.purpose) },
    Field { name: "legal_bases",
        ask: |f, told, dice| f.legal_bases = some(dice, &[told.event.legal_basis], &BASES),
        holds: |f, told, _| f.legal_bases.contains(&told.event.legal_basis) },
    Field { name: "categories",
        ask: |f, told, dice| f.categories = some(dice, &told.event.categories, &CATEGORIES),
        holds: |f, told, _| f.categories.iter().any(|wanted| told.event.categories.contains(wanted)) },
    Field { name: "special_categories",
        ask: |f, told, dice| f.special_categories = some(dice, &told.event.special_categories, &SPECIAL),
        holds: |f, told, _| f.special_categories.iter().any(|wanted| told.event.special_categories.contains(wanted)) },
    Field { name: "resource_types",
        ask: |f, told, dice| f.resource_types = some(dice, &[kind(told)], &texts(&TYPES)),
        holds: |f, told, _| f.resource_types.contains(&kind(told)) },
    Field { name: "event_names",
        ask: |f, told, dice| f.event_names = some(dice, std::slice::from_ref(&told.event.event_name), &texts(&NAMES)),
        holds: |f, told, _| f.event_names.contains(&told.event.event_name) },
    Field { name: "actor_kinds",
        ask: |f, told, dice| f.actor_kinds = some(dice, &[told.event.actor.clone().unwrap().kind], &KINDS),
        holds: |f, told, _| f.actor_kinds.contains(&told.event.actor.clone().unwrap().kind) },
    Field { name: "roles",
        ask: |f, told, dice| f.roles = some(dice, &told.event.actor.clone().unwrap().roles, &texts(&ROLES)),
        holds: |f, told, _| told.event.actor.clone().unwrap().roles.iter().any(|role| f.roles.contains(role)) },
    Field { name: "channels",
        ask: |f, told, dice| f.channels = some(dice, &[told.event.channel], &CHANNELS),
        holds: |f, told, _| f.channels.contains(&told.event.channel) },
    Field { name: "source_services",
        ask: |f, told, dice| f.source_services = some(dice, &[source(told).service], &texts(&SERVICES)),
        holds: |f, told, _| f.source_services.contains(&source(told).service) },
    Field { name: "operation_id",
        ask: |f, _, dice| f.operation_id = pick(dice, &OPERATIONS).to_owned(),
        holds: |f, told, _| told.event.operation_id == f.operation_id },
    Field { name: "recipient",
        ask: |f, _, dice| f.recipient = pick(dice, &RECIPIENTS).to_owned(),
        holds: |f, told, _| told.event.disclosure.as_ref().is_some_and(|out| out.recipient == f.recipient) },
    Field { name: "break_glass",
        ask: |f, told, dice| f.break_glass = Some(told.event.break_glass.is_some() != (dice.roll(4) == 0)),
        holds: |f, told, _| f.break_glass == Some(told.event.break_glass.is_some()) },
    Field { name: "children",
        ask: |f, told, dice| f.children = Some(child(told) != (dice.roll(4) == 0)),
        holds: |f, told, _| f.children == Some(child(told)) },
    Field { name: "retention_classes",
        ask: |f, told, dice| f.retention_classes = some(dice, &[told.class as i32], &CLASSES),
        holds: |f, told, _| f.retention_classes.contains(&(told.class as i32)) },
    Field { name: "on_behalf_of",
        ask: |f, told, dice| f.on_behalf_of = match principal(told) {
            Some(who) if dice.roll(4) > 0 => Some(who),
            _ => Some(teacher(dice.roll(6))),
        },
        holds: |f, told, _| principal(told).is_some_and(|who| same(&Some(who), &f.on_behalf_of)) },
    Field { name: "event_id",
        ask: |f, told, dice| f.event_id = match dice.roll(6) {
            0 => format!("00000000-0000-4000-8000-{:012X}", dice.roll(400)),
            _ => told.event.event_id.clone(),
        },
        holds: |f, told, _| told.event.event_id == f.event_id.to_lowercase() },
    Field { name: "purpose_text",
        ask: |f, told, dice| f.purpose_text = match told.event.purpose_text.as_str() {
            text if !text.is_empty() && dice.roll(4) > 0 => text.to_owned(),
            _ => pick(dice, &TICKETS).to_owned(),
        },
        holds: |f, told, _| told.event.purpose_text == f.purpose_text },
    Field { name: "special_legal_bases",
        ask: |f, told, dice| f.special_legal_bases = some(dice, &[told.event.special_legal_basis], &SPECIAL_BASES),
        holds: |f, told, _| f.special_legal_bases.contains(&told.event.special_legal_basis) },
    Field { name: "org_units",
        ask: |f, told, dice| f.org_units = some(dice, &[told.event.actor.clone().unwrap().org_unit], &texts(&UNITS)),
        holds: |f, told, _| f.org_units.contains(&told.event.actor.clone().unwrap().org_unit) },
    Field { name: "source_instances",
        ask: |f, told, dice| f.source_instances = some(dice, &[source(told).instance], &texts(&INSTANCES)),
        holds: |f, told, _| f.source_instances.contains(&source(told).instance) },
    Field { name: "assurances",
        ask: |f, told, dice| f.assurances = some(dice, &[source(told).assurance], &ASSURANCES),
        holds: |f, told, _| f.assurances.contains(&source(told).assurance) },
    Field { name: "policy_ids",
        ask: |f, told, dice| f.policy_ids = some(dice, &[decided(told).policy_id], &texts(&POLICIES)),
        holds: |f, told, _| f.policy_ids.contains(&decided(told).policy_id) },
    Field { name: "decision_id",
        ask: |f, _, dice| f.decision_id = pick(dice, &DECISIONS).to_owned(),
        holds: |f, told, _| decided(told).decision_id == f.decision_id },
    Field { name: "recipient_countries",
        ask: |f, told, dice| f.recipient_countries = some(dice, &[disclosed(told).country], &texts(&COUNTRIES)),
        holds: |f, told, _| f.recipient_countries.contains(&disclosed(told).country) },
    Field { name: "corrects",
        ask: |f, _, dice| f.corrects = Some(corrected(dice.roll(3))),
        holds: |f, told, _| told.event.corrects == f.corrects },
    Field { name: "corrections",
        ask: |f, told, dice| f.corrections = Some(told.event.corrects.is_some() != (dice.roll(4) == 0)),
        holds: |f, told, _| f.corrections == Some(told.event.corrects.is_some()) },
    Field { name: "min_record_count",
        ask: |f, told, dice| f.min_record_count = match dice.roll(3) {
            0 => told.event.record_count + 1,
            _ => told.event.record_count.max(1),
        },
        holds: |f, told, _| told.event.record_count >= f.min_record_count },
    Field { name: "min_subject_count",
        ask: |f, told, dice| f.min_subject_count = match dice.roll(3) {
            0 => told.event.subject_count + 1,
            _ => told.event.subject_count.max(1),
        },
        holds: |f, told, _| told.event.subject_count >= f.min_subject_count },
    Field { name: "child_flags",
        ask: |f, told, dice| f.child_flags = some(dice, &flags(told), &CHILDREN),
        holds: |f, told, _| flags(told).iter().any(|flag| f.child_flags.contains(flag)) },
    Field { name: "warnings",
        ask: |f, told, dice| f.warnings = some(dice, &told.warnings, &WARNINGS),
        holds: |f, told, _| told.warnings.iter().any(|warning| f.warnings.contains(warning)) },
    Field { name: "recorded_since",
        ask: |f, told, dice| f.recorded_since = Some(near(dice, told.recorded_at)),
        holds: |f, told, _| told.recorded_at >= time(&f.recorded_since) },
    Field { name: "recorded_until",
        ask: |f, told, dice| f.recorded_until = Some(near(dice, told.recorded_at)),
        holds: |f, told, _| told.recorded_at < time(&f.recorded_until) },
];

/// Turns every list round: the same question.
pub(super) fn turned(filter: &EventFilter) -> EventFilter {
    let mut f = filter.clone();
    let numbers = [
        &mut f.actions,
        &mut f.outcomes,
        &mut f.purposes,
        &mut f.legal_bases,
        &mut f.categories,
        &mut f.special_categories,
        &mut f.actor_kinds,
        &mut f.channels,
        &mut f.retention_classes,
        &mut f.special_legal_bases,
        &mut f.assurances,
        &mut f.child_flags,
        &mut f.warnings,
    ];
    numbers.into_iter().for_each(|list| list.reverse());
    let texts = [
        &mut f.resource_types,
        &mut f.event_names,
        &mut f.roles,
        &mut f.source_services,
        &mut f.org_units,
        &mut f.source_instances,
        &mut f.policy_ids,
        &mut f.recipient_countries,
    ];
    texts.into_iter().for_each(|list| list.reverse());
    f
}

/// Values to ask for: often one of the event's own, and others; at least one, some twice.
fn some<T: Clone + Default + PartialEq>(dice: &mut Dice, own: &[T], pool: &[T]) -> Vec<T> {
    let own: Vec<T> = own.iter().filter(|value| **value != T::default()).cloned().collect();
    let mut values: Vec<T> = (0..dice.roll(3)).map(|_| pick(dice, pool)).collect();
    if !own.is_empty() && dice.roll(4) > 0 {
        values.push(pick(dice, &own));
    }
    if values.is_empty() {
        values.push(pick(dice, pool));
    }
    values
}

/// That instant, the one after it, or hours, days or years around it.
fn near(dice: &mut Dice, at: Timestamp) -> prost_types::Timestamp {
    let off = Duration::from_secs([1, 3_600, 86_400, 86_400 * 300][usize::try_from(dice.roll(4)).unwrap()]);
    let off = off * u32::try_from(1 + dice.roll(3)).unwrap();
    let (seconds, nanos) = match dice.roll(6) {
        0 => at,
        1 => at.plus(Duration::from_nanos(1)),
        2 | 3 => at.minus(off),
        _ => at.plus(off),
    }
    .parts();
    prost_types::Timestamp { seconds, nanos }
}

fn time(wire: &Option<prost_types::Timestamp>) -> Timestamp {
    let wire = wire.unwrap();
    Timestamp::from_nanos(wire.seconds * 1_000_000_000 + i64::from(wire.nanos))
}

fn same(a: &Option<Identity>, b: &Option<Identity>) -> bool {
    let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
    (&a.namespace, &a.id) == (&b.namespace, &b.id)
}

fn address(text: &str) -> IpAddr {
    text.parse::<IpAddr>().unwrap().to_canonical()
}

fn kind(told: &Told) -> String {
    told.event.resource.clone().unwrap_or_default().r#type
}

fn source(told: &Told) -> Source {
    told.event.source.clone().unwrap_or_default()
}

fn decided(told: &Told) -> Authorization {
    told.event.authorization.clone().unwrap_or_default()
}

fn disclosed(told: &Told) -> Disclosure {
    told.event.disclosure.clone().unwrap_or_default()
}

fn principal(told: &Told) -> Option<Identity> {
    told.event.actor.clone().unwrap().on_behalf_of
}

fn flags(told: &Told) -> Vec<i32> {
    told.event.subjects.iter().map(|subject| subject.child).collect()
}

fn child(told: &Told) -> bool {
    let ages = [ChildFlag::Under13 as i32, ChildFlag::Under16 as i32, ChildFlag::Under18 as i32];
    told.event.subjects.iter().any(|subject| ages.contains(&subject.child))
}

fn texts(pool: &[&str]) -> Vec<String> {
    pool.iter().map(|text| (*text).to_owned()).collect()
}
