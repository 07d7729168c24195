//! Drawn events of every class, about few people, some of them named more fully each time.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use akta::cli::random::Random;
use akta::grpc::{api, convert};
use akta::model::caller::Caller;
use akta::model::date::Timestamp;
use akta::model::origin::Controller;
use akta::model::stored::{
    Action, ActorKind, ChildFlag, DataCategory, LegalBasis, Outcome, Purpose, RetentionClass, SourceAssurance,
};
use akta::trail::ask::{Asked, Ground, log_access};
use akta::trail::submission::Submission;

use crate::node::Node;

/// Action, outcome, choice of class: each class of the policy at least once, the commonest first.
const KINDS: [(Action, Outcome, RetentionClass); 12] = [
    (Action::Read, Outcome::Success, RetentionClass::Unspecified),
    (Action::Read, Outcome::Success, RetentionClass::Unspecified),
    (Action::List, Outcome::Success, RetentionClass::Unspecified),
    (Action::Update, Outcome::Success, RetentionClass::Register),
    (Action::Login, Outcome::Success, RetentionClass::Unspecified),
    (Action::Read, Outcome::Denied, RetentionClass::Unspecified),
    (Action::Export, Outcome::Success, RetentionClass::Unspecified),
    (Action::Create, Outcome::Success, RetentionClass::Accounting),
    (Action::ConsentGiven, Outcome::Success, RetentionClass::Unspecified),
    (Action::Disclose, Outcome::Success, RetentionClass::Unspecified),
    (Action::Search, Outcome::Failure, RetentionClass::Unspecified),
    (Action::Logout, Outcome::Success, RetentionClass::Unspecified),
];

/// Draws what a school's applications report. The same seed gives the same events.
pub(crate) struct Drawn {
    pub(crate) random: Random,
    ids: u64,
    /// Changes with time: who is named again may by then have another name.
    pub(crate) term: u64,
}

