//! What a controller and its node make of events that are good in themselves; and names that are none.
#![allow(clippy::unwrap_used)]

use super::binary::{akta, shown};
use super::edits::{actor, attribute, disclose, get, imported, resource, source, who};
use super::support::{Events, Node, SCHOOL, run};
use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome as Answer;
use akta::grpc::api::{
    Authorization, ControllerProfile, Disclosure, Event, ForeignPurposes, Identity, RecordEventRequest,
    RecordEventsRequest, SetControllerRequest, StreamEventsRequest,
};
use akta::model::stored::{Action, LegalBasis, Purpose, RetentionClass, Warning};
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What the node is told of recipients; of its controllers it knows nothing.
const CONFIG: &str = "region = \"PL\"\n\
                      [[recipient]]\nname = \"Kuratorium\"\ncountry = \"PL\"\n\
                      [[recipient]]\nname = \"Fair Inc.\"\ncountry = \"US\"\n";

fn disclosed(event: &mut Event, recipient: &str, country: &str) {
    disclose(event);
    event.disclosure = Some(Disclosure { recipient: recipient.to_owned(), country: country.to_owned() });
}

/// An event, the warnings that it is taken with, and its class.
type Ruled = (fn(&mut Event), &'static [Warning], RetentionClass);

#[rustfmt::skip]
const RULED: &[Ruled] = &[
    (|e| e.purpose = Purpose::Marketing.into(), &[Warning::PurposeForeign], RetentionClass::Access),
    (|e| e.purpose = Purpose::Analytics.into(), &[Warning::PurposeForeign], RetentionClass::Access),
    (|e| { e.action = Action::Update.into(); e.retention_class = RetentionClass::Register.into() },
     &[Warning::RegisterNotKept], RetentionClass::Access),
    (|e| disclosed(e, "Kuratorium", "PL"), &[], RetentionClass::Disclosure),
    (|e| disclosed(e, "Kuratorium", ""), &[], RetentionClass::Disclosure),
    (|e| disclosed(e, "Kuratorium", "GB"), &[Warning::OutsideEea], RetentionClass::Disclosure),
    (|e| disclosed(e, "Fair Inc.", ""), &[Warning::OutsideEea], RetentionClass::Disclosure),
    (|e| disclosed(e, "kuratorium", "NO"), &[Warning::RecipientUnknown], RetentionClass::Disclosure),
    (|e| { disclosed(e, "Somebody", "CH"); e.purpose = Purpose::Analytics.into() },
     &[Warning::PurposeForeign, Warning::RecipientUnknown, Warning::OutsideEea], RetentionClass::Disclosure),
    (|e| { imported(e, -86_400); e.purpose = Purpose::Marketing.into() },
     &[Warning::PurposeForeign], RetentionClass::Access),
];

#[test]
fn what_the_rules_say_is_told_kept_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("akta.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let node = Node::start_with(folder.path(), &["--config", config.to_str().unwrap()]);
    let failures = run(flagged(&node));
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    let found = |warning: &str| {
        let about = ["--controller", SCHOOL, "--purpose", "security", "--json", "--all", "--warning", warning];
        let output = akta().args(["search", "--server", node.address()]).args(about).output().unwrap();
        assert!(output.status.success(), "{}", shown(&output));
        let rows = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let word = warning.to_uppercase().replace('-', "_");
        assert!(rows.iter().all(|row| row["warnings"].as_array().unwrap().contains(&word.as_str().into())));
        rows.len()
    };
    // Each event went in thrice: alone, in a batch, on a stream.
    for (warning, count) in [
        ("purpose-foreign", 4),
        ("register-not-kept", 1),
        ("recipient-unknown", 2),
        ("outside-eea", 3),
        ("legal-basis-excluded", 0),
    ] {
        assert_eq!(found(warning), 3 * count, "{warning}");
    }
    node.stop();
}

async fn flagged(node: &Node) -> Vec<String> {
    let mut client = node.client().await;
    let mut events = Events::of(5);
    let mut failures = Vec::new();
    let (sender, mut answers) = client.stream(1).await.unwrap();
    for (number, (change, warnings, class)) in RULED.iter().enumerate() {
        let wanted: Vec<i32> = warnings.iter().map(|warning| i32::from(*warning)).collect();
        let mut event = || {
            let mut event = events.read();
            change(&mut event);
            event
        };
        let (alone, of_batch, of_stream) = (event(), event(), event());
        let alone = client.ingest.record_event(RecordEventRequest { event: Some(alone) }).await;
        let batch = client.ingest.record_events(RecordEventsRequest { events: vec![of_batch] }).await;
        sender.send(StreamEventsRequest { event: Some(of_stream) }).await.unwrap();
        let (alone, mut batch) = (alone.unwrap().into_inner(), batch.unwrap().into_inner().results);
        let streamed = answers.message().await.unwrap().unwrap();
        for told in [alone.warnings, batch.remove(0).warnings, streamed.warnings] {
            if told != wanted {
                failures.push(format!("row {number}: warnings {told:?}"));
            }
        }
        let row = get(&mut client, alone.receipt.unwrap().seq).await;
        if row.warnings != wanted || row.retention_class != i32::from(*class) {
            failures.push(format!("row {number}: kept as {:?}, class {}", row.warnings, row.retention_class));
        }
    }
    failures
}

/// What the controller says of itself counts for the next event; a retry is the same event, whatever is said by then.
#[test]
fn what_kind_of_controller_it_is_decides() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(decided(&node));
    node.stop();
    // What was said stands in the trail: after a start it counts as before.
    let node = Node::start(folder.path());
    run(async {
        let mut client = node.client().await;
        let mut marketing = Events::of(8).read();
        marketing.purpose = Purpose::Marketing.into();
        assert_refused(client.record(marketing).await, "purpose");
    });
    node.stop();
}

