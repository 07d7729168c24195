//! The event of a line of JSON: `akta.v1.Event` as protobuf's JSON says it, and as a person would write it.

use serde_json::Value;

use super::Context;
use super::fields::{Fields, Words};
use super::strict;
use crate::grpc::api;
use crate::grpc::time::wire;
use crate::model::check::Checker;
use crate::model::date::Timestamp;
use crate::model::stored::{
    Action, ActorKind, AuthMethod, Channel, ChildFlag, DataCategory, ExportFormat, LegalBasis, Outcome, Purpose,
    RetentionClass, SourceAssurance, SpecialCategory, SpecialLegalBasis,
};

/// The words of an enum.
macro_rules! words {
    ($enum:ident, $prefix:literal, $like:literal) => {
        Words {
            prefix: $prefix,
            of: concat!(stringify!($enum), ": ", $like),
            lookup: |name| $enum::from_str_name(name).map(|value| value as i32),
        }
    };
}

const ACTION: Words = words!(Action, "ACTION_", "read, list, search, create, update, export, login, ...");
const OUTCOME: Words = words!(Outcome, "OUTCOME_", "success, partial, denied, failure, unknown");
const PURPOSE: Words = words!(Purpose, "PURPOSE_", "teaching, school-administration, support-ticket, security, ...");
const LEGAL: Words = words!(LegalBasis, "LEGAL_BASIS_", "art6-1-a to art6-1-f");
const SPECIAL_LEGAL: Words = words!(SpecialLegalBasis, "SPECIAL_LEGAL_BASIS_", "art9-2-a to art9-2-j, art10");
const CATEGORY: Words = words!(DataCategory, "DATA_CATEGORY_", "identity, contact, education-record, attendance, ...");
const SPECIAL: Words = words!(SpecialCategory, "SPECIAL_CATEGORY_", "health, religion-belief, ethnic-origin, ...");
const CHANNEL: Words = words!(Channel, "CHANNEL_", "web, mobile, api, admin-console, batch, ...");
const ACTOR_KIND: Words =
    words!(ActorKind, "ACTOR_KIND_", "human, service, system, subject, guardian, support, anonymous");
const CHILD: Words = words!(ChildFlag, "CHILD_FLAG_", "adult, under-13, under-16, under-18");
const AUTH: Words = words!(AuthMethod, "AUTH_METHOD_", "password, federated, passkey, certificate, token, one-time");
const EXPORT: Words = words!(ExportFormat, "EXPORT_FORMAT_", "csv, json, xml, pdf, spreadsheet, archive, other");
const CLASS: Words = words!(RetentionClass, "RETENTION_CLASS_", "register, accounting");
const ASSURANCE: Words = words!(SourceAssurance, "SOURCE_ASSURANCE_", "import");

/// When the event of a line happened.
pub(super) fn time(line: &[u8]) -> Option<i64> {
    let Ok(Value::Object(object)) = strict::parse(line) else { return None };
    let mut checker = Checker::default();
    Fields::new(object, &mut checker).time("occurred_at", &mut checker).map(Timestamp::nanos)
}

/// The event of a line, or all that is wrong with the line. What only the node knows to be wrong, it says itself.
pub(super) fn event(context: &Context, number: u64, line: &[u8]) -> Result<api::Event, String> {
    let Value::Object(object) = strict::parse(line)? else {
        return Err("is not a JSON object: give one event as {...} on a line".to_owned());
    };
    let mut checker = Checker::default();
    let event = Fields::whole(object, &mut checker, |fields, checker| take(context, number, fields, checker));
    checker.finish(event).map_err(|bad| {
        let listed: Vec<_> = bad.iter().map(ToString::to_string).collect();
        format!("refused: {}", listed.join("; "))
    })
}

