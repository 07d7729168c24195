//! What is refused, with which words, and what is taken with a flag instead.
#![allow(clippy::unwrap_used)]

use akta::client::Client;
use akta::grpc::api::get_event_request::Key;
use akta::grpc::api::stream_events_response::Outcome as Answer;
use akta::grpc::api::{
    Authorization, BreakGlass, Change, Disclosure, Event, EventFilter, Export, GetEventRequest, Identity, Network,
    RecordEventRequest, RecordReference, RecordedEvent, Resource, SearchEventsRequest, Session, Source,
    StreamEventsRequest,
};
use akta::model::stored::{
    Action, DataCategory, LegalBasis, Purpose, RetentionClass, SourceAssurance, SpecialCategory, Warning,
};
use prost::bytes::{Buf, BufMut};
use prost_types::Timestamp;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::support::{Events, Node, SCHOOL, everything, pupil, run, seconds_from_now};

/// Stands in every bad field; nothing that comes back may hold it.
const MARK: &str = "zq-marker-7731";
const DAY: i64 = 24 * 3_600;

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
        (|e| network(e).user_agent = MARK.repeat(5_000).into(),
         Large, "", "the limit is 65536, and 524288 with more than 100 subjects: report fewer"),
        (|e| resource(e).fields = vec![MARK.repeat(700); 9], Large, "", "the limit is 65536"),
        (|e| { e.subjects = (0..101).map(pupil).collect(); e.event_name = MARK.repeat(37_400) },
         Large, "", "the limit is 65536, and 524288"),
        // Larger than any message may be.
        (|e| attribute(e, "note", &MARK.repeat(150_000)), Large, "", "limit"),
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
fn judge(status: &Status, code: Code, field: &str, phrase: &str) -> Vec<String> {
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
        (|q| q.page_size = 5_000, Bad, "page_size", "the limit is 1000: page through the rest"),
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
    ];
    let gets: &[BadGet] = &[
        (|q| q.controller = MARK.into(),
         Code::PermissionDenied, "", "no such controller, or you may not read its trail"),
        (|q| q.purpose = 0, Bad, "purpose", "is required: say why you ask"),
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

    // A token serves its own question only.
    let first = SearchEventsRequest { page_size: 2, ..everything() };
    let (_, token) = client.search(first).await.unwrap();
    assert!(!token.is_empty());
    let mut other = SearchEventsRequest { page_token: token, ..everything() };
    filter(&mut other).ip = "192.0.2.1".into();
    let status = client.search(other).await.unwrap_err();
    failures.extend(judge(&status, Bad, "page_token", "with the same controller, filter and order"));
    failures
}

/// Bytes that are no message: as a gRPC body of their own making.
#[test]
fn garbage_instead_of_a_message_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let endpoint = Endpoint::from_shared(format!("http://{}", node.address())).unwrap();
        let mut raw = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        let mut client = node.client().await;
        let mut events = Events::of(3);
        let not_utf8 = [b"\x0a\x12\x0a\x10".as_slice(), MARK.as_bytes(), b"\xff\xfe"].concat();
        let too_short = [b"\x0a\x7f".as_slice(), MARK.as_bytes()].concat();
        let bodies = [MARK.as_bytes().to_vec(), vec![0xff; 4_096], vec![0x0a; 100_000], not_utf8, too_short];
        for method in [
            "/akta.v1.IngestService/RecordEvent",
            "/akta.v1.HistoryService/SearchEvents",
            "/akta.v1.HistoryService/GetEvent",
        ] {
            for body in &bodies {
                raw.ready().await.unwrap();
                let path = method.parse().unwrap();
                let status = raw.unary(Request::new(body.clone()), path, Bytes).await.unwrap_err();
                // The codec answers, before Akta sees a message: INTERNAL; for a body over a question's limit
                // OUT_OF_RANGE.
                let first = &body[..body.len().min(8)];
                assert!(!matches!(status.code(), Code::Ok | Code::Unavailable), "{method} {first:02x?}: {status:?}");
                let said = [status.message().as_bytes(), status.details()].concat();
                assert!(!said.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{method}: {status:?}");
                record(&mut client, events.read()).await.unwrap();
            }
        }
        raw.ready().await.unwrap();
        let path = "/akta.v1.IngestService/ForgetEverything".parse().unwrap();
        let status = raw.unary(Request::new(Vec::new()), path, Bytes).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        let (rows, _) = client.search(everything()).await.unwrap();
        assert_eq!(rows.len(), 3 * bodies.len(), "nothing but the good events is in the trail");
    });
    node.stop();
}

