//! What happens in a simulation: small numbers, people, events, and the plain model of a recorded one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use akta::grpc::{api, convert};
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::identity::Identity;
use akta::model::origin::Controller;
use akta::model::permission::change::{Change, Decided};
use akta::model::permission::told;
use akta::model::policy::{Class, Kept};
use akta::model::retention::in_force::Retention;
use akta::model::stored::{ActorKind, DataCategory, Outcome, Purpose, RetentionClass};
use akta::trail::submission::{Receipt, Submission};

/// The plain model: what a trail must hold, in order. Record 0 is the opening notice.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) event_id: [u8; 16],
    pub(crate) actor: usize,
    pub(crate) subjects: Vec<usize>,
    pub(crate) ip: Option<u8>,
    pub(crate) action: i32,
    pub(crate) occurred_at: Timestamp,
    /// When it was reported first.
    pub(crate) reported_at: Timestamp,
    /// What the reporter was told; `None` if it never heard.
    pub(crate) receipt: Option<Receipt>,
    /// Whether Akta must still know what was reported, not its id alone: an index that was built anew does not.
    pub(crate) sure: bool,
    /// What a controller decided, and who; then it is a notice, and all that is said of events means nothing.
    pub(crate) act: Option<(Change, Decided)>,
    /// Up to which date it tells that parts are expired; then it is a notice, too.
    pub(crate) expired: Option<Date>,
}

impl Known {
    /// A decision. No event has its id.
    pub(crate) fn decided(change: Change, decided: Decided, at: Timestamp, receipt: Option<Receipt>) -> Self {
        Self {
            event_id: [0xff; 16],
            actor: usize::MAX,
            subjects: Vec::new(),
            ip: None,
            action: 0,
            occurred_at: at,
            reported_at: at,
            receipt,
            sure: false,
            act: Some((change, decided)),
            expired: None,
        }
    }

    /// A notice that parts are expired. No event has its id.
    pub(crate) fn expired(through: Date, at: Timestamp) -> Self {
        Self {
            event_id: [0xfe; 16],
            actor: usize::MAX,
            subjects: Vec::new(),
            ip: None,
            action: 0,
            occurred_at: at,
            reported_at: at,
            receipt: None,
            sure: false,
            act: None,
            expired: Some(through),
        }
    }

    /// Whether somebody reported it.
    pub(crate) fn is_event(&self) -> bool {
        self.act.is_none() && self.expired.is_none()
    }

    /// Whether it has a part that lives for days.
    pub(crate) fn has_session(&self) -> bool {
        let fresh = self.occurred_at >= self.reported_at.minus(Duration::from_secs(86_400));
        fresh && self.is_event() && self.event_id[15].is_multiple_of(4)
    }

    /// The dates on which its parts expire, by the policy that was in force.
    pub(crate) fn dates(&self, zone: &Zone, retention: &Retention) -> BTreeSet<Date> {
        if let Some((change, _)) = &self.act {
            let at = self.receipt.as_ref().map_or(self.occurred_at, |receipt| receipt.recorded_at);
            let says = told::tell(change, &Decided { by: "x".into(), ground: "x".into() }, at, zone);
            return says.map(|told| told.date).into_iter().collect();
        }
        if self.expired.is_some() {
            return BTreeSet::new();
        }
        let class = Class::of(self.action, Outcome::Success as i32, RetentionClass::Unspecified);
        let dates = retention.dates(class, self.occurred_at, zone).unwrap();
        let net = self.ip.and(dates.net);
        let session = if self.has_session() { dates.session } else { None };
        [Some(dates.core), net, session].into_iter().flatten().collect()
    }
}

/// Small reproducible numbers (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// The same as an index.
    pub(crate) fn pick(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }

    /// True one time in so many.
    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// The same receipt; where the core is past its date, only the day of the time is left.
pub(crate) fn same(a: &Receipt, b: &Receipt) -> bool {
    (&a.origin, a.seq, a.link, Date::of_utc(a.recorded_at)) == (&b.origin, b.seq, b.link, Date::of_utc(b.recorded_at))
}

/// Whether part of an event that was recorded under that policy is still readable.
pub(crate) fn alive(known: &Known, kept: Kept, retention: &Retention, zone: &Zone, today: Date) -> bool {
    let class = Class::of(known.action, Outcome::Success as i32, RetentionClass::Unspecified);
    retention.dates(class, known.occurred_at, zone).unwrap().get(kept).is_some_and(|date| *date > today)
}

pub(crate) fn teacher(number: usize) -> Identity {
    Identity::new("staff", &format!("teacher-anna-{number}"))
}

pub(crate) fn pupil(number: usize) -> Identity {
    Identity::new("pupil", &format!("pupil-janek-{number}"))
}

/// What identities begin with: nothing that is stored may show it. Long enough not to come up by chance in what is sealed.
pub(crate) const NAMES: [&str; 4] = ["teacher-anna-", "pupil-janek-", "Joanna Nowak ", "192.0.2."];

/// Events of one controller, to be recorded together or not at all.
pub(crate) type Report = (Controller, Vec<Known>);

pub(crate) fn submission((controller, events): &Report) -> Submission {
    let events = events.iter().map(|known| convert::event(Some(message(controller, known))));
    let events = events.map(|event| event.expect("the simulation reports good events").1).collect();
    Submission { controller: controller.clone(), events, may_open: true }
}

fn message(controller: &Controller, known: &Known) -> api::Event {
    let wire = |who: Identity| Some(api::Identity::new(who.namespace, who.id));
    let (seconds, nanos) = known.occurred_at.parts();
    let number = known.event_id[15];
    let named = |who: Identity| {
        let display_name =
            if number.is_multiple_of(3) { format!("Joanna Nowak {}", number % 2) } else { String::new() };
        Some(api::Identity { display_name, ..api::Identity::new(who.namespace, who.id) })
    };
    let mut subjects: Vec<api::Subject> =
        known.subjects.iter().map(|s| api::Subject { identity: wire(pupil(*s)), child: 0 }).collect();
    if number.is_multiple_of(5) {
        // Somebody looks at their own data.
        subjects.push(api::Subject { identity: named(teacher(known.actor)), child: 0 });
    }
    api::Event {
        event_id: format!(
            "00000000-0000-0000-{:04x}-{:012x}",
            0,
            u64::from_be_bytes(known.event_id[8..].try_into().unwrap())
        ),
        controller: controller.to_string(),
        occurred_at: Some(prost_types::Timestamp { seconds, nanos }),
        action: known.action,
        outcome: Outcome::Success as i32,
        purpose: Purpose::Teaching as i32,
        actor: Some(api::Actor {
            identity: if number.is_multiple_of(2) { named(teacher(known.actor)) } else { wire(teacher(known.actor)) },
            kind: ActorKind::Human as i32,
            ..Default::default()
        }),
        subjects,
        categories: vec![DataCategory::EducationRecord as i32],
        session: known.has_session().then(|| api::Session { id: b"session-4711".to_vec(), ..api::Session::default() }),
        network: known.ip.map(|ip| api::Network { ip: format!("192.0.2.{ip}"), ..Default::default() }),
        ..Default::default()
    }
}
