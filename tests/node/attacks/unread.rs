//! Answers that nobody reads: with windows that are wide open, so that the server sends what it can, and without any.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use akta::grpc::api::{Event, StreamEventsRequest, VerifyTrailRequest};
use prost::Message;
use tonic::Code;

use super::super::neighbours::{SCHOOLS, ask, search};
use super::super::support::Events;
use super::Target;
use super::frames::{END_HEADERS, HEADERS, call, frame, message};

/// Pages of two MiB, dozens a connection; somebody else still gets theirs.
pub(super) async fn pages(at: &Target) {
    for school in [0, 1] {
        at.world
            .seed(school, 2_000, |number, event| {
                event.network.get_or_insert_default().user_agent = vec![b'a' + (number % 26) as u8; 500];
                event.purpose_text = "a".repeat(60);
            })
            .await;
    }
    let bearer = format!("Bearer {}", at.token);
    let question = message(&search(SCHOOLS[0]).encode_to_vec());
    let mut held = Vec::new();
    for number in 0..at.many(8, 60) {
        let mut raw = at.raw(number % 2 == 0).await.expect("is let in");
        for _ in 0..at.many(16, 64) {
            raw.begin("/akta.v1.HistoryService/SearchEvents", &[("authorization", &bearer)], &question, true).await;
        }
        held.push(raw);
    }
    let people = at.world.people().await;
    let token = at.world.token("auditor", 1);
    for _ in 0..at.many(3, 100) {
        let page = tokio::time::timeout(Duration::from_secs(20), ask(&people, search(SCHOOLS[1]), &token)).await;
        assert!(page.expect("is answered in time").expect("is answered").events.len() >= 500);
    }
}

/// Thousands of events, each answered, on many streams.
pub(super) async fn streams(at: &Target) {
    let mut events = Events::of(77);
    let mut held = Vec::new();
    for number in 0..at.many(20, 100) {
        let mut raw = at.raw(number % 2 == 0).await.expect("is let in");
        for _ in 0..at.many(1, 5) {
            let stream = raw.stream();
            let begin = frame(HEADERS, END_HEADERS, stream, &call("/akta.v1.IngestService/StreamEvents", &[]));
            raw.send(&begin).await;
            // Without windows nothing of the answers comes, so one may listen for how much more the server takes; wide
            // open, the socket itself is not read.
            let patience = if number % 2 == 0 { Duration::ZERO } else { Duration::from_millis(500) };
            for _ in 0..at.many(40, 200) {
                let lot: Vec<u8> = (0..30)
                    .flat_map(|_| {
                        let event = Event { controller: SCHOOLS[0].to_owned(), ..events.read() };
                        message(&StreamEventsRequest { event: Some(event) }.encode_to_vec())
                    })
                    .collect();
                let sent = tokio::time::timeout(Duration::from_secs(1), raw.data(stream, &lot, patience)).await;
                if !sent.is_ok_and(|sent| sent) {
                    break;
                }
            }
        }
        held.push(raw);
    }
    if at.long {
        tokio::time::sleep(Duration::from_secs(70)).await;
    }
}

/// More than one caller may have: those over it are refused, and others have theirs.
pub(super) async fn verifications(at: &Target) {
    let bearer = format!("Bearer {}", at.token);
    let request =
        message(&VerifyTrailRequest { controller: SCHOOLS[0].to_owned(), origin: String::new() }.encode_to_vec());
    let path = "/akta.v1.EvidenceService/VerifyTrail";
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..at.many(4, 60) {
        let mut raw = at.raw(false).await.expect("is let in");
        for _ in 0..15 {
            raw.begin(path, &[("authorization", &bearer)], &request, true).await;
        }
        // Refusals are headers alone, which no window holds back.
        let seen = raw.read(15, Duration::from_millis(500)).await;
        refused += seen.statuses.iter().filter(|status| **status == Code::ResourceExhausted as u32).count();
        held.push(raw);
    }
    assert!(refused > 0, "some are refused");
    let people = at.world.people().await;
    let mut evidence = akta::grpc::api::evidence_service_client::EvidenceServiceClient::new(people);
    let request = VerifyTrailRequest { controller: SCHOOLS[1].to_owned(), origin: String::new() };
    let request = super::super::neighbours::with(request, &at.world.token("auditor", 1));
    let mut answers = evidence.verify_trail(request).await.expect("others verify").into_inner();
    while answers.message().await.expect("goes on").is_some() {}
}
