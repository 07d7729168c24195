//! `akta import`: older logs as labelled records.

pub mod combined;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::mpsc;

use super::args::Target;
use super::text::{Progress, number};
use super::{Failure, Outcome, block_on};
use crate::grpc::api::stream_events_response::Outcome as Answer;
use crate::grpc::api::{self, StreamEventsRequest, StreamEventsResponse};
use crate::grpc::time::wire;
use crate::model::date::Timestamp;
use crate::model::stored::{Action, ActorKind, Channel, Outcome as Ended, SourceAssurance};
use combined::Line;

/// Events sent ahead of their answers.
const AHEAD: usize = 1_024;
/// A line longer than this is refused unread.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Refused lines that are listed one by one.
const LISTED_MAX: usize = 100;

/// Import an older log into a trail
///
/// Each line becomes an event labelled IMPORT: what was, not what was reported at the time. The event id follows from
/// the file's content and the line's number. Lines that are refused are listed with number and reason.
///
///   akta import --controller school-12 --format combined access.log
///   akta import --controller school-12 --format combined --rebase-to now access.log
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// combined: access logs of Apache and nginx; the resource is the path without query, the actor anonymous
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Move the whole log in time so that its newest line has this time: now, or a time like 2026-11-22T10:00:00Z
    #[arg(long, value_name = "now|TIME")]
    rebase_to: Option<Rebase>,
    /// The result as one JSON object
    #[arg(long)]
    json: bool,
    /// The log
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Combined,
}

#[derive(Debug, Clone, Copy)]
enum Rebase {
    Now,
    To(Timestamp),
}

impl FromStr for Rebase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            _ => Timestamp::parse(text)
                .map(Self::To)
                .ok_or_else(|| "must be now, or a time like 2026-11-22T10:00:00Z".into()),
        }
    }
}

/// What an import came to.
#[derive(Debug, Default)]
pub struct Imported {
    /// Events recorded, or found recorded by an earlier run.
    pub recorded: u64,
    /// Refused lines: number and reason. The first hundred.
    pub refused: Vec<(u64, String)>,
    /// How many lines were refused.
    pub refused_count: u64,
}

impl Imported {
    fn refuse(&mut self, line: u64, reason: String) {
        self.refused_count += 1;
        if self.refused.len() < LISTED_MAX {
            self.refused.push((line, reason));
        }
    }
}

/// Imports a file and shows what became of it.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    let Format::Combined = args.format;
    let now = crate::env::Clock::now(&crate::env::SystemClock);
    let rebase = args.rebase_to.map(|rebase| match rebase {
        Rebase::Now => now,
        Rebase::To(time) => time,
    });
    let result = block_on(async {
        let client = args.target.connect().await?;
        import(client, &args.target.controller, &args.file, rebase).await
    })?;
    if args.json {
        let refused: Vec<_> =
            result.refused.iter().map(|(line, reason)| json!({"line": line, "reason": reason})).collect();
        println!("{}", json!({"recorded": result.recorded, "refused_count": result.refused_count, "refused": refused}));
    } else {
        for (line, reason) in &result.refused {
            println!("line {line} refused: {reason}");
        }
        if let Some(time) = rebase {
            println!("newest line moved to {time}; to run it again: --rebase-to {time}");
        }
        println!("{} events recorded, {} lines refused", number(result.recorded), number(result.refused_count));
    }
    Ok(if result.refused_count == 0 { Outcome::Good } else { Outcome::Finding })
}

/// Imports a combined log; its newest line gets the time `rebase`, if given.
pub async fn import(
    mut client: crate::client::Client,
    controller: &str,
    file: &Path,
    rebase: Option<Timestamp>,
) -> Result<Imported, Failure> {
    let survey = survey(file)?;
    // A file without a single good line has no newest one to move.
    let shift = rebase.zip(survey.newest).map_or(0, |(to, newest)| to.nanos().saturating_sub(newest));
    let result = Arc::new(Mutex::new(Imported::default()));
    let sent = Arc::new(Mutex::new(VecDeque::new()));
    let (events, mut answers) = client.stream(AHEAD).await?;

    let reading = {
        let (result, sent) = (result.clone(), sent.clone());
        let (controller, file) = (controller.to_owned(), file.to_owned());
        let digest = survey.digest;
        tokio::task::spawn_blocking(move || {
            each_line(&file, |line_number, line| {
                match line.and_then(|line| combined::parse(line).map_err(|refused| refused.to_string())) {
                    Ok(line) => {
                        lock(&sent).push_back(line_number);
                        let event = event(&controller, &digest, line_number, &line, shift);
                        send(&events, event)
                    }
                    Err(reason) => {
                        lock(&result).refuse(line_number, reason);
                        true
                    }
                }
            })
        })
    };

    let progress = Progress::new();
    while let Some(StreamEventsResponse { outcome, .. }) = answers.message().await.map_err(|status| {
        format!("the stream ended early: {}; {} events were recorded", status.message(), lock(&result).recorded)
    })? {
        let line = lock(&sent).pop_front().unwrap_or_default();
        let mut result = lock(&result);
        match outcome {
            Some(Answer::Receipt(_)) => result.recorded += 1,
            // Not the line's fault: nothing after it will fare better.
            Some(Answer::Refusal(refusal)) if matches!(refusal.code, 2 | 14) => {
                return Err(Failure(format!(
                    "line {line}: {}; {} events were recorded; run the same import again, with the same --rebase-to TIME",
                    refusal.message, result.recorded
                )));
            }
            Some(Answer::Refusal(refusal)) => result.refuse(line, refusal.message),
            None => result.refuse(line, "the server gave no answer".to_owned()),
        }
        if result.recorded % 512 == 0 {
            progress.show("importing", line, survey.lines);
        }
    }
    reading.await??;
    progress.done();
    let mut result = std::mem::take(&mut *lock(&result));
    result.refused.sort_by_key(|(line, _)| *line);
    Ok(result)
}

