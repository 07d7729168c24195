//! Writes seeds for fuzzing, made by Akta's own encoders, into a folder: `TARGET/seed-NAME`. For `fuzz/corpus`, after a
//! format changed.
//!
//! Everything here is made up.

mod beside;
mod texts;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use akta::grpc::api;
use akta::model::checkpoint::Checkpoint;
use akta::model::date::Date;
use akta::model::frame::Builder;
use akta::model::header::{Group, Header, Kind, Link};
use akta::model::note::Note;
use akta::model::part::{PartId, PartKey};
use akta::model::policy::Class;
use akta::model::query::Cursor;
use akta::model::run;
use akta::model::seal::Key;
use akta::model::stored::{
    Action, ActorKind, ChildFlag, DataCategory, Keyring, LegalBasis, Outcome, Purpose, SourceAssurance, ZoneKeys,
};
use akta::model::tlog_proof::TlogProof;
use akta::model::tree::{Hash, leaf_hash, node_hash};
use akta::model::vkey::Signer;
use akta::store::disk::GUARD;
use akta::store::files::{Files, MemoryFiles};
use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Store};
use akta::trail::guard::Guard;
use akta::trail::trails::Head;
use prost::Message;

type Seeds = Vec<(&'static str, Vec<u8>)>;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "seeds".to_owned()));
    let seeds: [(&str, Seeds); 28] = [
        ("arrival", beside::arrivals()),
        ("certificate", beside::certificates()),
        ("combined", texts(texts::COMBINED)),
        ("config", texts(texts::CONFIG)),
        ("controller", beside::controllers()),
        ("cursor", cursors()),
        ("event", events()),
        ("frame", frames()),
        ("guard", guards()),
        ("header", vec![("event", header(7).encode()), ("notice", notice().encode())]),
        ("jsonl", texts(texts::JSONL)),
        ("kek", beside::keks()),
        ("keyring", keyrings()),
        ("meta", beside::metas()),
        ("names", texts(texts::NAMES)),
        ("note", notes()),
        ("notice", beside::notices()),
        ("part", beside::parts()),
        ("policy", texts(texts::POLICY)),
        ("posting", beside::postings()),
        ("proof", proofs()),
        ("question", questions()),
        ("run", runs()),
        ("shown", beside::shown()),
        ("tlog_proof", vec![("proof", tlog_proof(Vec::new()).into()), ("extra", tlog_proof(vec![1, 2, 3]).into())]),
        ("token", tokens()),
        ("vkey", texts(&[("log", texts::VKEY), ("witness", texts::WITNESS), ("name", "akta.dev/school-12/w0")])),
        ("wal", logs(&folder)?),
    ];
    for (target, inputs) in seeds {
        std::fs::create_dir_all(folder.join(target))?;
        for (name, bytes) in inputs {
            std::fs::write(folder.join(target).join(format!("seed-{name}")), bytes)?;
        }
    }
    Ok(())
}

