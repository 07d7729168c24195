//! Nothing personal lies in clear on disk, neither in the files nor in the rows nor in the log.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;

use akta::grpc::api::{
    Authorization, BreakGlass, Change, Disclosure, Event, EventFilter, Export, GetEventRequest, Identity, Network,
    RecordedEvent, Resource, SearchEventsRequest, Session, Source, Subject, get_event_request::Key,
};
use akta::model::stored::{Action, AuthMethod, DataCategory, ExportFormat, LegalBasis, Purpose, RetentionClass};
use akta::store::Family;

use super::scanner::{Found, Place, Planted, assert_found, assert_none, coded, compact, scan_files, scan_rows};
use super::support::{Events, Node, SCHOOL, everything, run, verified};

/// Whether a find is allowed, and why. Everything else is not.
///
/// Controllers, origins, zones and the writer's name are in clear too (families meta and notice): they are not
/// personal and so not planted.
pub(crate) fn allowed(found: &Found) -> bool {
    match &found.place {
        // An event id is drawn by the reporter and tells nothing about anybody. It is the key of the index by event
        // id, as 16 bytes; RocksDB names the least and greatest keys of its files in MANIFEST and LOG.
        Place::Row(Family::EventId, "key") => found.what == "event id (bytes)",
        Place::File(path) if path.starts_with("data/index") => found.what == "event id (bytes)",
        Place::File(_) | Place::Row(..) | Place::Raw(..) => false,
    }
}

#[test]
fn no_personal_data_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut planted = run(plant(&node));
    node.stop();

    // As the node left it: much still in write-ahead logs.
    let in_files = scan_files(folder.path(), &planted);
    assert_none("in the files as the node left them", in_files, allowed);

    // The scan itself finds what is there.
    let marker = Planted { what: "marker".into(), bytes: b"clear-marker-5c0f83de".to_vec() };
    for family in [Family::Part, Family::Row, Family::EventId] {
        assert_found(folder.path(), family, &marker);
    }
    planted.push(marker);

    compact(folder.path());
    assert_none("in the files once compacted", scan_files(folder.path(), &planted), allowed);
    assert_none("in the rows", scan_rows(folder.path(), &planted), allowed);
    verified(folder.path());
    println!("{} values looked for", planted.len());
}

pub(crate) const ADDRESSES_V4: [&str; 3] = ["203.0.113.177", "198.51.100.231", "192.0.2.253"];
pub(crate) const ADDRESS_V6: &str = "2001:db8:7a3f:91c4:5e0b:d2a8:6f17:c39e";

/// Every text that is sent in a field of an event or of a question. None is part of another.
pub(crate) const TEXTS: &[&str] = &[
    "t-4711-planted",
    "Grażyna Brzęczyszczykiewicz",
    "grazyna.planted@szkola.example",
    "anna.idplanted@szkola.example",
    "deputy-planted-88",
    "Zastępca Plantowski",
    "p-planted-204",
    "p-planted-205",
    "Zażółć Uczeń",
    "pupil.planted@szkola.example",
    "PlantedAgent/7.31",
    "forwarded-planted-10.9.8.7",
    "session-planted-token-e1f7",
    "tracePlanted--16",
    "request-planted-5ab1",
    "resource-planted-id-93",
    "planted_field_name",
    "planted-attribute-key",
    "planted attribute value",
    "planted outcome reason",
    "planted break-glass reason",
    "TICKET-planted-1",
    "TICKET-planted-2",
    "Planted Recipient sp. z o.o.",
    "operation-planted-6d",
    "org-unit-planted",
    "role-planted-head",
    "event.name.planted",
    "service-planted",
    "instance-planted-pod",
    "policy-planted-v3",
    "decision-planted-c4",
    "resource-type-planted",
    "nobody-planted-asked-for",
    "planted-hash-before-000000000001",
    "planted-hash-after--000000000001",
    "planted-sha256--0000000000000001",
];

pub(crate) fn text(start: &str) -> String {
    let mut matching = TEXTS.iter().filter(|text| text.starts_with(start));
    let text = *matching.next().unwrap_or_else(|| panic!("{start} is not planted"));
    assert!(matching.next().is_none(), "{start} is ambiguous");
    text.to_owned()
}

