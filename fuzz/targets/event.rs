//! `akta.v1.Event` from the wire: taken with every limit kept, or refused by field and without a value; what is taken
//! becomes parts that read back as they were.

use akta::grpc::{api, convert};
use akta::model::character::is_harmful;
use akta::model::check::Violation;
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::event::{Event, SUBJECTS_MAX};
use akta::model::identity::{Identity, Pseudonym};
use akta::model::origin::{Controller, Origin, is_name};
use akta::model::profile::{ForeignPurposes, Profile};
use akta::model::recipient::Recipients;
use akta::model::record::{Contents, People};
use akta::model::retention::in_force::Retention;
use akta::model::rules::Rules;
use akta::model::stored::RetentionClass;
use prost::Message;

/// One message.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(message) = api::Event::decode(bytes) else { return };
    let encoded = message.encode_to_vec();
    assert_eq!(api::Event::decode(encoded.as_slice()).as_ref(), Ok(&message));
    assert!(convert::cut_bytes(&message) <= encoded.len());
    match convert::event(Some(message.clone())) {
        Ok((controller, event)) => {
            let (_, same) = convert::event(Some(message.clone())).unwrap();
            assert_eq!(same.request(), event.request(), "a retry is the same event");
            kept(&controller, &event);
            ruled(&event);
            stored(&controller, event);
        }
        Err(bad) => super::said::judge(bytes, &bad, refused),
    }
}

fn refused(bytes: &[u8]) -> Option<Vec<Violation>> {
    convert::event(Some(api::Event::decode(bytes).ok()?)).err()
}

/// Whatever kind of controller it is: what is taken is the same request, what leaves the house names everybody or comes
/// from a source of groups, and the strictest takes nothing that another refuses.
fn ruled(event: &Event) {
    let named = [("court", "PL"), ("zq", "US")].map(|(name, code)| (name.to_owned(), code.to_owned()));
    let recipients = Recipients::new(named).unwrap();
    let source = event.core.source_service.clone();
    let lax = Profile { group_only_sources: [source].into(), register_keeper: true, ..Profile::default() };
    let strict = Profile { public_body: true, foreign_purposes: ForeignPurposes::Refuse, ..Profile::default() };
    let taken = [&lax, &Profile::default(), &strict].map(|profile| {
        let ruled = Rules { profile, recipients: &recipients }.apply(event.clone());
        assert_eq!(ruled.request(), event.request());
        match ruled.refused() {
            [] => {
                assert!(ruled.core.warnings.len() <= event.core.warnings.len() + 5);
                let register = ruled.choice == RetentionClass::Register;
                assert!(profile.register_keeper || !register);
                assert_eq!(ruled.subjects, event.subjects);
                true
            }
            bad => {
                super::said::judge(b"", bad, |_| None);
                false
            }
        }
    });
    assert!(taken.is_sorted_by(|lax, strict| lax >= strict), "{taken:?}");
}

