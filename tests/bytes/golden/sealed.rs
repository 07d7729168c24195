//! Golden bytes of what is keyed and sealed: derived keys, frames, terms, postings, request hashes, storage keys.
#![allow(clippy::unwrap_used)]

use akta::grpc::{api, convert};
use akta::model::date::Date;
use akta::model::frame::{self, Builder};
use akta::model::header::Link;
use akta::model::identity::{Domain, Identity, Pseudonym, identity_bytes};
use akta::model::origin::Controller;
use akta::model::part::{PartId, PartKey};
use akta::model::seal::{Key, LastingKeys, Use, date_key};
use akta::model::term::Term;
use akta::store::keys;
use akta::trail::indexer::{decode_seqs, encode_seqs};

use super::records::origin;
use super::sheet::Sheet;

const DATE: Date = Date::from_days(21_510);

fn keys() -> [Key; 2] {
    [1, 2].map(|byte| Key::new([byte; 32]))
}

fn o() -> Link {
    Link::of_origin(&origin())
}

fn seal_key() -> Key {
    let [controller, date] = keys();
    date_key(Use::Seal, &controller, &date, &o())
}

fn pseudonym() -> Pseudonym {
    let school = Controller::new("school-12").unwrap();
    Pseudonym::of(&[3; 32], &school, &Identity::new("pupil", "p-204"))
}

#[test]
fn keys_are_golden() {
    let [controller, date] = keys();
    let mut sheet = Sheet::new("keys");
    sheet.about("Controller key 32 x 01, date key 32 x 02, the trail akta.dev/school-12/w0a1b2c3d.");
    sheet.bytes("akta v1 seal key", seal_key().bytes());
    sheet.bytes("akta v1 index key", date_key(Use::Index, &controller, &date, &o()).bytes());
    sheet.about("The session id \"abc\": the controller's key for it, and what stands in SessionPart.");
    sheet.bytes("akta v1 session key", Key::derive("akta v1 session key", &[controller.bytes()]).bytes());
    sheet.bytes("session hash", LastingKeys::of(&controller).session_hash(b"abc"));
    sheet.about("The same controller's key for digests of requests (store.txt shows that Akta uses it).");
    sheet.bytes("akta v1 request key", Key::derive("akta v1 request key", &[controller.bytes()]).bytes());
    sheet.about("Lasting key 32 x 04, bucket key 32 x 05 (store.txt shows that Akta uses them).");
    sheet.bytes("akta v1 vault bucket", Key::derive("akta v1 vault bucket", &[&[4; 32]]).bytes());
    sheet.bytes("akta v1 vault row", Key::derive("akta v1 vault row", &[&[5; 32]]).bytes());
    sheet.bytes("akta v1 vault key", Key::derive("akta v1 vault key", &[&[5; 32], controller.bytes()]).bytes());
    sheet.bytes("akta v1 vault pseudonym", Key::derive("akta v1 vault pseudonym", &[&[4; 32]]).bytes());
    sheet.about("Of format 3: the key of a hold 32 x 06, in the same trail.");
    let hold = Key::derive("akta v1 hold key", &[&[6; 32], controller.bytes(), &o().0]);
    sheet.bytes("akta v1 hold key", hold.bytes());
    sheet.bytes("akta v1 dev kek", Key::derive("akta v1 dev kek", &[]).bytes());
    sheet.about("An identity (controller school-12, namespace pupil, id p-204), its pseudonym under the salt 32 x 03.");
    let school = Controller::new("school-12").unwrap();
    sheet.bytes("identity", identity_bytes(&school, "pupil", "p-204"));
    sheet.bytes("akta v1 pseudonym", pseudonym().0);
    sheet.about("Numbers of the domains.");
    sheet.bytes("domains", Domain::ALL.map(|domain| domain as u8));
    sheet.check();
}

/// A frame over two records from `first` on, under a seed.
fn built(first: u64, seed: u8) -> Builder {
    let mut frame = Builder::new(first, [seed; 32]);
    frame.add(first, PartKey::first(PartId::Core), b"core of the first".to_vec());
    frame.add(first, PartKey { id: PartId::Subject, index: 1 }, Vec::new());
    frame.add(first + 300, PartKey::first(PartId::Detail), b"detail of the last".to_vec());
    frame
}

/// Two frames become one.
fn merged() -> Builder {
    let mut frame = built(1, 7);
    frame.join(built(1_000, 8)).unwrap();
    frame
}

/// Of a merged frame some parts are erased: one source has no seed any more, the other has.
fn erased() -> Builder {
    let mut frame = merged();
    assert!(frame.erase(|seq, key| seq == 1 && key.id == PartId::Subject).unwrap());
    frame
}

