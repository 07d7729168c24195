//! Holds: in, and as they are listed.

use super::super::api::{self, HoldStanding};
use super::record::ip_text;
use super::selection;
use crate::grpc::time::wire;
use crate::model::check::Checker;
use crate::model::date::Date;
use crate::model::hold::selection::Selection;
use crate::model::hold::{Hold, OWNER_BYTES_MAX, Parts, Review, SELECTION_BYTES_MAX};
use crate::model::identity::Identity;
use crate::model::part::PartId;
use crate::model::permission::holding::HoldAct;
use crate::model::stored::HoldKind;

/// What a hold keeps, for whom and why; placed by somebody of that name.
pub fn hold(request: api::PlaceHoldRequest, by: &str, checker: &mut Checker) -> Option<Hold> {
    let kind = HoldKind::try_from(request.kind).ok().filter(|kind| *kind != HoldKind::Unspecified);
    if kind.is_none() {
        checker.refuse("kind", "is required: CASE or STANDING");
    }
    let selection = selection(request.filter.unwrap_or_default(), request.resource_id, checker);
    if selection.names().is_empty() {
        checker
            .refuse("filter", "selects everything: say whose, which or when; a hold keeps what a case needs, no more");
    }
    if selection.is_too_long() {
        let why = format!("is over the limit of {SELECTION_BYTES_MAX} bytes: place several holds");
        checker.refuse("filter", why);
    }
    let parts = parts(&request.parts, checker);
    let owner = checker.required_text("owner", request.owner, OWNER_BYTES_MAX);
    let ground = super::reason(request.ground, checker);
    Some(Hold { kind: kind?, owner, ground, by: by.to_owned(), selection, parts: parts? })
}

fn parts(given: &[i32], checker: &mut Checker) -> Option<Parts> {
    if given.is_empty() {
        return Some(Parts::ALL);
    }
    if given.len() > PartId::ALL.len() {
        checker.refuse(
            "parts",
            format!("has {} entries, there are {} parts: name each once", given.len(), PartId::ALL.len()),
        );
        return None;
    }
    let mut ids = Vec::new();
    for (place, number) in given.iter().enumerate() {
        match number.checked_sub(1).and_then(|id| u32::try_from(id).ok()).and_then(PartId::from_number) {
            Some(id) => ids.push(id),
            None => checker.refuse(
                &format!("parts[{place}]"),
                "is not a part that this version knows: CORE, ACTOR, SUBJECT, NET, SESSION or DETAIL",
            ),
        }
    }
    Parts::of(ids)
}

/// The day by which a hold is to be looked at.
pub fn review_on(text: &str, checker: &mut Checker) -> Option<Date> {
    let day = Date::parse(text);
    if day.is_none() {
        checker.refuse("review_on", "is required: the day of the next review, as YYYY-MM-DD, at most 6 months ahead");
    }
    day
}

/// A hold as it is listed; without what went with its key, if that is gone.
pub fn hold_info(act: &HoldAct, hold: Option<&Hold>, today: Date) -> api::HoldInfo {
    let standing = match (act.released_at, Review::of(act.review_on, today)) {
        (Some(_), _) => HoldStanding::Released,
        (None, Review::Later) => HoldStanding::Stands,
        (None, Review::Due) => HoldStanding::Due,
        (None, Review::Overdue) => HoldStanding::Overdue,
    };
    let info = api::HoldInfo {
        id: act.id.to_string(),
        kind: act.kind.into(),
        standing: standing.into(),
        records: act.records,
        review_on: act.review_on.to_string(),
        placed_at: Some(wire(act.placed_at)),
        reviewed_at: act.reviewed_at.map(wire),
        released_at: act.released_at.map(wire),
        ..api::HoldInfo::default()
    };
    match hold.filter(|_| act.released_at.is_none()) {
        None => info,
        Some(hold) => api::HoldInfo {
            owner: hold.owner.clone(),
            ground: hold.ground.clone(),
            by: hold.by.clone(),
            filter: Some(event_filter(&hold.selection)),
            resource_id: hold.selection.resource_id.clone().unwrap_or_default(),
            keeps: hold.selection.attributes().into_iter().map(|said| (said.key, said.value)).collect(),
            parts: hold.parts.ids().map(|id| id as i32 + 1).collect(),
            ..info
        },
    }
}

