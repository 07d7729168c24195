//! Questions from the wire: asked within every limit, or refused by field and without a value. The first byte says
//! which call of the services that answer.

use akta::grpc::{api, convert};
use akta::model::check::{Checker, Violation};
use akta::model::origin::{Controller, Origin};
use akta::model::seal::Key;
use akta::trail::ask::Question;
use prost::Message;

/// One request.
pub(crate) fn check(bytes: &[u8]) {
    let Some((call, bytes)) = bytes.split_first() else { return };
    let refused: fn(&[u8]) -> Option<Vec<Violation>> = match call % 8 {
        0 | 4 => search,
        1 => get,
        2 => notices,
        3 => checkpoint,
        5 => inclusion,
        6 => consistency,
        _ => verify,
    };
    if let Some(bad) = refused(bytes) {
        super::said::judge(bytes, &bad, refused);
    }
}

fn search(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::SearchEventsRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let name = request.controller.clone();
    let (controller, _) = convert::ground(name, request.purpose, request.purpose_text.clone(), &mut checker);
    let (question, limit) = convert::question(&request, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    let controller = controller.expect("what is not refused has a controller");
    assert!(!controller.is_node() && (1..=1_000).contains(&limit));
    kept(&question);
    // However its values are listed, and however often, it is the same question; with another controller it is not.
    let mut turned = request.clone();
    if let Some(filter) = &mut turned.filter {
        filter.actions.reverse();
        filter.event_names.reverse();
        filter.roles.extend(filter.roles.first().cloned());
        filter.roles.truncate(64);
    }
    let (same, _) = convert::question(&turned, &mut Checker::default());
    let key = Key::new([3; 32]);
    let origin =
        |controller: &Controller| Origin::new("akta.test", controller, "w00000001").expect("its parts are names");
    let of = origin(&controller);
    assert_eq!(same.digest(&of, &key), question.digest(&of, &key));
    assert_ne!(question.digest(&origin(&Controller::node()), &key), question.digest(&of, &key));
    assert_ne!(question.digest(&of, &Key::new([4; 32])), question.digest(&of, &key));
    None
}

fn kept(question: &Question) {
    let facts = &question.facts;
    let numbers = [
        &facts.actions,
        &facts.outcomes,
        &facts.purposes,
        &facts.legal_bases,
        &facts.special_legal_bases,
        &facts.categories,
        &facts.special_categories,
        &facts.retention_classes,
        &facts.child_flags,
        &facts.actor_kinds,
        &facts.channels,
        &facts.assurances,
        &facts.warnings,
    ];
    for set in numbers {
        assert!(set.len() <= 64 && set.is_sorted_by(|a, b| a < b) && !set.contains(&0));
    }
    let texts = [
        (&facts.event_names, 128),
        (&facts.resource_types, 64),
        (&facts.roles, 64),
        (&facts.org_units, 64),
        (&facts.source_services, 64),
        (&facts.source_instances, 64),
        (&facts.policy_ids, 64),
        (&facts.recipient_countries, 2),
    ];
    for (set, max) in texts {
        assert!(set.len() <= 64 && set.is_sorted_by(|a, b| a < b));
        assert!(set.iter().all(|text| (1..=max).contains(&text.len()) && !text.chars().any(char::is_control)));
    }
    assert!(facts.ip.as_ref().is_none_or(|ip| matches!(ip.len(), 4 | 16)));
    for who in [&question.subject, &question.actor, &question.on_behalf_of].into_iter().flatten() {
        assert!(akta::model::origin::is_name(&who.namespace) && (1..=128).contains(&who.id.len()));
    }
    // What is recorded of a question is names of fields.
    let shape = question.shape();
    assert!(!shape.is_empty() && shape.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b',')), "{shape}");
    assert!(!question.include.notices || shape == "everything,with_notices" || question.include.openings);
}

fn get(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::GetEventRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let (controller, _) = convert::ground(request.controller, request.purpose, request.purpose_text, &mut checker);
    let bad = convert::key(request.key, checker).err();
    assert!(bad.is_some() || controller.is_some());
    bad
}

fn notices(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::ListNoticesRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let limit = convert::page_size(request.page_size, &mut checker);
    assert!((1..=1_000).contains(&limit));
    checker.finish(()).err().or_else(|| any_controller(request.controller))
}

fn checkpoint(bytes: &[u8]) -> Option<Vec<Violation>> {
    any_controller(api::GetCheckpointRequest::decode(bytes).ok()?.controller)
}

fn inclusion(bytes: &[u8]) -> Option<Vec<Violation>> {
    any_controller(api::GetInclusionProofRequest::decode(bytes).ok()?.controller)
}

fn consistency(bytes: &[u8]) -> Option<Vec<Violation>> {
    any_controller(api::GetConsistencyProofRequest::decode(bytes).ok()?.controller)
}

fn verify(bytes: &[u8]) -> Option<Vec<Violation>> {
    any_controller(api::VerifyTrailRequest::decode(bytes).ok()?.controller)
}

fn any_controller(name: String) -> Option<Vec<Violation>> {
    match convert::any_controller(name.clone()) {
        Ok(controller) => {
            assert_eq!(controller.as_str(), name);
            None
        }
        Err(refusal) => Some(refusal.into_violations().expect("names the field")),
    }
}
