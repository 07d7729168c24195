//! What a data-protection officer asks at the end of the day.

use super::ask::{Ask, seq};
use super::cast::{CURIOUS, PUPIL};
use super::curious::ADDRESS;
use super::paper::Paper;
use super::people::{self, by_person};
use super::tables::{accesses, askers, event, left};
use crate::cli::Failure;
use crate::cli::text::{self, count};
use crate::client::Client;
use crate::grpc::api::RecordedEvent;
use crate::model::stored::{Action, Outcome, Purpose};

/// Records that are attacked later, by their place in the trail.
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
    paper.meaning(&format!("{}, {} of them by a canteen clerk: why?", count(rows.len(), "access"), clerk.len()));

    let security = Ask { purpose: Purpose::Security, ..Ask::default() };
    let asked = Ask { actor: Some(CURIOUS), ..security.clone() };
    paper.question("What did he look at, and from where?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&accesses(&rows, false));
    let denied: Vec<u64> = rows.iter().filter(|row| event(row).outcome == Outcome::Denied as i32).map(seq).collect();
    let broken: Vec<_> = rows.iter().filter(|row| event(row).break_glass.is_some()).collect();
    let reason = broken.first().and_then(|row| event(row).break_glass).map(|glass| glass.reason).unwrap_or_default();
    paper.meaning(&format!(
        "{} refused, then {} past the rules; the reason he gave: \"{reason}\".",
        count(denied.len(), "access"),
        broken.len()
    ));
    let (Some(denied), Some(broken)) = (denied.first(), broken.first()) else {
        return Err("the trail lacks the refused access or those past the rules: please report this".into());
    };
    let marked = Marked { denied: *denied, broken: seq(broken) };

    let asked = Ask { ip: Some(ADDRESS.to_owned()), ..security.clone() };
    paper.question("Who else came from that address?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&by_person(&rows));
    let failed = rows.iter().filter(|row| event(row).action == Action::LoginFailed as i32).count();
    paper.meaning(&format!(
        "{} as the psychologist came from there, just before him: one person, it seems.",
        count(failed, "failed login")
    ));

    let actions = vec![Action::Export, Action::Print, Action::Disclose];
    let asked = Ask { actions, ..security.clone() };
    paper.question("What left the school?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&left(&rows));
    let outside = rows.iter().filter(|row| event(row).action == Action::Disclose as i32).count();
    paper.meaning(&format!(
        "Each lists everybody concerned; {} to an outsider, with recipient and legal ground.",
        count(outside, "disclosure")
    ));

    let asked = Ask { through: Some("grep -E '\"(DENIED|FAILURE)\"'"), ..security.clone() };
    paper.question("What was refused or failed?", &asked.command());
    let rows: Vec<RecordedEvent> = asked.rows(client).await?.into_iter().filter(refused).collect();
    paper.table(&accesses(&rows, true));
    let class = rows.first().map(|row| text::class(row.retention_class)).unwrap_or_default();
    let until = rows.first().and_then(|row| row.parts.first()).map(|part| part.expires_on.clone()).unwrap_or_default();
    paper.meaning(&format!("Refusals are records too: class {class}, readable until {until}, then forgotten."));

    let asked = Ask { actions: vec![Action::LogQuery], ..security };
    paper.question("And who asked the trail?", &asked.command());
    let rows = asked.rows(client).await?;
    paper.table(&askers(&rows));
    paper.meaning("Every question above is on record, with its purpose; the value searched for is not.");
    Ok(marked)
}

fn refused(row: &RecordedEvent) -> bool {
    let outcome = event(row).outcome;
    outcome == Outcome::Denied as i32 || outcome == Outcome::Failure as i32
}
