//! Golden bytes of what expires, is kept past its date, or is removed: notices and messages of format 3.
#![allow(clippy::unwrap_used)]

use akta::model::stored::{
    Attribute, BucketKey, ClassCount, ControllerClosed, DetailPart, ErasedClass, Expired, Frame, FramePart,
    FrameSource, GuardedHead, HeadersTrimmed, HeldGroup, HeldHash, HeldPart, HeldPerson, Hold, HoldKey, HoldPlaced,
    HoldReleased, HoldReviewed, HoldSelection, IdentityDeactivated, IdentityErased, IdentityMasked, IdentityRestricted,
    Keyring, NoticeCore, Removal, RemovalTold, RemovedParts, RestrictionLifted, TrailMeta, TrailRestored, VaultAccount,
    ZoneKeys, notice_core::Kind,
};
use prost::Message;

use super::messages::notice_core;
use super::records::OPENED;

/// Names and bytes.
pub(super) fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let id = || vec![0x94; 16];
    vec![
        ("NoticeCore expired", notice_core(Kind::Expired(Expired { through: 20_800 }))),
        (
            "NoticeCore hold_placed",
            notice_core(Kind::HoldPlaced(HoldPlaced { id: id(), kind: 2, records: 300, review_on: 20_900 })),
        ),
        ("NoticeCore hold_released", notice_core(Kind::HoldReleased(HoldReleased { id: id() }))),
        ("NoticeCore hold_reviewed", notice_core(Kind::HoldReviewed(HoldReviewed { id: id(), review_on: 20_901 }))),
        (
            "Keyring of format 3",
            Keyring {
                zones: vec![ZoneKeys {
                    zone: "UTC".into(),
                    first_date: 20_801,
                    keys: vec![0xf8; 32],
                    destroyed_through: 20_800,
                }],
                holds: vec![HoldKey { id: id(), key: vec![0xf9; 32] }],
                ..Keyring::default()
            }
            .encode_to_vec(),
        ),
        (
            "NoticeCore identity_deactivated",
            notice_core(Kind::IdentityDeactivated(IdentityDeactivated { id: id(), mask_on: 20_900 })),
        ),
        ("NoticeCore identity_masked", notice_core(Kind::IdentityMasked(IdentityMasked { id: id() }))),
        ("NoticeCore identity_erased", notice_core(Kind::IdentityErased(identity_erased()))),
        ("NoticeCore identity_restricted", notice_core(Kind::IdentityRestricted(IdentityRestricted { id: id() }))),
        ("NoticeCore restriction_lifted", notice_core(Kind::RestrictionLifted(RestrictionLifted { id: id() }))),
        ("NoticeCore controller_closed", notice_core(Kind::ControllerClosed(controller_closed()))),
        ("NoticeCore trail_restored", notice_core(Kind::TrailRestored(trail_restored()))),
        ("HeadersTrimmed", headers_trimmed().encode_to_vec()),
        (
            "VaultAccount of format 3",
            VaultAccount {
                salt: vec![3; 32],
                namespace: "staff".into(),
                id: "t-1".into(),
                domain: 1,
                controller: "school-12".into(),
                pseudonym: vec![4; 32],
                deactivated_on: 20_870,
                mask_on: 20_900,
                masked: true,
            }
            .encode_to_vec(),
        ),
        (
            "Keyring while a bucket is sealed anew",
            Keyring { fresh_buckets: vec![BucketKey { bucket: 1_987, key: vec![0xfa; 32] }], ..Keyring::default() }
                .encode_to_vec(),
        ),
        (
            "TrailMeta of format 3",
            TrailMeta {
                number: 300,
                origin: "akta.dev/school-12/w0a1b2c3d".into(),
                zone: "Europe/Warsaw".into(),
                controller_slot: 301,
                zone_number: 2,
                frozen: true,
            }
            .encode_to_vec(),
        ),
        ("Removal", removal().encode_to_vec()),
        (
            "Frame with an erased part",
            Frame {
                sources: vec![FrameSource {
                    seed: Vec::new(),
                    parts: vec![
                        FramePart { offset: 3, content: b"core".to_vec(), salt: vec![9; 32], ..FramePart::default() },
                        FramePart { offset: 3, part: 3, erased_hash: vec![10; 32], ..FramePart::default() },
                    ],
                }],
            }
            .encode_to_vec(),
        ),
        (
            "Hold",
            Hold {
                kind: 1,
                owner: "legal office".into(),
                ground: "claim 17/2026".into(),
                by: "https://id.example#head".into(),
                selection: Some(selection()),
                parts: vec![0, 2],
                kept: 300,
            }
            .encode_to_vec(),
        ),
        ("HoldSelection", selection().encode_to_vec()),
        (
            "HeldGroup",
            HeldGroup {
                parts: vec![HeldPart { part: 2, index: 258, salt: vec![9; 32], content: b"content".to_vec() }],
                others: vec![HeldHash { part: 2, index: 259, hash: vec![10; 32] }],
            }
            .encode_to_vec(),
        ),
    ]
}

