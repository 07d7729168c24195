//! What was told: random events with every field that can be asked by, and what the test itself knows of them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use akta::grpc::api;
use akta::model::date::{Date, Timestamp};
use akta::model::stored::{
    Action as A, ActorKind, ChildFlag, Outcome as O, Purpose, RetentionClass as C, SourceAssurance, Warning,
};

use crate::story::Dice;

/// An event that was recorded. The next one stands one position further.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Its position.
    pub(super) seq: u64,
    /// As reported, with what is filled in where it was left out.
    pub(super) event: api::Event,
    pub(super) occurred_at: Timestamp,
    /// As its reporter was told.
    pub(super) recorded_at: Timestamp,
    /// As its reporter was told.
    pub(super) warnings: Vec<i32>,
    pub(super) class: C,
    /// First day without it.
    pub(super) core_ends: Date,
    /// First day without its address; `None` if none was kept.
    pub(super) net_ends: Option<Date>,
}

/// An act, how it ends, the class that is asked for, and the class that it gets.
type Act = (i32, O, C, C);

const ACTS: [Act; 14] = [
    (A::Read as i32, O::Success, C::Unspecified, C::Access),
    (A::Read as i32, O::Success, C::Unspecified, C::Access),
    (A::List as i32, O::Partial, C::Unspecified, C::Access),
    (A::Search as i32, O::Failure, C::Unspecified, C::Access),
    // An action of a newer reporter.
    (4_711, O::Success, C::Unspecified, C::Access),
    (A::Read as i32, O::Denied, C::Unspecified, C::Security),
    (A::PermissionChange as i32, O::Success, C::Unspecified, C::Security),
    (A::Login as i32, O::Success, C::Unspecified, C::Session),
    (A::Update as i32, O::Success, C::Register, C::Register),
    (A::Create as i32, O::Unknown, C::Accounting, C::Accounting),
    (A::Export as i32, O::Success, C::Unspecified, C::Disclosure),
    (A::Disclose as i32, O::Denied, C::Unspecified, C::Disclosure),
    (A::ConsentGiven as i32, O::Success, C::Unspecified, C::Evidence),
    (A::Erase as i32, O::Success, C::Unspecified, C::Evidence),
];

pub(super) const ACTIONS: [i32; 5] = [A::Read as i32, A::Update as i32, A::Login as i32, 4_711, A::LogQuery as i32];
pub(super) const OUTCOMES: [i32; 6] = [1, 2, 3, 4, 5, 77];
pub(super) const PURPOSES: [i32; 6] = [
    Purpose::Teaching as i32,
    Purpose::SchoolAdministration as i32,
    Purpose::Billing as i32,
    Purpose::SupportTicket as i32,
    Purpose::Security as i32,
    4_711,
];
pub(super) const BASES: [i32; 4] = [1, 3, 5, 99];
pub(super) const CATEGORIES: [i32; 5] = [1, 2, 9, 17, 900];
pub(super) const SPECIAL: [i32; 4] = [1, 3, 9, 44];
pub(super) const SPECIAL_BASES: [i32; 3] = [1, 11, 70];
pub(super) const ASSURANCES: [i32; 3] = [SourceAssurance::Native as i32, SourceAssurance::Import as i32, 3];
pub(super) const CHILDREN: [i32; 4] =
    [ChildFlag::Adult as i32, ChildFlag::Under13 as i32, ChildFlag::Under18 as i32, 9];
