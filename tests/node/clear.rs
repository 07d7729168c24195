//! Nothing personal lies in clear on disk, neither in the files nor in the rows nor in the log.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use akta::grpc::api::{
    Authorization, BreakGlass, Change, Disclosure, Event, EventFilter, Export, GetEventRequest, Identity, Network,
    RecordedEvent, Resource, SearchEventsRequest, Session, Source, Subject, get_event_request::Key,
};
use akta::model::stored::{Action, AuthMethod, DataCategory, ExportFormat, LegalBasis, Purpose, RetentionClass};
use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Scan, Store};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::support::{Events, Node, SCHOOL, data, everything, run, verified};

/// A value that must not be found, and what it is.
struct Planted {
    what: String,
    bytes: Vec<u8>,
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    what: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A file, relative to the scanned folder.
    File(PathBuf),
    /// A row of a family: in its key, or in its value.
    Row(Family, &'static str),
}

/// Whether a find is allowed, and why. Everything else is not.
///
/// Controllers, origins, zones and the writer's name are in clear too (families meta and notice): they are not
/// personal and so not planted.
fn allowed(found: &Found) -> bool {
    match &found.place {
        // An event id is drawn by the reporter and tells nothing about anybody. It is the key of the index by event
        // id, as 16 bytes; RocksDB names the least and greatest keys of its files in MANIFEST and LOG.
        Place::Row(Family::EventId, "key") => found.what == "event id (bytes)",
        Place::File(path) if path.starts_with("data/index") => found.what == "event id (bytes)",
        Place::File(_) | Place::Row(..) => false,
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
    assert_none("in the files as the node left them", in_files);

    // The scan itself finds what is there.
    let marker = Planted { what: "marker".into(), bytes: b"clear-marker-5c0f83de".to_vec() };
    for family in [Family::Part, Family::Row, Family::EventId] {
        assert_found(folder.path(), family, &marker);
    }
    planted.push(marker);

    for database in Database::ALL {
        // The first opening compacts; the second writes a new MANIFEST, without the bounds of files that are gone.
        for _ in 0..2 {
            let store = RocksStore::open(&data(folder.path()), database).unwrap();
            store.flush().unwrap();
            store.compact().unwrap();
        }
    }
    assert_none("in the files once compacted", scan_files(folder.path(), &planted));
    assert_none("in the rows", scan_rows(folder.path(), &planted));
    verified(folder.path());
    println!("{} values looked for", planted.len());
}

/// Puts a marker into a family in three ways, expects the scan to find each, and removes it again.
fn assert_found(folder: &Path, family: Family, marker: &Planted) {
    let home = Database::ALL.into_iter().find(|database| database.families().contains(&family)).unwrap();
    let in_key = [b"key ".as_slice(), &marker.bytes].concat();
    let mut packer = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY).unwrap();
    let packed = [b"before", packer.compress(&marker.bytes.repeat(3)).unwrap().as_slice(), b"behind"].concat();
    let rows = [
        (b"plain key".to_vec(), marker.bytes.clone(), "value"),
        (in_key, b"plain value".to_vec(), "key"),
        (b"plain key".to_vec(), packed, "value"),
    ];
    for (key, value, side) in rows {
        change(folder, home, |batch| batch.put(family, key.clone(), value));
        let found = scan_files(folder, std::slice::from_ref(marker));
        let home_folder = Path::new("data").join(home.folder());
        let in_table = |path: &Path| path.starts_with(&home_folder) && path.extension().is_some_and(|end| end == "sst");
        let tables = |found: &Found| matches!(&found.place, Place::File(path) if in_table(path));
        assert!(found.iter().any(tables), "the marker is not found in the tables of {home:?}: {found:?}");
        let there = Found { what: marker.what.clone(), place: Place::Row(family, side) };
        assert_eq!(scan_rows(folder, std::slice::from_ref(marker)), [there]);
        change(folder, home, |batch| batch.remove(family, key));
    }
}

/// Changes rows of a database past all of Akta, and compacts it.
fn change(folder: &Path, home: Database, change: impl FnOnce(&mut Batch)) {
    let store = RocksStore::open(&data(folder), home).unwrap();
    let mut batch = Batch::default();
    change(&mut batch);
    store.commit(batch).unwrap();
    store.compact().unwrap();
}

fn assert_none(place: &str, found: Vec<Found>) {
    let bad: Vec<_> = found.into_iter().filter(|found| !allowed(found)).collect();
    assert!(bad.is_empty(), "{} planted values {place}:\n{}", bad.len(), lines(&bad));
}

fn lines(found: &[Found]) -> String {
    found.iter().map(|found| format!("{found:?}")).collect::<Vec<_>>().join("\n")
}

/// Every file below `folder`, whatever it is for: databases, keyring, lock, the node's own log.
fn scan_files(folder: &Path, planted: &[Planted]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            count += 1;
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            let hits = look(&std::fs::read(entry.path()).unwrap(), planted);
            found.extend(hits.into_iter().map(|what| Found { what, place: Place::File(path.clone()) }));
        }
    }
    assert!(count > 12, "three databases are more than {count} files");
    by_chance_removed(found)
}