fn texts(texts: &[(&'static str, &str)]) -> Seeds {
    texts.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect()
}

fn cursors() -> Seeds {
    let token = Cursor { size: 1_000, next: 7, question: [0xcd; 8] }.encode();
    let spelled = token.replacen("07", "+7", 1);
    vec![("token", token.to_uppercase().into()), ("plus", spelled.into()), ("good", token.into())]
}

fn who(namespace: &str, id: &str) -> Option<api::Identity> {
    Some(api::Identity::new(namespace, id))
}

fn read() -> api::Event {
    api::Event {
        event_id: "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f".to_owned(),
        controller: "school-12".to_owned(),
        action: Action::Read.into(),
        outcome: Outcome::Success.into(),
        actor: Some(api::Actor { identity: who("staff", "t-17"), kind: ActorKind::Human.into(), ..Default::default() }),
        subjects: vec![api::Subject { identity: who("pupil", "p-204"), child: ChildFlag::Under16.into() }],
        categories: vec![DataCategory::EducationRecord.into()],
        purpose: Purpose::Teaching.into(),
        ..Default::default()
    }
}

/// An event with every field.
fn whole() -> api::Event {
    let mut event = read();
    event.occurred_at = Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 5 });
    event.action = Action::Disclose.into();
    event.event_name = "marks.disclose".to_owned();
    event.outcome_reason = "asked by a court".to_owned();
    if let Some(actor) = &mut event.actor {
        actor.on_behalf_of = who("guardian", "g-1@example.org");
        actor.roles = vec!["teacher".to_owned()];
        actor.org_unit = "3b".to_owned();
    }
    event.subject_count = 1;
    let resource = api::Resource { r#type: "mark-sheet".into(), id: "m-1".into(), fields: vec!["mark".into()] };
    event.resource = Some(resource);
    event.record_count = 2;
    event.special_categories = vec![1, 2];
    event.purpose_text = "T-1".to_owned();
    event.legal_basis = LegalBasis::Art61C.into();
    event.special_legal_basis = 3;
    event.authorization = Some(api::Authorization { policy_id: "p".to_owned(), decision_id: "d".to_owned() });
    event.break_glass = Some(api::BreakGlass { reason: "fire".to_owned() });
    event.change = Some(api::Change { hash_before: vec![1; 32], hash_after: vec![2; 32] });
    event.disclosure = Some(api::Disclosure { recipient: "court".to_owned(), country: "PL".to_owned() });
    event.export = Some(api::Export { format: 1, bytes: 9, sha256: vec![3; 32] });
    event.channel = 1;
    event.network = Some(api::Network {
        ip: "2001:db8::7".to_owned(),
        forwarded_for: b"198.51.100.1".to_vec(),
        user_agent: b"curl/8.5".to_vec(),
        trace_id: vec![4; 17],
        request_id: vec![5; 65],
    });
    event.session = Some(api::Session { id: b"s-1".to_vec(), auth_method: 3, mfa: true });
    event.attributes.insert("class".to_owned(), "3b".to_owned());
    let (service, instance) = ("register".to_owned(), "r-1".to_owned());
    event.source = Some(api::Source { service, instance, assurance: SourceAssurance::Import.into() });
    event.operation_id = "o-1".to_owned();
    event.corrects = Some(api::RecordReference { origin: "akta.dev/school-12/w0".to_owned(), seq: 7 });
    event
}

fn events() -> Seeds {
    let bad = api::Event {
        event_id: "zq-marker-7731".to_owned(),
        controller: "Zq-marker-7731".to_owned(),
        action: 4_711,
        event_name: "zq-marker-7731".repeat(10),
        subjects: vec![api::Subject::default(); 2],
        network: Some(api::Network { ip: "zq-marker-7731".to_owned(), ..Default::default() }),
        attributes: [("password".to_owned(), "zq-marker-7731".to_owned())].into(),
        retention_class: 7,
        ..Default::default()
    };
    [("read", read()), ("whole", whole()), ("bad", bad)].map(|(name, event)| (name, event.encode_to_vec())).into()
}

fn questions() -> Seeds {
    let filter = api::EventFilter {
        subject: who("pupil", "p-204"),
        actor: who("staff", "t-17"),
        since: Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 5 }),
        actions: vec![3, 1, 1],
        event_names: vec!["marks.show".to_owned(), "marks.edit".to_owned()],
        break_glass: Some(true),
        ip: "192.0.2.7".to_owned(),
        roles: vec!["teacher".to_owned()],
        recipient_countries: vec!["PL".to_owned()],
        corrects: Some(api::RecordReference { origin: "akta.dev/school-12/w0".to_owned(), seq: 7 }),
        ..Default::default()
    };
    let search = api::SearchEventsRequest {
        controller: "school-12".to_owned(),
        purpose: Purpose::Security.into(),
        filter: Some(filter),
        page_size: 7,
        with_openings: true,
        ..Default::default()
    };
    let mut bad = search.clone();
    bad.controller = "zq-marker-7731/".to_owned();
    bad.purpose = 4_711;
    bad.order = 9;
    bad.with_notices = true;
    bad.page_size = 5_000;
    if let Some(filter) = &mut bad.filter {
        filter.ip = "zq-marker-7731".to_owned();
        filter.actions = vec![0; 65];
        filter.event_id = "zq-marker-7731".to_owned();
    }
    let whole = api::SearchEventsRequest { filter: None, with_notices: true, ..search.clone() };
    let key = Some(api::get_event_request::Key::EventId("0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f".to_owned()));
    let (controller, purpose) = (search.controller.clone(), search.purpose);
    let get = api::GetEventRequest { controller, purpose, key, ..Default::default() };
    let notices = api::ListNoticesRequest { controller: "node".to_owned(), page_size: 7, ..Default::default() };
    let checkpoint = api::GetCheckpointRequest { controller: "node".to_owned(), at_least: 7, origin: String::new() };
    vec![
        ("search", tagged(0, search.encode_to_vec())),
        ("whole", tagged(0, whole.encode_to_vec())),
        ("bad", tagged(0, bad.encode_to_vec())),
        ("get", tagged(1, get.encode_to_vec())),
        ("notices", tagged(2, notices.encode_to_vec())),
        ("checkpoint", tagged(3, checkpoint.encode_to_vec())),
    ]
}