/// What a stored value opens to, with what stands in clear before it.
fn opened(first: u64, value: &[u8]) -> Option<Vec<u8>> {
    let (_, plain) = Builder::reopen(&seal_key(), &o(), DATE, first, value).ok()?.pack();
    // Reading gives the same parts.
    frame::open(&seal_key(), &o(), DATE, first, value).ok()?;
    Some([value.get(..6 + 12)?, &plain].concat())
}

#[test]
fn frames_are_golden() {
    let mut sheet = Sheet::new("frames");
    sheet.about("The page's example of a sealed value: \"content\" in the place of a frame, nonce 12 x 0b.");
    let place = [&[1][..], &o().0, &21_510u32.to_be_bytes(), &1u64.to_be_bytes(), &1u32.to_be_bytes(), &[1]].concat();
    let sealed = seal_key().seal([0x0b; 12], &place, b"content");
    assert_eq!(seal_key().open(&place, &sealed).as_deref().map(Vec::as_slice), Some(&b"content"[..]));
    sheet.bytes("place", &place);
    sheet.bytes("sealed", sealed);
    let makes = [("frame", (|| built(1, 7)) as fn() -> Builder), ("merged frame", merged), ("frame of erased", erased)];
    for (name, make) in makes {
        sheet.about(&format!("A {name} from record 1 on: plaintext, then the row's value, date 21510, nonce 12 x 0c."));
        let (count, plain) = make().pack();
        sheet.bytes(&format!("{name}: plain"), plain);
        let value = make().seal(&seal_key(), [0x0c; 12], &o(), DATE);
        assert_eq!(frame::count(&value), Ok(count));
        sheet.bytes(&format!("{name}: clear"), &value[..6]);
        sheet.opens(&format!("{name}: value"), value, |value| opened(1, value));
    }
    sheet.check();
}

#[test]
fn terms_and_postings_are_golden() {
    let [controller, date] = keys();
    let index_key = date_key(Use::Index, &controller, &date, &o());
    let mut sheet = Sheet::new("terms");
    sheet.about("Terms of each kind under the index key of keys.txt.");
    for (name, term) in [
        ("actor", Term::Actor(pseudonym())),
        ("subject", Term::Subject(pseudonym())),
        ("address of 4", Term::Ip(vec![192, 0, 2, 1])),
        ("address of 16", Term::Ip(vec![0x20; 16])),
        ("action READ", Term::Action(2)),
        ("action -1", Term::Action(-1)),
        ("day", Term::Day(Date::from_days(20_779))),
        ("resource", Term::ResourceType("mark-sheet".into())),
        ("on behalf of", Term::OnBehalfOf(pseudonym())),
    ] {
        sheet.bytes(&format!("kind {} {name}", term.kind()), term.keyed(index_key.bytes()));
    }
    sheet.about("Postings: number of seqs less one, differences, as LEB128. The first seq stands in the key.");
    let many: Vec<u64> = (0..130).map(|at| 7 * at).collect();
    for (name, seqs) in [
        ("one", &[5][..]),
        ("differences of 1, 127, 128, 16383, 16384", &[5, 6, 133, 261, 16_644, 33_028]),
        ("to the end", &[0, u64::MAX]),
        ("130 seqs, 7 apart", &many),
    ] {
        let value = encode_seqs(seqs);
        assert_eq!(decode_seqs(seqs[0], &value).as_deref(), Some(seqs));
        sheet.bytes(name, value);
    }
    sheet.check();
}

#[test]
fn storage_keys_are_golden() {
    let (zone, trail, school) = (0x0102, 0x0304_0506, Controller::new("school-12").unwrap());
    let mut sheet = Sheet::new("storage-keys");
    sheet.about("Date 21510, zone 0102, trail 03040506, seq 0708090a0b0c0d0e.");
    let seq = 0x0708_090a_0b0c_0d0e;
    sheet.bytes("header, notice", keys::trail_seq(trail, seq));
    sheet.bytes("part", keys::part(DATE, zone, trail, seq));
    sheet.bytes("tree, level 2", keys::tree(trail, 2, seq));
    let prefix = keys::posting_prefix(DATE, zone, trail, 5, &[0xaa; 16]);
    sheet.bytes("posting, kind 5, term 16 x aa", keys::posting(&prefix, seq));
    sheet.bytes("event_id, week 2968, id 16 x bb", keys::event_id(2_968, trail, &[0xbb; 16]));
    sheet.bytes("counter, class 3, day 20779", keys::counter(trail, DATE, 3, Date::from_days(20_779)));
    sheet.bytes("indexed", trail.to_be_bytes());
    sheet.bytes("row, bucket 07c3, hash 32 x cc", keys::row(0x07c3, &[0xcc; 32]));
    sheet.bytes("removal, bucket 07c3, id 16 x dd", keys::removal(0x07c3, trail, &[0xdd; 16]));
    sheet.text("meta format", std::str::from_utf8(keys::META_FORMAT).unwrap());
    sheet.text("meta writer", std::str::from_utf8(keys::META_WRITER).unwrap());
    sheet.text("meta generation", std::str::from_utf8(keys::META_GENERATION).unwrap());
    sheet.text("meta trail", std::str::from_utf8(&keys::trail_meta(&school)).unwrap());
    sheet.text("meta merged", std::str::from_utf8(&keys::merged(&school)).unwrap());
    sheet.check();
}