fn take(context: &Context, number: u64, fields: &mut Fields, checker: &mut Checker) -> api::Event {
    let id = fields.text("event_id", checker);
    let controller = fields.text("controller", checker);
    if !controller.is_empty() && controller != context.controller {
        checker.refuse("controller", "is not the one of --controller: import each controller's events on their own");
    }
    if !fields.has("occurred_at") {
        checker.refuse("occurred_at", "is required in an import: the time of the import is not when it happened");
    }
    let time = fields.time("occurred_at", checker);
    let time = time.map(|time| Timestamp::from_nanos(time.nanos().saturating_add(context.shift)));
    api::Event {
        event_id: if id.is_empty() { context.event_id(number) } else { id },
        controller: context.controller.clone(),
        occurred_at: time.map(wire),
        action: fields.word("action", &ACTION, checker),
        event_name: fields.text("event_name", checker),
        outcome: fields.word("outcome", &OUTCOME, checker),
        outcome_reason: fields.text("outcome_reason", checker),
        actor: Some(actor(fields, checker)),
        subjects: subjects(fields, checker),
        subject_count: u32::try_from(fields.count("subject_count", checker)).unwrap_or_else(|_| {
            checker.refuse("subject_count", "is over the limit of 4,294,967,295");
            0
        }),
        resource: fields.object("resource", checker, |fields, checker| api::Resource {
            r#type: fields.text("type", checker),
            id: fields.text("id", checker),
            fields: fields.texts("fields", checker),
        }),
        record_count: fields.count("record_count", checker),
        categories: fields.words("categories", &CATEGORY, checker),
        special_categories: fields.words("special_categories", &SPECIAL, checker),
        purpose: fields.word("purpose", &PURPOSE, checker),
        purpose_text: fields.text("purpose_text", checker),
        legal_basis: fields.word("legal_basis", &LEGAL, checker),
        special_legal_basis: fields.word("special_legal_basis", &SPECIAL_LEGAL, checker),
        authorization: fields.object("authorization", checker, |fields, checker| api::Authorization {
            policy_id: fields.text("policy_id", checker),
            decision_id: fields.text("decision_id", checker),
        }),
        break_glass: fields.object("break_glass", checker, |fields, checker| api::BreakGlass {
            reason: fields.text("reason", checker),
        }),
        change: fields.object("change", checker, |fields, checker| api::Change {
            hash_before: fields.exact("hash_before", 32, checker),
            hash_after: fields.exact("hash_after", 32, checker),
        }),
        disclosure: fields.object("disclosure", checker, |fields, checker| api::Disclosure {
            recipient: fields.text("recipient", checker),
            country: fields.text("country", checker),
        }),
        export: fields.object("export", checker, |fields, checker| api::Export {
            format: fields.word("format", &EXPORT, checker),
            bytes: fields.count("bytes", checker),
            sha256: fields.exact("sha256", 32, checker),
        }),
        channel: fields.word("channel", &CHANNEL, checker),
        network: network(fields, checker),
        session: fields.object("session", checker, |fields, checker| api::Session {
            id: fields.bytes("id", checker),
            auth_method: fields.word("auth_method", &AUTH, checker),
            mfa: fields.flag("mfa", checker),
        }),
        attributes: attributes(fields, checker),
        source: Some(source(fields, checker)),
        operation_id: fields.text("operation_id", checker),
        corrects: fields.object("corrects", checker, |fields, checker| api::RecordReference {
            origin: fields.text("origin", checker),
            seq: fields.count("seq", checker),
        }),
        retention_class: fields.word("retention_class", &CLASS, checker),
    }
}

/// `"NAMESPACE:ID"`, or an object.
fn identity(field: &str, value: Value, checker: &mut Checker) -> Option<api::Identity> {
    match value {
        Value::String(text) => match text.split_once(':') {
            Some((namespace, id)) => Some(api::Identity::new(namespace, id)),
            None => {
                checker.refuse(field, "must be NAMESPACE:ID, for example staff:t-17, or an object");
                None
            }
        },
        Value::Object(object) => Some(checker.within(field, |checker| Fields::whole(object, checker, identity_fields))),
        _ => {
            checker.refuse(field, "must be NAMESPACE:ID, for example staff:t-17, or an object");
            None
        }
    }
}

fn identity_fields(fields: &mut Fields, checker: &mut Checker) -> api::Identity {
    api::Identity {
        namespace: fields.text("namespace", checker),
        id: fields.text("id", checker),
        display_name: fields.text("display_name", checker),
        email: fields.text("email", checker),
        pseudonym: Vec::new(),
    }
}

/// An identity that stands under `identity`, or whose fields stand right here.
fn inner_identity(fields: &mut Fields, checker: &mut Checker) -> Option<api::Identity> {
    match fields.take("identity") {
        Some(value) => identity("identity", value, checker),
        None => Some(identity_fields(fields, checker)).filter(|identity| *identity != api::Identity::default()),
    }
}