/// Records events with a planted value in every field, asks for them in every way; all that must not be found.
async fn plant(node: &Node) -> Vec<Planted> {
    let mut client = node.client().await;
    let mut events = Events::of(7);
    let mut ids = Vec::new();
    for address in ADDRESSES_V4.into_iter().chain([ADDRESS_V6]) {
        for action in [Action::Read, Action::Disclose, Action::Update, Action::Erase] {
            let event = planted_event(&mut events, address, action);
            ids.push(event.event_id.clone());
            client.record(event).await.unwrap();
        }
    }

    // Questions by each planted value, so that it passes through the access log; one finds nobody.
    let nobody = text("nobody");
    let people =
        [("staff", text("t-4711")), ("staff", text("anna.")), ("pupil", text("p-planted-204")), ("pupil", nobody)];
    let mut filters = vec![EventFilter::default()];
    for (namespace, id) in people {
        let who = Some(Identity::new(namespace, id));
        filters.push(EventFilter { subject: who.clone(), ..EventFilter::default() });
        filters.push(EventFilter { actor: who, ..EventFilter::default() });
    }
    for address in ADDRESSES_V4.into_iter().chain([ADDRESS_V6]) {
        filters.push(EventFilter { ip: address.to_owned(), ..EventFilter::default() });
    }
    let mut rows = Vec::new();
    for filter in filters {
        let question = SearchEventsRequest {
            purpose: Purpose::SupportTicket.into(),
            purpose_text: text("TICKET-planted-2"),
            filter: Some(filter),
            ..everything()
        };
        rows.extend(client.search_all(question).await.unwrap());
    }
    for id in &ids {
        let question = GetEventRequest {
            controller: SCHOOL.to_owned(),
            purpose: Purpose::SupportTicket.into(),
            purpose_text: text("TICKET-planted-2"),
            key: Some(Key::EventId(id.clone())),
            ..GetEventRequest::default()
        };
        rows.extend(client.history.get_event(question).await.unwrap().into_inner().event);
    }
    // Now the access log is in the trail too: its ids and its caller must not be found either.
    rows.extend(client.search_all(everything()).await.unwrap());
    gathered(&rows, ids.len(), &["session-planted-token-e1f7", "nobody-planted-asked-for"])
}

/// The planted values and what Akta made of them.
pub(crate) fn gathered(rows: &[RecordedEvent], recorded: usize, absent: &[&str]) -> Vec<Planted> {
    let mut planted = Vec::new();
    let mut add = |what: &str, bytes: &[u8]| {
        if !planted.iter().any(|planted: &Planted| planted.bytes == bytes) {
            planted.push(Planted { what: what.to_owned(), bytes: bytes.to_vec() });
        }
    };
    for text in TEXTS {
        add(text, text.as_bytes());
        for (form, coded) in coded(text.as_bytes()) {
            add(&format!("{text} ({form})"), coded.as_bytes());
        }
    }
    for address in ADDRESSES_V4.into_iter().chain([ADDRESS_V6]) {
        add(address, address.as_bytes());
        match address.parse().unwrap() {
            IpAddr::V4(ip) => add(&format!("IPv4 (bytes) {ip}"), &ip.octets()),
            IpAddr::V6(ip) => add("IPv6 (bytes)", &ip.octets()),
        }
    }
    let mut event_ids = 0;
    let mut pseudonyms = std::collections::BTreeSet::new();
    for row in rows {
        let event = row.event.as_ref().unwrap();
        let id = uuid::Uuid::parse_str(&event.event_id).unwrap();
        event_ids += 1;
        add("event id (text)", event.event_id.as_bytes());
        add("event id (bytes)", id.as_bytes());
        for (form, coded) in coded(id.as_bytes()) {
            add(&format!("event id ({form})"), coded.as_bytes());
        }
        let actor = event.actor.iter().flat_map(|actor| [&actor.identity, &actor.on_behalf_of]);
        for who in actor.chain(event.subjects.iter().map(|subject| &subject.identity)).flatten() {
            assert_eq!(who.pseudonym.len(), 32);
            pseudonyms.insert(who.pseudonym.clone());
            add("pseudonym (bytes)", &who.pseudonym);
            for (form, coded) in coded(&who.pseudonym) {
                add(&format!("pseudonym ({form})"), coded.as_bytes());
            }
        }
        if let Some(session) = event.session.as_ref().filter(|session| !session.id.is_empty()) {
            add("session hash (bytes)", &session.id);
        }
    }
    assert!(event_ids > recorded && pseudonyms.len() >= 6, "{event_ids} rows, {} pseudonyms", pseudonyms.len());
    // Each planted text did arrive in the trail, or there would be nothing to find; a session id arrives as its
    // hash, and whom nobody knows does not arrive.
    let all = format!("{rows:?}");
    let arrived = |text: &&&str| all.contains(**text) || rows.iter().any(|row| holds(row, text.as_bytes()));
    let missing: Vec<_> = TEXTS.iter().filter(|text| !arrived(text)).copied().collect();
    assert_eq!(missing, absent);
    planted
}

