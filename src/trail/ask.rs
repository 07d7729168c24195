//! Asking: every question states a purpose, is answered from the trail, and is itself recorded before the answer.

use crate::model::caller::Caller;
use crate::model::event::{Event, Fields};
use crate::model::facts::Facts;
use crate::model::hold::row::HoldId;
use crate::model::identity::Identity;
use crate::model::origin::Origin;
use crate::model::permission::change::ActId;
use crate::model::permission::decide::Permitted;
use crate::model::query::{Include, Order};
use crate::model::seal::Key;
use crate::model::stored::{Action, Attribute, Core, DetailPart, Outcome, RetentionClass, SourceAssurance};

/// Why somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Number of a `Purpose`; not 0.
    pub purpose: i32,
    /// Reference of the request or ticket.
    pub text: String,
}

/// Who asks, why, and by what they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub caller: Caller,
    /// Why.
    pub ground: Ground,
    /// What opened the trail to them, where a role alone does not.
    pub through: Vec<Through>,
}

/// What a controller decided that opens its trail to somebody: it is named in the record of what was read by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// A request for re-identification that was agreed to: names are shown.
    Approval(ActId),
    /// A grant.
    Grant(ActId),
    /// An incident.
    Incident(ActId),
}

impl Through {
    /// What opens a trail to somebody who may by that.
    pub fn of(by: &Permitted) -> Option<Self> {
        match by {
            Permitted::Dev | Permitted::Entry(_) => None,
            Permitted::Grant(_, lease) => Some(Self::Grant(lease.id.clone())),
            Permitted::Incident(_, lease) => Some(Self::Incident(lease.id.clone())),
        }
    }

    fn attribute(&self) -> Attribute {
        let (key, id) = match self {
            Self::Approval(id) => ("approval", id),
            Self::Grant(id) => ("grant", id),
            Self::Incident(id) => ("incident", id),
        };
        Attribute { key: key.to_owned(), value: id.to_string() }
    }
}

/// What to find, in the caller's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// Whose data.
    pub subject: Option<Identity>,
    /// Who acted.
    pub actor: Option<Identity>,
    /// In whose name somebody acted.
    pub on_behalf_of: Option<Identity>,
    /// All else.
    pub facts: Facts,
    /// Order of rows.
    pub order: Order,
    /// What rows hold beside that; notices only where nothing else is set.
    pub include: Include,
    /// Only what that hold covers, also past its date.
    pub hold: Option<HoldId>,
    /// Only in that trail.
    pub origin: Option<Origin>,
}

impl Question {
    /// Whether it is about somebody in particular.
    pub fn names_people(&self) -> bool {
        self.subject.is_some() || self.actor.is_some() || self.on_behalf_of.is_some()
    }

    /// How it is recorded.
    pub fn asked(&self) -> Asked {
        let Include { openings, notices, restricted: _ } = self.include;
        Asked { call: "SearchEvents", shape: self.shape(), export: openings || notices }
    }

    /// Names of the fields that are asked by; never their values.
    pub fn shape(&self) -> String {
        let people = [("subject", &self.subject), ("actor", &self.actor), ("on_behalf_of", &self.on_behalf_of)];
        let people = people.into_iter().filter_map(|(name, who)| who.as_ref().map(|_| name));
        let hold = self.hold.map(|_| "hold");
        let mut asked: Vec<&str> = people.chain(self.facts.names()).chain(hold).collect();
        if asked.is_empty() {
            asked.push("everything");
        }
        let Include { openings, notices, restricted } = self.include;
        let origin = self.origin.is_some();
        let include = [
            ("with_openings", openings),
            ("with_notices", notices),
            ("include_restricted", restricted),
            ("origin", origin),
        ];
        asked.extend(include.into_iter().filter_map(|(name, set)| set.then_some(name)));
        asked.join(",")
    }

    /// First bytes of a hash of the question to a trail: a page token serves only the question that it came with. Keyed, so that
    /// whoever sees a token cannot try out whom it asked about.
    pub fn digest(&self, of: &Origin, key: &Key) -> [u8; 8] {
        let key = Key::derive("akta v1 question key", &[key.bytes()]);
        let hash = key.hash(format!("{of} {self:?}").as_bytes());
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash[..8]);
        digest
    }
}

/// What was asked, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Name of the call.
    pub call: &'static str,
    /// Names of the fields that were asked by; never their values.
    pub shape: String,
    /// Whether evidence was handed out: what opens parts, or every position of the trail.
    pub export: bool,
}

impl Asker {
    /// The record of what they asked: as [`log_access`], with what opened the trail to them.
    pub fn log(&self, event_id: [u8; 16], asked: Asked, rows: usize) -> Event {
        record(&self.caller, &self.ground, &self.through, event_id, asked, rows)
    }
}

/// The record of a question by somebody who may by a role alone: who asked, why, the shape of it and how many rows;
/// never the value searched for.
pub fn log_access(caller: &Caller, ground: &Ground, event_id: [u8; 16], asked: Asked, rows: usize) -> Event {
    record(caller, ground, &[], event_id, asked, rows)
}

fn record(
    caller: &Caller,
    ground: &Ground,
    through: &[Through],
    event_id: [u8; 16],
    asked: Asked,
    rows: usize,
) -> Event {
    let action = if asked.export { Action::LogExport } else { Action::LogQuery };
    let core = Core {
        event_id: event_id.to_vec(),
        action: action as i32,
        event_name: asked.call.to_owned(),
        outcome: Outcome::Success as i32,
        purpose: ground.purpose,
        purpose_text: ground.text.clone(),
        record_count: rows as u64,
        actor_kind: caller.kind() as i32,
        source_service: "akta".to_owned(),
        source_assurance: SourceAssurance::Native as i32,
        ..Core::default()
    };
    let asked = Attribute { key: "asked_by".to_owned(), value: asked.shape };
    let mut attributes: Vec<Attribute> = through.iter().map(Through::attribute).chain([asked]).collect();
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    Event::own(Fields {
        core,
        actor: Some(Identity::new(Caller::NAMESPACE, caller.name())),
        detail: Some(DetailPart { attributes, ..DetailPart::default() }),
        choice: RetentionClass::Unspecified,
        ..Fields::default()
    })
}
