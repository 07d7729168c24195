//! A disk is lost and restored from an older copy of the history and the newest keyring and vault: what expired stays so, what is
//! there is found and proved, and nothing is signed twice.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use akta::env::{Clock, SystemClock};
use akta::grpc::api::{
    Event, GetCheckpointRequest, GetEventRequest, GetInclusionProofRequest, RecordEventRequest, SearchOrder, Session,
    VerifyTrailRequest, get_event_request::Key,
};
use akta::model::date::Zone;
use akta::model::stored::Purpose;
use serde_json::Value;

use super::binary::{akta, shown};
use super::skip::skip;
use super::stranger::finds_nothing;
use super::support::{Events, Node, SCHOOL, data, everything, run};

const BEFORE: usize = 20;
const LOST: usize = 5;
/// Past the week for which sessions are kept.
const AHEAD: &[&str] = &["--days-ahead", "9"];
/// Stands in each session.
const PLANTED: &str = "session-7f3a91";

fn event(events: &mut Events) -> Event {
    Event { session: Some(Session { id: PLANTED.into(), ..Session::default() }), ..events.read() }
}

fn record(node: &Node, events: &[Event]) -> Vec<(String, u64)> {
    run(async {
        let mut client = node.client().await;
        let mut receipts = Vec::new();
        for event in events {
            let request = RecordEventRequest { event: Some(event.clone()) };
            let receipt = client.ingest.record_event(request).await.unwrap().into_inner().receipt.unwrap();
            receipts.push((receipt.origin, receipt.seq));
        }
        receipts
    })
}

/// The one copy of that set.
fn only(copies: &Path, set: &str) -> PathBuf {
    let all = fs::read_dir(copies).unwrap().map(|entry| entry.unwrap().path());
    let own: Vec<PathBuf> = all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(set)).collect();
    let [one] = own.as_slice() else { panic!("{set}: {own:?}") };
    one.clone()
}

fn backup(folder: &Path, copies: &Path) -> Output {
    akta().arg("backup").arg(data(folder)).arg(copies).output().unwrap()
}

/// Every row of the school, page by page.
fn found(node: &Node, order: SearchOrder, origin: &str) -> Vec<(String, u64)> {
    run(async {
        let mut client = node.client().await;
        let mut request = everything();
        (request.order, request.page_size, request.origin) = (order.into(), 7, origin.to_owned());
        let mut rows = Vec::new();
        loop {
            let page = client.history.search_events(request.clone()).await.unwrap().into_inner();
            let receipts = page.events.into_iter().map(|row| row.receipt.unwrap());
            rows.extend(receipts.map(|receipt| (receipt.origin, receipt.seq)));
            if page.next_page_token.is_empty() {
                return rows;
            }
            request.page_token = page.next_page_token;
        }
    })
}

fn restore(to: &Path, history: &Path, forgettable: &Path, more: &[&str]) -> Output {
    let mut command = akta();
    command.arg("restore").arg(to).arg("--history").arg(history).arg("--forgettable").arg(forgettable);
    command.arg("--dev").args(more).output().unwrap()
}

/// Whether some file below holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path: PathBuf = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, bytes),
            false => fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes),
        }
    })
}