/// A selection as the API asks for it.
fn event_filter(selection: &Selection) -> api::EventFilter {
    let who =
        |who: &Option<Identity>| who.as_ref().map(|who| api::Identity::new(who.namespace.clone(), who.id.clone()));
    let facts = selection.facts.clone();
    api::EventFilter {
        subject: who(&selection.subject),
        actor: who(&selection.actor),
        on_behalf_of: who(&selection.on_behalf_of),
        ip: facts.ip.as_deref().map(ip_text).unwrap_or_default(),
        actions: facts.actions,
        since: facts.since.map(wire),
        until: facts.until.map(wire),
        outcomes: facts.outcomes,
        purposes: facts.purposes,
        legal_bases: facts.legal_bases,
        categories: facts.categories,
        special_categories: facts.special_categories,
        resource_types: facts.resource_types,
        event_names: facts.event_names,
        actor_kinds: facts.actor_kinds,
        roles: facts.roles,
        channels: facts.channels,
        source_services: facts.source_services,
        operation_id: facts.operation_id.unwrap_or_default(),
        recipient: facts.recipient.unwrap_or_default(),
        break_glass: facts.break_glass,
        children: facts.children,
        retention_classes: facts.retention_classes,
        event_id: facts.event_id.map(|id| uuid::Uuid::from_bytes(id).to_string()).unwrap_or_default(),
        purpose_text: facts.purpose_text.unwrap_or_default(),
        special_legal_bases: facts.special_legal_bases,
        org_units: facts.org_units,
        source_instances: facts.source_instances,
        assurances: facts.assurances,
        policy_ids: facts.policy_ids,
        decision_id: facts.decision_id.unwrap_or_default(),
        recipient_countries: facts.recipient_countries,
        corrects: facts.corrects.map(|(origin, seq)| api::RecordReference { origin: origin.to_string(), seq }),
        corrections: facts.corrections,
        min_record_count: facts.min_record_count.unwrap_or_default(),
        min_subject_count: facts.min_subject_count.unwrap_or_default(),
        child_flags: facts.child_flags,
        warnings: facts.warnings,
        recorded_since: facts.recorded_since.map(wire),
        recorded_until: facts.recorded_until.map(wire),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::date::Timestamp;

    fn asked() -> api::PlaceHoldRequest {
        let filter = api::EventFilter {
            subject: Some(api::Identity { display_name: "Ola Lis".into(), ..api::Identity::new("pupil", "p-204") }),
            ip: "2001:db8::7".into(),
            resource_types: vec!["pupil-card".into()],
            since: Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 }),
            min_subject_count: 3,
            ..api::EventFilter::default()
        };
        api::PlaceHoldRequest {
            kind: HoldKind::Standing.into(),
            filter: Some(filter),
            resource_id: "card-7".into(),
            parts: vec![api::Part::Core.into(), api::Part::Subject.into()],
            owner: "legal".into(),
            ground: "claim 17".into(),
            ..api::PlaceHoldRequest::default()
        }
    }

    fn refused(change: fn(&mut api::PlaceHoldRequest)) -> String {
        let mut request = asked();
        change(&mut request);
        let mut checker = Checker::default();
        let _ = hold(request, "anna", &mut checker);
        let violations = checker.finish(()).err().unwrap_or_default();
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_hold_is_listed_as_it_was_asked_for_without_names() {
        let mut checker = Checker::default();
        let hold = hold(asked(), "anna", &mut checker).expect("is good");
        checker.finish(()).expect("nothing is refused");
        let at = Timestamp::parse("2026-11-22T08:00:00Z").expect("a time");
        let act = HoldAct {
            id: "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f".into(),
            kind: hold.kind,
            records: 7,
            placed_at: at,
            review_on: Date::of_utc(at).plus_days(30),
            reviewed_at: None,
            released_at: None,
        };
        let mut filter = asked().filter.expect("is set");
        filter.subject.as_mut().expect("is set").display_name.clear();
        let info = hold_info(&act, Some(&hold), Date::of_utc(at));
        assert_eq!(
            (info.filter.as_ref(), info.resource_id.as_str(), info.parts),
            (Some(&filter), "card-7", asked().parts)
        );
        assert_eq!((info.owner.as_str(), info.ground.as_str(), info.by.as_str()), ("legal", "claim 17", "anna"));
        let stands = |act: &HoldAct, days| hold_info(act, Some(&hold), Date::of_utc(at).plus_days(days)).standing();
        use HoldStanding as S;
        assert_eq!([0, 16, 30, 31].map(|days| stands(&act, days)), [S::Stands, S::Due, S::Due, S::Overdue]);
        let over = HoldAct { released_at: Some(at), ..act };
        let info = hold_info(&over, Some(&hold), Date::of_utc(at));
        assert_eq!((info.standing(), info.filter, info.owner.as_str()), (S::Released, None, ""));
    }

    #[test]
    fn refusals_name_the_field() {
        assert_eq!(refused(|_| ()), "");
        for (change, says) in [
            ((|asked| asked.kind = 0) as fn(&mut api::PlaceHoldRequest), "kind: is required"),
            (|asked| asked.kind = 9, "kind: is required"),
            (|asked| (asked.filter, asked.resource_id) = (None, String::new()), "filter: selects everything"),
            (|asked| asked.owner.clear(), "owner: is required"),
            (|asked| asked.ground = "x".repeat(257), "ground: is 257 bytes"),
            (|asked| asked.parts = vec![7], "parts[0]: is not a part"),
            (|asked| asked.parts = vec![0], "parts[0]: is not a part"),
            (|asked| asked.parts = vec![i32::MIN; 6], "parts[5]: is not a part"),
            (|asked| asked.parts = vec![1; 7], "parts: has 7 entries"),
            (|asked| asked.resource_id = "x".repeat(129), "resource_id: is 129 bytes"),
            (|asked| asked.filter.as_mut().unwrap_or(&mut Default::default()).ip = "x".into(), "filter.ip"),
            (
                |asked| {
                    asked.filter.as_mut().unwrap_or(&mut Default::default()).event_names =
                        (0..50).map(|n| format!("{n:0100}")).collect();
                },
                "filter: is over the limit of 4096 bytes",
            ),
        ] {
            let said = refused(change);
            assert!(said.contains(says), "{said}, not {says}");
        }
        for text in ["", "soon", "2026-13-01", "2026-11-22T00:00:00Z"] {
            let mut checker = Checker::default();
            assert!(review_on(text, &mut checker).is_none() && checker.finish(()).is_err(), "{text}");
        }
    }
}
