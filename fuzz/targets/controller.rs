//! Requests to decide something, from the wire: taken within every limit, or refused by field and without a value. The
//! first byte says which part of which.

use akta::grpc::{api, convert};
use akta::model::check::{Checker, Violation};
use akta::model::permission::holder::Holder;
use prost::Message;

/// One request.
pub(crate) fn check(bytes: &[u8]) {
    let Some((call, bytes)) = bytes.split_first() else { return };
    let refused: fn(&[u8]) -> Option<Vec<Violation>> = match call % 6 {
        0 => open,
        1 => grant,
        2 => incident,
        3 => ask,
        4 => answer,
        _ => list,
    };
    if let Some(bad) = refused(bytes) {
        super::said::judge(bytes, &bad, refused);
    }
}

fn open(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::OpenControllerRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let of = convert::school(request.controller.clone(), &mut checker);
    let zone = convert::zone(&request.zone, &mut checker);
    let profile = convert::profile(request.profile.unwrap_or_default(), &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    let of = of.expect("what is not refused has a name");
    assert!(of.as_str() == request.controller && !of.is_node() && !of.is_path_like());
    // However it is written, it is kept by its own name.
    assert!(zone.is_none_or(|zone| zone.name().eq_ignore_ascii_case(&request.zone)));
    assert!(profile.group_only_sources.len() <= 100);
    assert_eq!(profile.clone().checked().as_ref(), Ok(&profile));
    None
}

fn grant(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::GrantRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    convert::school(request.controller, &mut checker);
    convert::act_id(&request.id, uuid_of_zeros, &mut checker);
    let holder = convert::holder(request.holder, &mut checker);
    let permissions = convert::permissions(request.permissions, &mut checker);
    let times = convert::times(request.from, request.until, &mut checker);
    let ground = convert::reason(request.ground, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    let holder = holder.expect("what is not refused lets somebody in");
    // As text, it is what the trail and a policy file have.
    assert_eq!(Holder::parse(&holder.to_string()), Some(holder));
    assert!(times.is_some() && (1..=256).contains(&ground.len()) && permissions.len() <= 30);
    None
}

fn incident(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::DeclareIncidentRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let schools = convert::schools(request.controllers.clone(), &mut checker);
    convert::times(request.from, request.until, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    assert!(schools.len() <= request.controllers.len().min(1_000));
    assert!(schools.iter().all(|of| request.controllers.iter().any(|name| name == of.as_str())));
    None
}

fn ask(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::AskApprovalRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let deed = convert::deed(request.deed, &mut checker);
    let concerning = convert::concerning(request.concerning, &mut checker);
    convert::reason(request.ground, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    assert!(deed.is_some() && (1..=256).contains(&concerning.len()) && !concerning.chars().any(char::is_control));
    None
}

fn answer(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::AnswerApprovalRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let id = convert::known_id(&request.id, &mut checker);
    let ground = convert::perhaps_reason(request.ground, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    // However it is spelt, an id has one form.
    let id = id.expect("what is not refused names something");
    assert_eq!(convert::known_id(&id, &mut Checker::default()), Some(id.clone()));
    assert!(id.len() == 36 && ground.len() <= 256);
    None
}

fn list(bytes: &[u8]) -> Option<Vec<Violation>> {
    let request = api::ListControllersRequest::decode(bytes).ok()?;
    let mut checker = Checker::default();
    let limit = convert::page_size(request.page_size, &mut checker);
    let after = convert::after(&request.page_token, &mut checker);
    if let Err(bad) = checker.finish(()) {
        return Some(bad);
    }
    assert!((1..=1_000).contains(&limit));
    assert_eq!(after.map(|of| of.to_string()).unwrap_or_default(), request.page_token);
    None
}

fn uuid_of_zeros() -> uuid::Uuid {
    uuid::Uuid::nil()
}