fn identity_erased() -> IdentityErased {
    IdentityErased {
        id: vec![0x94; 16],
        ground: 3,
        classes: vec![
            ErasedClass { retention_class: 3, records: 300, stripped: 20, parts: 55, held: 2, kept: 1 },
            ErasedClass { retention_class: 4, records: 7, kept: 2, ..ErasedClass::default() },
        ],
        holds: vec![vec![0x95; 16]],
        origin: "akta.dev/school-12/w0a1b2c3d".into(),
        restated: true,
    }
}

/// Every field of it, which none has together.
fn removal() -> Removal {
    let core = NoticeCore { kind: Some(Kind::IdentityErased(identity_erased())), ..NoticeCore::default() };
    let attributes = vec![Attribute { key: "by".into(), value: "anna".into() }];
    let slices = vec![DetailPart { attributes, ..DetailPart::default() }];
    Removal {
        told: vec![RemovalTold { core: Some(core), slices, latest: 21_600 }],
        namespace: "staff".into(),
        id: "t-1".into(),
        mask_on: 20_900,
        restricted: true,
        parts: vec![RemovedParts { step: 300, bitmap: 56 }, RemovedParts { step: 1, bitmap: 8 }],
        pseudonyms: vec![vec![0x96; 32]],
        done_until: 21_600,
    }
}

fn selection() -> HoldSelection {
    let person = |id: &str| Some(HeldPerson { namespace: "pupil".into(), id: id.into() });
    HoldSelection {
        subject: person("p-204"),
        actor: person("p-205"),
        on_behalf_of: person("p-206"),
        event_id: vec![0x95; 16],
        since: Some(OPENED),
        until: Some(OPENED + 1),
        recorded_since: Some(OPENED + 2),
        recorded_until: Some(OPENED + 3),
        actions: vec![1, 300],
        event_names: vec!["marks.show".into()],
        outcomes: vec![1],
        break_glass: Some(false),
        operation_id: Some("op-5".into()),
        corrects_origin: super::records::ORIGIN.into(),
        corrects_seq: 7,
        corrections: Some(true),
        purposes: vec![7],
        purpose_text: Some("T-17".into()),
        legal_bases: vec![3],
        special_legal_bases: vec![8],
        policy_ids: vec!["policy-3".into()],
        decision_id: Some("decision-9".into()),
        categories: vec![1, 9],
        special_categories: vec![3],
        resource_types: vec!["pupil-card".into()],
        min_record_count: Some(2),
        retention_classes: vec![3],
        min_subject_count: Some(30),
        children: Some(true),
        child_flags: vec![1],
        actor_kinds: vec![1],
        roles: vec!["teacher".into()],
        org_units: vec!["7b".into()],
        ip: vec![192, 0, 2, 1],
        channels: vec![1],
        source_services: vec!["register".into()],
        source_instances: vec!["pod-1".into()],
        assurances: vec![1],
        recipient: Some("court".into()),
        recipient_countries: vec!["PL".into()],
        warnings: vec![6],
        resource_id: Some("r-204".into()),
    }
}

fn trail_restored() -> TrailRestored {
    let head =
        |writer: &str| GuardedHead { origin: format!("akta.dev/node/{writer}"), size: 400, root: vec![0x96; 32] };
    TrailRestored {
        predecessor: "akta.dev/node/w0a1b2c3d".into(),
        size: 300,
        root: vec![0x97; 32],
        guarded: Some(head("w0a1b2c3d")),
        released: vec![vec![0x94; 16]],
        lost: vec![head("w1a1b2c3d")],
        ended: vec![head("w2a1b2c3d")],
    }
}

fn headers_trimmed() -> HeadersTrimmed {
    HeadersTrimmed {
        start: 256,
        first: 512,
        link: vec![0x96; 32],
        root: vec![0x97; 32],
        through: 20_800,
        checkpoint_size: 600,
        checkpoint_root: vec![0x95; 32],
        notices: vec![vec![0x98; 121]],
    }
}

fn controller_closed() -> ControllerClosed {
    let count = |retention_class, events| ClassCount { retention_class, events };
    ControllerClosed {
        origin: "akta.dev/school-12/w0a1b2c3d".into(),
        size: 300,
        export_sha256: vec![0x95; 32],
        export_size: 299,
        request: vec![0x94; 16],
        events: vec![count(3, 200), count(8, 2)],
    }
}
