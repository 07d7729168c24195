//! A node with listeners apart and TLS, and what it logs.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use akta::client::{Client, Tls};
use akta::grpc::api::{StreamEventsRequest, StreamEventsResponse};
use tokio::sync::mpsc::Sender;
use tonic::{Code, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::authority::{Authority, Identity};
use super::binary::akta;
use super::support::{Events, data};

/// No step takes this long.
pub(crate) const STUCK: Duration = Duration::from_secs(60);

/// A node under `akta serve --dev --config`, killed at the end.
pub(crate) struct Secure {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    log: Receiver<String>,
    addresses: BTreeMap<String, String>,
}

/// Starts `akta serve --dev` on `folder` with that configuration.
pub(crate) fn serve(folder: &Path, config: &str) -> Command {
    let file = folder.join("akta.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = akta();
    command.args(["serve", "--dev", "--data"]).arg(data(folder)).arg("--config").arg(file);
    command
}

impl Secure {
    /// Starts it; `listeners` is how many of them the configuration has.
    pub(crate) fn start(folder: &Path, config: &str, listeners: usize) -> Self {
        Self::of(serve(folder, config), listeners)
    }

    /// Starts that command.
    pub(crate) fn of(mut command: Command, listeners: usize) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (to, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut addresses = BTreeMap::new();
        for _ in 0..listeners {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let Some((name, address)) =
                line.trim_end().strip_prefix("listening ").and_then(|rest| rest.split_once(' '))
            else {
                panic!("the node did not come up: {line:?}\n{:?}", log.iter().collect::<Vec<_>>());
            };
            addresses.insert(name.to_owned(), address.to_owned());
        }
        Self { child, _stdout: stdout, log, addresses }
    }

    /// Where a listener listens.
    pub(crate) fn address(&self, listener: &str) -> &str {
        &self.addresses[listener]
    }

    /// Number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged since somebody asked last.
    pub(crate) fn log_so_far(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    /// Waits until it logs a line with that text; the line.
    pub(crate) fn logged(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(STUCK);
            let line = line.unwrap_or_else(|_| panic!("it did not log {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// SIGTERM; what it logged until it ended.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let told = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success(), "SIGTERM could not be sent");
        // Its log must not fill up the pipe.
        let log = self.log.iter().collect();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "after SIGTERM: {status}\n{log:?}");
        log
    }

    /// Has it read its files again.
    pub(crate) fn hang_up(&self) {
        let told = Command::new("sh").args(["-c", "kill -HUP \"$0\"", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success(), "SIGHUP could not be sent");
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Files of TLS in a folder, and the table that names them.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(folder: &Path, server: &Identity, clients: &Authority) -> Self {
        let files = Self(folder.to_owned());
        files.server(server);
        files.write("ca.crt", &clients.pem);
        files.write("ca.crl", &clients.revoked(&[]));
        files
    }

    pub(crate) fn server(&self, server: &Identity) {
        self.write("tls.crt", &server.certificate);
        self.write("tls.key", &server.key);
    }

    /// Replaces one of them at once, as a careful administrator does.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let new = self.0.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.0.join(name)).unwrap();
    }

    /// The table `[tls]` of the configuration.
    pub(crate) fn table(&self) -> String {
        let path = |name: &str| self.0.join(name).display().to_string();
        let [certificate, key, ca, crl] = ["tls.crt", "tls.key", "ca.crt", "ca.crl"].map(path);
        format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nclient_ca = \"{ca}\"\ncrl = \"{crl}\"\n")
    }
}

/// Whether somebody is let in: any answer of the server will do; else why not.
pub(crate) async fn let_in(address: &str, tls: Option<&Tls>) -> Result<(), String> {
    let channel = Client::channel(address, tls).await.map_err(|error| error.to_string())?;
    let asked = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    match asked {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::Unimplemented => Ok(()),
        Err(status) => Err(akta::client::reason(&status)),
    }
}

/// A connection with a stream of reports over it, which ends when the connection does.
pub(crate) struct Open {
    reports: Sender<StreamEventsRequest>,
    answers: Streaming<StreamEventsResponse>,
    events: Events,
}

impl Open {
    pub(crate) async fn on(address: &str, tls: Option<&Tls>, source: u32) -> Self {
        let mut client = Client::connect_with(address, tls).await.unwrap();
        let (reports, answers) = client.stream(8).await.unwrap();
        let mut open = Self { reports, answers, events: Events::of(source) };
        open.works().await;
        open
    }

    /// Reports, and gets an answer.
    pub(crate) async fn works(&mut self) {
        let event = Some(self.events.read());
        self.reports.send(StreamEventsRequest { event }).await.unwrap();
        let answer = tokio::time::timeout(STUCK, self.answers.message()).await.expect("it answers in time");
        assert!(answer.unwrap().is_some(), "the stream goes on");
    }

    /// Waits until the server ends it.
    pub(crate) async fn ends(&mut self) {
        let answer = tokio::time::timeout(STUCK, self.answers.message()).await.expect("it ends in time");
        assert!(answer.is_err(), "cut, not finished");
    }
}