async fn decided(node: &Node) {
    let mut client = node.client().await;
    let mut events = Events::of(7);
    let mut event = |change: fn(&mut Event)| {
        let mut event = events.read();
        change(&mut event);
        event
    };
    let marketing = event(|e| e.purpose = Purpose::Marketing.into());
    let group = |e: &mut Event| {
        e.action = Action::Export.into();
        e.subjects.clear();
        e.subject_count = 30;
    };
    let interests = |e: &mut Event| e.legal_basis = LegalBasis::Art61F.into();
    let registered = |e: &mut Event| {
        e.action = Action::Update.into();
        e.retention_class = RetentionClass::Register.into();
    };
    // Before: the default.
    let first = client.record(marketing.clone()).await.unwrap();
    assert_refused(client.record(event(group)).await, "subjects");
    let (warnings, class) = taken(&mut client, event(interests)).await;
    assert_eq!((warnings, class), (vec![], RetentionClass::Access));
    let (warnings, class) = taken(&mut client, event(registered)).await;
    assert_eq!((warnings, class), (vec![Warning::RegisterNotKept], RetentionClass::Access));

    let profile = ControllerProfile {
        public_body: true,
        register_keeper: true,
        group_only_sources: vec!["register".to_owned()],
        foreign_purposes: ForeignPurposes::Refuse.into(),
    };
    let set = SetControllerRequest { controller: SCHOOL.to_owned(), profile: Some(profile) };
    client.controllers.set_controller(set).await.unwrap();

    assert_refused(client.record(event(|e| e.purpose = Purpose::Analytics.into())).await, "purpose");
    assert_eq!(
        client.record(marketing).await.unwrap(),
        first,
        "a retry gets the first receipt, and is not judged anew"
    );
    let (warnings, class) = taken(&mut client, event(group)).await;
    assert_eq!((warnings, class), (vec![Warning::SubjectsNotListed], RetentionClass::Disclosure));
    let (warnings, class) = taken(&mut client, event(interests)).await;
    assert_eq!((warnings, class), (vec![Warning::LegalBasisExcluded], RetentionClass::Access));
    let (warnings, class) = taken(&mut client, event(registered)).await;
    assert_eq!((warnings, class), (vec![], RetentionClass::Register));
    // A batch is all or nothing, and the first that is refused is named.
    let bad = |n| {
        let mut bad = Events::of(n).read();
        bad.purpose = Purpose::Marketing.into();
        bad
    };
    let batch = RecordEventsRequest { events: vec![bad(20), event(|_| {}), bad(21)] };
    let refused = client.ingest.record_events(batch).await.unwrap_err();
    let details = refused.get_error_details();
    let fields = details.bad_request().unwrap().field_violations.iter().map(|bad| bad.field.as_str());
    assert_eq!(fields.collect::<Vec<_>>(), ["events[0].purpose"]);
}

async fn taken(client: &mut Client, event: Event) -> (Vec<Warning>, RetentionClass) {
    let receipt = client.record(event).await.unwrap();
    let row = get(client, receipt.seq).await;
    (row.warnings().collect(), row.retention_class())
}

fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Status>, field: &str) {
    let status = answer.unwrap_err();
    assert_eq!(judged(&status, field, ""), None);
}

