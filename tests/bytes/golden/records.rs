//! Golden bytes of what is hashed: messages of the parts, their commitments, headers, links, runs.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use akta::model::date::{Date, Timestamp, Zone};
use akta::model::header::{Group, Header, Kind, Link};
use akta::model::notice::{self, Told};
use akta::model::origin::Origin;
use akta::model::part::{self, PartId, PartKey};
use akta::model::permission::Permission;
use akta::model::permission::change::{Change, Decided};
use akta::model::permission::grants::{GRANT_MAX, Span};
use akta::model::permission::holder::Holder;
use akta::model::permission::told::tell;
use akta::model::policy::Class;
use akta::model::run;
use akta::model::stored::chosen_lifetime::Length;
use akta::model::stored::{
    ActEnded, ActorPart, ApprovalAnswered, ApprovalAsked, ApprovalUsed, Attribute, ChosenLifetime, ChosenLifetimes,
    ControllerSet, Core, DetailPart, Frame, FramePart, FrameSource, Granted, IncidentDeclared, KekRotated, Keyring,
    KeyringOpened, LoneApprovalSet, NetPart, NoticeCore, RetentionChosen, SessionPart, SigningKeyRotated, SubjectPart,
    TrailMeta, TrailOpened, VaultAccount, VaultContact, ZoneKeys, notice_core,
};
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::sheet::Sheet;

/// The trail of the page's worked example.
pub(crate) const ORIGIN: &str = "akta.dev/school-12/w0a1b2c3d";

/// 2026-11-22T10:00:00Z, when it was opened.
pub(crate) const OPENED: i64 = 1_795_341_600_000_000_000;

pub(crate) fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

