//! Acts: grants, incidents and requests in, and as they are shown.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::super::api::{self, ApprovalStanding};
use super::timestamp;
use crate::grpc::time::wire;
use crate::model::check::{Checker, Violation};
use crate::model::date::Timestamp;
use crate::model::permission::Permission;
use crate::model::permission::acts::CONCERNING_BYTES_MAX;
use crate::model::permission::approval::{self, Deed, Request, Standing};
use crate::model::permission::change::ActId;
use crate::model::permission::grants::{GROUND_BYTES_MAX, Grant, Incident, Span};
use crate::model::permission::holder::Holder;
use crate::model::permission::issuer::is_trustworthy;
use crate::model::spiffe::SpiffeId;

/// Longest name that an issuer gives, in bytes.
const TOKEN_NAME_BYTES_MAX: usize = 255;

/// The id of a new act: as given, so that the call can be sent again, or a fresh one.
pub fn act_id(given: &str, fresh: impl FnOnce() -> Uuid, checker: &mut Checker) -> ActId {
    if given.is_empty() {
        return fresh().to_string().into();
    }
    known_id(given, checker).unwrap_or_default()
}

/// The id of an act that there is.
pub fn known_id(given: &str, checker: &mut Checker) -> Option<ActId> {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        checker.refuse("id", "must be a UUID as text, as it was answered or listed");
    }
    id.map(|id| id.to_string().into())
}

/// The id of a request for approval that what is done goes by.
pub fn approval_id(given: &str, checker: &mut Checker) -> Option<ActId> {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        let why = "must be a UUID as text: ask for approval, and give it once another agreed";
        checker.refuse("approval_id", why);
    }
    id.map(|id| id.to_string().into())
}

/// Why something is decided.
pub fn reason(ground: String, checker: &mut Checker) -> String {
    checker.required_text("ground", ground, GROUND_BYTES_MAX)
}

/// Likewise, where nothing need be said.
pub fn perhaps_reason(ground: String, checker: &mut Checker) -> String {
    checker.text("ground", ground, GROUND_BYTES_MAX)
}

/// Concerning whom or what something is asked for.
pub fn concerning(given: String, checker: &mut Checker) -> String {
    checker.required_text("concerning", given, CONCERNING_BYTES_MAX)
}

/// From when, if that was given, and until when.
pub fn times(
    from: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
    checker: &mut Checker,
) -> Option<(Option<Timestamp>, Timestamp)> {
    if until.is_none() {
        checker.refuse("until", "is required: say when it ends");
    }
    let from = timestamp("from", from, checker);
    timestamp("until", until, checker).map(|until| (from, until))
}

/// From when to when.
///
/// # Errors
///
/// It is nothing, or longer than `longest`, in these words.
pub fn span(from: Timestamp, until: Timestamp, longest: Duration, words: &str) -> Result<Span, Vec<Violation>> {
    Span::new(from, until, longest).ok_or_else(|| {
        let description = format!("must be after from, and at most {words} later");
        vec![Violation { field: "until".to_owned(), description }]
    })
}

/// Whom a grant lets in.
pub fn holder(given: Option<api::Holder>, checker: &mut Checker) -> Option<Holder> {
    use api::holder::Holder as Wire;
    let Some(given) = given.and_then(|given| given.holder) else {
        checker.refuse("holder", "is required: give exactly one of spiffe, uid, subject, group");
        return None;
    };
    match given {
        Wire::Uid(uid) => Some(Holder::Socket(uid)),
        Wire::Spiffe(id) => {
            let id = SpiffeId::parse(&id).ok().filter(SpiffeId::is_workload);
            if id.is_none() {
                checker.refuse("holder.spiffe", "must be the SPIFFE id of a workload: spiffe://TRUST-DOMAIN/PATH");
            }
            id.map(Holder::Workload)
        }
        Wire::Subject(given) => {
            let (issuer, subject) = checker.within("holder.subject", |checker| named(given, checker))?;
            Some(Holder::Subject { issuer, subject })
        }
        Wire::Group(given) => {
            let (issuer, group) = checker.within("holder.group", |checker| named(given, checker))?;
            Some(Holder::Group { issuer, group })
        }
    }
}

