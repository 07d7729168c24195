//! Connections by the thousand: whoever has something to say still gets in.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use akta::client::Client;
use akta::grpc::api::Event;
use tokio::net::TcpStream;

use super::super::neighbours::SCHOOLS;
use super::super::support::Events;
use super::Target;

/// Somebody who comes anew while the flood lasts: how often they had to try before they were answered.
async fn newcomer(at: &Target) -> u32 {
    let tls = at.world.reporter(1);
    let mut events = Events::of(9);
    let begun = Instant::now();
    for tries in 1.. {
        let event = Event { controller: SCHOOLS[1].to_owned(), ..events.read() };
        let answered = async {
            let mut client = Client::connect_with(at.world.address(), Some(&tls)).await.ok()?;
            client.record(event).await.ok()
        };
        if tokio::time::timeout(Duration::from_secs(5), answered).await.ok().flatten().is_some() {
            return tries;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody gets in");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("it tries on")
}

/// TCP, and then nothing.
pub(super) async fn silent(at: &Target) {
    let mut held = Vec::new();
    for number in 0..at.many(500, 10_000) {
        held.extend(TcpStream::connect(at.world.address()).await.ok());
        if number % 2_500 == 499 {
            assert!(newcomer(at).await < 50);
        }
    }
    assert!(newcomer(at).await < 50);
}

/// TLS and the first words of HTTP/2, and then nothing: more of them than there are places.
pub(super) async fn idle(at: &Target) {
    let mut held = Vec::new();
    for number in 0..at.many(200, 10_000) {
        held.extend(at.raw(true).await);
        if number % 2_500 == 199 {
            assert!(newcomer(at).await < 50);
        }
    }
    assert!(newcomer(at).await < 50);
}
