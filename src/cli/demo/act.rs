//! One access as it is told: who, what, whose, why, from where.

use super::cast::{Person, SCHOOL, subject};
use crate::cli::random::Random;
use crate::grpc::api::{Event, Identity, Network, Resource, Session, Source, Subject};
use crate::model::date::Timestamp;
use crate::model::stored::{Action, AuthMethod, Channel, DataCategory, Outcome, Purpose, RetentionClass};

/// A service of the school that reports what it does, over a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Marks and attendance.
    Gradebook,
    /// Pupils and guardians.
    Portal,
    /// The secretary's office.
    Office,
    /// Money.
    Payments,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gradebook, Self::Portal, Self::Office, Self::Payments];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradebook => "gradebook",
            Self::Portal => "parents-portal",
            Self::Office => "office",
            Self::Payments => "payments",
        }
    }
}

/// An access on its way to a service: the event, and when in the day it happened.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who reports it.
    pub service: Service,
    /// Seconds since the day began.
    pub second: u32,
    /// What is reported.
    pub event: Event,
}

impl Act {
    /// `who` did `action`, in that minute of the day.
    pub fn new(service: Service, minute: u32, who: &Person, action: Action) -> Self {
        let event = Event {
            controller: SCHOOL.to_owned(),
            action: action as i32,
            outcome: Outcome::Success as i32,
            actor: Some(who.actor()),
            channel: Channel::Web as i32,
            source: Some(Source { service: service.name().to_owned(), ..Source::default() }),
            ..Event::default()
        };
        Self { service, second: minute * 60, event }
    }

    /// A login or what else concerns an account only.
    pub fn login(service: Service, minute: u32, who: &Person, session: [u8; 16]) -> Self {
        let mut act = Self::new(service, minute, who, Action::Login).named("account.login");
        act.event.session =
            Some(Session { id: session.to_vec(), auth_method: AuthMethod::Password as i32, mfa: false });
        act
    }

    /// The application's name of the operation.
    pub fn named(mut self, name: &str) -> Self {
        self.event.event_name = name.to_owned();
        self
    }

    /// Whose data of which kind, and why.
    pub fn about(mut self, pupils: &[String], kind: DataCategory, why: Purpose) -> Self {
        self.event.subjects = pupils.iter().map(|pupil| subject(pupil)).collect();
        self.event.record_count = pupils.len() as u64;
        self.event.categories = vec![kind as i32];
        self.event.purpose = why as i32;
        self
    }

    /// An adult's data as well.
    pub fn and_about(mut self, adult: &Person) -> Self {
        let identity = Some(Identity::new(adult.namespace, &adult.id));
        self.event.subjects.push(Subject { identity, ..Subject::default() });
        self
    }

    /// On which object.
    pub fn on(mut self, class: &str, id: impl Into<String>, fields: &[&str]) -> Self {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.event.resource = Some(Resource { r#type: class.to_owned(), id: id.into(), fields });
        self
    }

    /// From where.
    pub fn from(mut self, ip: impl Into<String>, agent: &str) -> Self {
        let network = Network { ip: ip.into(), user_agent: agent.into(), ..Network::default() };
        self.event.network = Some(network);
        self
    }

    /// A change of the register, or of the books.
    pub fn kept(mut self, class: RetentionClass) -> Self {
        self.event.retention_class = class as i32;
        self
    }

    /// It did not end well.
    pub fn ended(mut self, outcome: Outcome, reason: &str) -> Self {
        self.event.outcome = outcome as i32;
        self.event.outcome_reason = reason.to_owned();
        self
    }

    /// Changes the event further.
    pub fn with(mut self, change: impl FnOnce(&mut Event)) -> Self {
        change(&mut self.event);
        self
    }

    /// The event as it is sent: with an id, and with its time in a day that began at `start`.
    pub fn dated(mut self, start: Timestamp, random: &mut Random) -> Self {
        let time = start.plus(std::time::Duration::from_secs(u64::from(self.second)));
        self.event.occurred_at = Some(crate::grpc::time::wire(time));
        self.event.event_id = uuid::Builder::from_random_bytes(random.bytes()).into_uuid().to_string();
        self
    }
}