fn named(given: api::TokenHolder, checker: &mut Checker) -> Option<(String, String)> {
    let name = checker.required_text("name", given.name, TOKEN_NAME_BYTES_MAX);
    if !is_trustworthy(&given.issuer) {
        checker.refuse("issuer", "must be the address of an issuer, https, at most 200 bytes, as the policy names it");
        return None;
    }
    Some((given.issuer, name))
}

/// For what a grant is.
pub fn permissions(words: Vec<String>, checker: &mut Checker) -> BTreeSet<Permission> {
    let words = checker.list("permissions", words, Permission::ALL.len());
    let mut permissions = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        match word.parse::<Permission>() {
            Ok(permission) => _ = permissions.insert(permission),
            Err(error) => checker.refuse(&format!("permissions[{place}]"), error.to_string()),
        }
    }
    permissions
}

/// What is asked for.
pub fn deed(number: i32, checker: &mut Checker) -> Option<Deed> {
    let deed = Deed::from_stored(number);
    if deed.is_none() {
        checker.refuse("deed", "is required: ERASURE, REIDENTIFICATION or NAME_OVERRIDE");
    }
    deed
}

/// Where a request stands, and when it may be done alone.
pub fn standing(standing: Option<Standing>) -> (i32, Option<prost_types::Timestamp>) {
    let (standing, ready_at) = match standing {
        None => (ApprovalStanding::Unspecified, None),
        Some(Standing::Agreed) => (ApprovalStanding::Agreed, None),
        Some(Standing::AgreedAlone) => (ApprovalStanding::AgreedAlone, None),
        Some(Standing::Waits(until)) => (ApprovalStanding::Waits, Some(wire(until))),
        Some(Standing::NeedsAnother) => (ApprovalStanding::NeedsAnother, None),
        Some(Standing::Refused) => (ApprovalStanding::Refused, None),
        Some(Standing::Lapsed) => (ApprovalStanding::Lapsed, None),
        Some(Standing::Used) => (ApprovalStanding::Used, None),
    };
    (standing.into(), ready_at)
}

/// A grant.
pub fn grant_info(grant: &Grant) -> api::GrantInfo {
    let act = grant.act();
    api::GrantInfo {
        id: act.id.to_string(),
        holder: Some(api::Holder { holder: Some(shown(grant.holder())) }),
        permissions: grant.permissions().iter().map(ToString::to_string).collect(),
        ground: act.ground.clone(),
        by: act.by.clone(),
        from: Some(wire(act.span.from())),
        until: Some(wire(act.span.until())),
    }
}

fn shown(holder: &Holder) -> api::holder::Holder {
    use api::holder::Holder as Wire;
    match holder {
        Holder::Workload(id) => Wire::Spiffe(id.to_string()),
        Holder::Socket(uid) => Wire::Uid(*uid),
        Holder::Subject { issuer, subject } => {
            Wire::Subject(api::TokenHolder { issuer: issuer.clone(), name: subject.clone() })
        }
        Holder::Group { issuer, group } => {
            Wire::Group(api::TokenHolder { issuer: issuer.clone(), name: group.clone() })
        }
    }
}

/// An incident, as one controller sees it.
pub fn incident_info(incident: &Incident) -> api::IncidentInfo {
    let act = &incident.act;
    api::IncidentInfo {
        id: act.id.to_string(),
        ground: act.ground.clone(),
        by: act.by.clone(),
        from: Some(wire(act.span.from())),
        until: Some(wire(act.span.until())),
    }
}

/// A request, and where it stands.
pub fn approval_info(request: &Request, stands: Standing) -> api::ApprovalInfo {
    let names = |voices: &[approval::Voice]| voices.iter().map(|voice| voice.name.clone()).collect();
    let (standing, ready_at) = standing(Some(stands));
    api::ApprovalInfo {
        id: request.id.to_string(),
        deed: request.deed.stored().into(),
        concerning: request.concerning.clone(),
        ground: request.ground.clone(),
        asked_by: request.asked.name.clone(),
        asked_at: Some(wire(request.asked.at)),
        agreed: names(&request.agreed),
        objected: names(&request.objected),
        standing,
        ready_at,
    }
}
