//! Seeds of what comes from beside the records: connections, certificates, keys, rows of meta and index, answers.

use akta::grpc::api;
use akta::model::date::{Timestamp, Zone};
use akta::model::permission::Permission;
use akta::model::permission::approval::Deed;
use akta::model::permission::change::{Change, Decided};
use akta::model::permission::grants::{GRANT_MAX, Span};
use akta::model::permission::holder::Holder;
use akta::model::permission::policy::Staff;
use akta::model::permission::told::tell;
use akta::model::profile::Profile;
use akta::model::stored::{
    Attribute, Core, DetailPart, KeyringOpened, NetPart, NoticeCore, TrailMeta, notice_core::Kind,
};
use akta::trail::indexer::encode_seqs;
use prost::Message;
use rcgen::{CertificateParams, KeyPair, SanType};

use super::{Seeds, tagged, who, whole};

pub(crate) fn arrivals() -> Seeds {
    let message = |length: u32| [&[0][..], &length.to_be_bytes(), &vec![7; length as usize]].concat();
    let several = [message(0), message(3), message(300), message(1)].concat();
    vec![("several", tagged(0, several.clone())), ("begun", tagged(9, several[..300].to_vec()))]
}

/// Certificates by a key that is thrown away: with a workload, with two names, with none.
pub(crate) fn certificates() -> Seeds {
    let uri = |text: &str| SanType::URI(text.try_into().expect("is ASCII"));
    let dns = SanType::DnsName("gradebook.example".try_into().expect("is ASCII"));
    let id = uri("spiffe://schools.example/gradebook");
    let made = [
        ("workload", vec![id.clone()]),
        ("beside", vec![dns.clone(), id.clone()]),
        ("two", vec![id, uri("https://schools.example/")]),
        ("none", vec![dns]),
    ];
    made.map(|(name, names)| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().expect("makes a key");
        (name, params.self_signed(&key).expect("is signed").der().to_vec())
    })
    .into()
}