#[test]
fn a_lost_disk_is_restored_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (old, new, copies) = (root.path().join("old"), root.path().join("new"), root.path().join("copies"));
    fs::create_dir(&old).unwrap();
    fs::create_dir(&new).unwrap();
    let mut events = Events::of(71);
    let before: Vec<Event> = (0..BEFORE).map(|_| event(&mut events)).collect();
    let lost: Vec<Event> = (0..LOST).map(|_| event(&mut events)).collect();
    let node = Node::start(&old);
    let receipts = record(&node, &before);
    let refused = backup(&old, &copies);
    assert!(
        refused.status.code() == Some(3) && shown(&refused).contains("makes its copies itself"),
        "{}",
        shown(&refused)
    );
    node.stop();
    let output = backup(&old, &copies);
    assert!(output.status.success(), "{}", shown(&output));
    let history = only(&copies, "history-");
    // Days later sessions are past; then the disk is lost.
    let node = Node::start_with(&old, AHEAD);
    record(&node, &lost);
    node.stop();

    // What cannot be, with a remedy.
    for (history, forgettable, says) in [
        (&data(&old), &data(&old), "is not a copy of a history"),
        (&history, &root.path().to_path_buf(), "is not a forgettable set"),
    ] {
        let output = restore(&data(&new), history, forgettable, AHEAD);
        assert!(output.status.code() == Some(3) && shown(&output).contains(says), "{}", shown(&output));
    }
    let output = restore(&data(&old), &history, &data(&old), AHEAD);
    assert!(shown(&output).contains("is there already"), "{}", shown(&output));

    let output = restore(&data(&new), &history, &data(&old), &[AHEAD, &["--json"]].concat());
    assert!(output.status.success(), "{}", shown(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let own = said["trails"].as_array().unwrap().iter().find(|trail| trail["controller"] == SCHOOL).unwrap();
    let (frozen, successor) = (own["predecessor"].as_str().unwrap(), own["origin"].as_str().unwrap());
    assert_eq!(frozen, receipts[0].0);
    let (size, guarded) = (own["records"].as_u64().unwrap(), own["guarded"].as_u64().unwrap());
    assert!(guarded >= size + LOST as u64, "{own}");
    assert!(!data(&new).with_extension("restoring").exists());

    let node = Node::start_with(&new, AHEAD);
    // What the copy has is known, what it lacks is recorded anew.
    assert_eq!(record(&node, &before[..2]), receipts[..2]);
    let again = record(&node, &lost);
    assert!(again.iter().all(|(origin, _)| origin == successor));
    let all: Vec<(String, u64)> = receipts.iter().chain(&again).cloned().collect();
    let events =
        |rows: Vec<(String, u64)>| -> Vec<(String, u64)> { rows.into_iter().filter(|row| all.contains(row)).collect() };
    assert_eq!(events(found(&node, SearchOrder::OldestFirst, "")), all);
    let mut newest = events(found(&node, SearchOrder::NewestFirst, ""));
    newest.reverse();
    assert_eq!(newest, all);
    assert_eq!(found(&node, SearchOrder::OldestFirst, frozen), receipts);
    proved(&node, frozen, size, &receipts);
    exported(&node, &root.path().join("export.jsonl"), frozen, size);
    let listed = akta().args(["controller", "list", "--json", "--server", node.address()]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&format!("\"predecessors\":[\"{frozen}\"]")));
    node.stop();

    let output = akta().arg("verify").arg(data(&new)).args(["--dev", "--json"]).args(AHEAD).output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    assert!(!holds(&data(&new), PLANTED.as_bytes()));
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        let why = "AKTA_PYTHON does not name a Python with the verifier's packages";
        return skip("a_lost_disk_is_restored_and_goes_on", why);
    };
    let day = Zone::default().date(SystemClock.now()).plus_days(9).to_string();
    for (words, path) in [
        (&["export"][..], root.path().join("export.jsonl")),
        (&["folder"], data(&new)),
        (&["folder", "--dev"], data(&new)),
    ] {
        finds_nothing(&python, &[words, &["--today", &day]].concat(), &path);
    }
}