/// Every key and every value of every family, as RocksDB gives them back.
fn scan_rows(folder: &Path, planted: &[Planted]) -> Vec<Found> {
    let mut found = Vec::new();
    for database in Database::ALL {
        let store = RocksStore::open(&data(folder), database).unwrap();
        for family in database.families() {
            let mut rows = 0;
            for row in store.scan(Scan::all(*family)) {
                let (key, value) = row.unwrap();
                rows += 1;
                for (side, bytes) in [("key", key), ("value", value)] {
                    let hits = look(&bytes, planted).into_iter();
                    found.extend(hits.map(|what| Found { what, place: Place::Row(*family, side) }));
                }
            }
            // The tree has rows of its own from 256 records on: hashes of headers.
            assert!(
                rows > 0 || *family == Family::Tree,
                "the family {} is empty: nothing was looked at",
                family.name()
            );
        }
    }
    by_chance_removed(found)
}

/// Four bytes turn up by chance among sealed bytes once in some thousand runs. Each address of version 4 was recorded
/// alike, so if one of them lies in clear, all of them do: only then is it a find.
fn by_chance_removed(found: Vec<Found>) -> Vec<Found> {
    let short = |found: &Found| found.what.starts_with("IPv4 (bytes)");
    let mut kinds: Vec<&str> = found.iter().filter(|found| short(found)).map(|found| found.what.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let all = kinds.len() == ADDRESSES_V4.len();
    found.into_iter().filter(|found| all || !short(found)).collect()
}

/// What of the planted values stands in these bytes, as it is or packed with zstd: a frame that is packed but not
/// sealed shows little in clear, and yet anybody can read it.
fn look(bytes: &[u8], planted: &[Planted]) -> Vec<String> {
    let mut found = look_plain(bytes, planted);
    for at in 0..bytes.len().saturating_sub(4) {
        if bytes[at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let packed = look_plain(&unpack(&bytes[at..]), planted);
            found.extend(packed.into_iter().filter(|what| !found.contains(what)).collect::<Vec<_>>());
        }
    }
    found
}

/// What the zstd frame at the start of these bytes unpacks to; as much of it as there is.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::with_dictionary(bytes, DICTIONARY) {
        let _ = decoder.single_frame().take(16 << 20).read_to_end(&mut plain);
    }
    plain
}

fn look_plain(bytes: &[u8], planted: &[Planted]) -> Vec<String> {
    let mut by_start: Vec<Vec<&Planted>> = vec![Vec::new(); 1 << 16];
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    for planted in planted {
        by_start[start(&planted.bytes)].push(planted);
    }
    let mut found: Vec<String> = Vec::new();
    for at in 0..bytes.len().saturating_sub(1) {
        let rest = &bytes[at..];
        for planted in &by_start[start(rest)] {
            if rest.starts_with(&planted.bytes) && !found.contains(&planted.what) {
                found.push(planted.what.clone());
            }
        }
    }
    found
}

/// The dictionary that frames are packed with.
const DICTIONARY: &[u8] = include_bytes!("../../src/model/dictionary-1.zstd");
const ADDRESSES_V4: [&str; 3] = ["203.0.113.177", "198.51.100.231", "192.0.2.253"];
const ADDRESS_V6: &str = "2001:db8:7a3f:91c4:5e0b:d2a8:6f17:c39e";

/// Every text that is sent in a field of an event or of a question. None is part of another.
const TEXTS: &[&str] = &[
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

fn text(start: &str) -> String {
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
    gathered(&rows, ids.len())
}

/// The planted values and what Akta made of them.
fn gathered(rows: &[RecordedEvent], recorded: usize) -> Vec<Planted> {
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
    let absent: Vec<_> = TEXTS.iter().filter(|text| !arrived(text)).collect();
    assert_eq!(absent, [&"session-planted-token-e1f7", &"nobody-planted-asked-for"]);
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

/// Other forms in which bytes may be written down. A last character that depends on what follows is left out.
fn coded(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let [mut standard, mut url] = [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    if !bytes.len().is_multiple_of(3) {
        standard.pop();
        url.pop();
    }
    vec![("hex", hex.clone()), ("hex in capitals", hex.to_uppercase()), ("base64", standard), ("base64 for URLs", url)]
}

fn planted_event(events: &mut Events, address: &str, action: Action) -> Event {
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