/// A field that holds a name, and its path.
type Named = (fn(&mut Event, String), &'static str);

#[rustfmt::skip]
const NAMED: &[Named] = &[
    (|e, name| who(e).id = name, "actor.identity.id"),
    (|e, name| e.subjects[0].identity.as_mut().unwrap().id = name, "subjects[0].identity.id"),
    (|e, name| actor(e).on_behalf_of = Some(Identity::new("staff", name)), "actor.on_behalf_of.id"),
    (|e, name| actor(e).roles = vec![name], "actor.roles[0]"),
    (|e, name| actor(e).org_unit = name, "actor.org_unit"),
    (|e, name| source(e).service = name, "source.service"),
    (|e, name| source(e).instance = name, "source.instance"),
    (|e, name| e.event_name = name, "event_name"),
    (|e, name| e.operation_id = name, "operation_id"),
    (|e, name| resource(e).r#type = name, "resource.type"),
    (|e, name| resource(e).fields = vec![name], "resource.fields[0]"),
    (|e, name| attribute(e, &name, "x"), "attributes.key"),
    (|e, name| e.authorization = Some(Authorization { policy_id: name, ..Default::default() }), "authorization.policy_id"),
    (|e, name| e.authorization = Some(Authorization { decision_id: name, ..Default::default() }), "authorization.decision_id"),
    (|e, name| disclosed(e, &name, "PL"), "disclosure.recipient"),
    (|e, name| e.controller = name, "controller"),
    (|e, name| who(e).namespace = name, "actor.identity.namespace"),
];

/// Names of no use but to harm.
const HARMFUL: &[&str] = &[
    "\0",
    "a\0b",
    "\n",
    "a\r\nb",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{9b}2J",
    "a\u{202e}b",
    "\u{2066}a\u{2069}",
    "a\u{200b}b",
    "\u{feff}a",
    "a\u{2028}b",
    "a\u{e0041}",
];

/// Names that could lead somebody astray who made a path of them: opaque in an id, none of a controller.
const PATHS: &[&str] = &["..", ".", "../../etc/hosts", "/etc/hosts", "C:\\x", "a/b", "%2e%2e", "~", "-rf"];

#[test]
fn names_that_do_harm_are_refused_by_their_field() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let failures = run(harm(&node));
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    node.stop();
}

async fn harm(node: &Node) -> Vec<String> {
    let mut client = node.client().await;
    let mut events = Events::of(6);
    let mut failures = Vec::new();
    let mut count = 0;
    for (change, field) in NAMED {
        let is_name = field.ends_with("controller") || field.ends_with("namespace");
        // Bad in a name: all that is no name, and of a controller what has neither letter nor digit.
        let of_names = |name: &str| match name {
            "-rf" => false,
            "." | ".." => *field == "controller",
            _ => true,
        };
        let paths = PATHS.iter().map(|name| (*name, is_name && of_names(name)));
        let long = "a".repeat(if is_name { 64 } else { 129 });
        let names = HARMFUL.iter().map(|name| (*name, true)).chain(paths).chain([(long.as_str(), true)]);
        for (name, bad) in names {
            let mut event = events.read();
            change(&mut event, name.to_owned());
            count += 1;
            let wrong = match (client.record(event.clone()).await, bad) {
                (Ok(_), false) => None,
                (Err(status), true) => judged(&status, field, name),
                (Ok(_), true) => Some("is taken".to_owned()),
                (Err(status), false) => Some(format!("is refused: {status:?}")),
            };
            failures.extend(wrong.map(|wrong| format!("{field} {name:?} {wrong}")));
        }
    }
    assert_eq!(count, NAMED.len() * (HARMFUL.len() + PATHS.len() + 1));
    failures.extend(on_streams(&mut client, &mut events).await);
    failures
}

fn judged(status: &Status, field: &str, name: &str) -> Option<String> {
    let named = status
        .get_error_details()
        .bad_request()
        .is_some_and(|bad| bad.field_violations.iter().any(|bad| bad.field == field && !bad.description.is_empty()));
    let echoed = name.len() > 2 && status.message().contains(name);
    (status.code() != Code::InvalidArgument || !named || echoed).then(|| format!("{status:?}"))
}

/// On a stream and in a batch it is the same, and a refused event ends neither.
async fn on_streams(client: &mut akta::client::Client, events: &mut Events) -> Vec<String> {
    let mut failures = Vec::new();
    let (sender, mut answers) = client.stream(1).await.unwrap();
    for name in HARMFUL {
        let mut bad = events.read();
        who(&mut bad).id = (*name).to_owned();
        let batch = RecordEventsRequest { events: vec![events.read(), bad.clone()] };
        let refused = client.ingest.record_events(batch).await.unwrap_err();
        failures.extend(judged(&refused, "events[1].actor.identity.id", name));
        sender.send(StreamEventsRequest { event: Some(bad) }).await.unwrap();
        sender.send(StreamEventsRequest { event: Some(events.read()) }).await.unwrap();
        let [first, second] = [answers.message().await.unwrap().unwrap(), answers.message().await.unwrap().unwrap()];
        match (first.outcome, second.outcome) {
            (Some(Answer::Refusal(refusal)), Some(Answer::Receipt(_))) if refusal.violations.len() == 1 => {}
            other => failures.push(format!("{name:?}: {other:?}")),
        }
    }
    failures
}