/// Every message that is stored, with every field set.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("Core", core().encode_to_vec()),
        ("ActorPart", ActorPart { pseudonym: vec![0xa1; 32], on_behalf_of: vec![0xa2; 32] }.encode_to_vec()),
        ("SubjectPart", SubjectPart { pseudonym: vec![0xb1; 32], child: 3 }.encode_to_vec()),
        (
            "NetPart",
            NetPart {
                ip: vec![192, 0, 2, 1],
                forwarded_for: b"198.51.100.7".to_vec(),
                user_agent: b"Mozilla/5.0".to_vec(),
                trace_id: vec![0xc1; 16],
                request_id: b"r-1".to_vec(),
            }
            .encode_to_vec(),
        ),
        ("SessionPart", SessionPart { id_hash: vec![0xd1; 16], auth_method: 2, mfa: true }.encode_to_vec()),
        ("DetailPart", detail().encode_to_vec()),
        ("Attribute", Attribute { key: "class".into(), value: "7b".into() }.encode_to_vec()),
        (
            "NoticeCore opened",
            notice_core(notice_core::Kind::Opened(TrailOpened {
                origin: ORIGIN.into(),
                zone: "Europe/Warsaw".into(),
                policy_version: "default-1".into(),
                predecessor: "akta.dev/school-12/w00000000".into(),
            })),
        ),
        (
            "NoticeCore keyring_opened",
            notice_core(notice_core::Kind::KeyringOpened(KeyringOpened { generation: 7, dev: true })),
        ),
        (
            "NoticeCore controller_set",
            notice_core(notice_core::Kind::ControllerSet(ControllerSet {
                public_body: true,
                register_keeper: true,
                group_only_sources: vec!["cafeteria".into(), "library".into()],
                refuse_foreign_purposes: true,
            })),
        ),
        (
            "NoticeCore lone_approval_set",
            notice_core(notice_core::Kind::LoneApprovalSet(LoneApprovalSet { allowed: true })),
        ),
        (
            "NoticeCore granted",
            notice_core(notice_core::Kind::Granted(Granted {
                id: vec![0x91; 16],
                permissions: vec!["export".into(), "search".into()],
                from: OPENED,
                until: OPENED + 86_400_000_000_000,
            })),
        ),
        (
            "NoticeCore incident_declared",
            notice_core(notice_core::Kind::IncidentDeclared(IncidentDeclared {
                id: vec![0x92; 16],
                from: OPENED,
                until: OPENED + 1,
            })),
        ),
        ("NoticeCore act_ended", notice_core(notice_core::Kind::ActEnded(ActEnded { id: vec![0x92; 16] }))),
        (
            "NoticeCore approval_asked",
            notice_core(notice_core::Kind::ApprovalAsked(ApprovalAsked {
                id: vec![0x93; 16],
                deed: 3,
                processor: true,
            })),
        ),
        (
            "NoticeCore approval_answered",
            notice_core(notice_core::Kind::ApprovalAnswered(ApprovalAnswered { id: vec![0x93; 16], agrees: true })),
        ),
        (
            "NoticeCore approval_used",
            notice_core(notice_core::Kind::ApprovalUsed(ApprovalUsed { id: vec![0x93; 16], alone: true })),
        ),
        ("NoticeCore retention_chosen", notice_core(notice_core::Kind::RetentionChosen(retention_chosen()))),
        (
            "NoticeCore signing_key_rotated",
            notice_core(notice_core::Kind::SigningKeyRotated(SigningKeyRotated {
                old_key: vec![0xa1; 32],
                new_key: vec![0xa2; 32],
                size: 258,
                signature: vec![0xa3; 64],
            })),
        ),
        (
            "NoticeCore kek_rotated",
            notice_core(notice_core::Kind::KekRotated(KekRotated { generation_before: 7, generation_after: 8 })),
        ),
        ("Frame", frame().encode_to_vec()),
        (
            "VaultAccount",
            VaultAccount {
                salt: vec![0xe1; 32],
                namespace: "pupil".into(),
                id: "p-204".into(),
                domain: 4,
                controller: "school-12".into(),
                pseudonym: vec![0xe2; 32],
            }
            .encode_to_vec(),
        ),
        (
            "VaultContact",
            VaultContact {
                display_name: "Jan Lis".into(),
                email: "jan@example.org".into(),
                id: "jan@example.org".into(),
            }
            .encode_to_vec(),
        ),
        (
            "TrailMeta",
            TrailMeta {
                number: 300,
                origin: ORIGIN.into(),
                zone: "Europe/Warsaw".into(),
                controller_slot: 301,
                zone_number: 2,
            }
            .encode_to_vec(),
        ),
        (
            "Keyring",
            Keyring {
                zones: vec![ZoneKeys {
                    zone: "Europe/Warsaw".into(),
                    first_date: 20_779,
                    keys: vec![0xf1; 64],
                    destroyed_through: 0,
                }],
                controller_keys: vec![0xf2; 64],
                bucket_keys: vec![0xf3; 64],
                lasting_key: vec![0xf4; 32],
                signing_seed: vec![0xf5; 32],
                ..Keyring::default()
            }
            .encode_to_vec(),
        ),
        (
            "Keyring of format 2",
            Keyring {
                next_signing_seed: vec![0xf6; 32],
                earlier_signing_keys: vec![0xf7; 64],
                kek_rotated_at: 300,
                ..Keyring::default()
            }
            .encode_to_vec(),
        ),
    ]
}

fn core() -> Core {
    Core {
        schema_version: 1,
        event_id: (0..16).collect(),
        occurred_at: OPENED - 1,
        recorded_at: OPENED,
        action: 12,
        event_name: "marks.show".into(),
        outcome: 1,
        purpose: 7,
        purpose_text: "T-17".into(),
        legal_basis: 3,
        special_legal_basis: 8,
        // Packed, and one number that no vocabulary has: it is kept.
        categories: vec![1, 9, 300],
        special_categories: vec![1, 3],
        resource_type: "pupil-card".into(),
        record_count: 1 << 40,
        subject_count: 1_000,
        actor_kind: 1,
        actor_roles: vec!["teacher".into(), "tutor".into()],
        actor_org_unit: "7b".into(),
        channel: 1,
        source_service: "register".into(),
        source_instance: "pod-1".into(),
        source_assurance: 1,
        policy_id: "policy-3".into(),
        decision_id: "decision-9".into(),
        break_glass: true,
        recipient: "court".into(),
        recipient_country: "PL".into(),
        operation_id: "op-5".into(),
        corrects_origin: ORIGIN.into(),
        corrects_seq: 1,
        controller_role: 2,
        policy_version: "default-1".into(),
        warnings: vec![6, 9],
    }
}

