//! A web server's log, imported by the product's own import, and the busiest address in it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::live::span;
use super::paper::Paper;
use crate::cli::import::{self, Format, Input, combined};
use crate::cli::text::count;
use crate::cli::{Failure, text};
use crate::client::Client;
use crate::env::{Clock, SystemClock};
use crate::grpc::api::{EventFilter, SearchEventsRequest};
use crate::model::stored::{Action, Purpose};

/// The controller that the log goes to.
const CONTROLLER: &str = "web";
/// Name of the public sample log.
const SAMPLE: &str = "apache_logs";

/// The log: as given, or where the tests keep theirs.
pub fn find(given: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = given {
        return match path.is_file() {
            true => Ok(Some(path.to_owned())),
            false => Err(Failure(format!("web log {} is not a file: give another with --web-log", path.display()))),
        };
    }
    let folder = std::env::var_os("AKTA_TEST_DATA").map(PathBuf::from);
    let places = folder.into_iter().chain([PathBuf::from("../shared/data")]);
    Ok(places.map(|folder| folder.join(SAMPLE)).find(|path| path.is_file()))
}

/// Imports the log and looks for its busiest address.
pub async fn import(paper: Paper, mut client: Client, log: &Path) -> Result<(), Failure> {
    if !is_combined(log)? {
        paper.line(format!("  {} has no line in combined format: give another with --web-log.", log.display()));
        return Ok(());
    }
    let began = Instant::now();
    let imported =
        import::import(client.clone(), CONTROLLER, Format::Combined, Input::open(log)?, Some(SystemClock.now()))
            .await?;
    let took = began.elapsed();
    let rate = imported.recorded as f64 / took.as_secs_f64();
    paper.line(format!(
        "  {} requests recorded in {} ({} a second), the newest moved to now; {} refused.",
        paper.strong(&text::number(imported.recorded)),
        span(took),
        text::number(rate as u64),
        count(usize::try_from(imported.refused_count).unwrap_or_default(), "line"),
    ));
    for (line, reason) in imported.refused.iter().take(3) {
        paper.line(format!("  Refused: line {}, {reason}.", text::number(*line)));
    }

    let everything = request(EventFilter {
        actions: [Action::Read, Action::Create, Action::Update, Action::Delete].map(|action| action as i32).to_vec(),
        ..EventFilter::default()
    });
    let asked = |status: tonic::Status| Failure(format!("search in {CONTROLLER}: {}", status.message()));
    let mut addresses: HashMap<String, usize> = HashMap::new();
    for row in client.search_all(everything).await.map_err(asked)? {
        let ip = row.event.and_then(|event| event.network).map(|network| network.ip).unwrap_or_default();
        *addresses.entry(ip).or_default() += 1;
    }
    let busiest = addresses.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
    let Some((ip, requests)) = busiest else { return Ok(()) };
    let began = Instant::now();
    let found = client.search_all(request(EventFilter { ip: ip.clone(), ..EventFilter::default() })).await;
    let (found, took) = (found.map_err(asked)?.len(), began.elapsed());
    paper.line(format!(
        "  {} addresses; the busiest is {}: {requests} requests. By the index:",
        text::number(addresses.len() as u64),
        paper.strong(ip)
    ));
    paper.command(&format!("akta search --controller {CONTROLLER} --purpose security --ip {ip} --all"));
    paper.meaning(&format!("{} in {}.", count(found, "event"), span(took)));
    if found != *requests {
        return Err(Failure(format!("the index finds {found} of {requests} events of {ip}: please report this")));
    }
    Ok(())
}

/// Whether any line is of the format.
fn is_combined(log: &Path) -> Result<bool, Failure> {
    let cannot = |error: std::io::Error| Failure(format!("read {}: {error}", log.display()));
    for line in BufReader::new(File::open(log).map_err(cannot)?).split(b'\n') {
        if combined::parse(&line.map_err(cannot)?).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn request(filter: EventFilter) -> SearchEventsRequest {
    SearchEventsRequest {
        controller: CONTROLLER.to_owned(),
        purpose: Purpose::Security as i32,
        filter: Some(filter),
        page_size: 1_000,
        ..SearchEventsRequest::default()
    }
}
