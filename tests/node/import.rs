//! A real web server's log of 10,000 lines, imported and found again address by address.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use akta::grpc::api::{EventFilter, SearchEventsRequest};
use akta::model::stored::Purpose;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::binary::{akta, shown};
use super::skip::skip;
use super::support::{Node, SCHOOL, run, verified};

/// Searches that are asked at the same time.
const TOGETHER: usize = 16;

#[test]
fn the_web_log_is_imported_whole() {
    let file = std::env::var_os("AKTA_TEST_DATA").map(|data| PathBuf::from(data).join("apache_logs"));
    let Some(file) = file.filter(|file| file.is_file()) else {
        return skip("the_web_log_is_imported_whole", "AKTA_TEST_DATA holds no apache_logs");
    };
    let log = std::fs::read_to_string(&file).unwrap();
    let newest = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap() - Duration::from_secs(3_600);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());

    let mut import = akta();
    import.args(["import", "--json", "--format", "combined", "--controller", "web", "--server", node.address()]);
    let output = import.args(["--rebase-to", &newest.to_string()]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a refused line is a finding: {}", shown(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!([&report["recorded"], &report["refused_count"]], [&json!(9_999), &json!(1)]);
    assert_eq!(report["refused"].as_array().unwrap().len(), 1);
    assert_eq!(report["refused"][0]["line"], 8_899);
    let reason = report["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("no closing quote"), "{reason}");

    // The one broken line is cut off within its last field; every whole one ends with that field's quote.
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines().filter(|line| line.ends_with('"')) {
        *expected.entry(line.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(expected.values().sum::<usize>(), 9_999);
    assert!(expected.len() > 1_700, "{} addresses", expected.len());

    let found = run(search_all(&node, expected.keys().cloned().collect()));
    let counts: BTreeMap<String, usize> = found.iter().map(|(ip, found)| (ip.clone(), found.rows)).collect();
    assert_eq!(counts, expected);
    let last = found.values().map(|found| found.newest).max().unwrap();
    assert_eq!(last, (newest.as_second(), 0), "the newest line happened at the time given");

    node.stop();
    let searches: usize = found.values().map(|found| found.pages).sum();
    let report = verified(folder.path());
    let trails = report["trails"].as_array().unwrap();
    assert_eq!(trails.len(), 1);
    assert_eq!(trails[0]["notices"], 1);
    assert_eq!(trails[0]["records"], json!(9_999 + 1 + searches), "lines, opening notice, recorded searches");
}

/// What a search by one address came to.
struct Found {
    rows: usize,
    pages: usize,
    newest: (i64, i32),
}

async fn search_all(node: &Node, mut addresses: Vec<String>) -> BTreeMap<String, Found> {
    let client = node.client().await;
    let mut found = BTreeMap::new();
    let mut searches = JoinSet::new();
    loop {
        while searches.len() < TOGETHER {
            let Some(ip) = addresses.pop() else { break };
            searches.spawn(search(client.clone(), ip));
        }
        let Some(done) = searches.join_next().await else { return found };
        let (ip, one) = done.unwrap();
        found.insert(ip, one);
    }
}

async fn search(mut client: akta::client::Client, ip: String) -> (String, Found) {
    let mut found = Found { rows: 0, pages: 0, newest: (i64::MIN, 0) };
    let mut request = SearchEventsRequest {
        controller: "web".to_owned(),
        purpose: Purpose::Security.into(),
        filter: Some(EventFilter { ip: ip.clone(), ..EventFilter::default() }),
        ..SearchEventsRequest::default()
    };
    loop {
        let (rows, next) = client.search(request.clone()).await.unwrap();
        found.pages += 1;
        found.rows += rows.len();
        for row in rows {
            let event = row.event.unwrap();
            assert_eq!(event.network.unwrap().ip, ip);
            let time = event.occurred_at.unwrap();
            found.newest = found.newest.max((time.seconds, time.nanos));
        }
        if next.is_empty() {
            return (ip, found);
        }
        request.page_token = next;
    }
}

/// Lines of an audit table: good, bad and repeated ones; with each bad one's number and a phrase of its refusal.
fn table() -> (String, Vec<(u64, &'static str)>) {
    let hour = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 3_600).unwrap();
    let good = |pupil: usize| {
        json!({"occurred_at": hour.to_string(), "actor": "staff:t-1", "actor_kind": "human", "action": "update",
               "outcome": "success", "purpose": "assessment", "subjects": [format!("pupil:p-{pupil}")],
               "categories": ["education-record"], "ip": "192.0.2.7", "attributes": {"old_id": pupil}})
    };
    let with = |pupil: usize, field: &str, value: Value| {
        let mut line = good(pupil);
        line[field] = value;
        line
    };
    let id = || json!("0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f");
    let mut lines: Vec<String> = (0..200).map(|pupil| good(pupil).to_string()).collect();
    lines.push(with(300, "eventId", id()).to_string());
    let mut bad = Vec::new();
    let mut refused = |line: String, phrase: &'static str| {
        lines.push(line);
        bad.push((lines.len() as u64, phrase));
    };
    refused(with(1, "oldId", json!(7)).to_string(), "oldId: is not a field of akta.v1.Event");
    refused(with(1, "action", json!("frobnicate")).to_string(), "action: is not a word of akta.record.v1.Action");
    refused(with(1, "purpose", Value::Null).to_string(), "purpose: is required for personal data");
    refused(with(1, "ip", json!("192.0.2.999")).to_string(), "network.ip: is not an IPv4 or IPv6 address");
    refused("{\"action\": ".to_owned(), "is not JSON");
    refused(format!("{{\"event_name\": \"{}\"}}", "x".repeat(1 << 20)), "longer than 1048576 bytes");
    refused(with(301, "event_id", id()).to_string(), "was used for another event");
    // The same event under the same id again is no second one; an empty line is none at all.
    lines.extend([with(300, "event_id", id()).to_string(), String::new(), good(201).to_string()]);
    (lines.join("\n"), bad)
}

#[test]
fn an_audit_table_is_imported_once_and_its_bad_lines_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (text, bad) = table();
    let file = folder.path().join("audit.jsonl");
    std::fs::write(&file, text).unwrap();
    let node = Node::start(folder.path());
    let import = || {
        let mut import = akta();
        import.args(["import", "--json", "--format", "jsonl", "--controller", SCHOOL, "--server", node.address()]);
        import
    };
    let piped = Stdio::from(std::fs::File::open(&file).unwrap());
    let first = import().arg("-").stdin(piped).output().unwrap();
    let second = import().arg("--file").arg(&file).output().unwrap();
    for output in [first, second] {
        assert_eq!(output.status.code(), Some(1), "refused lines are a finding: {}", shown(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!([&report["recorded"], &report["refused_count"]], [&json!(203), &json!(bad.len())], "{report}");
        for (refused, (line, phrase)) in report["refused"].as_array().unwrap().iter().zip(&bad) {
            let reason = refused["reason"].as_str().unwrap();
            assert!(refused["line"] == json!(line) && reason.contains(phrase), "{refused}: {phrase}");
            assert!(!reason.contains("frobnicate") && !reason.contains("192.0.2.999"), "{reason} shows a value");
        }
    }
    node.stop();
    let trails = verified(folder.path());
    assert_eq!(trails["trails"][0]["records"], json!(1 + 200 + 2), "the opening, and each event once");
}