fn actor(fields: &mut Fields, checker: &mut Checker) -> api::Actor {
    let given = fields.take("actor");
    let plain = !matches!(given, Some(Value::Object(_)));
    let mut actor = match given {
        None => api::Actor::default(),
        Some(Value::Object(object)) => checker.within("actor", |checker| {
            Fields::whole(object, checker, |fields, checker| api::Actor {
                identity: inner_identity(fields, checker),
                kind: fields.word("kind", &ACTOR_KIND, checker),
                roles: fields.texts("roles", checker),
                org_unit: fields.text("org_unit", checker),
                on_behalf_of: fields.take("on_behalf_of").and_then(|who| identity("on_behalf_of", who, checker)),
            })
        }),
        Some(value) => api::Actor { identity: identity("actor", value, checker), ..api::Actor::default() },
    };
    // Beside a plain actor stands what an object holds; beside an object it is left over, and so refused.
    if plain {
        actor.kind = fields.word("actor_kind", &ACTOR_KIND, checker);
        actor.roles = fields.texts("actor_roles", checker);
        actor.org_unit = fields.text("actor_org_unit", checker);
        actor.on_behalf_of = fields.take("on_behalf_of").and_then(|who| identity("on_behalf_of", who, checker));
        if actor.kind == 0 {
            checker.refuse(
                "actor_kind",
                concat!(
                    "is required beside a plain actor: human, service, system, subject, ",
                    "guardian, support or anonymous"
                ),
            );
        }
    }
    actor
}

fn subjects(fields: &mut Fields, checker: &mut Checker) -> Vec<api::Subject> {
    let listed = fields.list("subjects").into_iter().enumerate();
    let subject = |(index, value)| {
        let field = format!("subjects[{index}]");
        match value {
            Value::Object(object) => checker.within(field, |checker| {
                Fields::whole(object, checker, |fields, checker| api::Subject {
                    child: fields.word("child", &CHILD, checker),
                    identity: inner_identity(fields, checker),
                })
            }),
            value => api::Subject { identity: identity(&field, value, checker), ..api::Subject::default() },
        }
    };
    listed.map(subject).collect()
}

fn network(fields: &mut Fields, checker: &mut Checker) -> Option<api::Network> {
    let given = fields.object("network", checker, |fields, checker| api::Network {
        ip: fields.text("ip", checker),
        forwarded_for: fields.bytes("forwarded_for", checker),
        user_agent: fields.bytes("user_agent", checker),
        trace_id: fields.exact("trace_id", 16, checker),
        request_id: fields.bytes("request_id", checker),
    });
    let ip = fields.text("ip", checker);
    let user_agent = fields.bytes("user_agent", checker);
    if ip.is_empty() && user_agent.is_empty() {
        return given;
    }
    let mut network = given.unwrap_or_default();
    if !ip.is_empty() {
        if !network.ip.is_empty() {
            checker.refuse("ip", "stands here and in network: keep one");
        }
        network.ip = ip;
    }
    if !user_agent.is_empty() {
        if !network.user_agent.is_empty() {
            checker.refuse("user_agent", "stands here and in network: keep one");
        }
        network.user_agent = user_agent;
    }
    Some(network)
}

fn attributes(fields: &mut Fields, checker: &mut Checker) -> std::collections::BTreeMap<String, String> {
    let object = match fields.take("attributes") {
        None => return Default::default(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            checker.refuse("attributes", "must be an object of texts");
            return Default::default();
        }
    };
    let mut attributes = std::collections::BTreeMap::new();
    for (name, value) in object {
        match value {
            Value::String(text) => attributes.insert(name, text),
            Value::Number(_) | Value::Bool(_) => attributes.insert(name, value.to_string()),
            Value::Null => None,
            Value::Array(_) | Value::Object(_) => {
                checker.refuse("attributes", "holds a list or an object: make it one text, or several attributes");
                None
            }
        };
    }
    attributes
}