/// The frozen trail proves what it has, and says what it lost in the words of the one after it.
fn proved(node: &Node, frozen: &str, size: u64, receipts: &[(String, u64)]) {
    run(async {
        let mut client = node.client().await;
        let (controller, origin) = (SCHOOL.to_owned(), frozen.to_owned());
        let asked = GetCheckpointRequest { controller: controller.clone(), at_least: 0, origin: origin.clone() };
        let checkpoint = client.evidence.get_checkpoint(asked).await.unwrap().into_inner();
        assert_eq!((checkpoint.size, checkpoint.checkpoint.lines().next()), (size, Some(frozen)));
        let seq = receipts[3].1;
        let asked = GetInclusionProofRequest { controller: controller.clone(), seq, size: 0, origin: origin.clone() };
        assert_eq!(client.evidence.get_inclusion_proof(asked).await.unwrap().into_inner().size, size);
        let asked = GetEventRequest {
            controller: controller.clone(),
            purpose: Purpose::Security.into(),
            key: Some(Key::Seq(seq)),
            origin: origin.clone(),
            ..GetEventRequest::default()
        };
        let event = client.history.get_event(asked).await.unwrap().into_inner().event.unwrap();
        assert_eq!(event.event.unwrap().session, None, "its session is past");
        let mut report = None;
        let asked = VerifyTrailRequest { controller: controller.clone(), origin };
        let mut told = client.evidence.verify_trail(asked).await.unwrap().into_inner();
        while let Some(message) = told.message().await.unwrap() {
            report = message.report;
        }
        let report = report.unwrap();
        assert!(report.findings.is_empty() && report.origin == frozen, "{report:?}");
        let other = format!("{frozen}x");
        let asked = GetCheckpointRequest { controller, at_least: 0, origin: other };
        let refused = client.evidence.get_checkpoint(asked).await.unwrap_err();
        assert!(refused.code() == tonic::Code::InvalidArgument, "{refused}");
    });
    let notices = akta().args(["notices", "--controller", SCHOOL, "--server", node.address()]).output().unwrap();
    let told = shown(&notices);
    assert!(told.contains("trail restored") && told.contains(frozen), "{told}");
}

fn exported(node: &Node, file: &Path, frozen: &str, size: u64) {
    let mut command = akta();
    command.args(["export", "--controller", SCHOOL, "--purpose", "subject-rights", "--server", node.address()]);
    let output = command.args(["--origin", frozen, "-o"]).arg(file).output().unwrap();
    assert!(output.status.success() && shown(&output).contains("complete"), "{}", shown(&output));
    let end = fs::read_to_string(file).unwrap();
    let end: Value = serde_json::from_str(end.lines().last().unwrap()).unwrap();
    assert_eq!((end["end"]["origin"].as_str(), end["end"]["size"].as_u64()), (Some(frozen), Some(size)));
}

/// A running node keeps copies; of what must be forgettable the newest alone.
#[test]
fn a_node_keeps_copies_and_is_restored_from_them() {
    let root = tempfile::tempdir().unwrap();
    let (old, new, copies) = (root.path().join("old"), root.path().join("new"), root.path().join("copies"));
    fs::create_dir(&old).unwrap();
    fs::create_dir(&new).unwrap();
    let config = root.path().join("akta.toml");
    fs::write(&config, format!("[copies]\nfolder = {:?}\nevery_hours = 1\n", copies.to_str().unwrap())).unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let mut events = Events::of(72);
    let before: Vec<Event> = (0..BEFORE).map(|_| event(&mut events)).collect();
    let node = Node::start_with(&old, &arguments);
    let receipts = record(&node, &before);
    // It ends no copy half made.
    node.stop();
    let first = only(&copies, "forgettable-");
    let node = Node::start_with(&old, &arguments);
    node.stop();
    assert_ne!(only(&copies, "forgettable-"), first);
    let output = akta().arg("restore").arg(data(&new)).arg("--copies").arg(&copies).arg("--dev").output().unwrap();
    let told = shown(&output);
    assert!(output.status.success() && told.contains("GOES ON IN") && told.contains("Restored to"), "{told}");
    let node = Node::start(&new);
    // The history was copied while it ran: what it has of these is as it was.
    let found = found(&node, SearchOrder::OldestFirst, &receipts[0].0);
    assert!(receipts.starts_with(&found), "{found:?}");
    node.stop();
    let output = akta().arg("verify").arg(data(&new)).arg("--dev").output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
}