/// Whether one of the fields that hold bytes is this one.
fn holds(row: &RecordedEvent, bytes: &[u8]) -> bool {
    let event = row.event.as_ref().unwrap();
    let net =
        event.network.iter().flat_map(|net| [&net.forwarded_for, &net.user_agent, &net.trace_id, &net.request_id]);
    let change = event.change.iter().flat_map(|change| [&change.hash_before, &change.hash_after]);
    net.chain(change).chain(event.export.iter().map(|export| &export.sha256)).any(|field| field == bytes)
}

pub(crate) fn planted_event(events: &mut Events, address: &str, action: Action) -> Event {
    let person = |namespace: &str, id: &str, name: &str, email: &str| Identity {
        display_name: if name.is_empty() { String::new() } else { text(name) },
        email: if email.is_empty() { String::new() } else { text(email) },
        ..Identity::new(namespace, text(id))
    };
    let mut event = events.read();
    let actor = event.actor.as_mut().unwrap();
    actor.identity = Some(match action {
        // An address as an id: kept with the contact data.
        Action::Update => person("staff", "anna.", "", ""),
        _ => person("staff", "t-4711", "Grażyna", "grazyna."),
    });
    actor.on_behalf_of = Some(person("staff", "deputy", "Zastępca", ""));
    actor.roles = vec![text("role")];
    actor.org_unit = text("org-unit");
    event.subjects = vec![
        Subject { identity: Some(person("pupil", "p-planted-204", "Zażółć", "pupil.")), child: 2 },
        Subject { identity: Some(person("pupil", "p-planted-205", "", "")), child: 3 },
    ];
    event.action = action.into();
    event.event_name = text("event.name");
    event.outcome_reason = text("planted outcome");
    event.resource = Some(Resource {
        r#type: text("resource-type"),
        id: text("resource-planted-id"),
        fields: vec![text("planted_field")],
    });
    event.categories = vec![DataCategory::NationalId.into()];
    event.purpose = Purpose::SupportTicket.into();
    event.purpose_text = text("TICKET-planted-1");
    event.legal_basis = LegalBasis::Art61C.into();
    event.authorization = Some(Authorization { policy_id: text("policy"), decision_id: text("decision") });
    event.break_glass = Some(BreakGlass { reason: text("planted break-glass") });
    let bytes = |start: &str| text(start).into_bytes();
    event.change = Some(Change { hash_before: bytes("planted-hash-before"), hash_after: bytes("planted-hash-after") });
    event.disclosure = Some(Disclosure { recipient: text("Planted Recipient"), country: "PL".into() });
    event.export = Some(Export { format: ExportFormat::Pdf.into(), bytes: 4_711, sha256: bytes("planted-sha256") });
    event.network = Some(Network {
        ip: address.to_owned(),
        forwarded_for: text("forwarded").into_bytes(),
        user_agent: text("PlantedAgent").into_bytes(),
        trace_id: text("tracePlanted").into_bytes(),
        request_id: text("request-planted").into_bytes(),
    });
    event.session =
        Some(Session { id: text("session").into_bytes(), auth_method: AuthMethod::Password.into(), mfa: true });
    event.attributes = [(text("planted-attribute-key"), text("planted attribute value"))].into();
    event.source = Some(Source { service: text("service"), instance: text("instance"), assurance: 0 });
    event.operation_id = text("operation");
    if action == Action::Update {
        event.retention_class = RetentionClass::Register.into();
    }
    event
}