pub(crate) fn keks() -> Seeds {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let answer = format!(r#"{{"CiphertextBlob": "zq", "KeyId": "k", "Plaintext": "{key}"}}"#);
    vec![
        ("text", tagged(0, format!("{key}\n").into())),
        ("answer", tagged(1, answer.into())),
        ("refusal", tagged(2, br#"{"__type": "com.amazonaws.kms#AccessDeniedException", "Message": "zq"}"#.to_vec())),
    ]
}

pub(crate) fn metas() -> Seeds {
    let row = |kind: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).expect("is short");
        [&[kind, length][..], value].concat()
    };
    let trail = |number, controller: &str| TrailMeta {
        number,
        origin: format!("akta.test/{controller}/w00000001"),
        zone: "Europe/Warsaw".to_owned(),
        controller_slot: number,
        zone_number: 0,
        frozen: false,
    };
    let whole = [
        row(1, b"w00000001"),
        row(2, &2u64.to_be_bytes()),
        row(3, &trail(0, "a").encode_to_vec()),
        row(9, &trail(1, "school-12").encode_to_vec()),
    ]
    .concat();
    vec![("whole", whole), ("writer", row(1, b"w0000000g")), ("format", row(0, &[0, 0, 1, 0]))]
}

pub(crate) fn parts() -> Seeds {
    let core = Core { event_id: vec![1; 16], action: 1, purpose_text: "T-1".to_owned(), ..Core::default() };
    let net = NetPart { ip: vec![192, 0, 2, 7], user_agent: b"curl".to_vec(), ..NetPart::default() };
    let attribute = Attribute { key: "class".to_owned(), value: "3b".to_owned() };
    let detail = DetailPart { resource_id: "m-1".to_owned(), attributes: vec![attribute], ..DetailPart::default() };
    let opened = KeyringOpened { generation: 7, dev: true };
    let notice =
        NoticeCore { ordinal: 1, recorded_at: 5, kind: Some(Kind::KeyringOpened(opened)), ..NoticeCore::default() };
    vec![
        ("core", tagged(0, core.encode_to_vec())),
        ("net", tagged(3, net.encode_to_vec())),
        ("detail", tagged(5, detail.encode_to_vec())),
        ("notice", tagged(6, notice.encode_to_vec())),
    ]
}

pub(crate) fn postings() -> Seeds {
    let row = |seqs: &[u64]| [&seqs[0].to_be_bytes()[..], &encode_seqs(seqs)].concat();
    vec![("one", row(&[7])), ("far", row(&[0, 1, 300, u64::MAX])), ("many", row(&(5..90).collect::<Vec<_>>()))]
}

/// Rows of an answer, one of them with what terminals obey.
pub(crate) fn shown() -> Seeds {
    let mut hostile = whole();
    hostile.event_name = "\u{1b}[31m\u{9b}2J\r\n\u{202e}".to_owned();
    hostile.actor = Some(api::Actor { identity: who("st\u{7}aff", "\u{1b}]8;;x\u{7}"), ..Default::default() });
    let row = |event| api::RecordedEvent { event: Some(event), warnings: vec![12, 16, 99], ..Default::default() };
    vec![("whole", row(whole()).encode_to_vec()), ("hostile", row(hostile).encode_to_vec())]
}

const ID: &str = "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f";
const OTHER_ID: &str = "0198c3b2-7d1e-7cc3-98c4-dc0c0c073990";
const NOW: i64 = 1_800_000_000_000_000_000;

/// Notices of decisions, each alone and all in a row.
pub(crate) fn notices() -> Seeds {
    let at = |days: i64| Timestamp::from_nanos(NOW + days * 86_400_000_000_000);
    let holder = Holder::parse("group security of https://login.example").expect("is one");
    let span = Span::new(at(0), at(30), GRANT_MAX).expect("is one");
    let (concerning, staff) = ("pupil:p-204".to_owned(), Staff::Controller);
    let profile = Profile { group_only_sources: ["gradebook".to_owned()].into(), ..Profile::default() };
    let changes = [
        ("profile", Change::Profile(profile)),
        ("lone", Change::LoneApproval(true)),
        ("grant", Change::Grant { id: ID.into(), holder, permissions: [Permission::Search].into(), span }),
        ("ask", Change::Ask { id: OTHER_ID.into(), deed: Deed::Erasure, concerning, staff }),
        ("answer", Change::Answer { id: OTHER_ID.into(), agrees: true }),
        ("end", Change::End(ID.into())),
    ];
    let mut seeds: Seeds = Vec::new();
    for (by, (name, change)) in ["anna", "headmaster"].into_iter().cycle().zip(changes) {
        let decided = Decided { by: by.to_owned(), ground: "ticket 7".to_owned() };
        let told = tell(&change, &decided, at(0), &Zone::default()).expect("can be told");
        let core = NoticeCore { ordinal: 1, recorded_at: NOW, kind: Some(told.says), ..NoticeCore::default() };
        let mut pieces = vec![core.encode_to_vec()];
        pieces.extend(told.slices.iter().map(Message::encode_to_vec));
        pieces.resize(3, Vec::new());
        let lengths = pieces.iter().map(|piece| u8::try_from(piece.len()).expect("is short")).collect::<Vec<_>>();
        seeds.push((name, [lengths, pieces.concat()].concat()));
    }
    let all = seeds.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    seeds.push(("all", all));
    seeds
}

/// Requests to decide something.
pub(crate) fn controllers() -> Seeds {
    let controller = || "school-3".to_owned();
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let profile = api::ControllerProfile {
        public_body: true,
        group_only_sources: vec!["gradebook".to_owned()],
        foreign_purposes: 2,
        ..Default::default()
    };
    let open = api::OpenControllerRequest {
        controller: controller(),
        zone: "Europe/Warsaw".to_owned(),
        profile: Some(profile),
    };
    let holder = |holder| Some(api::Holder { holder: Some(holder) });
    let group = api::TokenHolder { issuer: "https://login.example".to_owned(), name: "security".to_owned() };
    let grant = api::GrantRequest {
        controller: controller(),
        id: ID.to_uppercase(),
        holder: holder(api::holder::Holder::Group(group)),
        permissions: vec!["search".to_owned(), "notices".to_owned()],
        ground: "ticket 7".to_owned(),
        from: time(1_800_000_000),
        until: time(1_800_086_400),
    };
    let mut bad = grant.clone();
    bad.controller = "zq-marker-7731/".to_owned();
    bad.id = "zq-marker-7731".to_owned();
    bad.holder = holder(api::holder::Holder::Spiffe("zq-marker-7731".to_owned()));
    bad.permissions = vec!["zq-marker-7731".to_owned()];
    bad.ground = "zq-marker-7731\u{7}".to_owned();
    let incident = api::DeclareIncidentRequest {
        controllers: vec![controller(), "..".to_owned(), controller()],
        until: time(1_800_000_000),
        ..Default::default()
    };
    let ask = api::AskApprovalRequest {
        controller: controller(),
        deed: 1,
        concerning: "pupil:p-204".to_owned(),
        ground: "art. 17".to_owned(),
        ..Default::default()
    };
    let answer = api::AnswerApprovalRequest { controller: controller(), id: ID.to_owned(), ..Default::default() };
    let list = api::ListControllersRequest { page_size: 7, page_token: controller() };
    vec![
        ("open", tagged(0, open.encode_to_vec())),
        ("grant", tagged(1, grant.encode_to_vec())),
        ("bad", tagged(1, bad.encode_to_vec())),
        ("incident", tagged(2, incident.encode_to_vec())),
        ("ask", tagged(3, ask.encode_to_vec())),
        ("answer", tagged(4, answer.encode_to_vec())),
        ("list", tagged(5, list.encode_to_vec())),
    ]
}
