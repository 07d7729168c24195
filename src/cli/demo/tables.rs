//! Answers as tables: accesses, what left the school, who asked.

use super::ask::{clock, seq};
use crate::cli::text::{self, table};
use crate::grpc::api::{Event, RecordedEvent};

/// What is readable of a row.
pub fn event(row: &RecordedEvent) -> Event {
    row.event.clone().unwrap_or_default()
}

/// One line per access; of several people, or of one.
pub fn accesses(rows: &[RecordedEvent], several: bool) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = event(row);
            let glass = if event.break_glass.is_some() { " (break-glass)" } else { "" };
            let who = text::who(event.actor.as_ref().and_then(|actor| actor.identity.as_ref()));
            vec![
                if several { who } else { seq(row).to_string() },
                clock(row),
                text::action(event.action),
                format!("{}{glass}", text::outcome(event.outcome)),
                resource(&event),
                event.network.map(|network| network.ip).unwrap_or_default(),
            ]
        })
        .collect();
    table(&[if several { "WHO" } else { "SEQ" }, "UTC", "ACTION", "OUTCOME", "RESOURCE", "FROM"], &cells)
}

fn resource(event: &Event) -> String {
    event.resource.as_ref().map_or_else(|| "-".to_owned(), |resource| format!("{} {}", resource.r#type, resource.id))
}

/// One line per export, print and disclosure.
pub fn left(rows: &[RecordedEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = event(row);
            let ground = event.legal_basis().as_str_name().trim_start_matches("LEGAL_BASIS_").to_owned();
            let resource = resource(&event);
            let to = event.disclosure.map(|to| format!("{} ({}), {ground}", to.recipient, to.country));
            vec![
                clock(row),
                text::action(event.action),
                text::who(event.actor.and_then(|actor| actor.identity).as_ref()),
                resource,
                event.subject_count.to_string(),
                to.unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    table(&["UTC", "ACTION", "WHO", "RESOURCE", "PEOPLE", "TO, GROUND"], &cells)
}

/// One line per question to the trail.
pub fn askers(rows: &[RecordedEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = event(row);
            vec![
                seq(row).to_string(),
                clock(row),
                text::who(event.actor.and_then(|actor| actor.identity).as_ref()),
                event.event_name,
                event.attributes.get("asked_by").cloned().unwrap_or_default(),
                event.record_count.to_string(),
                text::purpose(event.purpose),
            ]
        })
        .collect();
    table(&["SEQ", "UTC", "WHO", "CALL", "ASKED BY", "ROWS", "PURPOSE"], &cells)
}
