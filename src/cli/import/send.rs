//! Streams the events of a log to a node, and gathers what was refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use tokio::sync::mpsc;

use super::{Context, Format, Input};
use crate::cli::Failure;
use crate::cli::text::Progress;
use crate::client::reason;
use crate::grpc::MESSAGE_BYTES_MAX;
use crate::grpc::api::stream_events_response::Outcome as Answer;
use crate::grpc::api::{StreamEventsRequest, StreamEventsResponse};
use crate::model::date::Timestamp;

/// Events sent ahead of their answers.
const AHEAD: usize = 1_024;
/// Refused lines that are listed one by one.
const LISTED_MAX: usize = 10_000;

/// What an import came to.
#[derive(Debug, Default)]
pub struct Imported {
    /// Events recorded, or found recorded by an earlier run.
    pub recorded: u64,
    /// Refused lines: number and reason. The first ten thousand.
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

/// Imports a log; its newest line gets the time `rebase`, if given.
pub async fn import(
    mut client: crate::client::Client,
    controller: &str,
    format: Format,
    input: Input,
    rebase: Option<Timestamp>,
) -> Result<Imported, Failure> {
    let survey = survey(format, &input, rebase.is_some())?;
    // A file without a single good line has no newest one to move.
    let shift = rebase.zip(survey.newest).map_or(0, |(to, newest)| to.nanos().saturating_sub(newest));
    let context = Context { controller: controller.to_owned(), digest: survey.digest, shift };
    let result = Arc::new(Mutex::new(Imported::default()));
    let sent = Arc::new(Mutex::new(VecDeque::new()));
    let (events, mut answers) = client.stream(AHEAD).await?;

    let reading = {
        let (result, sent) = (result.clone(), sent.clone());
        tokio::task::spawn_blocking(move || {
            input.each_line(format.line_bytes_max(), |number, line| {
                let request = line.and_then(|line| format.event(&context, number, line)).and_then(within_limit);
                match request {
                    Ok(Some(request)) => {
                        lock(&sent).push_back(number);
                        send(&events, request)
                    }
                    Ok(None) => true,
                    Err(reason) => {
                        lock(&result).refuse(number, reason);
                        true
                    }
                }
            })
        })
    };

    let progress = Progress::new();
    while let Some(StreamEventsResponse { outcome, .. }) = answers.message().await.map_err(|status| {
        format!("the stream ended early: {}; {} events were recorded", reason(&status), lock(&result).recorded)
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

/// A message over its limit would end the whole stream, not one line.
fn within_limit(event: Option<crate::grpc::api::Event>) -> Result<Option<StreamEventsRequest>, String> {
    let request = event.map(|event| StreamEventsRequest { event: Some(event) });
    match request.as_ref().map(Message::encoded_len) {
        Some(bytes) if bytes > MESSAGE_BYTES_MAX => {
            Err(format!("the event is {bytes} bytes, the limit is {MESSAGE_BYTES_MAX}: shorten it"))
        }
        Some(_) | None => Ok(request),
    }
}

/// Whether the event could be handed to the stream.
fn send(events: &mpsc::Sender<StreamEventsRequest>, request: StreamEventsRequest) -> bool {
    events.blocking_send(request).is_ok()
}

struct Survey {
    digest: [u8; 32],
    lines: u64,
    newest: Option<i64>,
}

/// The first pass: digest of the file, number of its lines, and if asked the time of its newest.
fn survey(format: Format, input: &Input, newest: bool) -> Result<Survey, Failure> {
    let mut survey = Survey { digest: input.digest()?, lines: 0, newest: None };
    input.each_line(format.line_bytes_max(), |number, line| {
        survey.lines = number;
        if newest && let Some(time) = line.ok().and_then(|line| format.time(line)) {
            survey.newest = survey.newest.max(Some(time));
        }
        true
    })?;
    Ok(survey)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