fn detail() -> DetailPart {
    DetailPart {
        resource_id: "r-204".into(),
        fields: vec!["mark".into(), "note".into()],
        outcome_reason: "timeout".into(),
        break_glass_reason: "ambulance".into(),
        hash_before: vec![0x11; 32],
        hash_after: vec![0x22; 32],
        export_format: 4,
        export_bytes: 70_000,
        export_sha256: vec![0x33; 32],
        attributes: vec![Attribute { key: "class".into(), value: "7b".into() }],
    }
}

pub(super) fn notice_core(kind: notice_core::Kind) -> Vec<u8> {
    NoticeCore { ordinal: 3, previous_seq: 200, recorded_at: OPENED, kind: Some(kind) }.encode_to_vec()
}

/// Lifetimes of both units.
fn retention_chosen() -> RetentionChosen {
    let lifetime = |length| Some(ChosenLifetime { length: Some(length) });
    RetentionChosen {
        policy_version: "default-1+2".into(),
        classes: vec![ChosenLifetimes {
            retention_class: 5,
            core: lifetime(Length::Months(72)),
            net: lifetime(Length::Months(24)),
            session: lifetime(Length::Days(3)),
            detail: lifetime(Length::Months(36)),
        }],
    }
}

/// A source with a seed, and one whose part carries its own salt.
fn frame() -> Frame {
    let part = |salt| FramePart { offset: 200, part: 2, index: 258, content: b"content".to_vec(), salt };
    Frame {
        sources: vec![
            FrameSource { seed: vec![7; 32], parts: vec![part(Vec::new())] },
            FrameSource { seed: Vec::new(), parts: vec![part(vec![8; 32])] },
        ],
    }
}

#[test]
fn messages_are_golden() {
    let mut sheet = Sheet::new("messages");
    sheet.about("Messages of akta.record.v1, every field set (proto/akta/record/v1).");
    for (name, bytes) in messages() {
        sheet.bytes(name, bytes);
    }
    sheet.about("Nothing set: no bytes.");
    sheet.bytes("NetPart empty", NetPart::default().encode_to_vec());
    sheet.about("Of format 3.");
    for (name, bytes) in super::kept::messages() {
        sheet.bytes(name, bytes);
    }
    sheet.check();
}

/// A field that is added to a message must be set above.
#[test]
fn every_field_of_every_message_is_in_a_golden_row() {
    let mut set: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (name, bytes) in messages().into_iter().chain(super::kept::messages()) {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (tag, wire) = decode_key(&mut rest).unwrap();
            skip_field(wire, tag, &mut rest, DecodeContext::default()).unwrap();
            set.entry(name.split(' ').next().unwrap()).or_default().insert(tag);
        }
    }
    // Within others, set by literals that name every field.
    let inner = [
        "TrailOpened",
        "KeyringOpened",
        "ControllerSet",
        "LoneApprovalSet",
        "Granted",
        "IncidentDeclared",
        "ActEnded",
        "ApprovalAsked",
        "ApprovalAnswered",
        "ApprovalUsed",
        "RetentionChosen",
        "ChosenLifetimes",
        "ChosenLifetime",
        "SigningKeyRotated",
        "KekRotated",
        "Expired",
        "HoldPlaced",
        "HoldReleased",
        "HoldReviewed",
        "HeldPerson",
        "HeldPart",
        "HeldHash",
        "HoldKey",
        "FrameSource",
        "FramePart",
        "ZoneKeys",
    ];
    let protos = [
        include_str!("../../../proto/akta/record/v1/parts.proto"),
        include_str!("../../../proto/akta/record/v1/keyring.proto"),
        include_str!("../../../proto/akta/record/v1/hold.proto"),
    ];
    let mut seen = 0;
    for (name, fields) in protos.into_iter().flat_map(declared) {
        if !inner.contains(&name) {
            assert_eq!(set.get(name), Some(&fields), "{name}: set is not what is declared");
            seen += 1;
        }
    }
    assert_eq!(seen, set.len());
}

