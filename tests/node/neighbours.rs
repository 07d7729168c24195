//! Two schools on one node, with callers of each, and what one of them may see of the other: nothing.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use akta::client::{Client, Tls};
use akta::grpc::api::{
    Event, RecordEventsRequest, SearchEventsRequest, SearchEventsResponse, SearchOrder,
    history_service_client::HistoryServiceClient,
};
use akta::model::stored::Purpose;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::authority::Authority;
use super::issued::{ISSUER, Issued, Wish};
use super::secure::{Files, Secure};
use super::support::Events;

/// The schools.
pub(crate) const SCHOOLS: [&str; 2] = ["school-1", "school-2"];

/// Services that report for them, in their order.
const REPORTERS: [&str; 2] = ["spiffe://schools.example/register-1", "spiffe://schools.example/register-2"];

/// A node with two schools.
pub(crate) struct Neighbours {
    pub(crate) node: Secure,
    pub(crate) authority: Authority,
    pub(crate) issuer: Issued,
    pub(crate) folder: tempfile::TempDir,
}

impl Neighbours {
    /// Starts it; `limits` is the table of that name.
    pub(crate) fn new(limits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, issuer) = (Authority::new("ours"), Issued::new());
        let files = Files::new(folder.path(), &authority.server(), &authority);
        files.write("jwks.json", &issuer.key_set());
        let mut policy = format!(
            "[[issuer]]\nurl = \"{ISSUER}\"\naudience = \"akta\"\njwks_file = \"jwks.json\"\nalgorithms = [\"ES256\"]\n"
        );
        for (school, reporter) in SCHOOLS.iter().zip(REPORTERS) {
            policy += &format!(
                "[[workload]]\nspiffe = \"{reporter}\"\nservice = \"register\"\ncontrollers = [\"{school}\"]\nroles = [\"ingest\"]\n"
            );
            let head = "\"contact\", \"steward\", \"approver\"";
            for (who, roles) in
                [("auditor", "\"auditor\""), ("deputy", "\"auditor\""), ("head", head), ("contact", head)]
            {
                policy += &format!(
                    "[[person]]\nissuer = \"{ISSUER}\"\nsubject = \"{who}-of-{school}\"\ncontrollers = [\"{school}\"]\nroles = [{roles}]\nstaff = \"controller\"\n"
                );
            }
        }
        files.write("policy.toml", &policy);
        let config = format!(
            "policy = \"policy.toml\"\n{}client_certificate = \"optional\"\n[listen.api]\naddress = \"127.0.0.1:0\"\n\
             [listen.ops]\naddress = \"127.0.0.1:0\"\ntls = false\n{limits}",
            files.table()
        );
        let node = Secure::start(folder.path(), &config, 2);
        Self { node, authority, issuer, folder }
    }

    /// Where its services are.
    pub(crate) fn address(&self) -> &str {
        self.node.address("api")
    }

    /// TLS of whoever reports for a school.
    pub(crate) fn reporter(&self, school: usize) -> Tls {
        self.authority.client(Some(&self.authority.workload(REPORTERS[school])))
    }

    /// A connection of whoever reports for a school.
    pub(crate) async fn reports(&self, school: usize) -> Client {
        Client::connect_with(self.address(), Some(&self.reporter(school))).await.unwrap()
    }

    /// The token of somebody of a school: `auditor` or `deputy`; `head` or `contact`, who decide.
    pub(crate) fn token(&self, who: &str, school: usize) -> String {
        self.issuer.token(&format!("{who}-of-{}", SCHOOLS[school]), Wish { lasts: 3_000, ..Wish::default() })
    }

    /// A connection without a certificate: people show a token with each call.
    pub(crate) async fn people(&self) -> Channel {
        Client::channel(self.address(), Some(&self.authority.client(None))).await.unwrap()
    }

    /// Records so many events of a school, each as `spoil` has it.
    pub(crate) async fn seed(&self, school: usize, count: usize, spoil: impl Fn(usize, &mut Event)) {
        let mut client = self.reports(school).await;
        static SOURCES: AtomicU32 = AtomicU32::new(7_000);
        let mut events = Events::of(SOURCES.fetch_add(1, Ordering::Relaxed));
        let all: Vec<_> = (0..count)
            .map(|number| {
                let mut event = Event { controller: SCHOOLS[school].to_owned(), ..events.read() };
                spoil(number, &mut event);
                event
            })
            .collect();
        for events in all.chunks(500) {
            client.ingest.record_events(RecordEventsRequest { events: events.to_vec() }).await.unwrap();
        }
    }

    /// What `/metrics` shows.
    pub(crate) async fn metrics(&self) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(self.node.address("ops")).await.unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: akta\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        answer
    }
}

/// A call with a token.
pub(crate) fn with<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// A search of everything of a school.
pub(crate) fn search(of: &str) -> SearchEventsRequest {
    SearchEventsRequest {
        controller: of.to_owned(),
        purpose: Purpose::Security.into(),
        order: SearchOrder::OldestFirst.into(),
        page_size: 1_000,
        ..Default::default()
    }
}

/// Searches.
pub(crate) async fn ask(
    channel: &Channel,
    question: SearchEventsRequest,
    token: &str,
) -> Result<SearchEventsResponse, Status> {
    let mut history = HistoryServiceClient::new(channel.clone()).max_decoding_message_size(8 << 20);
    Ok(history.search_events(with(question, token)).await?.into_inner())
}
