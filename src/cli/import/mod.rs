//! `akta import`: older logs and audit tables as labelled records.
//!
//! A format makes an event of a line and knows nothing else: `combined` and `weblog`, or `jsonl` with
//! `fields` and `strict`. `input` gives the lines, `send` streams the events and gathers the refusals.

pub mod combined;
mod fields;
pub mod input;
mod jsonl;
mod send;
mod strict;
mod weblog;

use std::path::PathBuf;
use std::str::FromStr;

use serde_json::json;

pub use self::input::Input;
pub use self::send::{Imported, import};
use super::args::Target;
use super::text::{self, number, say};
use super::{Failure, Outcome, block_on};
use crate::grpc::api;
use crate::model::date::Timestamp;

/// Import an older log or audit table into a trail
///
/// Each line becomes an event labelled IMPORT: what was, not what was reported at the time. Lines that are refused
/// are listed with number, field and remedy; the others are recorded. An event id that a line does not bring follows from
/// the file's content and the line's number, so the same import may be run again: it records nothing twice.
///
///   akta import --controller school-12 --format combined access.log
///   akta import --controller school-12 --format combined --rebase-to now access.log
///   psql -At -c "select row_to_json(a) from audit_for_akta a" | akta import --controller school-12 --format jsonl -
///
/// jsonl: one akta.v1.Event per line (proto/akta/v1/event.proto), names in snake_case or camelCase. Required:
/// occurred_at (RFC 3339), actor, action, outcome; for personal data also subjects, categories, purpose. Words may
/// leave out their prefix: "read" is ACTION_READ. People may be "staff:t-17"; then actor_kind, actor_roles,
/// actor_org_unit and on_behalf_of may stand beside actor, and ip and user_agent beside network. User-Agent,
/// forwarded_for, request_id and session id are plain text, or {"base64": "..."}. A field that is not known is refused by
/// its name, never dropped.
///
///   {"occurred_at": "2026-11-22T10:00:00Z", "actor": "staff:t-17", "actor_kind": "human", "action": "read",
///    "outcome": "success", "subjects": ["pupil:p-204"], "categories": ["education-record"], "ip": "192.0.2.7"}
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group(clap::ArgGroup::new("input").required(true)))]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// combined: access logs of Apache and nginx; the resource is the path without query, the actor anonymous.
    /// jsonl: one event as JSON per line
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Move the whole log in time so that its newest line has this time: now, or a time like 2026-11-22T10:00:00Z
    #[arg(long, value_name = "now|TIME")]
    rebase_to: Option<Rebase>,
    /// The result as one JSON object
    #[arg(long)]
    json: bool,
    /// The log; - reads standard input, kept in an unnamed file meanwhile
    #[arg(value_name = "FILE", group = "input")]
    log: Option<PathBuf>,
    /// The log, as an option
    #[arg(long, value_name = "FILE", group = "input")]
    file: Option<PathBuf>,
}

/// How a line becomes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Apache's and nginx' access logs.
    Combined,
    /// JSON Lines.
    Jsonl,
}

/// What every event of an import shares.
#[derive(Debug, Clone)]
pub struct Context {
    /// Whose trail it goes to.
    pub controller: String,
    /// BLAKE3 of the whole file.
    pub digest: [u8; 32],
    /// Nanoseconds that times are moved by.
    pub shift: i64,
}

impl Context {
    /// The event id of a line that brings none (docs/format.md).
    fn event_id(&self, line: u64) -> String {
        let id = blake3::Hasher::new_keyed(&self.digest).update(&line.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&id.as_bytes()[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

impl Format {
    /// A line longer than this is refused unread.
    fn line_bytes_max(self) -> u64 {
        match self {
            Self::Combined => 64 << 10,
            Self::Jsonl => 1 << 20,
        }
    }

    /// When a line happened, if it is a good one.
    fn time(self, line: &[u8]) -> Option<i64> {
        match self {
            Self::Combined => combined::parse(line).ok().map(|line| line.time),
            Self::Jsonl => jsonl::time(line),
        }
    }

    /// The event of a line; `None` if there is nothing in it; or why it is refused.
    pub fn event(self, context: &Context, number: u64, line: &[u8]) -> Result<Option<api::Event>, String> {
        match self {
            Self::Combined => {
                let line = combined::parse(line).map_err(|refused| refused.to_string())?;
                Ok(Some(weblog::event(context, number, &line)))
            }
            Self::Jsonl if line.trim_ascii().is_empty() => Ok(None),
            Self::Jsonl => jsonl::event(context, number, line).map(Some),
        }
    }
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

/// Imports a file and shows what became of it.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    let now = crate::env::Clock::now(&crate::env::SystemClock);
    let rebase = args.rebase_to.map(|rebase| match rebase {
        Rebase::Now => now,
        Rebase::To(time) => time,
    });
    let file = args.log.or(args.file).ok_or("there is no log: give FILE, or - for standard input")?;
    let result = block_on(async {
        let client = args.target.connect().await?;
        import(client, &args.target.controller, args.format, Input::open(&file)?, rebase).await
    })?;
    print(&result, rebase, args.json);
    Ok(if result.refused_count == 0 { Outcome::Good } else { Outcome::Finding })
}

fn print(result: &Imported, rebase: Option<Timestamp>, as_json: bool) {
    if as_json {
        let refused: Vec<_> =
            result.refused.iter().map(|(line, reason)| json!({"line": line, "reason": reason})).collect();
        let object = json!({"recorded": result.recorded, "refused_count": result.refused_count, "refused": refused});
        say(text::json(&object));
        return;
    }
    for (line, reason) in &result.refused {
        say(format!("line {line} refused: {reason}"));
    }
    let more = result.refused_count - result.refused.len() as u64;
    if more > 0 {
        say(format!("{} further lines refused: mend these first, then run the import again", number(more)));
    }
    if let Some(time) = rebase {
        say(format!("newest line moved to {time}; to run it again: --rebase-to {time}"));
    }
    say(format!("{} events recorded, {} lines refused", number(result.recorded), number(result.refused_count)));
}
