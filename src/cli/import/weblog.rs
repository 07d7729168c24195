//! The event of a line of a web server's access log.

use super::Context;
use super::combined::Line;
use crate::grpc::api;
use crate::grpc::time::wire;
use crate::model::date::Timestamp;
use crate::model::stored::{Action, ActorKind, Channel, Outcome, SourceAssurance};

pub(super) fn event(context: &Context, line_number: u64, line: &Line) -> api::Event {
    let occurred_at = Timestamp::from_nanos(line.time.saturating_add(context.shift));
    let address = line.address.to_canonical();
    api::Event {
        event_id: context.event_id(line_number),
        controller: context.controller.clone(),
        occurred_at: Some(wire(occurred_at)),
        action: action(&line.method) as i32,
        event_name: line.method.clone(),
        outcome: outcome(line.status) as i32,
        outcome_reason: format!("http {}", line.status),
        actor: Some(api::Actor { kind: ActorKind::Anonymous as i32, ..api::Actor::default() }),
        resource: Some(api::Resource { r#type: "path".to_owned(), id: line.path.clone(), fields: Vec::new() }),
        attributes: line.path_cut.then(|| ("path_cut".to_owned(), "true".to_owned())).into_iter().collect(),
        channel: Channel::Web as i32,
        network: Some(api::Network {
            ip: address.to_string(),
            user_agent: line.agent.clone().unwrap_or_default(),
            ..api::Network::default()
        }),
        source: Some(api::Source {
            service: "web-log".to_owned(),
            instance: String::new(),
            assurance: SourceAssurance::Import as i32,
        }),
        ..api::Event::default()
    }
}

fn action(method: &str) -> Action {
    match method {
        "POST" => Action::Create,
        "PUT" | "PATCH" => Action::Update,
        "DELETE" => Action::Delete,
        _ => Action::Read,
    }
}

fn outcome(status: u16) -> Outcome {
    match status {
        401 | 403 => Outcome::Denied,
        100..=399 => Outcome::Success,
        _ => Outcome::Failure,
    }
}