/// An event that is taken, the warnings that it is taken with, and what is then readable of it.
type Flagged = (fn(&mut Event), &'static [Warning], fn(Event) -> bool);

#[rustfmt::skip]
const FLAGGED: &[Flagged] = &[
    // What end users control is cut, never refused: nobody may keep himself out of the log.
    (|e| network(e).user_agent = ascii(10_240),
     &[Warning::UserAgentCut], |mut e| network(&mut e).user_agent == ascii(512)),
    (|e| network(e).forwarded_for = ascii(10_240),
     &[Warning::ForwardedForCut], |mut e| network(&mut e).forwarded_for == ascii(512)),
    (|e| network(e).trace_id = ascii(100), &[Warning::TraceIdCut], |mut e| network(&mut e).trace_id == ascii(16)),
    (|e| network(e).request_id = ascii(1_024),
     &[Warning::RequestIdCut], |mut e| network(&mut e).request_id == ascii(64)),
    (|e| e.session = session(ascii(5_000)), &[Warning::SessionCut], |e| e.session.unwrap().id.len() == 16),
    // As long as it may be: whole, and not flagged.
    (|e| network(e).user_agent = ascii(512), &[], |mut e| network(&mut e).user_agent == ascii(512)),
    (|e| network(e).trace_id = ascii(16), &[], |mut e| network(&mut e).trace_id == ascii(16)),
    (|e| network(e).request_id = ascii(64), &[], |mut e| network(&mut e).request_id == ascii(64)),
    (|e| e.session = session(ascii(4_096)), &[], |e| e.session.unwrap().id.len() == 16),
    // No text: bytes stay what they are.
    (|e| network(e).user_agent = b"\xff\xfe\0\x1b[31m\x80".to_vec(),
     &[], |mut e| network(&mut e).user_agent == b"\xff\xfe\0\x1b[31m\x80"),
    (|e| network(e).forwarded_for = b"\r\nX: y\xc0".to_vec(),
     &[], |mut e| network(&mut e).forwarded_for == b"\r\nX: y\xc0"),
    (|e| network(e).request_id = b"\0\xff".to_vec(), &[], |mut e| network(&mut e).request_id == b"\0\xff"),
    // One address has one form.
    (|e| network(e).ip = "::ffff:192.0.2.7".into(), &[], |mut e| network(&mut e).ip == "192.0.2.7"),
    (|e| network(e).ip = "2001:DB8:0:0::7".into(), &[], |mut e| network(&mut e).ip == "2001:db8::7"),
    // Numbers of a later version are kept as they are.
    (|e| e.action = 4_711, &[Warning::UnknownValue], |e| e.action == 4_711),
    (|e| e.action = -1, &[Warning::UnknownValue], |e| e.action == -1),
    (|e| e.outcome = i32::MAX, &[Warning::UnknownValue], |e| e.outcome == i32::MAX),
    (|e| e.purpose = 4_712, &[Warning::UnknownValue], |e| e.purpose == 4_712),
    (|e| e.legal_basis = 4_713, &[Warning::UnknownValue], |e| e.legal_basis == 4_713),
    (|e| e.special_legal_basis = 4_714, &[Warning::UnknownValue], |e| e.special_legal_basis == 4_714),
    (|e| e.categories = vec![4_715, 1, 4_715], &[Warning::UnknownValue], |e| e.categories == [1, 4_715]),
    (|e| e.special_categories = vec![4_716], &[Warning::UnknownValue], |e| e.special_categories == [4_716]),
    (|e| e.channel = 4_717, &[Warning::UnknownValue], |e| e.channel == 4_717),
    (|e| actor(e).kind = 4_718, &[Warning::UnknownValue], |mut e| actor(&mut e).kind == 4_718),
    (|e| e.subjects[0].child = 4_719, &[Warning::UnknownValue], |e| e.subjects[0].child == 4_719),
    (|e| e.export = Some(Export { format: 4_720, ..Default::default() }),
     &[Warning::UnknownValue], |e| e.export.unwrap().format == 4_720),
    (|e| e.session = Some(Session { auth_method: 4_721, ..Default::default() }),
     &[Warning::UnknownValue], |e| e.session.unwrap().auth_method == 4_721),
    (|e| { e.action = 4_711; e.outcome = 4_711; e.channel = 4_711 },
     &[Warning::UnknownValue], |e| [e.action, e.outcome, e.channel] == [4_711; 3]),
    // What Akta noticed.
    (|e| e.purpose = 0, &[Warning::PurposeDefaulted], |e| e.purpose == i32::from(Purpose::SchoolAdministration)),
    (|e| e.subject_count = 30, &[Warning::SubjectsNotListed], |e| e.subject_count == 30 && e.subjects.len() == 1),
    (|e| e.occurred_at = Some(seconds_from_now(-60)), &[Warning::ClockSkew], |e| e.occurred_at.is_some()),
    (|e| e.occurred_at = Some(seconds_from_now(60)), &[Warning::ClockSkew], |e| e.occurred_at.is_some()),
    (|e| imported(e, -DAY), &[], |mut e| source(&mut e).assurance == i32::from(SourceAssurance::Import)),
    (|e| { imported(e, -10 * DAY); e.session = session(ascii(8)) }, &[Warning::PartPast], |e| e.session.is_none()),
    // Good to the last byte.
    (|e| who(e).id = "ż".repeat(64), &[], |mut e| who(&mut e).id == "ż".repeat(64)),
    (|e| { e.subjects = (0..1_000).map(pupil).collect(); e.action = Action::Export.into() },
     &[], |e| e.subjects.len() == 1_000),
    (|e| (0..50).for_each(|n| attribute(e, &format!("{n:0>64}"), &"a".repeat(512))), &[], |e| e.attributes.len() == 50),
    (|e| e.special_categories = vec![SpecialCategory::Health.into()],
     &[], |e| e.categories == [i32::from(DataCategory::EducationRecord)]),
];

#[test]
fn what_end_users_control_is_cut_and_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let failures = run(flag(&node));
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    node.stop();
}

