//! The day, reported live: one connection per service, all at once.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::act::{Act, Service};
use super::cast::SCHOOL;
use super::paper::Paper;
use super::school;
use crate::cli::{Failure, text};
use crate::client::{Client, reason};
use crate::env::{Clock, SystemClock};
use crate::grpc::api::{ControllerProfile, Event, OpenControllerRequest, Receipt};
use crate::model::stored::{Action, ActorKind, DataCategory, Outcome, Purpose};

/// Seconds of the day that are reported before the next ones begin.
const SLOT: u32 = 600;

/// An event, its receipt, and how long that took.
struct Reported {
    event: Event,
    receipt: Receipt,
    took: Duration,
}

/// Reports the day and says how it went; how many events.
pub async fn record_day(paper: Paper, address: &str) -> Result<usize, Failure> {
    let (acts, mut random) = school::day();
    let start = SystemClock.now().minus(Duration::from_secs(u64::from(school::MINUTES) * 60));
    let acts: Vec<Act> = acts.into_iter().map(|act| act.dated(start, &mut random)).collect();
    let mut clients = Vec::new();
    for service in Service::ALL {
        clients.push((service, Client::connect(address).await?));
    }
    if let Some((_, client)) = clients.first_mut() {
        open(client).await?;
    }
    let began = Instant::now();
    let mut done: Vec<Reported> = Vec::with_capacity(acts.len());
    for slot in acts.chunk_by(|a, b| a.second / SLOT == b.second / SLOT) {
        let mut reporting = JoinSet::new();
        for (service, client) in &clients {
            let events = slot.iter().filter(|act| act.service == *service).map(|act| act.event.clone()).collect();
            reporting.spawn(report(client.clone(), events));
        }
        while let Some(reported) = reporting.join_next().await {
            done.extend(reported??);
        }
    }
    let took = began.elapsed();
    let mut times: Vec<Duration> = done.iter().map(|reported| reported.took).collect();
    times.sort_unstable();
    paper.line(format!(
        "  {} accesses reported by {} services in {}; median time to a durable receipt {}.",
        paper.strong(&text::number(done.len() as u64)),
        clients.len(),
        span(took),
        paper.strong(&span(times.get(times.len() / 2).copied().unwrap_or_default())),
    ));
    if let Some(example) = done.iter().find(|reported| reported.event.event_name == "mark.enter") {
        show(paper, example);
    }
    Ok(done.len())
}

/// Opens the school's trail: it is a public body and keeps a register.
async fn open(client: &mut Client) -> Result<(), Failure> {
    let profile = ControllerProfile { public_body: true, register_keeper: true, ..ControllerProfile::default() };
    let request = OpenControllerRequest { controller: SCHOOL.to_owned(), zone: String::new(), profile: Some(profile) };
    client.controllers.open_controller(request).await.map_err(|status| reason(&status))?;
    Ok(())
}

async fn report(mut client: Client, events: Vec<Event>) -> Result<Vec<Reported>, Failure> {
    let mut reported = Vec::with_capacity(events.len());
    for event in events {
        let began = Instant::now();
        let receipt = client
            .record(event.clone())
            .await
            .map_err(|status| format!("{} was not recorded: {}", event.event_name, status.message()))?;
        reported.push(Reported { event, receipt, took: began.elapsed() });
    }
    Ok(reported)
}

/// One event as a developer writes it, and what the call gives.
fn show(paper: Paper, Reported { event, receipt, .. }: &Reported) {
    let actor = event.actor.clone().unwrap_or_default();
    let who = actor.identity.clone().unwrap_or_default();
    let resource = event.resource.clone().unwrap_or_default();
    let subjects: Vec<String> = event
        .subjects
        .iter()
        .filter_map(|subject| subject.identity.as_ref())
        .map(|s| format!("{}:{}", s.namespace, s.id))
        .collect();
    let link = text::hex(&receipt.link);
    paper.line("  One of them, as the service says it, and what it gets back:");
    paper.line("");
    paper.line(format!(
        "    akta.record(Event {{ event_id: \"{}…\", controller: {:?},",
        &event.event_id[..13],
        event.controller
    ));
    paper.line(format!(
        "        actor: {}:{} {:?}, kind: {:?}, roles: {:?},",
        who.namespace,
        who.id,
        who.display_name,
        ActorKind::try_from(actor.kind).unwrap_or_default(),
        actor.roles,
    ));
    paper.line(format!(
        "        action: {:?}, outcome: {:?}, purpose: {:?},",
        Action::try_from(event.action).unwrap_or_default(),
        Outcome::try_from(event.outcome).unwrap_or_default(),
        Purpose::try_from(event.purpose).unwrap_or_default(),
    ));
    let categories: Vec<DataCategory> = event.categories().collect();
    paper.line(format!("        subjects: [{}], categories: {categories:?},", subjects.join(", ")));
    paper.line(format!(
        "        resource: {} {:?}, fields: {:?}, … }}).await",
        resource.r#type, resource.id, resource.fields
    ));
    paper.line(format!(
        "    → Receipt {{ origin: {:?}, seq: {}, link: {}… }}",
        receipt.origin,
        receipt.seq,
        link.get(..16).unwrap_or_default()
    ));
}

/// A span of time as one reads it.
pub fn span(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 0.995 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.01 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{:.1} ms", seconds * 1e3),
    }
}
