//! A question to the trail: as a command to type, and as the call that it makes.

use super::cast::SCHOOL;
use crate::cli::{Failure, text};
use crate::client::Client;
use crate::grpc::api::{EventFilter, Identity, RecordedEvent, SearchEventsRequest, SearchOrder};
use crate::model::stored::{Action, Purpose};

/// Rows that `akta search` shows unless told otherwise.
const LIMIT: u32 = 50;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Why.
    pub purpose: Purpose,
    /// Whose data: a pupil.
    pub subject: Option<&'static str>,
    /// Who acted: a member of staff.
    pub actor: Option<&'static str>,
    /// From which address.
    pub ip: Option<String>,
    /// What was done.
    pub actions: Vec<Action>,
    /// All rows as JSON, through a filter of the shell's.
    pub through: Option<&'static str>,
}

impl Ask {
    /// As one types it.
    pub fn command(&self) -> String {
        let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase().replace('_', "-");
        let purpose = word(self.purpose.as_str_name(), "PURPOSE_");
        let mut command = format!("akta search --controller {SCHOOL} --purpose {purpose}");
        if let Some(pupil) = self.subject {
            command.push_str(&format!(" --subject pupil:{pupil}"));
        }
        if let Some(staff) = self.actor {
            command.push_str(&format!(" --actor staff:{staff}"));
        }
        if let Some(ip) = &self.ip {
            command.push_str(&format!(" --ip {ip}"));
        }
        for action in &self.actions {
            command.push_str(&format!(" --action {}", word(action.as_str_name(), "ACTION_")));
        }
        match self.through {
            Some(filter) => command.push_str(&format!(" --all --json | {filter}")),
            None => command.push_str(" --oldest-first"),
        }
        command
    }

    fn request(&self) -> SearchEventsRequest {
        let all = self.through.is_some();
        SearchEventsRequest {
            controller: SCHOOL.to_owned(),
            purpose: self.purpose as i32,
            filter: Some(EventFilter {
                subject: self.subject.map(|id| Identity::new("pupil", id)),
                actor: self.actor.map(|id| Identity::new("staff", id)),
                ip: self.ip.clone().unwrap_or_default(),
                actions: self.actions.iter().map(|action| *action as i32).collect(),
                ..EventFilter::default()
            }),
            order: if all { SearchOrder::NewestFirst } else { SearchOrder::OldestFirst } as i32,
            page_size: if all { 1_000 } else { LIMIT },
            ..SearchEventsRequest::default()
        }
    }

    /// Asks.
    pub async fn rows(&self, client: &mut Client) -> Result<Vec<RecordedEvent>, Failure> {
        let rows = if self.through.is_some() {
            client.search_all(self.request()).await
        } else {
            client.search(self.request()).await.map(|(rows, _)| rows)
        };
        rows.map_err(|status| Failure(format!("{}: {}", self.command(), status.message())))
    }
}

/// Hours and minutes, UTC, of when an event happened.
pub fn clock(row: &RecordedEvent) -> String {
    let time = text::time(row.event.as_ref().and_then(|event| event.occurred_at.as_ref()));
    time.get(11..16).unwrap_or("-").to_owned()
}

/// The place of an event in its trail.
pub fn seq(row: &RecordedEvent) -> u64 {
    row.receipt.as_ref().map_or(0, |receipt| receipt.seq)
}
