//! Attacks on a running node by somebody who may call it, while a neighbour works: the node lives, stays small, says
//! what it should, and the neighbour hardly notices.
//!
//! The short form, always run, has small numbers and looks at life, answers and memory. The long form (AKTA_TORTURE=1)
//! has large ones, a fresh node for each attack, judges the neighbour's times too, and prints them.
#![allow(clippy::unwrap_used)]

mod bodies;
mod floods;
mod frames;
mod measure;
mod names;
mod streams;
mod tokens;
mod unread;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use self::frames::Raw;
use self::measure::{FLOOR, MEMORY_MAX, Neighbour, Spinning, forget_peak, peak};
use super::neighbours::Neighbours;
use super::support::run;

/// What is attacked.
pub(crate) struct Target {
    world: Neighbours,
    /// TLS of the attacker, who may report for the first school.
    tls: Arc<ClientConfig>,
    /// Token of the attacker, who may read the first school's trail.
    token: String,
    /// Large numbers.
    long: bool,
}

impl Target {
    fn new(long: bool) -> Self {
        let world = Neighbours::new("");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(world.authority.pem.as_bytes()).unwrap()).unwrap();
        let identity = world.authority.workload("spiffe://schools.example/register-1");
        let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let token = world.token("auditor", 0);
        Self { world, tls: Arc::new(config), token, long }
    }

    /// A connection of the attacker's.
    async fn raw(&self, wide: bool) -> Option<Raw> {
        Raw::open(self.world.address(), &self.tls, wide).await
    }

    /// The one number in the short form, the other in the long one.
    fn many(&self, short: usize, long: usize) -> usize {
        if self.long { long } else { short }
    }
}

/// An attack, which judges the answers that it gets.
type Attack = for<'a> fn(&'a Target) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const ATTACKS: [(&str, Attack); 17] = [
    ("rapid reset before the message", |at| Box::pin(streams::reset_before(at))),
    ("rapid reset after the message", |at| Box::pin(streams::reset_after(at))),
    ("pings without an end", |at| Box::pin(streams::pings(at))),
    ("settings without an end", |at| Box::pin(streams::settings(at))),
    ("huge headers", |at| Box::pin(streams::huge_headers(at))),
    ("headers that go on for ever", |at| Box::pin(streams::endless_headers(at))),
    ("headers that do not end", |at| Box::pin(bodies::unfinished_headers(at))),
    ("bodies that do not end", |at| Box::pin(bodies::unfinished(at))),
    ("compressed bombs", |at| Box::pin(bodies::bombs(at))),
    ("lengths of 4 GiB", |at| Box::pin(bodies::lengths(at))),
    ("connections that say nothing", |at| Box::pin(floods::silent(at))),
    ("connections that shake hands", |at| Box::pin(floods::idle(at))),
    ("pages that nobody reads", |at| Box::pin(unread::pages(at))),
    ("streams that nobody reads", |at| Box::pin(unread::streams(at))),
    ("verifications that nobody reads", |at| Box::pin(unread::verifications(at))),
    ("tokens of others, altered or over", |at| Box::pin(tokens::all(at))),
    ("names that are paths", |at| Box::pin(names::all(at))),
];

/// All of them, or those whose name holds AKTA_ATTACK.
fn chosen() -> impl Iterator<Item = (&'static str, Attack)> {
    let only = std::env::var("AKTA_ATTACK").unwrap_or_default();
    ATTACKS.into_iter().filter(move |(name, _)| name.contains(&only))
}

#[test]
fn attacks_are_survived() {
    if std::env::var_os("AKTA_TORTURE").is_some() {
        return;
    }
    let target = Target::new(false);
    let pid = target.world.node.pid();
    run(async {
        let mut neighbour = Neighbour::of(&target.world, 1).await;
        let mut wrong = Vec::new();
        for (name, attack) in chosen() {
            forget_peak(pid);
            let begun = Instant::now();
            let (times, _) = neighbour.during(Duration::ZERO, async || attack(&target).await).await;
            let memory = peak(pid);
            println!("{name}: {memory} MiB, {} calls of a neighbour, {:.1?}", times.count(), begun.elapsed());
            if memory >= MEMORY_MAX {
                wrong.push(format!("{name}: {memory} MiB"));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn attacks_are_hardly_noticed() {
    if std::env::var_os("AKTA_TORTURE").is_none() {
        return;
    }
    let mut wrong = Vec::new();
    println!("| attack | MiB | p99 before | p99 while processors spin | p99 during | calls |");
    for (number, (name, attack)) in (10..).zip(chosen()) {
        let target = Target::new(true);
        let pid = target.world.node.pid();
        run(async {
            let mut neighbour = Neighbour::of(&target.world, number).await;
            let quiet = Duration::from_secs(5);
            let before = neighbour.for_long(quiet).await.p99();
            forget_peak(pid);
            let (mut times, processors) = neighbour.during(2 * quiet, async || attack(&target).await).await;
            let (memory, during, calls) = (peak(pid), times.p99(), times.count());
            let spinning = Spinning::start(processors);
            let spun = neighbour.for_long(quiet).await.p99();
            drop(spinning);
            println!("| {name} | {memory} | {before:.1?} | {spun:.1?} | {during:.1?} | {calls} |");
            if memory >= MEMORY_MAX || during > 2 * before.max(spun).max(FLOOR) {
                wrong.push(format!("{name}: {memory} MiB, {before:?} before, {spun:?} spun, {during:?} during"));
            }
        });
    }
    assert_eq!(wrong, Vec::<String>::new());
}