pub(super) const WARNINGS: [i32; 5] = [
    Warning::UnknownValue as i32,
    Warning::PurposeDefaulted as i32,
    Warning::ClockSkew as i32,
    Warning::SubjectsNotListed as i32,
    Warning::PartNotKept as i32,
];
pub(super) const COUNTS: [u64; 3] = [1, 30, 2_000];
pub(super) const KINDS: [i32; 4] = [ActorKind::Human as i32, ActorKind::Guardian as i32, ActorKind::Service as i32, 42];
pub(super) const CHANNELS: [i32; 4] = [1, 4, 8, 55];
pub(super) const CLASSES: [i32; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
// Texts are compared byte by byte: some are alike.
pub(super) const TYPES: [&str; 4] = ["pupil-card", "Pupil-Card", "pupil-card/2", "faktura-ż"];
pub(super) const NAMES: [&str; 3] = ["card.read", "card.read2", "login"];
pub(super) const ROLES: [&str; 4] = ["teacher", "nurse", "head", "heads"];
pub(super) const UNITS: [&str; 3] = ["4b", "4B", "office"];
pub(super) const TICKETS: [&str; 3] = ["T-1", "T-10", "t-1"];
pub(super) const POLICIES: [&str; 3] = ["rbac/7", "rbac/8", "rbac"];
pub(super) const DECISIONS: [&str; 2] = ["d-1", "d-2"];
pub(super) const COUNTRIES: [&str; 3] = ["PL", "DE", "UA"];
pub(super) const INSTANCES: [&str; 3] = ["pod-1", "pod-2", "pod-11"];
pub(super) const SERVICES: [&str; 3] = ["gradebook", "portal", "akta"];
pub(super) const OPERATIONS: [&str; 2] = ["op-1", "op-2"];
pub(super) const RECIPIENTS: [&str; 2] = ["court", "clinic"];
/// The same addresses in several spellings.
pub(super) const IPS: [&str; 6] =
    ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::7", "2001:DB8:0:0::7", "2001:db8::8"];

/// One of them.
pub(super) fn pick<T: Clone>(dice: &mut Dice, pool: &[T]) -> T {
    pool[usize::try_from(dice.roll(pool.len() as u64)).unwrap()].clone()
}

/// One of them, or nothing.
fn maybe<T: Clone + Default>(dice: &mut Dice, pool: &[T]) -> T {
    if dice.roll(3) == 0 { T::default() } else { pick(dice, pool) }
}

/// Some of them, each once.
fn several<T: Clone + PartialEq>(dice: &mut Dice, pool: &[T], least: u64) -> Vec<T> {
    let mut values = Vec::new();
    for _ in 0..least + dice.roll(3) {
        let value = pick(dice, pool);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// A record of another trail that an event corrects.
pub(super) fn corrected(number: u64) -> api::RecordReference {
    let (origin, seq) =
        [("akta.test/old/w1", 0), ("akta.test/old/w1", 7), ("akta.test/old/w2", 7)][usize::try_from(number).unwrap()];
    api::RecordReference { origin: origin.to_owned(), seq }
}

pub(super) fn pupil(number: u64) -> api::Identity {
    api::Identity::new("pupil", format!("p-{number}"))
}

pub(super) fn teacher(number: u64) -> api::Identity {
    // Now and then somebody looks at their own data.
    if number == 0 { pupil(0) } else { api::Identity::new("staff", format!("t-{number}")) }
}

/// A random event as it is reported by a clock that shows `now`, and the class that it gets.
pub(super) fn event(dice: &mut Dice, number: u64, controller: &str, now: Timestamp) -> (api::Event, C) {
    let (action, outcome, choice, class) = pick(dice, &ACTS);
    let out = class == C::Disclosure;
    let first = dice.roll(5);
    let subjects: Vec<api::Subject> = (first..first + u64::from(out) + dice.roll(3))
        .map(|number| api::Subject { identity: Some(pupil(number)), child: maybe(dice, &CHILDREN) })
        .collect();
    // More people than are listed, where they need not all be.
    let unlisted = if !out && dice.roll(6) == 0 { u32::try_from(dice.roll(40)).unwrap() } else { 0 };
    let subject_count = if unlisted > 0 { unlisted + u32::try_from(subjects.len()).unwrap() } else { 0 };
    let personal = !subjects.is_empty() || subject_count > 0;
    let import = dice.roll(5) == 0;
    // A read may leave its purpose out.
    let purpose = match class {
        C::Accounting => Purpose::Billing as i32,
        _ if action == A::Read as i32 && dice.roll(4) == 0 => 0,
        _ => pick(dice, &PURPOSES),
    };
    let ip = maybe(dice, &IPS);
    let message = api::Event {
        event_id: format!("00000000-0000-4000-8000-{number:012x}"),
        controller: controller.to_owned(),
        occurred_at: occurred_at(dice, class, import, now),
        action,
        event_name: maybe(dice, &NAMES).to_owned(),
        outcome: outcome as i32,
        actor: Some(api::Actor {
            identity: Some(teacher(dice.roll(4))),
            kind: pick(dice, &KINDS),
            roles: several(dice, &ROLES, 0).into_iter().map(str::to_owned).collect(),
            org_unit: maybe(dice, &UNITS).to_owned(),
            on_behalf_of: (dice.roll(2) == 0).then(|| teacher(dice.roll(4))),
        }),
        categories: several(dice, &CATEGORIES, u64::from(personal)),
        special_categories: several(dice, &SPECIAL, 0),
        subjects,
        subject_count,
        record_count: maybe(dice, &COUNTS),
        resource: Some(api::Resource { r#type: maybe(dice, &TYPES).to_owned(), ..api::Resource::default() }),
        purpose,
        purpose_text: if purpose == Purpose::SupportTicket as i32 {
            pick(dice, &TICKETS)
        } else {
            maybe(dice, &["", "", TICKETS[0]])
        }
        .to_owned(),
        legal_basis: if out { pick(dice, &BASES) } else { maybe(dice, &BASES) },
        special_legal_basis: maybe(dice, &SPECIAL_BASES),
        authorization: Some(api::Authorization {
            policy_id: maybe(dice, &POLICIES).to_owned(),
            decision_id: maybe(dice, &DECISIONS).to_owned(),
        }),
        corrects: (dice.roll(4) == 0).then(|| corrected(dice.roll(3))),
        break_glass: (dice.roll(4) == 0).then(|| api::BreakGlass { reason: "a child is ill".to_owned() }),
        disclosure: out.then(|| api::Disclosure {
            recipient: pick(dice, &RECIPIENTS).to_owned(),
            country: maybe(dice, &COUNTRIES).to_owned(),
        }),
        channel: maybe(dice, &CHANNELS),
        network: (!ip.is_empty()).then(|| api::Network { ip: ip.to_owned(), ..api::Network::default() }),
        source: Some(api::Source {
            service: maybe(dice, &SERVICES).to_owned(),
            instance: maybe(dice, &INSTANCES).to_owned(),
            assurance: if import { SourceAssurance::Import as i32 } else { 0 },
        }),
        operation_id: maybe(dice, &OPERATIONS).to_owned(),
        retention_class: choice as i32,
        ..api::Event::default()
    };
    (message, class)
}

/// Now, days ago, a little ahead; imports lie as far back as their class lives.
fn occurred_at(dice: &mut Dice, class: C, import: bool, now: Timestamp) -> Option<prost_types::Timestamp> {
    const DAY: u64 = 86_400;
    let time = match (dice.roll(4), import, class) {
        (0, _, _) => return None,
        (1, _, _) => now.plus(Duration::from_secs(dice.roll(300))),
        (_, false, _) => now.minus(Duration::from_millis(dice.roll(6 * DAY * 1_000))),
        (_, true, C::Register | C::Accounting | C::Evidence) => now.minus(Duration::from_secs(dice.roll(1_300 * DAY))),
        (_, true, _) => now.minus(Duration::from_secs(dice.roll(600 * DAY))),
    };
    let (seconds, nanos) = time.parts();
    Some(prost_types::Timestamp { seconds, nanos })
}