/// The limits that proto/akta/v1/event.proto states.
pub(crate) fn kept(controller: &Controller, event: &Event) {
    let text = |text: &str, max: usize| assert!(text.len() <= max && !text.chars().any(char::is_control));
    let texts = |list: &[String], most: usize| {
        assert!(list.len() <= most && list.iter().all(|text| !text.is_empty()));
        list.iter().for_each(|one| text(one, 64));
    };
    let who = |who: &Identity| {
        assert!(is_name(&who.namespace) && !who.id.is_empty() && !who.id.chars().any(is_harmful));
        [(&who.id, 128), (&who.display_name, 128), (&who.email, 254)].iter().for_each(|(one, max)| text(one, *max));
    };
    let core = &event.core;
    assert!(Controller::new(controller.as_str()).is_some() && !controller.is_node());
    assert_eq!(core.event_id.len(), 16);
    assert!(core.action != 0 && core.outcome != 0 && core.actor_kind != 0);
    [(&core.event_name, 128), (&core.purpose_text, 64), (&core.resource_type, 64), (&core.actor_org_unit, 64)]
        .into_iter()
        .chain([(&core.source_service, 64), (&core.source_instance, 64), (&core.policy_id, 64)])
        .chain([(&core.decision_id, 64), (&core.recipient, 128), (&core.operation_id, 64)])
        .for_each(|(one, max)| text(one, max));
    assert!(core.corrects_origin.is_empty() || Origin::parse(&core.corrects_origin).is_some());
    assert!(matches!(core.recipient_country.as_bytes(), [] | [b'A'..=b'Z', b'A'..=b'Z']));
    for set in [&core.categories, &core.special_categories] {
        assert!(set.len() <= 64 && set.is_sorted_by(|a, b| a < b) && !set.contains(&0));
    }
    texts(&core.actor_roles, 8);
    assert!(core.subject_count as usize >= event.subjects.len() && event.subjects.len() <= SUBJECTS_MAX);
    assert!(core.subject_count == 0 || (core.purpose != 0 && !core.categories.is_empty()));
    event.subjects.iter().map(|subject| &subject.identity).chain(&event.actor).chain(&event.on_behalf_of).for_each(who);
    if let Some(net) = &event.net {
        assert!(matches!(net.ip.len(), 0 | 4 | 16) && net.trace_id.len() <= 16 && net.request_id.len() <= 64);
        assert!(net.user_agent.len() <= 512 && net.forwarded_for.len() <= 512);
    }
    assert!(event.session.as_ref().is_none_or(|session| session.id.len() <= 4_096));
    if let Some(detail) = &event.detail {
        [(&detail.resource_id, 128), (&detail.outcome_reason, 256), (&detail.break_glass_reason, 256)]
            .into_iter()
            .for_each(|(one, max)| text(one, max));
        texts(&detail.fields, 32);
        assert_eq!(core.break_glass, !detail.break_glass_reason.is_empty());
        for hash in [&detail.export_sha256, &detail.hash_before, &detail.hash_after] {
            assert!(matches!(hash.len(), 0 | 32));
        }
        assert!(detail.attributes.len() <= 50 && detail.attributes.is_sorted_by(|a, b| a.key < b.key));
        for attribute in &detail.attributes {
            text(&attribute.key, 64);
            text(&attribute.value, 512);
            assert!(!attribute.key.is_empty() && !attribute.key.chars().any(is_harmful));
            let words = attribute.key.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
            let secret =
                |word: &String| ["password", "token", "secret", "authorization", "cookie"].contains(&word.as_str());
            assert!(!words.collect::<Vec<_>>().iter().any(secret));
        }
    }
}

/// Parts come in the order of their keys, and their committed bytes read back as what was stored.
fn stored(controller: &Controller, event: Event) {
    let pseudonym = |who: &Identity| Pseudonym::of(&[7; 32], controller, who);
    let people = People {
        actor: event.actor.as_ref().map(pseudonym),
        on_behalf_of: event.on_behalf_of.as_ref().map(pseudonym),
        subjects: event.subjects.iter().map(|subject| pseudonym(&subject.identity)).collect(),
    };
    let occurred_at = Timestamp::from_nanos(event.core.occurred_at);
    let zone = Zone::default();
    let retention = Retention::default();
    let dates = retention.dates(event.class(), occurred_at, &zone).unwrap();
    let event = event.planned(occurred_at, retention.version(), []);
    let today = Date::of_utc(occurred_at);
    let hash = event.session.as_ref().map(|_| vec![9; 16]);
    let contents = Contents::of_event(event, &people, hash, &dates, today, occurred_at);
    let parts = contents.parts();
    assert!(parts.is_sorted_by(|a, b| a.0 < b.0));
    let mut again = Contents::default();
    parts.iter().for_each(|(key, bytes)| again.add(*key, bytes).unwrap());
    assert_eq!(again, contents);
}
