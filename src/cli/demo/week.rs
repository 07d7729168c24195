//! A week later, on a copy: what has reached its date is gone, the rest stands and still proves.

use std::sync::Arc;
use std::time::Duration;

use super::ask::{Ask, seq};
use super::cast::{PUPIL, SCHOOL};
use super::folder::Place;
use super::paper::Paper;
use super::proof::{self, Looked};
use crate::cli::Failure;
use crate::cli::text::{self, count};
use crate::cli::words::Vocabulary;
use crate::client::{Client, reason};
use crate::env::ClockAhead;
use crate::grpc::api::{
    GetEventRequest, ListNoticesRequest, Part, PartState, RecordedEvent, Verdict, get_event_request,
};
use crate::model::date::Date;
use crate::model::stored::notice_core::Kind;
use crate::model::stored::{Action, Purpose};
use crate::server::Server;

/// How many days the clock is ahead: a session lives 7.
const DAYS: u32 = 8;

/// How something stood before the week went by.
pub struct Before {
    /// The state of the parts of a record.
    parts: Vec<PartState>,
    /// Where that stands.
    seq: u64,
    /// How many accesses to the pupil's data were found.
    accesses: usize,
}

impl Before {
    /// Looks at the day's first login, and asks about the pupil once more.
    pub async fn look(client: &mut Client) -> Result<Self, Failure> {
        let ask = Ask { purpose: Purpose::Security, actions: vec![Action::Login], ..Ask::default() };
        let login = ask.rows(client).await?.into_iter().next();
        let seq = login.as_ref().map(seq).ok_or("the trail has no login: please report this")?;
        Ok(Self { parts: parts(client, seq).await?, seq, accesses: accesses(client).await?.len() })
    }
}

/// Starts a node on a copy, eight days ahead, and looks again; whether all is as it should be.
pub async fn later(paper: Paper, place: &Place, before: &Before) -> Result<bool, Failure> {
    let copy = place.copy()?;
    let clock = Arc::new(ClockAhead(Duration::from_secs(u64::from(DAYS) * 86_400)));
    paper.command(&format!("akta serve --dev --days-ahead {DAYS} --data COPY"));
    let server = Server::start(super::options(copy.path(), clock.clone())?).await?;
    let looked = look(paper, &server.address().to_string(), before).await;
    let in_time = server.stop().await;
    let looked = looked?;
    if !in_time {
        return Err("the node did not stop in time: please report this".into());
    }
    paper.command(&format!("akta verify --dev --days-ahead {DAYS} COPY"));
    Ok(tokio::task::block_in_place(|| proof::whole(paper, &Looked { data: copy.path(), clock }))? && looked)
}

async fn look(paper: Paper, address: &str, before: &Before) -> Result<bool, Failure> {
    let mut client = Client::connect(address).await?;
    let now = parts(&mut client, before.seq).await?;
    let rows: Vec<Vec<String>> = before.parts.iter().zip(&now).map(|(then, now)| row(then, now)).collect();
    paper.line(format!("  What record {} of {SCHOOL} consists of, then and now:", before.seq));
    paper.table(&text::table(&["PART", "UNREADABLE FROM", "THEN", "A WEEK LATER"], &rows));
    let is = |parts: &[PartState], part: Part, verdict: Verdict| {
        parts.iter().any(|state| state.part == part as i32 && state.verdict == verdict as i32)
    };
    let gone = is(&before.parts, Part::Session, Verdict::Intact) && is(&now, Part::Session, Verdict::Expired);
    let stands = is(&now, Part::Core, Verdict::Intact) && is(&now, Part::Net, Verdict::Intact);
    paper.verdict(
        gone && stands,
        if gone && stands { "FORGOTTEN" } else { "NOT FORGOTTEN" },
        "the session: its key is destroyed, in this and every other copy of the records. What lives longer stands.",
    );
    let accesses = accesses(&mut client).await?;
    let same = accesses.len() == before.accesses;
    paper.meaning(&format!(
        "Who looked at this pupil's data is still found: {}, as before.",
        count(accesses.len(), "access")
    ));
    let told = told(&mut client).await?;
    match told {
        Some((seq, through)) => {
            paper.meaning(&format!("Notice {seq} of the trail tells of it: expired through {through}."))
        }
        None => paper.verdict(false, "NOT TOLD", "no notice tells of it: please report this"),
    }
    Ok(gone && stands && same && told.is_some())
}

/// The state of each part of a record.
async fn parts(client: &mut Client, seq: u64) -> Result<Vec<PartState>, Failure> {
    let request = GetEventRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::Security.into(),
        key: Some(get_event_request::Key::Seq(seq)),
        ..GetEventRequest::default()
    };
    let answer = client.history.get_event(request).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().event.unwrap_or_default().parts)
}

async fn accesses(client: &mut Client) -> Result<Vec<RecordedEvent>, Failure> {
    Ask { purpose: Purpose::SubjectRights, subject: Some(PUPIL), ..Ask::default() }.rows(client).await
}

/// The newest notice of an expiry: where it stands, and through which day.
async fn told(client: &mut Client) -> Result<Option<(u64, Date)>, Failure> {
    let (mut newest, mut from_seq) = (None, 0);
    loop {
        let controller = SCHOOL.to_owned();
        let request = ListNoticesRequest { controller, from_seq, page_size: 1_000, ..ListNoticesRequest::default() };
        let page = client.history.list_notices(request).await.map_err(|status| reason(&status))?.into_inner();
        for notice in page.notices {
            if let (Some(receipt), Some(Kind::Expired(told))) =
                (notice.receipt, notice.notice.and_then(|core| core.kind))
            {
                newest = Some((receipt.seq, Date::from_days(told.through)));
            }
        }
        from_seq = page.next_seq;
        if from_seq == 0 {
            return Ok(newest);
        }
    }
}

fn row(then: &PartState, now: &PartState) -> Vec<String> {
    let from = if then.expires_on.is_empty() { "-".to_owned() } else { then.expires_on.clone() };
    vec![then.part().word(), from, then.verdict().word(), now.verdict().word()]
}
