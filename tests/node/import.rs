//! A real web server's log of 10,000 lines, imported and found again address by address.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use akta::grpc::api::{EventFilter, SearchEventsRequest};
use akta::model::stored::Purpose;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::support::{Node, akta, run, shown, skip, verified};

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