/// An event that says as much as one can.
pub(crate) fn full() -> api::Event {
    let who = |namespace: &str, id: &str, name: &str, email: &str| api::Identity {
        display_name: name.to_owned(),
        email: email.to_owned(),
        ..api::Identity::new(namespace, id)
    };
    api::Event {
        event_id: "00010203-0405-4607-8809-0a0b0c0d0e0f".into(),
        controller: "school-12".into(),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_795_341_590, nanos: 500 }),
        action: 12,
        event_name: "marks.disclose".into(),
        outcome: 1,
        outcome_reason: "none".into(),
        actor: Some(api::Actor {
            identity: Some(who("staff", "t-1", "Anna Nowak", "")),
            kind: 1,
            roles: vec!["teacher".into()],
            org_unit: "7b".into(),
            on_behalf_of: Some(who("guardian", "anna@example.org", "", "")),
        }),
        subjects: vec![
            api::Subject { identity: Some(who("pupil", "p-204", "Jan Lis", "jan@example.org")), child: 3 },
            api::Subject { identity: Some(who("pupil", "p-205", "", "")), child: 0 },
        ],
        subject_count: 2,
        resource: Some(api::Resource { r#type: "mark-sheet".into(), id: "r-7".into(), fields: vec!["mark".into()] }),
        record_count: 2,
        categories: vec![9],
        special_categories: vec![1],
        purpose: 7,
        purpose_text: "T-17".into(),
        legal_basis: 3,
        special_legal_basis: 8,
        authorization: Some(api::Authorization { policy_id: "policy-3".into(), decision_id: "decision-9".into() }),
        break_glass: Some(api::BreakGlass { reason: "ambulance".into() }),
        change: Some(api::Change { hash_before: vec![0x11; 32], hash_after: vec![0x22; 32] }),
        disclosure: Some(api::Disclosure { recipient: "court".into(), country: "PL".into() }),
        export: Some(api::Export { format: 4, bytes: 70_000, sha256: vec![0x33; 32] }),
        channel: 1,
        network: Some(api::Network {
            ip: "192.0.2.1".into(),
            forwarded_for: b"198.51.100.7".to_vec(),
            user_agent: b"Mozilla/5.0".to_vec(),
            trace_id: vec![0xc1; 16],
            request_id: b"r-1".to_vec(),
        }),
        session: Some(api::Session { id: b"abc".to_vec(), auth_method: 2, mfa: true }),
        attributes: [("class".to_owned(), "7b".to_owned())].into(),
        source: Some(api::Source { service: "register".into(), instance: "pod-1".into(), assurance: 0 }),
        operation_id: "op-5".into(),
        corrects: Some(api::RecordReference { origin: super::records::ORIGIN.into(), seq: 1 }),
        retention_class: 0,
    }
}

/// An event with nothing but what must be.
pub(crate) fn bare() -> api::Event {
    api::Event {
        event_id: "00010203-0405-4607-8809-0a0b0c0d0e10".into(),
        controller: "school-12".into(),
        action: 16,
        outcome: 4,
        actor: Some(api::Actor { kind: 7, ..Default::default() }),
        ..Default::default()
    }
}

/// A change of the register, by and about other people: in the golden store all salts are alike, and with them one
/// person's pseudonyms in two domains.
pub(crate) fn register() -> api::Event {
    let other = |namespace, id| Some(api::Identity::new(namespace, id));
    api::Event {
        actor: Some(api::Actor { identity: other("staff", "t-2"), kind: 1, ..Default::default() }),
        subjects: vec![api::Subject { identity: other("pupil", "p-206"), child: 1 }],
        subject_count: 1,
        event_id: "00010203-0405-4607-8809-0a0b0c0d0e11".into(),
        action: 5,
        retention_class: 4,
        purpose: 1,
        legal_basis: 0,
        disclosure: None,
        export: None,
        occurred_at: None,
        ..full()
    }
}

#[test]
fn request_hashes_are_golden() {
    let mut sheet = Sheet::new("requests");
    sheet.about("akta v1 request: hash of a checked event; the events stand in sealed.rs.");
    for (name, message) in [("akta v1 request", full()), ("bare", bare()), ("register", register())] {
        let (_, event) = convert::event(Some(message)).unwrap();
        sheet.bytes(name, event.request());
    }
    sheet.check();
}