/// Messages of a file, each with the numbers of its fields.
fn declared(proto: &str) -> Vec<(&str, BTreeSet<u32>)> {
    proto
        .split("\nmessage ")
        .skip(1)
        .map(|text| {
            let (name, rest) = text.split_once(' ').unwrap();
            let body = rest.split("\n}").next().unwrap();
            let lines = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
            (name, lines.filter_map(|line| line.strip_suffix(';')?.rsplit_once("= ")?.1.parse().ok()).collect())
        })
        .collect()
}

#[test]
fn commitments_are_golden() {
    let key = PartKey { id: PartId::Subject, index: 258 };
    let salt = part::salt(&[7; 32], 0x0102_0304_0506_0708, key);
    let hash = part::part_hash(&salt, key, b"content");
    let core = PartKey::first(PartId::Core);
    let mut sheet = Sheet::new("commitments");
    sheet.about(
        "The page's worked example: seed 32 x 07, seq 0102030405060708, part 2, index 258, content \"content\".",
    );
    sheet.bytes("salt", salt);
    sheet.bytes("akta v1 part", hash);
    sheet.about("The group of the core with part hash 32 x 09, and that part.");
    sheet.bytes("akta v1 group", part::group_hash([(core, [9; 32]), (key, hash)]));
    sheet.about("Each part id with index 0 under that seed: its salt, then the hash of no bytes.");
    for id in PartId::ALL {
        let key = PartKey::first(id);
        let salt = part::salt(&[7; 32], 1, key);
        sheet.bytes(&format!("{id} salt"), salt);
        sheet.bytes(&format!("{id} hash"), part::part_hash(&salt, key, b""));
    }
    sheet.about("A notice's group: its core under a salt of 32 zero bytes.");
    sheet.bytes("notice group", notice::commitment(&opening_core()));
    sheet.about("The slices of a grant under that seed, as seq 2: who and why, to whom; each hash, and their group.");
    let told = granted();
    let mut slices = Vec::new();
    for (index, slice) in (0..).zip(&told.slices) {
        let key = PartKey { id: PartId::Detail, index };
        let (salt, bytes) = (part::salt(&[7; 32], 2, key), slice.encode_to_vec());
        let hash = part::part_hash(&salt, key, &bytes);
        sheet.bytes(&format!("slice {index}"), bytes);
        sheet.bytes(&format!("slice {index} hash"), hash);
        slices.push((key, hash));
    }
    sheet.bytes("slices group", part::group_hash(slices));
    sheet.check();
}

/// The core of the opening notice of the worked example.
fn opening_core() -> Vec<u8> {
    let zone = Zone::named("Europe/Warsaw").unwrap();
    let contents = notice::contents(notice::opening(&origin(), &zone), None, Timestamp::from_nanos(OPENED));
    contents.notice.unwrap().encode_to_vec()
}

/// A grant: what its notice says, and what its slices do.
fn granted() -> Told {
    let now = Timestamp::from_nanos(OPENED);
    let holder = Holder::parse("group security of https://login.vendor.example").unwrap();
    let span = Span::new(now, now.plus(Duration::from_secs(30 * 86_400)), GRANT_MAX).unwrap();
    let id = "91919191-9191-9191-9191-919191919191".into();
    let change = Change::Grant { id, holder, permissions: [Permission::Search].into(), span };
    let decided = Decided { by: "anna".to_owned(), ground: "contract of 20 August".to_owned() };
    tell(&change, &decided, now, &Zone::named("Europe/Warsaw").unwrap()).unwrap()
}