/// A service's name, or an object; labelled as an import in any case.
fn source(fields: &mut Fields, checker: &mut Checker) -> api::Source {
    let import = SourceAssurance::Import as i32;
    let mut source = match fields.take("source") {
        None => api::Source::default(),
        Some(Value::String(service)) => api::Source { service, ..api::Source::default() },
        Some(Value::Object(object)) => checker.within("source", |checker| {
            Fields::whole(object, checker, |fields, checker| api::Source {
                service: fields.text("service", checker),
                instance: fields.text("instance", checker),
                assurance: fields.word("assurance", &ASSURANCE, checker),
            })
        }),
        Some(_) => {
            checker.refuse("source", "must be the name of a service, or an object");
            api::Source::default()
        }
    };
    if source.assurance != 0 && source.assurance != import {
        checker.refuse("source.assurance", "may only be IMPORT here: leave it out");
    }
    source.assurance = import;
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<api::Event, String> {
        let context = Context { controller: "school-12".into(), digest: [7; 32], shift: 0 };
        event(&context, 3, line.as_bytes())
    }

    const PLAIN: &str = r#"{"occurred_at": "2026-11-22T11:00:00+01:00", "actor": "staff:t-17", "actor_kind": "human",
        "action": "read", "outcome": "Success", "purpose": "support ticket", "purpose_text": "T-1",
        "subjects": ["pupil:p-204", {"namespace": "pupil", "id": "p:2", "child": "under-13"}],
        "categories": "education-record", "ip": "192.0.2.7", "user_agent": "curl/8.5", "source": "gradebook",
        "attributes": {"rows": 3, "draft": true, "view": "card"}, "record_count": 2, "retention_class": null}"#;

    const PROTO: &str = r#"{"eventId": "EVENT-ID", "controller": "school-12",
        "occurredAt": "2026-11-22T10:00:00Z", "action": "ACTION_READ", "outcome": 1, "purposeText": "T-1",
        "actor": {"identity": {"namespace": "staff", "id": "t-17"}, "kind": "ACTOR_KIND_HUMAN"},
        "purpose": "PURPOSE_SUPPORT_TICKET", "recordCount": "2", "categories": ["DATA_CATEGORY_EDUCATION_RECORD"],
        "subjects": [{"identity": {"namespace": "pupil", "id": "p-204"}},
                     {"identity": "pupil:p:2", "child": "CHILD_FLAG_UNDER_13"}],
        "network": {"ip": "192.0.2.7", "userAgent": {"base64": "Y3VybC84LjU="}},
        "attributes": {"rows": "3", "draft": "true", "view": "card"},
        "source": {"service": "gradebook", "assurance": "SOURCE_ASSURANCE_IMPORT"}}"#;

    #[test]
    fn what_a_person_writes_is_what_protobuf_says() {
        let plain = parse(PLAIN).expect("is good");
        assert_eq!(plain.event_id.len(), 36);
        let proto = parse(&PROTO.replace("EVENT-ID", &plain.event_id)).expect("is good");
        assert_eq!(plain, proto);
        assert_eq!(plain.subjects[1].identity, Some(api::Identity::new("pupil", "p:2")));
        assert_eq!(plain.source.expect("is there").assurance, SourceAssurance::Import as i32);
        assert_eq!(time(PLAIN.as_bytes()), Some(1_795_341_600_000_000_000));
    }

    #[test]
    fn every_further_field_arrives() {
        let head = r#"{"occurred_at": "2026-11-22T10:00:00Z", "actor": {"identity": "a:b", "kind": 1, "roles": ["x"],
            "orgUnit": "3b", "onBehalfOf": "c:d"}, "action": "disclose", "outcome": "unknown""#;
        let line = format!(
            r#"{head}, "event_name": "n", "outcome_reason": "r", "subject_count": 5, "resource": {{"type": "t",
            "id": "i", "fields": ["f"]}}, "special_categories": ["health"], "legal_basis": "art6_1_c",
            "special_legal_basis": "ART9-2-H", "authorization": {{"policyId": "p", "decision_id": "d"}},
            "break_glass": {{"reason": "fire"}}, "change": {{"hash_before": "{}", "hashAfter": "{}"}},
            "disclosure": {{"recipient": "kuratorium", "country": "PL"}}, "export": {{"format": "csv", "bytes": "9",
            "sha256": "{}"}}, "channel": "web", "network": {{"forwarded_for": "f", "trace_id": "{}",
            "requestId": "q"}}, "session": {{"id": "s", "auth_method": "passkey", "mfa": true}},
            "operation_id": "o", "corrects": {{"origin": "a/b/c", "seq": "7"}}, "retention_class": "register"}}"#,
            "01".repeat(32),
            "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
            "03".repeat(32),
            "04".repeat(16),
        );
        let event = parse(&line).expect("is good");
        let actor = event.actor.clone().expect("is there");
        assert_eq!((actor.roles, actor.org_unit.as_str()), (vec!["x".to_owned()], "3b"));
        assert_eq!(actor.on_behalf_of, Some(api::Identity::new("c", "d")));
        assert_eq!((event.event_name.as_str(), event.outcome_reason.as_str()), ("n", "r"));
        assert_eq!((event.channel, event.legal_basis), (Channel::Web as i32, LegalBasis::Art61C as i32));
        assert_eq!(event.special_categories, [SpecialCategory::Health as i32]);
        let change = event.change.expect("is there");
        assert_eq!((change.hash_before, change.hash_after), (vec![1; 32], vec![2; 32]));
        let export = event.export.expect("is there");
        assert_eq!((export.format, export.bytes, export.sha256), (ExportFormat::Csv as i32, 9, vec![3; 32]));
        let network = event.network.expect("is there");
        assert_eq!((network.trace_id, network.request_id), (vec![4; 16], b"q".to_vec()));
        let session = event.session.expect("is there");
        assert_eq!((session.id, session.auth_method, session.mfa), (b"s".to_vec(), AuthMethod::Passkey as i32, true));
        assert_eq!(event.corrects, Some(api::RecordReference { origin: "a/b/c".into(), seq: 7 }));
        assert_eq!(event.special_legal_basis, SpecialLegalBasis::Art92H as i32);
        assert_eq!(event.retention_class, RetentionClass::Register as i32);
        assert_eq!((event.subject_count, event.operation_id.as_str()), (5, "o"));
        assert_eq!(event.break_glass.expect("is there").reason, "fire");
        assert_eq!(event.disclosure.expect("is there").country, "PL");
        assert_eq!(event.authorization.expect("is there").policy_id, "p");
        assert_eq!(event.resource.expect("is there").fields, ["f"]);
    }

    #[test]
    fn bad_lines_name_field_and_remedy_and_never_the_value() {
        let rows = [
            (r#""action": "read""#, r#""action": "SECRET""#, "action: is not a word of akta.record.v1.Action: read"),
            (r#""action": "read""#, r#""action": ["read"]"#, "action: is not a word"),
            (r#""action": "read""#, r#""action": "read", "acton": "SECRET""#, "acton: is not a field of akta.v1.Event"),
            (r#""action": "read""#, r#""action": "read", "purposeText": """#, "purpose_text: stands twice"),
            (r#""action": "read""#, r#""action": "read", "action": "list""#, "a name stands twice"),
            (r#""id": "p:2""#, r#""id": "p:2", "name": "SECRET""#, "subjects[1].name: is not a field"),
            (r#""pupil:p-204""#, r#""SECRET""#, "subjects[0]: must be NAMESPACE:ID"),
            ("11:00:00+01:00", "11:00:00", "occurred_at: must be a time with its offset"),
            ("T11:00:00+01:00", "", "occurred_at: must be a time with its offset"),
            ("occurred_at", "attributes_", "occurred_at: is required in an import"),
            (r#""actor_kind": "human","#, "", "actor_kind: is required beside a plain actor"),
            (r#""record_count": 2"#, r#""record_count": -2"#, "record_count: must be a whole number"),
            (r#""record_count": 2"#, r#""subject_count": 4294967296"#, "subject_count: is over the limit"),
            (r#""ip": "192.0.2.7""#, r#""ip": "1.1.1.1", "network": {"ip": "1.1.1.2"}"#, "ip: stands here and in"),
            (
                r#""source": "gradebook""#,
                r#""source": {"assurance": "native"}"#,
                "source.assurance: may only be IMPORT",
            ),
            (r#""source": "gradebook""#, r#""controller": "SECRET""#, "controller: is not the one of --controller"),
            (
                r#""source": "gradebook""#,
                r#""change": {"hash_before": "SECRET"}"#,
                "change.hash_before: must be 32 bytes",
            ),
            (r#"{"rows": 3"#, r#"{"rows": [3]"#, "attributes: holds a list"),
            (r#""user_agent": "curl/8.5""#, r#""user_agent": {"base64": "SECRET!"}"#, "user_agent: must be text, or"),
            (r#""retention_class": null}"#, "", "is not JSON"),
        ];
        for (good, bad, phrase) in rows {
            assert!(PLAIN.contains(good), "{good}");
            let why = parse(&PLAIN.replacen(good, bad, 1)).expect_err(phrase);
            assert!(why.contains(phrase) && !why.contains("SECRET"), "{why}: {phrase}");
        }
        assert!(parse("[1]").expect_err("is none").contains("is not a JSON object"));
        let all = parse(r#"{"action": "x", "outcome": 1.5, "actor": 7}"#).expect_err("is bad");
        for field in ["action:", "outcome:", "actor:", "actor_kind:", "occurred_at:"] {
            assert!(all.contains(field), "{field} in {all}");
        }
    }
}