async fn flag(node: &Node) -> Vec<String> {
    let mut client = node.client().await;
    let mut events = Events::of(4);
    let mut failures = Vec::new();
    let mut sessions = Vec::new();
    for (number, (change, warnings, readable)) in FLAGGED.iter().enumerate() {
        let mut event = events.read();
        change(&mut event);
        let wanted: Vec<i32> = warnings.iter().map(|warning| i32::from(*warning)).collect();
        let answer = match client.ingest.record_event(RecordEventRequest { event: Some(event.clone()) }).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => {
                failures.push(format!("row {number}: {status:?}"));
                continue;
            }
        };
        let row = get(&mut client, answer.receipt.unwrap().seq).await;
        if answer.warnings != wanted || row.warnings != wanted {
            failures.push(format!("row {number}: warnings {:?}, in the trail {:?}", answer.warnings, row.warnings));
        }
        let found = row.event.unwrap();
        if found.event_id != event.event_id || !readable(found.clone()) {
            failures.push(format!("row {number}: is kept as {found:?}"));
        }
        sessions.extend(found.session.map(|session| session.id).filter(|id| !id.is_empty()));
    }
    assert_eq!(sessions[0], sessions[1], "of a long session id the first 4,096 bytes are hashed");
    assert_ne!(sessions[0], ascii(16), "and only the hash is kept");
    failures
}

async fn record(client: &mut Client, event: Event) -> Result<(), Status> {
    client.record(event).await.map(drop)
}

async fn get(client: &mut Client, seq: u64) -> RecordedEvent {
    client.history.get_event(by_seq(seq)).await.unwrap().into_inner().event.unwrap()
}

fn by_seq(seq: u64) -> GetEventRequest {
    GetEventRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::Security.into(),
        key: Some(Key::Seq(seq)),
        ..GetEventRequest::default()
    }
}

/// One byte over the limit, marked.
fn long(limit: usize) -> String {
    let mut text = MARK.repeat(limit / MARK.len() + 1);
    text.truncate(limit + 1);
    text
}

fn ascii(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

fn time(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

fn actor(event: &mut Event) -> &mut akta::grpc::api::Actor {
    event.actor.as_mut().unwrap()
}

fn who(event: &mut Event) -> &mut Identity {
    actor(event).identity.as_mut().unwrap()
}

fn source(event: &mut Event) -> &mut Source {
    event.source.as_mut().unwrap()
}

fn resource(event: &mut Event) -> &mut Resource {
    event.resource.as_mut().unwrap()
}

fn network(event: &mut Event) -> &mut Network {
    event.network.as_mut().unwrap()
}

fn session(id: Vec<u8>) -> Option<Session> {
    Some(Session { id, ..Session::default() })
}

fn named(id: &str) -> akta::grpc::api::Subject {
    akta::grpc::api::Subject { identity: Some(Identity::new("pupil", id)), child: 0 }
}

fn attribute(event: &mut Event, key: &str, value: &str) {
    event.attributes.insert(key.to_owned(), value.to_owned());
}

fn disclose(event: &mut Event) {
    event.action = Action::Disclose.into();
    event.legal_basis = LegalBasis::Art61C.into();
    event.disclosure = Some(Disclosure { recipient: MARK.to_owned(), country: "PL".to_owned() });
}

fn imported(event: &mut Event, seconds: i64) {
    source(event).assurance = SourceAssurance::Import.into();
    event.occurred_at = Some(seconds_from_now(seconds));
}

fn filter(question: &mut SearchEventsRequest) -> &mut EventFilter {
    question.filter.get_or_insert_default()
}

/// Bytes as they are, instead of a message.
#[derive(Debug, Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; from.remaining()];
        from.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}
