//! Asking: every question states a purpose, is answered from the trail, and is itself recorded before the answer.

use crate::model::event::{Event, Fields};
use crate::model::identity::Identity;
use crate::model::origin::Controller;
use crate::model::query::{Facts, Include, Order};
use crate::model::seal::Key;
use crate::model::stored::{Action, ActorKind, Attribute, Core, DetailPart, Outcome, RetentionClass, SourceAssurance};

/// Who asks. "dev" until callers are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(String);

impl Caller {
    /// Namespace of callers among identities.
    pub const NAMESPACE: &'static str = "caller";

    /// The caller of `--dev`.
    pub fn dev() -> Self {
        Self("dev".to_owned())
    }
}

/// Why somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Number of a `Purpose`; not 0.
    pub purpose: i32,
    /// Reference of the request or ticket.
    pub text: String,
}

/// What to find, in the caller's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// Whose data.
    pub subject: Option<Identity>,
    /// Who acted.
    pub actor: Option<Identity>,
    /// All else.
    pub facts: Facts,
    /// Order of rows.
    pub order: Order,
    /// What rows hold beside that; notices only where nothing else is set.
    pub include: Include,
}

impl Question {
    /// Names of the fields that are asked by; never their values.
    pub fn shape(&self) -> String {
        let people = [("subject", self.subject.is_some()), ("actor", self.actor.is_some())];
        let people = people.into_iter().filter_map(|(name, set)| set.then_some(name));
        let mut asked: Vec<&str> = people.chain(self.facts.names()).collect();
        if asked.is_empty() {
            asked.push("everything");
        }
        let include = [("with_openings", self.include.openings), ("with_notices", self.include.notices)];
        asked.extend(include.into_iter().filter_map(|(name, set)| set.then_some(name)));
        asked.join(",")
    }

    /// First bytes of a hash of the question: a page token serves only the question that it came with. Keyed, so that
    /// whoever sees a token cannot try out whom it asked about.
    pub fn digest(&self, controller: &Controller, key: &Key) -> [u8; 8] {
        let key = Key::derive("akta v1 question key", &[key.bytes()]);
        let hash = key.hash(format!("{controller} {self:?}").as_bytes());
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash[..8]);
        digest
    }
}

/// The record of a question: who asked, why, the shape of it and how many rows; never the value searched for.
pub fn log_access(caller: &Caller, ground: &Ground, event_id: [u8; 16], call: &str, shape: &str, rows: usize) -> Event {
    let core = Core {
        event_id: event_id.to_vec(),
        action: Action::LogQuery as i32,
        event_name: call.to_owned(),
        outcome: Outcome::Success as i32,
        purpose: ground.purpose,
        purpose_text: ground.text.clone(),
        record_count: rows as u64,
        actor_kind: ActorKind::Human as i32,
        source_service: "akta".to_owned(),
        source_assurance: SourceAssurance::Native as i32,
        ..Core::default()
    };
    let asked = Attribute { key: "asked_by".to_owned(), value: shape.to_owned() };
    Event::log_access(Fields {
        core,
        actor: Some(Identity::new(Caller::NAMESPACE, &caller.0)),
        detail: Some(DetailPart { attributes: vec![asked], ..DetailPart::default() }),
        choice: RetentionClass::Unspecified,
        ..Fields::default()
    })
}