/// The notice of that grant after the chain: core, and slices under the seed of the worked example.
fn granted_header(chain: &[Header]) -> Header {
    let (told, before) = (granted(), chain.last().unwrap());
    let (date, seq) = (told.date, before.seq + 1);
    let at = Some(notice::Before { ordinal: 0, seq: 0 });
    let mut parts = notice::contents(told, at, Timestamp::from_nanos(OPENED)).parts().into_iter();
    let mut header = notice::header(&parts.next().unwrap().1, seq, Timestamp::from_nanos(OPENED), before.link());
    let slices = parts.map(|(key, bytes)| (key, part::part_hash(&part::salt(&[7; 32], seq, key), key, &bytes)));
    let commitment = part::group_hash(slices);
    header.groups.push(Group { date, bitmap: PartId::Detail.bit(), commitment });
    header.check().unwrap();
    header
}

/// A chain: the opening notice, then an event for each number of groups and some classes.
pub(crate) fn chain() -> Vec<Header> {
    let time = Timestamp::from_nanos(OPENED);
    let mut chain = vec![notice::header(&opening_core(), 0, time, Link::of_origin(&origin()))];
    for (count, class) in (1..=6u8).zip([
        Class::Access,
        Class::Session,
        Class::Register,
        Class::Evidence,
        Class::LogAccess,
        Class::Accounting,
    ]) {
        let before = chain.last().unwrap();
        let groups = (0..count).map(|at| Group {
            date: Date::from_days(21_510 + u32::from(at) * 100),
            // The last one has all that is left.
            bitmap: if at + 1 == count { 0b11_1111 & !((1 << at) - 1) } else { 1 << at },
            commitment: [0x40 + at; 32],
        });
        let header = Header {
            kind: Kind::Event,
            class,
            seq: before.seq + 1,
            day: before.day,
            previous: before.link(),
            groups: groups.collect(),
        };
        header.check().unwrap();
        chain.push(header);
    }
    chain
}

#[test]
fn headers_are_golden() {
    let chain = chain();
    let mut sheet = Sheet::new("headers");
    sheet.about("O of the trail akta.dev/school-12/w0a1b2c3d.");
    sheet.bytes("akta v1 trail origin", Link::of_origin(&origin()).0);
    sheet.about("The opening notice, then an event for each number of groups, each with its link.");
    for header in &chain {
        let name = match header.kind {
            Kind::Notice => "notice".to_owned(),
            Kind::Event => format!("event of {} groups", header.groups.len()),
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes).as_ref(), Ok(header));
        sheet.bytes(&format!("{name}: header"), &bytes);
        sheet.bytes(&format!("{name}: link"), header.link().0);
    }
    sheet.about("The link of the last one, by its context.");
    sheet.bytes("akta v1 record link", chain.last().unwrap().link().0);
    sheet.about("One row of all, and one of the last.");
    for (name, run) in [("run of 7", &chain[..]), ("run of 1", &chain[6..])] {
        let bytes = run::encode(run);
        let read: Vec<_> = run::decode(run[0].seq, &bytes).unwrap().into_iter().map(|linked| linked.header).collect();
        assert_eq!(read, run);
        sheet.bytes(name, bytes);
    }
    sheet.about("A notice with slices after them, and its run.");
    let granted = granted_header(&chain);
    assert_eq!(Header::decode(&granted.encode()).as_ref(), Ok(&granted));
    sheet.bytes("notice with slices: header", granted.encode());
    sheet.bytes("notice with slices: link", granted.link().0);
    sheet.bytes("notice with slices: run", run::encode(std::slice::from_ref(&granted)));
    sheet.check();
}