fn tagged(kind: u8, bytes: Vec<u8>) -> Vec<u8> {
    [&[kind], bytes.as_slice()].concat()
}

fn header(seq: u64) -> Header {
    let group = |days: u32, bitmap| Group { date: Date::from_days(20_000 + days), bitmap, commitment: [bitmap; 32] };
    Header {
        kind: Kind::Event,
        class: Class::from_number(1).expect("a class"),
        seq,
        day: Date::from_days(20_000),
        previous: Link([9; 32]),
        groups: vec![group(90, 8), group(365, 0x30), group(730, 7)],
    }
}

fn notice() -> Header {
    let group = Group { date: Date::NEVER, bitmap: 1, commitment: [1; 32] };
    Header { kind: Kind::Notice, groups: vec![group], ..header(0) }
}

fn runs() -> Seeds {
    let mut headers = vec![notice()];
    for seq in 1..5 {
        headers.push(Header { previous: headers[headers.len() - 1].link(), ..header(seq) });
    }
    let row = |headers: &[Header]| [&headers[0].seq.to_be_bytes()[..], &run::encode(headers)].concat();
    vec![("one", row(&[header(7)])), ("five", row(&headers))]
}

fn frames() -> Seeds {
    let frame = || {
        let mut frame = Builder::new(40, [7; 32]);
        for seq in 40..43 {
            frame.add(seq, PartKey::first(PartId::Core), vec![seq as u8; 9]);
            frame.add(seq, PartKey { id: PartId::Subject, index: 1 }, b"subject".to_vec());
        }
        frame
    };
    let (count, plain) = frame().pack();
    let place = |kind: u8, bytes: &[u8]| [&[kind][..], &40u64.to_be_bytes(), &count.to_be_bytes(), bytes].concat();
    let row = frame().seal(&Key::new([6; 32]), [8; 12], &Link([4; 32]), Date::from_days(20_900));
    // A frame of zstd: magic, one segment of a byte's size, one raw block.
    let block = u32::try_from(plain.len() << 3 | 1).expect("is small").to_le_bytes();
    let size = u8::try_from(plain.len()).expect("is small");
    let packed = [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, size][..], &block[..3], &plain].concat();
    vec![("row", place(0, &row)), ("packed", place(1, &packed)), ("plain", place(2, &plain))]
}

fn keyrings() -> Seeds {
    let mut keyring = Keyring {
        zones: vec![ZoneKeys {
            zone: "Europe/Warsaw".to_owned(),
            first_date: 20_000,
            keys: vec![5; 96],
            destroyed_through: 0,
        }],
        controller_keys: vec![1; 64],
        bucket_keys: vec![2; 64],
        lasting_key: vec![3; 32],
        signing_seed: vec![4; 32],
        ..Keyring::default()
    };
    keyring.zones[0].keys[32..64].fill(0);
    let plain = [&[1][..], &7u64.to_be_bytes(), &keyring.encode_to_vec()].concat();
    let clear = [b"\0aktakeys\x01\x00\0\0\0\0\0\0\0\x07\0\0\0\x40", &[7; 64][..]].concat();
    vec![("plain", plain), ("file", clear)]
}

fn guards() -> Seeds {
    let files = MemoryFiles::new();
    let head = |size, byte| Head { size, root: Hash([byte; 32]) };
    let lines = Guard::create(Arc::new(files.clone())).and_then(|guard| {
        guard.append([("akta.dev/school-12/w0", head(7, 1)), ("akta.dev/node/w0", head(3, 2))])?;
        guard.append([("akta.dev/school-12/w0", head(9, 3))])?;
        files.read(GUARD)
    });
    let lines = lines.ok().flatten().expect("memory keeps files").split_off(13);
    vec![("torn", lines[..lines.len() - 1].to_vec()), ("lines", lines)]
}

fn signer() -> Signer {
    Signer::from_seed("akta.dev/school-12/w0", &[1; 32]).expect("a name")
}

