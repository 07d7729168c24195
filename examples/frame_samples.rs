//! Writes samples of small frames into a folder: what `make dictionary` trains the shipped zstd dictionary on.
//!
//! Everything here is made up. A new dictionary gets a new number; an old one stays, for old frames name it.

use std::io::Write;

use akta::model::frame::Builder;
use akta::model::record::Contents;
use akta::model::stored::{ActorPart, Attribute, Core, DetailPart, NetPart, SubjectPart};

const AGENTS: [&str; 8] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
];
const RESOURCES: [&str; 8] =
    ["pupil-card", "mark", "attendance", "class-list", "message", "certificate", "timetable", "path"];
const SERVICES: [&str; 6] = ["gradebook", "parents-portal", "secretary", "payments", "support-tool", "web-log"];
const ROLES: [&str; 6] = ["teacher", "class-teacher", "head", "secretary", "guardian", "pedagogue"];
const NAMES: [&str; 6] = ["mark.read", "attendance.list", "pupil.show", "login", "export.csv", "GET"];

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "samples".to_owned());
    std::fs::create_dir_all(&folder)?;
    for sample in 0..4_000u64 {
        let mut frame = Builder::new(sample * 64, random(sample));
        for record in 0..1 + sample % 3 {
            let seed = sample * 8 + record;
            for (key, content) in contents(seed).parts() {
                frame.add(sample * 64 + record, key, content);
            }
        }
        std::fs::File::create(format!("{folder}/{sample:05}"))?.write_all(&frame.pack().1)?;
    }
    Ok(())
}

fn random(seed: u64) -> [u8; 32] {
    *blake3::hash(&seed.to_be_bytes()).as_bytes()
}

fn pick<'a>(list: &[&'a str], seed: u64, salt: u8) -> &'a str {
    list[usize::from(random(seed)[usize::from(salt)]) % list.len()]
}

fn contents(seed: u64) -> Contents {
    let bytes = random(seed);
    let time =
        1_790_000_000_000_000_000 + i64::from(bytes[0]) * 86_400_000_000_000 + i64::from(bytes[1]) * 7_777_777_777;
    Contents {
        core: Some(Core {
            schema_version: 1,
            event_id: bytes[..16].to_vec(),
            occurred_at: time,
            recorded_at: time + 4_000_000,
            action: 1 + i32::from(bytes[2] % 6),
            event_name: pick(&NAMES, seed, 3).to_owned(),
            outcome: 1,
            purpose: 1 + i32::from(bytes[4] % 6),
            legal_basis: 5,
            categories: vec![1, 9],
            resource_type: pick(&RESOURCES, seed, 5).to_owned(),
            record_count: u64::from(bytes[6] % 30),
            subject_count: 1,
            actor_kind: 1,
            actor_roles: vec![pick(&ROLES, seed, 7).to_owned()],
            channel: 1,
            source_service: pick(&SERVICES, seed, 8).to_owned(),
            source_assurance: 1,
            policy_version: akta::model::policy::VERSION.to_owned(),
            ..Core::default()
        }),
        actor: Some(ActorPart { pseudonym: random(u64::from(bytes[9])).to_vec(), on_behalf_of: Vec::new() }),
        subjects: vec![SubjectPart { pseudonym: random(seed + 1_000_000).to_vec(), child: i32::from(bytes[10] % 5) }],
        net: Some(NetPart {
            ip: vec![192, 0, 2, bytes[11]],
            user_agent: pick(&AGENTS, seed, 12).as_bytes().to_vec(),
            trace_id: bytes[16..].to_vec(),
            ..NetPart::default()
        }),
        detail: Some(DetailPart {
            resource_id: format!("{}/{}", bytes[13], bytes[14]),
            fields: vec!["name".to_owned(), "marks".to_owned()],
            outcome_reason: if bytes[15].is_multiple_of(4) { "http 200".to_owned() } else { String::new() },
            attributes: vec![Attribute { key: "school-year".to_owned(), value: "2026/2027".to_owned() }],
            ..DetailPart::default()
        }),
        ..Contents::default()
    }
}