impl Drawn {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), ids: seed << 32, term: 0 }
    }

    /// One event for that controller, or a read of its trail, as one submission.
    pub(crate) fn submission(&mut self, controller: &Controller, now: Timestamp) -> Submission {
        let events = match self.random.index(15) {
            0 => vec![log_access(
                &Caller::dev(),
                &Ground { purpose: Purpose::Security as i32, text: "drill".to_owned() },
                self.id(),
                Asked { call: "SearchEvents", shape: "actor".to_owned(), export: false },
                3,
            )],
            1 => (0..3).map(|_| self.event(controller, now)).collect(),
            _ => vec![self.event(controller, now)],
        };
        Submission { controller: controller.clone(), events, may_open: true }
    }

    /// One event that an application reports.
    pub(crate) fn event(&mut self, controller: &Controller, now: Timestamp) -> akta::model::event::Event {
        let message = self.message(controller, now);
        convert::event(Some(message)).unwrap_or_else(|bad| panic!("a drawn event is good: {bad:?}")).1
    }

    /// One event as an application sends it.
    pub(crate) fn message(&mut self, controller: &Controller, now: Timestamp) -> api::Event {
        let (action, outcome, class) = KINDS[self.random.index(KINDS.len())];
        let session = matches!(action, Action::Login | Action::Logout);
        let subjects = if session { 0 } else { 1 + self.random.index(3) };
        let back = self.random.below(3_600);
        let occurred_at = now.minus(std::time::Duration::from_secs(back));
        let (seconds, nanos) = occurred_at.parts();
        let given = self.random.index(4) > 0;
        let purpose = if class == RetentionClass::Accounting { Purpose::Billing } else { Purpose::Teaching };
        api::Event {
            event_id: uuid::Uuid::from_bytes(self.id()).to_string(),
            controller: controller.to_string(),
            occurred_at: given.then_some(prost_types::Timestamp { seconds, nanos }),
            action: action as i32,
            event_name: "marks.show".to_owned(),
            outcome: outcome as i32,
            actor: Some(self.actor()),
            subjects: self.subjects(subjects),
            resource: (self.random.index(2) == 0).then(|| api::Resource {
                r#type: ["mark-sheet", "pupil-card"][self.random.index(2)].to_owned(),
                id: format!("r-{}", self.random.below(50)),
                ..Default::default()
            }),
            categories: vec![DataCategory::EducationRecord as i32],
            purpose: purpose as i32,
            legal_basis: if action == Action::Disclose { LegalBasis::Art61C as i32 } else { 0 },
            disclosure: (action == Action::Disclose)
                .then(|| api::Disclosure { recipient: "court".to_owned(), country: "PL".to_owned() }),
            network: (self.random.index(3) > 0).then(|| api::Network {
                ip: format!("192.0.2.{}", self.random.below(9)),
                user_agent: b"Mozilla/5.0 (X11; Linux x86_64)".to_vec(),
                ..Default::default()
            }),
            session: (session || self.random.index(4) == 0).then(|| api::Session {
                id: format!("session-{}", self.random.below(20)).into_bytes(),
                mfa: self.random.index(2) == 0,
                ..Default::default()
            }),
            attributes: match self.random.index(3) {
                0 => BTreeMap::from([("class".to_owned(), format!("{}b", self.random.below(8)))]),
                _ => BTreeMap::new(),
            },
            retention_class: class as i32,
            ..Default::default()
        }
    }

    /// An import of something long ago: its core expires on `now` plus about `days`.
    pub(crate) fn import(&mut self, controller: &Controller, now: Timestamp, days: u64) -> Submission {
        const DAY: u64 = 24 * 3_600;
        let occurred_at = now.minus(std::time::Duration::from_secs((730 - days) * DAY));
        let (seconds, nanos) = occurred_at.parts();
        let mut message = self.message(controller, now);
        message.action = Action::Read as i32;
        message.outcome = Outcome::Success as i32;
        message.retention_class = 0;
        message.disclosure = None;
        message.occurred_at = Some(prost_types::Timestamp { seconds, nanos });
        message.source = Some(api::Source { assurance: SourceAssurance::Import as i32, ..api::Source::default() });
        let event = convert::event(Some(message)).unwrap_or_else(|bad| panic!("a drawn import is good: {bad:?}")).1;
        Submission { controller: controller.clone(), events: vec![event], may_open: true }
    }

    fn actor(&mut self) -> api::Actor {
        let staff = self.person("staff", 12);
        api::Actor {
            on_behalf_of: (self.random.index(6) == 0).then(|| self.person("guardian", 6)),
            identity: Some(staff),
            kind: ActorKind::Human as i32,
            roles: vec!["teacher".to_owned()],
            ..Default::default()
        }
    }

    fn subjects(&mut self, count: usize) -> Vec<api::Subject> {
        let mut subjects: Vec<api::Subject> = Vec::new();
        while subjects.len() < count {
            let identity = Some(self.person("pupil", 30 + 10 * self.term));
            if subjects.iter().all(|listed| listed.identity.as_ref().unwrap().id != identity.as_ref().unwrap().id) {
                subjects.push(api::Subject { identity, child: ChildFlag::Under16 as i32 });
            }
        }
        subjects
    }

    fn person(&mut self, namespace: &str, of: u64) -> api::Identity {
        let number = self.random.below(of);
        // Some ids are addresses themselves.
        let id = match (namespace, number % 3) {
            ("guardian", 0) => format!("parent{number}@example.org"),
            _ => format!("{namespace}-{number}"),
        };
        let mut who = api::Identity::new(namespace, id);
        if self.random.index(3) == 0 {
            who.display_name = format!("Name {number} of term {}", self.term);
        }
        if self.random.index(5) == 0 {
            who.email = format!("mail{number}@term{}.example.org", self.term);
        }
        who
    }

    fn id(&mut self) -> [u8; 16] {
        self.ids += 1;
        let mut id = *uuid::Builder::from_random_bytes(self.random.bytes()).as_uuid().as_bytes();
        id[8..].copy_from_slice(&(self.ids | 1 << 63).to_be_bytes());
        id
    }
}

/// Groups of one to three submissions, a few minutes apart, most of them for the first of these.
pub(crate) fn report(node: &mut Node, drawn: &mut Drawn, controllers: &[Controller], groups: u64) {
    for _ in 0..groups {
        let count = 1 + drawn.random.index(3);
        let group = (0..count).map(|_| {
            let at = drawn.random.index(2 * controllers.len());
            drawn.submission(controllers.get(at).unwrap_or(&controllers[0]), node.now)
        });
        let group = group.collect();
        node.record(group);
        node.pass(Duration::from_secs(60 * drawn.random.below(20)));
    }
    node.settle();
}
