//! Seeds of what comes from beside the records: connections, certificates, keys, rows of meta and index, answers.

use akta::grpc::api;
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