/// Whether the event could be handed to the stream.
fn send(events: &mpsc::Sender<StreamEventsRequest>, event: api::Event) -> bool {
    events.blocking_send(StreamEventsRequest { event: Some(event) }).is_ok()
}

struct Survey {
    digest: [u8; 32],
    lines: u64,
    newest: Option<i64>,
}

/// The first pass: digest of the file, number of its lines, time of its newest.
fn survey(file: &Path) -> Result<Survey, Failure> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open(file)?)?;
    let mut survey = Survey { digest: *hasher.finalize().as_bytes(), lines: 0, newest: None };
    each_line(file, |number, line| {
        survey.lines = number;
        if let Ok(Ok(line)) = line.map(combined::parse) {
            survey.newest = survey.newest.max(Some(line.time));
        }
        true
    })?;
    Ok(survey)
}

fn open(file: &Path) -> Result<File, Failure> {
    File::open(file).map_err(|error| Failure(format!("open {}: {error}", file.display())))
}

/// Hands every line to `take` with its number from 1, until that says no. A line that is too long comes as a reason.
fn each_line(file: &Path, mut take: impl FnMut(u64, Result<&[u8], String>) -> bool) -> Result<(), Failure> {
    use std::io::Read;
    let mut reader = BufReader::with_capacity(1 << 16, open(file)?);
    let mut line = Vec::new();
    for line_number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || (read as u64) < LINE_BYTES_MAX;
        if !whole {
            reader.skip_until(b'\n')?;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let taken = if whole { Ok(text) } else { Err(format!("the line is longer than {LINE_BYTES_MAX} bytes")) };
        if !take(line_number, taken) {
            break;
        }
    }
    Ok(())
}

fn event(controller: &str, digest: &[u8; 32], line_number: u64, line: &Line, shift: i64) -> api::Event {
    let id = blake3::Hasher::new_keyed(digest).update(&line_number.to_be_bytes()).finalize();
    let mut id_bytes = [0; 16];
    id_bytes.copy_from_slice(&id.as_bytes()[..16]);
    let occurred_at = Timestamp::from_nanos(line.time.saturating_add(shift));
    let address = line.address.to_canonical();
    api::Event {
        event_id: uuid::Builder::from_random_bytes(id_bytes).into_uuid().to_string(),
        controller: controller.to_owned(),
        occurred_at: Some(wire(occurred_at)),
        action: action(&line.method) as i32,
        event_name: line.method.clone(),
        outcome: outcome(line.status) as i32,
        outcome_reason: format!("http {}", line.status),
        actor: Some(api::Actor { kind: ActorKind::Anonymous as i32, ..api::Actor::default() }),
        resource: Some(api::Resource { r#type: "path".to_owned(), id: line.path.clone(), fields: Vec::new() }),
        attributes: line.path_cut.then(|| ("path_cut".to_owned(), "true".to_owned())).into_iter().collect(),
        channel: Channel::Web as i32,
        network: Some(api::Network {
            ip: address.to_string(),
            user_agent: line.agent.clone().unwrap_or_default(),
            ..api::Network::default()
        }),
        source: Some(api::Source {
            service: "web-log".to_owned(),
            instance: String::new(),
            assurance: SourceAssurance::Import as i32,
        }),
        ..api::Event::default()
    }
}

fn action(method: &str) -> Action {
    match method {
        "POST" => Action::Create,
        "PUT" | "PATCH" => Action::Update,
        "DELETE" => Action::Delete,
        _ => Action::Read,
    }
}

fn outcome(status: u16) -> Ended {
    match status {
        401 | 403 => Ended::Denied,
        100..=399 => Ended::Success,
        _ => Ended::Failure,
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