fn signed(size: u64, root: Hash) -> String {
    let checkpoint = Checkpoint { origin: "akta.dev/school-12/w0".to_owned(), size, root };
    checkpoint.sign(&signer()).expect("the origin is its name")
}

fn notes() -> Seeds {
    let text = "akta.dev/school-12/w0\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    let note = signed(7, Hash([2; 32]));
    let other = Signer::from_seed("elsewhere", &[2; 32]).expect("a name");
    let text_of = Note::parse(note.as_bytes()).expect("own note");
    let second = Note::sign(text_of.text(), &other).expect("a text").to_string();
    let blank = Note::sign("a\n\nb\n", &signer()).expect("a text").to_string();
    vec![("text", text.into()), ("checkpoint", note.into()), ("blank", blank.into()), ("other", second.into())]
}

fn tlog_proof(extra: Vec<u8>) -> String {
    let (leaf, left, right) = (Hash([3; 32]), leaf_hash(b"a"), leaf_hash(b"b"));
    let root = node_hash(&node_hash(&left, &leaf), &right);
    let checkpoint = Note::parse(signed(3, root).as_bytes()).expect("own note");
    TlogProof { extra, index: 1, hashes: vec![left, right], checkpoint }.to_string()
}

/// A key set, a header with claims to be signed, claims alone, and a token with a signature of nobody.
fn tokens() -> Seeds {
    let claims = r#"{"iss":"https://login.example","aud":["akta"],"sub":"anna","exp":1800000600,"nbf":1799999999,"groups":["dpo-school-1"]}"#;
    let bound = r#"{"iss":"https://login.example","aud":"akta","sub":"job","exp":1.8e9,"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}"#;
    let keys = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"e","use":"sig","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","kid":"r","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl","e":"AQAB","key_ops":["verify"]},{"kty":"oct","k":"AyM1"}]}"#;
    let header = r#"{"alg":"EdDSA","kid":"k","typ":"JWT"}"#;
    let token = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.AAAA";
    let signed = [header.as_bytes(), &[0], claims.as_bytes()].concat();
    vec![
        ("nobody", tagged(0, token.into())),
        ("keys", tagged(1, keys.into())),
        ("signed", tagged(2, signed)),
        ("claims", tagged(2, claims.into())),
        ("bound", tagged(2, bound.into())),
    ]
}

fn proofs() -> Seeds {
    let proof = |a: u64, b: u64, hashes: u8| {
        let hashes = (0..=hashes).flat_map(|n| leaf_hash(&[n]).0);
        [&a.to_be_bytes()[..], &b.to_be_bytes()].concat().into_iter().chain(hashes).collect::<Vec<u8>>()
    };
    vec![
        ("inclusion", proof(1, 5, 3)),
        ("far", proof(u64::MAX - 1, u64::MAX, 64)),
        ("consistency", proof(3, 7, 4)),
        ("power", proof(4, 7, 1)),
        ("same", proof(6, 6, 0)),
    ]
}

/// Logs of a real RocksDB, and sizes of batches to write one of.
fn logs(folder: &Path) -> std::io::Result<Seeds> {
    let data = folder.join("rocksdb");
    std::fs::create_dir_all(&data)?;
    let store = RocksStore::open(&data, Database::Db).map_err(std::io::Error::other)?;
    for size in [20, 300, 9] {
        let mut batch = Batch::default();
        batch.put(Family::Meta, "key", vec![size as u8; size]);
        store.commit(batch).map_err(std::io::Error::other)?;
    }
    let mut real = Vec::new();
    for entry in std::fs::read_dir(data.join("db"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            real = [real, std::fs::read(path)?].concat();
        }
    }
    drop(store);
    std::fs::remove_dir_all(&data)?;
    let two = [&[0][..], &40u16.to_be_bytes(), &real].concat();
    let one = [&[0, 0, 0][..], &real].concat();
    let written = |sizes: &[u16], rest: &[u8]| {
        let mut bytes = vec![1, sizes.len() as u8 - 1];
        sizes.iter().for_each(|size| bytes.extend([&size.to_be_bytes()[..], &[1]].concat()));
        bytes.extend(rest);
        bytes
    };
    Ok(vec![
        ("real", one),
        ("real-two", two),
        ("written", written(&[20, 32_000, 900], &[7; 20])),
        ("blocks", written(&[65_000, 1, 65_000, 20], &[9; 20])),
    ])
}
