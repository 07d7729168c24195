//! Starting the real binary, and events to send it.
#![allow(clippy::unwrap_used)]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use akta::client::Client;
use akta::grpc::api::{Actor, Event, Identity, Network, Resource, SearchEventsRequest, SearchOrder, Source, Subject};
use akta::model::stored::{Action, ActorKind, Channel, ChildFlag, DataCategory, Outcome, Purpose};
use prost_types::Timestamp;
use serde_json::Value;

use super::binary::{akta, shown};

/// The controller of most tests.
pub(crate) const SCHOOL: &str = "school-12";

/// A running `akta serve --dev`. Killed if the test ends before it is stopped.
pub(crate) struct Node {
    child: Child,
    // Held open: the node may go on to write there.
    _stdout: BufReader<ChildStdout>,
    address: String,
    log: PathBuf,
}

impl Node {
    /// Starts a node on `folder`/data; returns once it serves. Its log goes on in `folder`/log.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// As [`Self::start`], with more arguments.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let log = folder.join("log");
        let errors = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = akta();
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(data(folder)).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening api ") else {
            let status = child.wait();
            panic!("the node did not come up: {line:?}, {status:?}\n{}", read(&log));
        };
        Self { address: address.to_owned(), child, _stdout: stdout, log }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A connection of its own.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.address).await.unwrap()
    }

    /// SIGTERM; it must end in good order.
    pub(crate) fn stop(mut self) {
        // The shell's own kill: a bare system has no other.
        let told = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success(), "SIGTERM could not be sent");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "after SIGTERM: {status}\n{}", read(&self.log));
    }

    /// SIGKILL; returns once the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The data folder of the node that was started on `folder`.
pub(crate) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Verifies the data folder of a stopped node, which must be good; the report on the trails of controllers.
pub(crate) fn verified(folder: &Path) -> Value {
    let output = akta().arg("verify").arg(data(folder)).args(["--dev", "--json"]).output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // The node's own trail says how often it was started.
    let trails = report["trails"].as_array_mut().unwrap();
    trails.retain(|trail| !trail["origin"].as_str().unwrap().contains("/node/"));
    report
}

/// Runs a test's work on a runtime of its own.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Numbers that look drawn and are the same in every run (splitmix64).
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// Events of a school, each with an id of its own.
pub(crate) struct Events {
    source: u32,
    count: u64,
    drawn: Drawn,
}

impl Events {
    /// Events of one reporter; reporters with different numbers never draw the same event id.
    pub(crate) fn of(source: u32) -> Self {
        Self { source, count: 0, drawn: Drawn(source.into()) }
    }

    /// A fresh event id, formed like a UUID of version 7.
    pub(crate) fn id(&mut self) -> String {
        self.count += 1;
        let noise = self.drawn.below(0x1000);
        format!("{:08x}-{:04x}-7{noise:03x}-8000-{:012x}", self.source, self.count >> 48, self.count & 0xffff_ffff_ffff)
    }

    /// A teacher looks at one pupil's marks.
    pub(crate) fn read(&mut self) -> Event {
        let teacher = self.drawn.below(40);
        let pupil = self.drawn.below(900);
        Event {
            event_id: self.id(),
            controller: SCHOOL.to_owned(),
            action: Action::Read.into(),
            event_name: "marks.show".to_owned(),
            outcome: Outcome::Success.into(),
            actor: Some(Actor {
                identity: Some(Identity::new("staff", format!("t-{teacher}"))),
                kind: ActorKind::Human.into(),
                roles: vec!["teacher".to_owned()],
                ..Actor::default()
            }),
            subjects: vec![self::pupil(pupil)],
            resource: Some(Resource {
                r#type: "marks".to_owned(),
                id: format!("m-{pupil}"),
                fields: vec!["mark".to_owned()],
            }),
            record_count: 1,
            categories: vec![DataCategory::EducationRecord.into()],
            purpose: Purpose::Teaching.into(),
            channel: Channel::Web.into(),
            network: Some(Network {
                ip: format!("192.0.2.{}", teacher + 1),
                user_agent: b"Mozilla/5.0 (X11; Linux x86_64)".to_vec(),
                ..Network::default()
            }),
            source: Some(Source { service: "register".to_owned(), ..Source::default() }),
            ..Event::default()
        }
    }
}

/// A pupil by number.
pub(crate) fn pupil(number: usize) -> Subject {
    Subject { identity: Some(Identity::new("pupil", format!("p-{number}"))), child: ChildFlag::Under16.into() }
}

/// A search of everything of the school, for security, oldest first, on full pages.
pub(crate) fn everything() -> SearchEventsRequest {
    SearchEventsRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::Security.into(),
        order: SearchOrder::OldestFirst.into(),
        page_size: 1_000,
        ..SearchEventsRequest::default()
    }
}

/// Now, moved by seconds.
pub(crate) fn seconds_from_now(seconds: i64) -> Timestamp {
    Timestamp { seconds: jiff::Timestamp::now().as_second() + seconds, nanos: 0 }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
