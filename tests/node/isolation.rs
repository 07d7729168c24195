//! What a school's callers learn of another school: nothing, neither by what is answered nor by how long it takes.
//!
//! The long form (AKTA_TORTURE=1) takes 10,000 calls of each kind for either side, the short one 1,000 of all kinds.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome;
use akta::grpc::api::{
    Actor, AskApprovalRequest, DeclareIncidentRequest, GrantRequest, Identity, PlaceHoldRequest, Resource,
    StreamEventsResponse,
};
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::calls::{APPROVAL, GRANT, HOLD, INCIDENT, LIST, ROWS, WHOLE, approval, grant, hold, incident};
use super::neighbours::{Neighbours, SCHOOLS};
use super::raw::Bytes;
use super::secure::STUCK;
use super::support::{Drawn, run};

/// There is none of that name.
const UNKNOWN: &str = "school-9";

/// Values that only the other school's records have.
const PLANTED: [&str; 4] = ["planted-resource", "planted-person", "planted-ticket", "planted-agent"];

/// Rates that these tests do not reach.
const LIMITS: &str = "[limits]\ncaller_events = 100000000\ncaller_bytes = \"10 GiB\"\n";

/// A node on which the second school has much that is its own, and the first a little.
async fn planted() -> Neighbours {
    let world = Neighbours::new(LIMITS);
    world.seed(0, 20, |_, _| {}).await;
    let [resource, person, ticket, agent] = PLANTED;
    world
        .seed(1, 2_000, |number, event| {
            event.resource =
                Some(Resource { r#type: "marks".to_owned(), id: resource.to_owned(), ..Resource::default() });
            let identity = Some(Identity::new("staff", format!("{person}-{}", number % 50)));
            event.actor = Some(Actor { identity, ..event.actor.take().unwrap_or_default() });
            event.purpose_text = ticket.to_owned();
            event.network.get_or_insert_default().user_agent = agent.into();
        })
        .await;
    // What either has decided; the second school's reasons are its own.
    for (school, reason) in [(0, "contract"), (1, ticket)] {
        let contact = Asks::person(&world, "contact", school).await;
        let (of, ground) = (SCHOOLS[school], reason.to_owned());
        let decided = [
            ("ControllerService/Grant", GrantRequest { ground: ground.clone(), ..grant(of, GRANT) }.encode_to_vec()),
            (
                "ControllerService/DeclareIncident",
                DeclareIncidentRequest { id: INCIDENT.to_owned(), ground: ground.clone(), ..incident(of) }
                    .encode_to_vec(),
            ),
            (
                "ControllerService/AskApproval",
                AskApprovalRequest { ground: ground.clone(), ..approval(of, APPROVAL) }.encode_to_vec(),
            ),
            ("RetentionService/PlaceHold", PlaceHoldRequest { ground, ..hold(of, HOLD) }.encode_to_vec()),
        ];
        for (call, request) in decided {
            contact.call(call, request).await.unwrap();
        }
    }
    world
}

/// Somebody who calls.
struct Asks {
    channel: Channel,
    token: Option<String>,
}

impl Asks {
    /// Who may most at a school: one who reports for it, its auditor, or its head.
    async fn of(world: &Neighbours, call: &str, school: usize) -> Self {
        if call.starts_with("IngestService") {
            let tls = world.reporter(school);
            return Self { channel: Client::channel(world.address(), Some(&tls)).await.unwrap(), token: None };
        }
        let decides = ["ControllerService", "RetentionService", "IdentityService"]
            .iter()
            .any(|service| call.starts_with(service));
        let who = if decides { "head" } else { "auditor" };
        Self::person(world, who, school).await
    }

    async fn person(world: &Neighbours, who: &str, school: usize) -> Self {
        Self { channel: world.people().await, token: Some(world.token(who, school)) }
    }

    /// Calls; the messages of the answer, or why there is none.
    async fn call(&self, call: &str, request: Vec<u8>) -> Result<Vec<Vec<u8>>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(8 << 20);
        grpc.ready().await.unwrap();
        let path = PathAndQuery::try_from(format!("/akta.v1.{call}")).unwrap();
        let mut request = Request::new(tokio_stream::once(request));
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let answer = tokio::time::timeout(STUCK, grpc.streaming(request, path, Bytes)).await.expect("in time");
        let mut answer = answer?.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = answer.message().await? {
            messages.push(message);
        }
        Ok(messages)
    }
}

/// Everything that an answer says, as bytes.
fn told(answer: &Result<Vec<Vec<u8>>, Status>) -> Vec<u8> {
    match answer {
        Ok(messages) => messages.concat(),
        Err(status) => {
            format!("{:?} {} {:?} {:?}", status.code(), status.message(), status.details(), keys(status)).into_bytes()
        }
    }
}

/// Why there is no answer; that of a stream to an event without the event's own id.
fn why(answer: &Result<Vec<Vec<u8>>, Status>) -> String {
    match answer {
        Err(_) => String::from_utf8_lossy(&told(answer)).into_owned(),
        Ok(messages) => match StreamEventsResponse::decode(messages.concat().as_slice()).unwrap().outcome {
            Some(Outcome::Refusal(refusal)) => format!("{refusal:?}"),
            other => panic!("is not refused: {other:?}"),
        },
    }
}

/// Names of what comes with a status; the date differs.
fn keys(status: &Status) -> Vec<String> {
    status.metadata().clone().into_headers().keys().map(ToString::to_string).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn nothing_of_another_is_in_any_answer() {
    run(async {
        let world = planted().await;
        // What is about the whole node is no school's to ask.
        for (call, _, request) in ROWS.into_iter().filter(|row| row.0 != WHOLE) {
            let asks = Asks::of(&world, call, 0).await;
            let [own, other, unknown] = [SCHOOLS[0], SCHOOLS[1], UNKNOWN].map(request);
            let own = asks.call(call, own).await;
            assert!(own.is_ok(), "{call}: {own:?}");
            let (other, unknown) = (asks.call(call, other).await, asks.call(call, unknown).await);
            if call == LIST {
                // It names no controller: what it shows is all that is looked at.
                assert!(holds(&told(&own), SCHOOLS[0]), "{call}: {own:?}");
                for text in PLANTED.iter().chain([&SCHOOLS[1]]) {
                    assert!(!holds(&told(&own), text), "{call}: {text}");
                }
                continue;
            }
            // A stream says it of the event, any other call of itself.
            match &other {
                Ok(messages) => assert!(call.ends_with("StreamEvents") && messages.len() == 1, "{call}"),
                Err(status) => assert_eq!(status.code(), Code::PermissionDenied, "{call}"),
            }
            assert_eq!(why(&other), why(&unknown), "{call}: told apart");
            for answer in [&own, &other, &unknown] {
                let bytes = told(answer);
                for text in PLANTED.iter().chain([&SCHOOLS[1]]) {
                    assert!(!holds(&bytes, text), "{call}: {text} in {}", String::from_utf8_lossy(&bytes));
                }
            }
            let theirs = Asks::of(&world, call, 1).await.call(call, request(SCHOOLS[1])).await;
            assert!(theirs.is_ok(), "{call}: {theirs:?}");
            if call.ends_with("SearchEvents") {
                let bytes = told(&theirs);
                assert!(PLANTED.iter().all(|text| holds(&bytes, text)), "what is planted is there to be found");
            }
        }
        let metrics = world.metrics().await;
        assert!(metrics.contains("akta_calls_total{method=\"akta.v1.HistoryService/SearchEvents\",status=\"OK\"}"));
        for text in PLANTED.iter().chain(&SCHOOLS).chain(&[UNKNOWN, "register", "auditor", "spiffe", "example"]) {
            assert!(!metrics.contains(text), "{text} in {metrics}");
        }
    });
}

#[test]
fn another_and_nobody_take_the_same_time() {
    let long = std::env::var_os("AKTA_TORTURE").is_some();
    let each = if long { 10_000 } else { 200 };
    run(async {
        let world = planted().await;
        let calls = ["SearchEvents", "GetEvent", "GetCheckpoint", "ListNotices", "RecordEvent"];
        let (mut mean, mut wrong) = (0.0, Vec::new());
        let error = standard_error(each);
        for call in calls {
            let (call, _, request) = ROWS.into_iter().find(|row| row.0.ends_with(&format!("/{call}"))).unwrap();
            let asks = Asks::of(&world, call, 0).await;
            let requests = [SCHOOLS[1], UNKNOWN].map(request);
            let times = interleaved(&asks, call, &requests, each).await;
            let area = auc(&times[0], &times[1]);
            println!("{call}: AUC {area:.4} of {each} and {each}, standard error {error:.4}");
            mean += area / calls.len() as f64;
            let most = if long { 0.05 } else { 4.0 * error };
            if (area - 0.5).abs() > most {
                wrong.push(format!("{call}: {area}"));
            }
        }
        let error = error / (calls.len() as f64).sqrt();
        println!("all: AUC {mean:.4}, standard error {error:.4}");
        assert!(wrong.is_empty() && (mean - 0.5).abs() <= (4.0 * error).min(0.08), "{wrong:?}, all {mean}");
        // The yardstick: what does differ is told apart.
        let (call, _, request) = ROWS[4];
        let asks = Asks::of(&world, call, 0).await;
        let times = interleaved(&asks, call, &[SCHOOLS[0], UNKNOWN].map(request), 200).await;
        let area = auc(&times[0], &times[1]);
        println!("{call}, own and unknown: AUC {area:.4}");
        assert!(area > 0.9, "the yardstick does not tell: {area}");
    });
}

/// Times of two requests in a drawn order, so many of each.
async fn interleaved(asks: &Asks, call: &str, requests: &[Vec<u8>; 2], each: usize) -> [Vec<Duration>; 2] {
    let mut drawn = Drawn(each as u64);
    let mut times = [const { Vec::new() }; 2];
    // The first few of a connection are slower.
    for _ in 0..20 {
        for request in requests {
            let _ = asks.call(call, request.clone()).await;
        }
    }
    while times.iter().any(|times: &Vec<_>| times.len() < each) {
        let side = drawn.below(2);
        if times[side].len() < each {
            let request = requests[side].clone();
            let begun = Instant::now();
            let _ = asks.call(call, request).await;
            times[side].push(begun.elapsed());
        }
    }
    times
}

/// The chance that one of the first takes longer than one of the second: 0.5 if nothing tells them apart.
fn auc(first: &[Duration], second: &[Duration]) -> f64 {
    let mut all: Vec<_> =
        first.iter().map(|time| (time, true)).chain(second.iter().map(|time| (time, false))).collect();
    all.sort();
    let (mut ranks, mut at) = (0.0, 0);
    while at < all.len() {
        let end = at + all[at..].iter().take_while(|row| row.0 == all[at].0).count();
        let rank = (at + 1 + end) as f64 / 2.0;
        ranks += rank * all[at..end].iter().filter(|row| row.1).count() as f64;
        at = end;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    (ranks - n * (n + 1.0) / 2.0) / (n * m)
}

/// Of the AUC of two samples of that size that do not differ.
fn standard_error(each: usize) -> f64 {
    let n = each as f64;
    ((2.0 * n + 1.0) / (12.0 * n * n)).sqrt()
}

#[test]
fn the_classifier_tells_what_differs() {
    let millis = |all: &[u64]| all.iter().map(|time| Duration::from_millis(*time)).collect::<Vec<_>>();
    for (first, second, expected) in [
        (&[1, 2, 3][..], &[4, 5, 6][..], 0.0),
        (&[4, 5, 6], &[1, 2, 3], 1.0),
        (&[1, 2, 3], &[1, 2, 3], 0.5),
        (&[2, 2], &[2, 2, 2], 0.5),
        (&[1, 4], &[2, 3], 0.5),
        (&[1, 3, 4], &[2], 2.0 / 3.0),
    ] {
        assert!((auc(&millis(first), &millis(second)) - expected).abs() < 1e-9, "{first:?}, {second:?}");
    }
}
