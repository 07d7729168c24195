//! What is taken with a flag: end users' values are cut, unknown numbers kept.
#![allow(clippy::unwrap_used)]

use super::edits::{DAY, actor, ascii, attribute, get, imported, network, session, source, who};
use super::support::{Events, Node, pupil, run, seconds_from_now};
use akta::grpc::api::{Event, Export, RecordEventRequest, Session};
use akta::model::stored::{Action, DataCategory, Purpose, SourceAssurance, SpecialCategory, Warning};

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
    // Cut before it is weighed: a monstrous agent keeps nobody out of the log.
    (|e| network(e).user_agent = ascii(200_000),
     &[Warning::UserAgentCut], |mut e| network(&mut e).user_agent == ascii(512)),
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
