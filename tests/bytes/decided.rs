//! What controllers decide, of every kind, for the folders of these tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use akta::cli::random::Random;
use akta::model::check::Checker;
use akta::model::date::{Date, Lifetime, Timestamp};
use akta::model::facts::Facts;
use akta::model::hold::selection::Selection;
use akta::model::hold::{Hold, Parts};
use akta::model::identity::Identity;
use akta::model::origin::Controller;
use akta::model::part::PartId;
use akta::model::permission::Permission;
use akta::model::permission::approval::Deed;
use akta::model::permission::change::{ActId, Change, Decided};
use akta::model::permission::grants::{GRANT_MAX, INCIDENT_MAX, Span};
use akta::model::permission::holder::Holder;
use akta::model::permission::policy::Staff;
use akta::model::policy::{Class, Kept};
use akta::model::profile::{ForeignPurposes, Profile};
use akta::model::retention::choice::{Choice, Wanted};
use akta::model::retention::table::Table;
use akta::model::stored::HoldKind;
use akta::trail::acts::Noted;
use akta::trail::change::Made;
use akta::trail::hold::Placing;
use akta::trail::trails::Info;

use crate::node::Node;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Records these as one call; all must be made.
pub(crate) fn decide(node: &mut Node, changes: Vec<(Controller, Change)>, by: &str, ground: &str) {
    let decided = Decided { by: by.to_owned(), ground: ground.to_owned() };
    let made = node.writer.change(changes.clone(), &decided);
    let noted = made.answer.unwrap_or_else(|error| panic!("{changes:?} by {by} are made: {error}"));
    assert!(noted.iter().all(|noted| noted.receipt.is_some()), "{changes:?} change something");
    made.step.publish();
    node.indexer.absorb(made.step.entries).unwrap();
}

fn id(number: u64) -> ActId {
    uuid::Uuid::from_u64_pair(0x0197_0000_0000_7000, 1 << 63 | number).to_string().into()
}

fn grant(number: u64, now: Timestamp, days: u32) -> Change {
    let holder = Holder::parse("group security of https://login.vendor.example").unwrap();
    let span = Span::new(now, now.plus(DAY * days), GRANT_MAX).unwrap();
    Change::Grant { id: id(number), holder, permissions: [Permission::Search, Permission::Export].into(), span }
}

fn incident(number: u64, now: Timestamp) -> Change {
    Change::Incident { id: id(number), span: Span::new(now, now.plus(DAY * 3), INCIDENT_MAX).unwrap() }
}

fn ask(number: u64, deed: Deed, staff: Staff) -> Change {
    Change::Ask { id: id(number), deed, concerning: "pupil:pupil-3".to_owned(), staff }
}

/// Other lifetimes for a class, within its bounds.
fn lifetimes(class: Class, months: u16) -> Change {
    let months = Lifetime::Months(months);
    let mut wanted: Wanted = [(Kept::Core, months), (Kept::Session, Lifetime::Days(3))].into();
    // Details of a session live as long as it.
    if class != Class::Session {
        wanted.insert(Kept::Detail, months);
    }
    let name = |class, kept| format!("{class:?} {kept:?}");
    let choice = Choice::of(&[(class, wanted)].into(), Table::shipped(), name, &mut Checker::default());
    Change::Retention { number: 0, choice }
}

fn profile(public_body: bool) -> Profile {
    Profile {
        public_body,
        register_keeper: true,
        group_only_sources: ["cafeteria", "library"].map(str::to_owned).into(),
        foreign_purposes: ForeignPurposes::Refuse,
    }
}

/// One of every kind and more, for a school that decided nothing yet, under ids from `first` on.
pub(crate) fn all_kinds(node: &mut Node, of: &Controller, first: u64) {
    let now = node.now;
    let story = [
        (Change::Profile(profile(true)), "stefan", ""),
        (Change::LoneApproval(true), "anna", ""),
        (grant(first, now, 90), "anna", "contract of 20 August"),
        (incident(first + 1, now), "piotr", "ticket 4711"),
        (Change::End(id(first + 1)), "piotr", "closed"),
        (ask(first + 2, Deed::Erasure, Staff::Controller), "anna", "request of 1 September"),
        (Change::Answer { id: id(first + 2), agrees: true }, "jan", ""),
        (Change::Use { id: id(first + 2), alone: false }, "anna", ""),
        (ask(first + 3, Deed::Reidentification, Staff::Processor), "piotr", "ticket 4711"),
        (Change::Answer { id: id(first + 3), agrees: false }, "anna", "not needed"),
        (ask(first + 4, Deed::NameOverride, Staff::Controller), "anna", "for the court"),
        (grant(first + 5, now.plus(DAY), 30), "anna", "holidays"),
    ];
    for (change, by, ground) in story {
        decide(node, vec![(of.clone(), change)], by, ground);
    }
}

/// Disclosures live longer from here on.
pub(crate) fn chooses(node: &mut Node, of: &Controller) {
    decide(node, vec![(of.clone(), lifetimes(Class::Disclosure, 36))], "stefan", "resolution 7");
}

