//! What a data-protection officer asks at the end of the day.

use super::ask::{Ask, clock, count, seq};
use super::cast::{CURIOUS, PUPIL};
use super::curious::ADDRESS;
use super::paper::Paper;
use super::people::{self, by_person};
use crate::cli::text::table;
use crate::cli::{Failure, text};
use crate::client::Client;
use crate::grpc::api::{Event, RecordedEvent};
use crate::model::stored::{Action, Outcome, Purpose};

/// Records that were attacked later, by what they say.
#[derive(Debug, Clone, Copy)]
pub struct Marked {
    /// The access that was denied.
    pub denied: u64,
    /// The first that broke the glass.
    pub broken: u64,
}

/// Asks, shows, explains.
pub async fn ask(paper: Paper, client: &mut Client) -> Result<Marked, Failure> {
    let asked = Ask { purpose: Purpose::SubjectRights, subject: Some(PUPIL), ..Ask::default() };
    paper.question("Who looked at this pupil's data?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&by_person(&rows));
    let clerk = people::acts_of(&rows, CURIOUS);
    paper.meaning(&format!(
        "{}, {} of them by a canteen clerk: why?",
        count(rows.len(), "access").replace("accesss", "accesses"),
        clerk.len()
    ));

    let security = Ask { purpose: Purpose::Security, ..Ask::default() };
    let asked = Ask { actor: Some(CURIOUS), ..security.clone() };
    paper.question("What did he look at, and from where?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&accesses(&rows));
    let broken: Vec<_> = rows.iter().filter(|row| event(row).break_glass.is_some()).collect();
    let reason = broken.first().and_then(|row| event(row).break_glass).map(|glass| glass.reason).unwrap_or_default();
    let denied = rows.iter().find(|row| event(row).outcome == Outcome::Denied as i32);
    paper.meaning(&format!(
        "Refused once, he broke the glass {}; the reason he gave: \"{reason}\".",
        count(broken.len(), "time")
    ));
    let marked = Marked {
        denied: denied.map(seq).ok_or("the trail does not hold the denied access: please report this")?,
        broken: broken
            .first()
            .map(|row| seq(row))
            .ok_or("the trail does not hold the emergency access: please report this")?,
    };

    let asked = Ask { ip: Some(ADDRESS.to_owned()), ..security.clone() };
    paper.question("Who else came from that address?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&by_person(&rows));
    paper.meaning(
        "Somebody tried the psychologist's account from there, just before: a case for two people to look at.",
    );

    let actions = vec![Action::Export, Action::Print, Action::Disclose];
    let asked = Ask { actions, ..security.clone() };
    paper.question("What left the school?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&left(&rows));
    let outside = rows.iter().filter(|row| event(row).action == Action::Disclose as i32).count();
    let people: u64 = rows.iter().map(|row| u64::from(event(row).subject_count)).sum();
    paper.meaning(&format!(
        "Each names all its people, {} entries in all; {outside} went to somebody outside, and the trail says on what ground.",
        text::number(people)
    ));

    let asked = Ask { through: Some("grep -E '\"(DENIED|FAILURE)\"'"), ..security.clone() };
    paper.question("What was refused?", &asked.command());
    let rows: Vec<RecordedEvent> = asked.rows(client).await?.into_iter().filter(refused).collect();
    paper.table(&accesses(&rows));
    paper.meaning("Refusals are records too: of class SECURITY, kept 24 months.");

    let asked = Ask { actions: vec![Action::LogQuery], ..security };
    paper.question("And who asked the trail?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&askers(&rows));
    paper.meaning("Every question above is on record, with its purpose; what was searched for is not.");
    Ok(marked)
}

fn event(row: &RecordedEvent) -> Event {
    row.event.clone().unwrap_or_default()
}

fn refused(row: &RecordedEvent) -> bool {
    let outcome = event(row).outcome;
    outcome == Outcome::Denied as i32 || outcome == Outcome::Failure as i32
}

fn accesses(rows: &[RecordedEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = event(row);
            let resource = event.resource.clone().unwrap_or_default();
            let glass = if event.break_glass.is_some() { " (break-glass)" } else { "" };
            vec![
                seq(row).to_string(),
                clock(row),
                text::action(event.action),
                format!("{}{glass}", text::outcome(event.outcome)),
                text::who(event.actor.and_then(|actor| actor.identity).as_ref()),
                format!("{} {}", resource.r#type, resource.id),
                event.network.map(|network| network.ip).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["SEQ", "UTC", "ACTION", "OUTCOME", "WHO", "RESOURCE", "FROM"], &cells)
}

fn left(rows: &[RecordedEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = event(row);
            let ground = event.legal_basis().as_str_name().trim_start_matches("LEGAL_BASIS_").to_owned();
            let resource = event.resource.unwrap_or_default();
            let to = event.disclosure.map(|to| format!("{} ({}), {ground}", to.recipient, to.country));
            vec![
                clock(row),
                text::action(event.action),
                text::who(event.actor.and_then(|actor| actor.identity).as_ref()),
                format!("{} {}", resource.r#type, resource.id),
                event.subject_count.to_string(),
                to.unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    table(&["UTC", "ACTION", "WHO", "RESOURCE", "PEOPLE", "TO, GROUND"], &cells)
}

fn askers(rows: &[RecordedEvent]) -> String {
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
