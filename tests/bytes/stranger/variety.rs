//! Events of every shape: with parts and without, empty ones, cut ones, numbers without a word, many people.

use std::time::Duration;

use akta::cli::random::Random;
use akta::grpc::api;
use akta::model::date::Timestamp;
use akta::model::stored::{ActorKind, ChildFlag, Outcome, Purpose, RetentionClass};

/// A number that this version has no word for.
const UNKNOWN: i32 = 900;

/// Changes an event that is good into another one that is.
pub(crate) fn vary(message: &mut api::Event, random: &mut Random, now: Timestamp) {
    people(message, random);
    net(message, random);
    session(message, random);
    what(message, random);
    details(message, random);
    time(message, random, now);
}

fn one_in(random: &mut Random, n: usize) -> bool {
    random.index(n) == 0
}

fn text(random: &mut Random, max: usize) -> String {
    let letters = ["a", "ż", "日", "-", " ", "\u{301}", "Q"];
    let mut text = String::from("x");
    for _ in 0..random.index(max) {
        let letter = letters[random.index(letters.len())];
        if text.len() + letter.len() < max {
            text.push_str(letter);
        }
    }
    text.push('x');
    text
}

fn people(message: &mut api::Event, random: &mut Random) {
    match random.index(10) {
        0 => message.actor = Some(api::Actor { kind: ActorKind::Anonymous as i32, ..api::Actor::default() }),
        1 => {
            // Somebody who is both, under a name that is none in ASCII, and shaped like an address.
            let mut who = api::Identity::new("osoba", format!("{}@ł.pl", text(random, 20)));
            who.display_name = text(random, 60);
            let stand_in = one_in(random, 2).then(|| who.clone());
            let roles = (0..random.index(8)).map(|_| text(random, 30)).collect();
            message.actor = Some(api::Actor {
                identity: Some(who),
                kind: if one_in(random, 5) { UNKNOWN } else { ActorKind::Guardian as i32 },
                roles,
                on_behalf_of: stand_in,
                ..api::Actor::default()
            });
        }
        _ => {}
    }
    if one_in(random, 60) && !message.subjects.is_empty() {
        let first = random.below(1_000);
        let many = 40 + random.below(60);
        message.subjects = (first..first + many)
            .map(|number| api::Subject {
                identity: Some(api::Identity::new("pupil", format!("m-{number}"))),
                child: if number % 7 == 0 { UNKNOWN } else { ChildFlag::Under16 as i32 },
            })
            .collect();
    }
}

fn net(message: &mut api::Event, random: &mut Random) {
    let ip = |ip: &str| api::Network { ip: ip.to_owned(), ..api::Network::default() };
    match random.index(7) {
        0 => message.network = None,
        1 => message.network = Some(api::Network::default()),
        2 => message.network = Some(ip("2001:db8::7")),
        3 => message.network = Some(api::Network { user_agent: vec![b'u'; 600], ..ip("::ffff:192.0.2.7") }),
        4 => {
            message.network = Some(api::Network {
                trace_id: random.bytes::<16>().to_vec(),
                request_id: vec![0xff; random.index(80)],
                forwarded_for: b"198.51.100.1, ?".to_vec(),
                ..api::Network::default()
            });
        }
        _ => {}
    }
}

fn session(message: &mut api::Event, random: &mut Random) {
    match random.index(6) {
        0 => message.session = None,
        1 => message.session = Some(api::Session::default()),
        2 => {
            let auth_method = if one_in(random, 2) { UNKNOWN } else { 1 };
            message.session = Some(api::Session { id: vec![b's'; 5_000], auth_method, mfa: true });
        }
        _ => {}
    }
}

fn what(message: &mut api::Event, random: &mut Random) {
    match random.index(5) {
        0 => message.resource = None,
        1 => message.resource = Some(api::Resource { r#type: text(random, 60), ..api::Resource::default() }),
        2 => {
            message.resource = Some(api::Resource {
                r#type: "mark-sheet".to_owned(),
                id: text(random, 100),
                fields: (0..random.index(32)).map(|_| text(random, 60)).collect(),
            });
        }
        _ => {}
    }
    if one_in(random, 15) && message.retention_class == 0 && message.disclosure.is_none() {
        message.action = UNKNOWN;
    }
    if one_in(random, 15) {
        message.outcome = UNKNOWN;
    }
    if one_in(random, 15) {
        message.categories.push(UNKNOWN);
    }
    if message.retention_class != RetentionClass::Accounting as i32 {
        match random.index(12) {
            0 => message.purpose = UNKNOWN,
            1 => {
                message.purpose = Purpose::Other as i32;
                message.purpose_text = text(random, 60);
            }
            // A choice that was open and not made.
            2 => message.purpose = Purpose::Billing as i32,
            _ => {}
        }
    }
    if one_in(random, 25) {
        message.outcome = Outcome::Denied as i32;
    }
}

fn details(message: &mut api::Event, random: &mut Random) {
    match random.index(14) {
        0 => message.attributes.clear(),
        1 => {
            // More than a frame holds.
            let value = "v".repeat(512);
            message.attributes = (0..50).map(|n| (format!("attribute-{n}"), value.clone())).collect();
        }
        2 => message.break_glass = Some(api::BreakGlass { reason: text(random, 200) }),
        3 => {
            let hash = random.bytes::<32>().to_vec();
            message.change = Some(api::Change { hash_before: Vec::new(), hash_after: hash });
        }
        4 => {
            let sha256 = random.bytes::<32>().to_vec();
            message.export = Some(api::Export { format: UNKNOWN, bytes: u64::MAX, sha256 });
        }
        5 => message.outcome_reason = text(random, 200),
        _ => {}
    }
    if one_in(random, 8) {
        message.record_count = random.next();
        message.operation_id = text(random, 60);
        message.channel = 1;
        message.corrects = Some(api::RecordReference { seq: random.below(9), ..api::RecordReference::default() });
        message.authorization = Some(api::Authorization { policy_id: text(random, 60), decision_id: text(random, 60) });
    }
}

/// From nearly a week ago to a little ahead of the clock.
fn time(message: &mut api::Event, random: &mut Random, now: Timestamp) {
    let at = match random.index(10) {
        0 => now.minus(Duration::from_secs(random.below(6 * 24 * 3_600))),
        1 => now.plus(Duration::from_secs(random.below(4 * 60))),
        2 => now.minus(Duration::from_nanos(1)),
        _ => return,
    };
    let (seconds, nanos) = at.parts();
    message.occurred_at = Some(prost_types::Timestamp { seconds, nanos });
}