/// The lawyers keep what concerns a pupil, and what happened so far; a third hold is released at once.
pub(crate) fn holds(node: &mut Node, of: &Controller, first: u64) {
    let info = node.trail(of);
    let all: BTreeSet<PartId> = Parts::ALL.ids().collect();
    let some = [PartId::Core, PartId::Actor, PartId::Session].into();
    place(node, &info, first, (HoldKind::Case, of_pupil(), &all));
    place(node, &info, first + 1, (HoldKind::Standing, so_far(node), &some));
    place(node, &info, first + 2, (HoldKind::Case, of_pupil(), &all));
    let review_on = in_days(node, &info, 120);
    decide(node, vec![(of.clone(), Change::ReviewHold { id: id(first), review_on })], "jan", "the claim is pending");
    release(node, of, &id(first + 2));
}

/// Places a hold by chance, or releases one; whether it placed one.
pub(crate) fn holds_or_releases(node: &mut Node, random: &mut Random, info: &Info, number: u64) -> bool {
    let standing = node.base.holds.of(&info.controller);
    if random.index(3) == 0 && !standing.is_empty() {
        let hold = &standing[random.index(standing.len())];
        release(node, &info.controller, &uuid::Uuid::from_bytes(hold.id).to_string().into());
        return false;
    }
    let selection = if random.index(2) == 0 { of_pupil() } else { so_far(node) };
    let mut parts: BTreeSet<PartId> = Parts::ALL.ids().filter(|_| random.index(2) == 0).collect();
    parts.insert(PartId::Session);
    place(node, info, number, (HoldKind::Case, selection, &parts));
    true
}

fn of_pupil() -> Selection {
    Selection { subject: Some(Identity::new("pupil", "pupil-3")), ..Selection::default() }
}

fn so_far(node: &Node) -> Selection {
    Selection { facts: Facts { until: Some(node.now), ..Facts::default() }, ..Selection::default() }
}

fn place(node: &mut Node, info: &Info, number: u64, what: (HoldKind, Selection, &BTreeSet<PartId>)) {
    let (kind, selection, parts) = what;
    let (owner, ground, by) = ("legal".to_owned(), "claim 17".to_owned(), "anna".to_owned());
    let parts = Parts::of(parts.iter().copied()).unwrap();
    let hold = Hold { kind, owner, ground, by, selection, parts };
    let placing = Placing { id: id(number), hold, review_on: in_days(node, info, 90), records: 12 };
    let made = node.writer.place_hold(&info.controller, &placing, &anna("claim 17"));
    take(node, made);
}

fn release(node: &mut Node, of: &Controller, id: &ActId) {
    let made = node.writer.release_hold(of, id, &anna("settled"));
    take(node, made);
}

fn in_days(node: &Node, info: &Info, days: u32) -> Date {
    info.zone.date(node.base.now()).plus_days(days)
}

fn anna(ground: &str) -> Decided {
    Decided { by: "anna".to_owned(), ground: ground.to_owned() }
}

fn take(node: &mut Node, made: Made<Noted>) {
    assert!(made.answer.unwrap().receipt.is_some(), "something changes");
    made.step.publish();
    node.indexer.absorb(made.step.entries).unwrap();
}

/// What she asked for last is done alone, two days or more later.
pub(crate) fn alone(node: &mut Node, of: &Controller, first: u64) {
    decide(node, vec![(of.clone(), Change::Use { id: id(first + 4), alone: true })], "anna", "");
}

/// Something, by chance, for these schools at once: whatever was decided before, it can be.
pub(crate) fn something(node: &mut Node, random: &mut Random, of: &[Controller], first: u64) {
    let now = node.now;
    let change = |of: &Controller, kind: usize| {
        let acts = node.base.acts.of(of);
        let open = acts.requests().iter().find(|request| request.is_open(now.plus(DAY)));
        match (kind, open) {
            (0, _) => Change::Profile(profile(!acts.profile().public_body)),
            (1, _) => {
                let allowed = acts.lone() != akta::model::permission::approval::LoneApprover::Refused;
                Change::LoneApproval(!allowed)
            }
            (2, _) => grant(first, now, 300),
            (3, _) => incident(first, now),
            (7, _) => match acts.retention().number() % 3 {
                0 => lifetimes(Class::Disclosure, 36),
                1 => lifetimes(Class::Session, 13),
                _ => lifetimes(Class::LogAccess, 72),
            },
            (4, Some(request)) if request.agreed.is_empty() => Change::Answer { id: request.id.clone(), agrees: true },
            (5, Some(request)) if !request.agreed.is_empty() => Change::Use { id: request.id.clone(), alone: false },
            (_, Some(request)) if kind == 6 => Change::Answer { id: request.id.clone(), agrees: false },
            _ => ask(first, Deed::Erasure, Staff::Controller),
        }
    };
    let kind = random.index(8);
    // What is asked for and answered is each school's own.
    let of = if kind < 4 { of } else { &of[..1] };
    let changes: Vec<_> = of.iter().map(|of| (of.clone(), change(of, kind))).collect();
    let by = match changes[0].1 {
        Change::Answer { .. } => "jan",
        _ => "anna",
    };
    decide(node, changes, by, if random.index(9) == 0 { "ę".repeat(128) } else { "drill".to_owned() }.as_str());
}
