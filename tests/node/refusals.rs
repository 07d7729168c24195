//! What is refused, with which words: bad events and bad questions, row by row.
#![allow(clippy::unwrap_used)]

use super::edits::{
    DAY, MARK, actor, attribute, by_seq, disclose, filter, imported, long, named, network, record, resource, source,
    time, who,
};
use super::support::{Events, Node, everything, pupil, run, seconds_from_now};
use akta::grpc::api::get_event_request::Key;
use akta::grpc::api::stream_events_response::Outcome as Answer;
use akta::grpc::api::{
    Authorization, BreakGlass, Change, Event, Export, GetEventRequest, Identity, RecordEventRequest, RecordReference,
    SearchEventsRequest, SearchOrder, StreamEventsRequest,
};
use akta::model::stored::{Action, Purpose, RetentionClass, SourceAssurance};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A bad event, and what must come of it: code, path of the field, a phrase of its description.
type BadEvent = (fn(&mut Event), Code, &'static str, &'static str);

#[rustfmt::skip]
const BAD_EVENTS: &[BadEvent] = {
    use Code::{InvalidArgument as Bad, ResourceExhausted as Large};
    &[
        // Ids and names.
        (|e| e.event_id = String::new(), Bad, "event_id", "must be a UUID as text, for example 0198c3b2"),
        (|e| e.event_id = MARK.into(), Bad, "event_id", "must be a UUID as text"),
        (|e| e.controller = String::new(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -: name the school"),
        (|e| e.controller = MARK.to_uppercase(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|e| e.controller = MARK.repeat(5), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|e| e.event_name = long(128), Bad, "event_name", "is 129 bytes, the limit is 128: shorten it"),
        (|e| e.operation_id = long(64), Bad, "operation_id", "is 65 bytes, the limit is 64: shorten it"),
        (|e| source(e).service = long(64), Bad, "source.service", "the limit is 64"),
        (|e| source(e).instance = long(64), Bad, "source.instance", "the limit is 64"),
        (|e| source(e).assurance = SourceAssurance::Otlp.into(), Bad, "source.assurance", "may only be IMPORT"),
        (|e| source(e).assurance = 4_711, Bad, "source.assurance", "may only be IMPORT"),
        (|e| e.corrects = Some(RecordReference { origin: MARK.into(), seq: 1 }),
         Bad, "corrects.origin", "authority/controller/writer"),
        // What was done, and how it ended.
        (|e| e.action = 0, Bad, "action", "is required: say what was done"),
        (|e| e.action = Action::LogQuery.into(), Bad, "action", "report your own reads as READ or SEARCH"),
        (|e| e.action = Action::LogExport.into(), Bad, "action", "are recorded by Akta itself"),
        (|e| e.action = Action::LogAdmin.into(), Bad, "action", "are recorded by Akta itself"),
        (|e| e.outcome = 0, Bad, "outcome", "is required: say how it ended; UNKNOWN if you do not know"),
        (|e| e.outcome_reason = long(256), Bad, "outcome_reason", "the limit is 256"),
        // Who acted.
        (|e| actor(e).kind = 0, Bad, "actor.kind", "is required: HUMAN, SERVICE"),
        (|e| actor(e).identity = None, Bad, "actor.identity", "is required: say who acted, or use kind ANONYMOUS"),
        (|e| who(e).namespace = String::new(), Bad, "actor.identity.namespace", "must be 1 to 63 of a-z 0-9 . _ -"),
        (|e| who(e).namespace = format!("{MARK}/"),
         Bad, "actor.identity.namespace", "must be 1 to 63 of a-z 0-9 . _ -"),
        (|e| who(e).id = String::new(), Bad, "actor.identity.id", "is required: give 1 to 128 bytes"),
        (|e| who(e).id = long(128), Bad, "actor.identity.id", "is 129 bytes, the limit is 128: shorten it"),
        (|e| who(e).id = format!("{MARK}\u{7}"), Bad, "actor.identity.id", "has control characters: remove them"),
        (|e| who(e).display_name = long(128), Bad, "actor.identity.display_name", "the limit is 128"),
        (|e| who(e).display_name = format!("{MARK}\n"), Bad, "actor.identity.display_name", "has control characters"),
        (|e| who(e).email = long(254), Bad, "actor.identity.email", "is 255 bytes, the limit is 254"),
        (|e| actor(e).on_behalf_of = Some(Identity::new("staff", long(128))),
         Bad, "actor.on_behalf_of.id", "the limit is 128"),
        (|e| actor(e).org_unit = long(64), Bad, "actor.org_unit", "the limit is 64"),
        (|e| actor(e).roles = vec![MARK.into(); 9], Bad, "actor.roles", "has 9 entries, the limit is 8"),
        (|e| actor(e).roles = vec![MARK.into(), String::new()],
         Bad, "actor.roles[1]", "is required: give 1 to 64 bytes"),
        // Whose data.
        (|e| e.subjects = (0..1_001).map(pupil).collect(),
         Bad, "subjects", "has 1001 entries, the limit is 1000: split the event"),
        (|e| e.subjects = vec![named(MARK), named(MARK)],
         Bad, "subjects[1]", "is listed twice: list each subject once"),
        (|e| e.subjects.push(named("")), Bad, "subjects[1].identity.id", "is required"),
        (|e| e.subjects[0].identity = Some(Identity::new(MARK.to_uppercase(), MARK)),
         Bad, "subjects[0].identity.namespace", "1 to 63"),
        (|e| { e.subjects = (0..3).map(pupil).collect(); e.subject_count = 2 },
         Bad, "subject_count", "is less than the 3 subjects listed"),
        (|e| e.categories.clear(), Bad, "categories", "is required for personal data: name at least one"),
        (|e| e.categories.push(0), Bad, "categories", "holds UNSPECIFIED: name the kind of data"),
        (|e| e.special_categories.push(0), Bad, "special_categories", "holds UNSPECIFIED"),
        (|e| e.categories = (1..=65).collect(), Bad, "categories", "has 65 entries, the limit is 64"),
        // Why.
        (|e| { e.action = Action::List.into(); e.purpose = 0 },
         Bad, "purpose", "is required for personal data: say why; only a READ"),
        (|e| e.purpose = Purpose::SupportTicket.into(),
         Bad, "purpose_text", "is required with SUPPORT_TICKET: give the ticket number"),
        (|e| e.purpose = Purpose::Other.into(), Bad, "purpose_text", "is required with OTHER"),
        (|e| e.purpose_text = long(64), Bad, "purpose_text", "is 65 bytes, the limit is 64"),
        (|e| e.break_glass = Some(BreakGlass::default()),
         Bad, "break_glass.reason", "is required: give 1 to 256 bytes"),
        (|e| e.break_glass = Some(BreakGlass { reason: long(256) }), Bad, "break_glass.reason", "the limit is 256"),
        (|e| e.authorization = Some(Authorization { policy_id: long(64), ..Default::default() }),
         Bad, "authorization.policy_id", "the limit is 64"),
        (|e| e.authorization = Some(Authorization { decision_id: long(64), ..Default::default() }),
         Bad, "authorization.decision_id", "the limit is 64"),
        (|e| e.retention_class = RetentionClass::Ledger.into(),
         Bad, "retention_class", "only REGISTER and ACCOUNTING can be chosen: leave it out"),
        (|e| e.retention_class = RetentionClass::LogAccess.into(),
         Bad, "retention_class", "only REGISTER and ACCOUNTING"),
        (|e| e.retention_class = 4_711, Bad, "retention_class", "only REGISTER and ACCOUNTING"),
        (|e| e.retention_class = RetentionClass::Register.into(),
         Bad, "retention_class", "REGISTER is for changes of a register"),
        (|e| e.retention_class = RetentionClass::Accounting.into(),
         Bad, "retention_class", "ACCOUNTING needs purpose BILLING"),
        // What left the house.
        (|e| { e.action = Action::Export.into(); e.subjects.clear() },
         Bad, "subjects", "must list all their subjects, at most 1000 an event"),
        (|e| { e.action = Action::Print.into(); e.subject_count = 2 }, Bad, "subjects", "must list all their subjects"),
        (|e| { disclose(e); e.disclosure = None },
         Bad, "disclosure.recipient", "is required with DISCLOSE: name who received the data"),
        (|e| { disclose(e); e.legal_basis = 0 }, Bad, "legal_basis", "is required with DISCLOSE: name the ground"),
        (|e| { disclose(e); e.disclosure.as_mut().unwrap().recipient = long(128) },
         Bad, "disclosure.recipient", "the limit is 128"),
        (|e| { disclose(e); e.disclosure.as_mut().unwrap().country = "Poland".into() },
         Bad, "disclosure.country", "ISO 3166-1 alpha-2, for example PL"),
        (|e| { disclose(e); e.disclosure.as_mut().unwrap().country = "pl".into() },
         Bad, "disclosure.country", "must be two capital letters, ISO 3166-1 alpha-2"),
        (|e| e.export = Some(Export { sha256: vec![b'z'; 33], ..Default::default() }),
         Bad, "export.sha256", "is 33 bytes: give 32, or leave it out"),
        (|e| e.change = Some(Change { hash_before: vec![b'z'; 31], ..Default::default() }),
         Bad, "change.hash_before", "is 31 bytes: give 32, or leave it out"),
        (|e| e.change = Some(Change { hash_after: vec![b'z'; 31], ..Default::default() }),
         Bad, "change.hash_after", "is 31 bytes"),
        // Which object, and what else.
        (|e| resource(e).r#type = long(64), Bad, "resource.type", "the limit is 64"),
        (|e| resource(e).id = long(128), Bad, "resource.id", "the limit is 128"),
        (|e| resource(e).fields = vec![MARK.into(); 33], Bad, "resource.fields", "has 33 entries, the limit is 32"),
        (|e| resource(e).fields = vec![long(64)], Bad, "resource.fields[0]", "is 65 bytes, the limit is 64"),
        (|e| attribute(e, &format!("x-PassWord-{MARK}"), MARK),
         Bad, "attributes", "a name contains \"password\": never report secrets"),
        (|e| attribute(e, "api_token", MARK), Bad, "attributes", "a name contains \"token\": never report secrets"),
        (|e| attribute(e, "", MARK), Bad, "attributes.key", "is required: give 1 to 64 bytes"),
        (|e| attribute(e, &long(64), MARK), Bad, "attributes.key", "is 65 bytes, the limit is 64"),
        (|e| attribute(e, "note", &long(512)), Bad, "attributes.value", "is 513 bytes, the limit is 512"),
        (|e| (0..51).for_each(|n| attribute(e, &format!("{MARK}-{n}"), MARK)),
         Bad, "attributes", "has 51 entries, the limit is 50: report fewer"),
        (|e| network(e).ip = MARK.into(),
         Bad, "network.ip", "is not an IPv4 or IPv6 address as text: mend it, or leave it out"),
        (|e| network(e).ip = "192.0.2.7:8080".into(), Bad, "network.ip", "is not an IPv4 or IPv6 address"),
        (|e| network(e).ip = "192.0.2.256".into(), Bad, "network.ip", "is not an IPv4 or IPv6 address"),
        // When.
        (|e| e.occurred_at = Some(seconds_from_now(600)),
         Bad, "occurred_at", "is more than 5 minutes ahead of Akta's clock: set the reporter's clock"),
        (|e| e.occurred_at = Some(seconds_from_now(-8 * DAY)),
         Bad, "occurred_at", "is more than 7 days ago: report such events as an import"),
        (|e| imported(e, -3 * 366 * DAY), Bad, "occurred_at", "it must not be kept"),
        (|e| e.occurred_at = Some(time(i64::MAX, 0)), Bad, "occurred_at", "between the years 1677 and 2262"),
        (|e| e.occurred_at = Some(time(i64::MIN, 0)), Bad, "occurred_at", "between the years 1677 and 2262"),
        (|e| e.occurred_at = Some(time(1_700_000_000, -1)), Bad, "occurred_at", "0 to 999,999,999 nanos"),
        (|e| e.occurred_at = Some(time(1_700_000_000, 1_000_000_000)), Bad, "occurred_at", "0 to 999,999,999 nanos"),
        // Size: no field is named, the whole is too large.
        (|e| e.outcome_reason = MARK.repeat(5_000),
         Large, "", "the limit is 65536, and 524288 with more than 100 subjects: report fewer"),
        (|e| resource(e).fields = vec![MARK.repeat(700); 9], Large, "", "the limit is 65536"),
        (|e| { e.subjects = (0..101).map(pupil).collect(); e.event_name = MARK.repeat(37_400) },
         Large, "", "the limit is 65536, and 524288"),
        // Larger than any message may be.
        (|e| attribute(e, "note", &MARK.repeat(60_000)), Large, "", "limit"),
    ]
};

#[test]
fn bad_input_is_refused_with_field_limit_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let failures = run(refuse_events(&node));
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    node.stop();
}

async fn refuse_events(node: &Node) -> Vec<String> {
    let mut client = node.client().await;
    let mut events = Events::of(1);
    let mut failures = Vec::new();
    let (sender, mut answers) = client.stream(1).await.unwrap();
    let none = [(None, Code::InvalidArgument, "event", "is required")];
    let rows = BAD_EVENTS.iter().map(|(spoil, code, field, phrase)| {
        let mut event = events.read();
        spoil(&mut event);
        (Some(event), *code, *field, *phrase)
    });
    let rows: Vec<_> = none.into_iter().chain(rows).collect();
    for (number, (event, code, field, phrase)) in rows.into_iter().enumerate() {
        let mut fail = |what: String| failures.push(format!("row {number} ({field}: {phrase}): {what}"));
        let answer = client.ingest.record_event(RecordEventRequest { event: event.clone() }).await;
        match &answer {
            Ok(answer) => fail(format!("was taken: {:?}", answer.get_ref())),
            Err(status) => judge(status, code, field, phrase).into_iter().for_each(&mut fail),
        }
        if let Err(status) = record(&mut client, events.read()).await {
            fail(format!("a good event after it: {status:?}"));
        }
        // A stream says the same and goes on. What is larger than any message ends a stream.
        if event.as_ref().is_some_and(|event| prost::Message::encoded_len(event) > 528_000) {
            continue;
        }
        let event_id = event.as_ref().map(|event| event.event_id.clone()).unwrap_or_default();
        sender.send(StreamEventsRequest { event }).await.unwrap();
        sender.send(StreamEventsRequest { event: Some(events.read()) }).await.unwrap();
        let refused = answers.message().await.unwrap().unwrap();
        let taken = answers.message().await.unwrap().unwrap();
        if !matches!(taken.outcome, Some(Answer::Receipt(_))) {
            fail(format!("a good event after it on the stream: {taken:?}"));
        }
        let Some(Answer::Refusal(refusal)) = refused.outcome else {
            fail(format!("was taken on a stream: {refused:?}"));
            continue;
        };
        let violations: Vec<_> =
            refusal.violations.iter().map(|bad| (bad.field.clone(), bad.description.clone())).collect();
        let same = answer.as_ref().err().is_some_and(|status| {
            status.code() as u32 == refusal.code
                && status.message() == refusal.message
                && listed(status) == violations
                && refused.event_id == event_id
        });
        if !same {
            fail(format!("a stream says something else: {refusal:?}"));
        }
    }
    failures
}

/// What is not as it should be about a refusal.
pub(super) fn judge(status: &Status, code: Code, field: &str, phrase: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if status.code() != code {
        wrong.push(format!("code {:?} instead of {code:?}: {}", status.code(), status.message()));
    }
    let violations = listed(status);
    if !field.is_empty() {
        let fields: Vec<&str> = violations.iter().map(|(field, _)| field.as_str()).collect();
        if fields != [field] {
            wrong.push(format!("names the fields {fields:?}"));
        }
        if !violations.iter().any(|(_, description)| description.contains(phrase)) {
            wrong.push(format!("says {violations:?}"));
        }
    }
    if !status.message().contains(phrase) {
        wrong.push(format!("the message is {:?}", status.message()));
    }
    let said = [status.message().as_bytes(), status.details()].concat().to_ascii_lowercase();
    if said.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
        wrong.push("the answer holds the value".to_owned());
    }
    wrong
}

fn listed(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    details.into_iter().map(|bad| (bad.field, bad.description)).collect()
}

#[test]
fn bad_questions_are_refused_with_field_limit_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let failures = run(refuse_questions(&node));
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    node.stop();
}

/// A bad search, and what must come of it.
type BadSearch = (fn(&mut SearchEventsRequest), Code, &'static str, &'static str);
/// A bad lookup, and what must come of it.
type BadGet = (fn(&mut GetEventRequest), Code, &'static str, &'static str);

#[rustfmt::skip]
async fn refuse_questions(node: &Node) -> Vec<String> {
    use Code::InvalidArgument as Bad;
    let searches: &[BadSearch] = &[
        (|q| q.controller = String::new(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|q| q.controller = MARK.to_uppercase(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|q| q.controller = MARK.into(),
         Code::PermissionDenied, "", "no such controller, or you may not read its trail"),
        (|q| q.purpose = 0, Bad, "purpose", "is required: say why you ask, it is recorded"),
        (|q| q.purpose = 4_711, Bad, "purpose", "is not a purpose that this version knows"),
        (|q| q.purpose = Purpose::SupportTicket.into(), Bad, "purpose_text", "is required with SUPPORT_TICKET"),
        (|q| q.purpose_text = long(64), Bad, "purpose_text", "the limit is 64"),
        (|q| q.page_size = 5_000, Bad, "page_size", "is over the limit of 1000: page through the rest"),
        (|q| q.page_token = MARK.into(), Bad, "page_token", "take next_page_token as it came"),
        (|q| q.page_token = format!("{:050x}", 1), Bad, "page_token", "take next_page_token as it came"),
        (|q| q.page_token = "ż".repeat(25), Bad, "page_token", "take next_page_token as it came"),
        (|q| q.order = 7, Bad, "order", "NEWEST_FIRST or OLDEST_FIRST"),
        (|q| filter(q).ip = MARK.into(), Bad, "filter.ip", "is not an IPv4 or IPv6 address"),
        (|q| filter(q).actions = vec![0], Bad, "filter.actions", "holds UNSPECIFIED"),
        (|q| filter(q).actions = (1..=65).collect(), Bad, "filter.actions", "has 65 entries, the limit is 64"),
        (|q| filter(q).subject = Some(Identity::new(MARK.to_uppercase(), MARK)),
         Bad, "filter.subject.namespace", "1 to 63"),
        (|q| filter(q).subject = Some(Identity::new("pupil", "")), Bad, "filter.subject.id", "is required"),
        (|q| filter(q).actor = Some(Identity::new("staff", long(128))), Bad, "filter.actor.id", "the limit is 128"),
        (|q| filter(q).since = Some(time(i64::MAX, 0)), Bad, "filter.since", "between the years 1677 and 2262"),
        (|q| filter(q).until = Some(time(0, -1)), Bad, "filter.until", "0 to 999,999,999 nanos"),
        (|q| filter(q).outcomes = vec![1, 0], Bad, "filter.outcomes", "holds UNSPECIFIED: name what you look for"),
        (|q| filter(q).outcomes = (1..=65).collect(),
         Bad, "filter.outcomes", "has 65 entries, the limit is 64: ask in several searches"),
        (|q| filter(q).purposes = vec![0], Bad, "filter.purposes", "holds UNSPECIFIED"),
        (|q| filter(q).purposes = vec![7; 65], Bad, "filter.purposes", "the limit is 64: ask in several searches"),
        (|q| filter(q).legal_bases = vec![0], Bad, "filter.legal_bases", "holds UNSPECIFIED"),
        (|q| filter(q).legal_bases = (1..=65).collect(), Bad, "filter.legal_bases", "the limit is 64"),
        (|q| filter(q).categories = vec![9, 0], Bad, "filter.categories", "or leave it out for all"),
        (|q| filter(q).categories = (1..=65).collect(), Bad, "filter.categories", "the limit is 64"),
        (|q| filter(q).special_categories = vec![0], Bad, "filter.special_categories", "holds UNSPECIFIED"),
        (|q| filter(q).special_categories = (1..=65).collect(), Bad, "filter.special_categories", "the limit is 64"),
        (|q| filter(q).actor_kinds = vec![0], Bad, "filter.actor_kinds", "holds UNSPECIFIED"),
        (|q| filter(q).actor_kinds = (1..=65).collect(), Bad, "filter.actor_kinds", "the limit is 64"),
        (|q| filter(q).channels = vec![0], Bad, "filter.channels", "holds UNSPECIFIED"),
        (|q| filter(q).channels = (1..=65).collect(), Bad, "filter.channels", "the limit is 64"),
        (|q| filter(q).retention_classes = vec![0], Bad, "filter.retention_classes", "holds UNSPECIFIED"),
        (|q| filter(q).retention_classes = (1..=65).collect(), Bad, "filter.retention_classes", "the limit is 64"),
        (|q| filter(q).resource_types = vec![MARK.into(); 65],
         Bad, "filter.resource_types", "has 65 entries, the limit is 64: ask in several searches"),
        (|q| filter(q).resource_types = vec![MARK.into(), long(64)],
         Bad, "filter.resource_types[1]", "is 65 bytes, the limit is 64: shorten it"),
        (|q| filter(q).resource_types = vec![String::new()],
         Bad, "filter.resource_types[0]", "is required: give 1 to 64 bytes"),
        (|q| filter(q).event_names = vec![MARK.into(); 65], Bad, "filter.event_names", "the limit is 64"),
        (|q| filter(q).event_names = vec![long(128)], Bad, "filter.event_names[0]", "the limit is 128: shorten it"),
        (|q| filter(q).roles = vec![MARK.into(); 65], Bad, "filter.roles", "the limit is 64: ask in several searches"),
        (|q| filter(q).roles = vec![long(64)], Bad, "filter.roles[0]", "is 65 bytes, the limit is 64"),
        (|q| filter(q).roles = vec![format!("{MARK}\n")], Bad, "filter.roles[0]", "has control characters: remove them"),
        (|q| filter(q).source_services = vec![MARK.into(); 65], Bad, "filter.source_services", "the limit is 64"),
        (|q| filter(q).source_services = vec![long(64)], Bad, "filter.source_services[0]", "the limit is 64"),
        (|q| filter(q).operation_id = long(64), Bad, "filter.operation_id", "is 65 bytes, the limit is 64: shorten it"),
        (|q| filter(q).recipient = long(128), Bad, "filter.recipient", "is 129 bytes, the limit is 128: shorten it"),
        (|q| filter(q).on_behalf_of = Some(Identity::new("staff", long(128))),
         Bad, "filter.on_behalf_of.id", "the limit is 128"),
        (|q| filter(q).on_behalf_of = Some(Identity::new("", MARK)), Bad, "filter.on_behalf_of.namespace", "1 to 63"),
        (|q| filter(q).event_id = MARK.into(), Bad, "filter.event_id", "must be a UUID as text, for example"),
        (|q| filter(q).purpose_text = long(64), Bad, "filter.purpose_text", "is 65 bytes, the limit is 64: shorten it"),
        (|q| filter(q).purpose_text = format!("{MARK}\u{1}"), Bad, "filter.purpose_text", "has control characters"),
        (|q| filter(q).special_legal_bases = vec![0], Bad, "filter.special_legal_bases", "holds UNSPECIFIED"),
        (|q| filter(q).special_legal_bases = (1..=65).collect(), Bad, "filter.special_legal_bases", "the limit is 64"),
        (|q| filter(q).org_units = vec![MARK.into(); 65], Bad, "filter.org_units", "the limit is 64: ask in several"),
        (|q| filter(q).org_units = vec![long(64)], Bad, "filter.org_units[0]", "is 65 bytes, the limit is 64"),
        (|q| filter(q).source_instances = vec![MARK.into(); 65], Bad, "filter.source_instances", "the limit is 64"),
        (|q| filter(q).source_instances = vec![long(64)], Bad, "filter.source_instances[0]", "the limit is 64: shorten"),
        (|q| filter(q).assurances = vec![0, 4], Bad, "filter.assurances", "holds UNSPECIFIED"),
        (|q| filter(q).assurances = (1..=65).collect(), Bad, "filter.assurances", "the limit is 64"),
        (|q| filter(q).policy_ids = vec![MARK.into(); 65], Bad, "filter.policy_ids", "the limit is 64: ask in several"),
        (|q| filter(q).policy_ids = vec![String::new()], Bad, "filter.policy_ids[0]", "is required: give 1 to 64 bytes"),
        (|q| filter(q).decision_id = long(64), Bad, "filter.decision_id", "is 65 bytes, the limit is 64: shorten it"),
        (|q| filter(q).recipient_countries = vec!["PL".into(); 65], Bad, "filter.recipient_countries", "the limit is 64"),
        (|q| filter(q).recipient_countries = vec!["PL".into(), MARK.into()],
         Bad, "filter.recipient_countries[1]", "must be two capital letters, ISO 3166-1 alpha-2, for example PL"),
        (|q| filter(q).recipient_countries = vec!["pl".into()],
         Bad, "filter.recipient_countries[0]", "must be two capital letters"),
        (|q| filter(q).corrects = Some(RecordReference { origin: MARK.into(), seq: 1 }),
         Bad, "filter.corrects.origin", "is not an origin: authority/controller/writer, as in the receipt"),
        (|q| filter(q).corrects = Some(RecordReference::default()), Bad, "filter.corrects.origin", "is not an origin"),
        (|q| filter(q).child_flags = vec![0], Bad, "filter.child_flags", "holds UNSPECIFIED"),
        (|q| filter(q).child_flags = (1..=65).collect(), Bad, "filter.child_flags", "the limit is 64"),
        (|q| filter(q).warnings = vec![0], Bad, "filter.warnings", "holds UNSPECIFIED: name what you look for"),
        (|q| filter(q).warnings = (1..=65).collect(), Bad, "filter.warnings", "the limit is 64"),
        (|q| filter(q).recorded_since = Some(time(0, -1)), Bad, "filter.recorded_since", "0 to 999,999,999 nanos"),
        (|q| filter(q).recorded_until = Some(time(i64::MAX, 0)),
         Bad, "filter.recorded_until", "between the years 1677 and 2262"),
    ];
    let gets: &[BadGet] = &[
        (|q| q.controller = MARK.into(),
         Code::PermissionDenied, "", "no such controller, or you may not read its trail"),
        (|q| q.controller = String::new(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|q| q.controller = MARK.to_uppercase(), Bad, "controller", "1 to 63 of a-z 0-9 . _ -"),
        (|q| q.purpose = 0, Bad, "purpose", "is required: say why you ask"),
        (|q| q.purpose = 4_711, Bad, "purpose", "is not a purpose that this version knows"),
        (|q| q.purpose = Purpose::SupportTicket.into(), Bad, "purpose_text", "is required with SUPPORT_TICKET"),
        (|q| q.purpose_text = long(64), Bad, "purpose_text", "is 65 bytes, the limit is 64"),
        (|q| q.purpose_text = format!("{MARK}\n"), Bad, "purpose_text", "has control characters: remove them"),
        (|q| q.key = Some(Key::EventId(String::new())), Bad, "event_id", "must be a UUID as text"),
        (|q| q.purpose = Purpose::Other.into(), Bad, "purpose_text", "is required with OTHER"),
        (|q| q.key = None, Bad, "key", "is required: give seq or event_id"),
        (|q| q.key = Some(Key::EventId(MARK.into())), Bad, "event_id", "must be a UUID as text"),
        (|q| q.key = Some(Key::EventId("01234567-89ab-7cde-8000-0123456789ab".into())),
         Code::NotFound, "", "there is no such event"),
        (|q| q.key = Some(Key::Seq(1_000_000)), Code::NotFound, "", "there is no such event"),
        (|q| q.key = Some(Key::Seq(u64::MAX)), Code::NotFound, "", "there is no such event"),
    ];

    let mut client = node.client().await;
    let mut events = Events::of(2);
    for _ in 0..3 {
        record(&mut client, events.read()).await.unwrap();
    }
    let mut failures = Vec::new();
    for (number, (spoil, code, field, phrase)) in searches.iter().enumerate() {
        let mut question = everything();
        spoil(&mut question);
        let wrong = match client.search(question).await {
            Ok((rows, _)) => vec![format!("{} rows", rows.len())],
            Err(status) => judge(&status, *code, field, phrase),
        };
        failures.extend(wrong.into_iter().map(|what| format!("search {number} ({field}: {phrase}): {what}")));
        record(&mut client, events.read()).await.unwrap();
    }
    for (number, (spoil, code, field, phrase)) in gets.iter().enumerate() {
        let mut question = by_seq(1);
        spoil(&mut question);
        let wrong = match client.history.get_event(question).await {
            Ok(answer) => vec![format!("{:?}", answer.get_ref())],
            Err(status) => judge(&status, *code, field, phrase),
        };
        failures.extend(wrong.into_iter().map(|what| format!("get {number} ({field}: {phrase}): {what}")));
        record(&mut client, events.read()).await.unwrap();
    }

    // A token serves its own question only, in whatever order its values are listed.
    let mut first = SearchEventsRequest { page_size: 2, ..everything() };
    filter(&mut first).actions = vec![Action::Read.into(), Action::Login.into()];
    let (_, token) = client.search(first.clone()).await.unwrap();
    assert!(!token.is_empty());
    let mut turned = SearchEventsRequest { page_token: token.clone(), page_size: 3, ..first.clone() };
    filter(&mut turned).actions.reverse();
    if let Err(status) = client.search(turned).await {
        failures.push(format!("the same question is refused its token: {status:?}"));
    }
    let others: &[fn(&mut SearchEventsRequest)] = &[
        |q| filter(q).ip = "192.0.2.1".into(),
        |q| filter(q).actions = vec![Action::Read.into()],
        |q| filter(q).break_glass = Some(false),
        |q| filter(q).children = Some(false),
        |q| filter(q).recipient = "court".into(),
        |q| filter(q).on_behalf_of = Some(Identity::new("staff", "t-1")),
        |q| filter(q).corrections = Some(false),
        |q| filter(q).min_subject_count = 1,
        |q| q.order = SearchOrder::NewestFirst.into(),
    ];
    for (number, change) in others.iter().enumerate() {
        let mut other = SearchEventsRequest { page_token: token.clone(), ..first.clone() };
        change(&mut other);
        let wrong = match client.search(other).await {
            Ok((rows, _)) => vec![format!("{} rows", rows.len())],
            Err(status) => judge(&status, Bad, "page_token", "with the same controller, filter and order"),
        };
        failures.extend(wrong.into_iter().map(|what| format!("token, change {number}: {what}")));
    }
    failures
}
