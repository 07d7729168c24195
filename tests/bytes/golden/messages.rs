//! Golden bytes of messages: every field of every message that is stored is in a row.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use akta::model::stored::chosen_lifetime::Length;
use akta::model::stored::{
    ActEnded, ActorPart, ApprovalAnswered, ApprovalAsked, ApprovalUsed, Attribute, ChosenLifetime, ChosenLifetimes,
    ControllerSet, Core, DetailPart, Frame, FramePart, FrameSource, Granted, IncidentDeclared, KekRotated, Keyring,
    KeyringOpened, LoneApprovalSet, NetPart, NoticeCore, RetentionChosen, SessionPart, SigningKeyRotated, SubjectPart,
    TrailMeta, TrailOpened, VaultAccount, VaultContact, ZoneKeys, notice_core,
};
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::records::{OPENED, ORIGIN};
use super::sheet::Sheet;

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
                ..VaultAccount::default()
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
                frozen: false,
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
    let content = || b"content".to_vec();
    let part = |salt| FramePart { offset: 200, part: 2, index: 258, content: content(), salt, erased_hash: Vec::new() };
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
        "IdentityDeactivated",
        "IdentityMasked",
        "IdentityErased",
        "ErasedClass",
        "IdentityRestricted",
        "RestrictionLifted",
        "ControllerClosed",
        "TrailRestored",
        "GuardedHead",
        "ClassCount",
        "RemovalTold",
        "RemovedParts",
        "BucketKey",
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
        include_str!("../../../proto/akta/record/v1/removal.proto"),
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
