//! What has reached its date is gone: by a node at its start, by a call, on a folder whose node is gone; and what a clock
//! that is wrong comes to.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Output;

use akta::client::Client;
use akta::grpc::api::{
    Event, ExpiryCount, ExpiryStanding, ListNoticesRequest, Part, PreviewExpiryRequest, PreviewExpiryResponse,
    RecordedEvent, RunExpiryRequest, Session, Verdict,
};
use akta::model::date::{Date, Timestamp};
use akta::model::stored::notice_core::Kind;
use akta::model::stored::{Action, RetentionClass};
use serde_json::Value;
use tonic::{Code, Status};

use super::binary::{akta, shown};
use super::support::{Events, Node, SCHOOL, data, everything, run};

/// Events with a session each, and some of another class.
const READS: usize = 30;
const LOGINS: usize = 7;

/// A node whose clock is so many days ahead.
fn ahead(folder: &Path, days: u32) -> Node {
    Node::start_with(folder, &["--days-ahead", &days.to_string()])
}

/// Records accesses and logins, each with a session.
fn record(node: &Node) {
    let mut events = Events::of(6);
    let mut with_session = |login: bool| {
        let session = Some(Session { id: vec![7; 16], ..Session::default() });
        let read = events.read();
        if !login {
            return Event { session, ..read };
        }
        let action = Action::Login.into();
        Event { action, session, subjects: Vec::new(), categories: Vec::new(), resource: None, purpose: 0, ..read }
    };
    let all: Vec<Event> = (0..READS + LOGINS).map(|number| with_session(number >= READS)).collect();
    run(async { node.client().await.record_all(all).await.unwrap() });
}

/// What was reported, oldest first.
async fn rows(client: &mut Client) -> Vec<RecordedEvent> {
    let all = client.search_all(everything()).await.unwrap();
    all.into_iter().filter(|row| row.retention_class() != RetentionClass::LogAccess).collect()
}

/// The verdicts on a part, of all records that have one.
fn verdicts(rows: &[RecordedEvent], part: Part) -> Vec<Verdict> {
    rows.iter().flat_map(|row| &row.parts).filter(|state| state.part() == part).map(|state| state.verdict()).collect()
}

/// Through which day the trail tells that it has expired, by each notice.
async fn told(client: &mut Client, controller: &str) -> Vec<String> {
    let asked = ListNoticesRequest { controller: controller.into(), page_size: 1_000, ..Default::default() };
    let notices = client.history.list_notices(asked).await.unwrap().into_inner().notices;
    let kinds = notices.into_iter().filter_map(|notice| notice.notice.unwrap().kind);
    kinds
        .filter_map(|kind| match kind {
            Kind::Expired(told) => Some(Date::from_days(told.through).to_string()),
            _ => None,
        })
        .collect()
}

async fn preview(client: &mut Client, until: &str) -> PreviewExpiryResponse {
    let (controllers, until) = (vec![SCHOOL.to_owned()], until.to_owned());
    let request = PreviewExpiryRequest { controllers, until, ..Default::default() };
    client.retention.preview_expiry(request).await.unwrap().into_inner()
}

/// How expiry stands in the one zone that there is.
async fn standing(client: &mut Client) -> ExpiryStanding {
    let [standing] = <[_; 1]>::try_from(preview(client, "").await.standings).unwrap();
    standing
}

fn retention(node: &Node, arguments: &[&str]) -> Output {
    akta().arg("retention").args(arguments).args(["--server", node.address()]).output().unwrap()
}

fn on_folder(folder: &Path, arguments: &[&str]) -> Output {
    akta().args(["retention", "run"]).arg(data(folder)).arg("--dev").args(arguments).output().unwrap()
}

/// Verifies the folder of a stopped node, by a clock that many days ahead; it must be good.
fn verified(folder: &Path, days: u32) -> Value {
    let days = days.to_string();
    let mut command = akta();
    command.arg("verify").arg(data(folder)).args(["--dev", "--json", "--days-ahead", &days]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_start_expires_what_is_past_before_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    record(&node);
    let today = run(async {
        let mut client = node.client().await;
        let rows = rows(&mut client).await;
        assert_eq!(verdicts(&rows, Part::Session), vec![Verdict::Intact; READS + LOGINS]);
        assert!(told(&mut client, SCHOOL).await.is_empty());
        let standing = standing(&mut client).await;
        assert_eq!((standing.due_days, standing.expired_through.as_str()), (0, ""));
        standing.today
    });
    node.stop();
    let node = ahead(folder.path(), 8);
    run(async {
        let mut client = node.client().await;
        // The first call: nothing has had time to expire but the start.
        let rows = rows(&mut client).await;
        assert_eq!(verdicts(&rows, Part::Session), vec![Verdict::Expired; READS + LOGINS]);
        assert_eq!(verdicts(&rows, Part::Core), vec![Verdict::Intact; READS + LOGINS]);
        assert_eq!(verdicts(&rows, Part::Net), vec![Verdict::Intact; READS + LOGINS]);
        let later = plus(&today, 8);
        assert_eq!(told(&mut client, SCHOOL).await, std::slice::from_ref(&later));
        let standing = standing(&mut client).await;
        assert_eq!((standing.due_days, standing.expired_through), (0, later));
        // The same again, and again: there is nothing more to do.
        for _ in 0..2 {
            let answer = client.retention.run_expiry(RunExpiryRequest::default()).await.unwrap().into_inner();
            assert!(answer.zones.is_empty(), "{answer:?}");
        }
    });
    let output = retention(&node, &["run"]);
    assert!(output.status.success() && shown(&output).contains("nothing was due"), "{}", shown(&output));
    let status = akta().args(["status", "--json", "--server", node.address()]).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["expiry"][0]["expired_through"], plus(&today, 8), "{status}");
    node.stop();
    let report = verified(folder.path(), 8);
    let expired: u64 =
        report["trails"].as_array().unwrap().iter().map(|trail| trail["groups_expired"].as_u64().unwrap()).sum();
    assert!(expired >= (READS + LOGINS) as u64, "{report}");
}

#[test]
fn what_will_expire_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    record(&node);
    run(async {
        let mut client = node.client().await;
        let today = standing(&mut client).await.today;
        assert!(preview(&mut client, "").await.counts.is_empty(), "nothing is due");
        assert!(preview(&mut client, &plus(&today, 6)).await.counts.is_empty());
        // A week later: sessions, of records that go on.
        let counts = preview(&mut client, &plus(&today, 7)).await.counts;
        let expected = |class: RetentionClass, records: usize, whole: usize, date: &str| ExpiryCount {
            controller: SCHOOL.to_owned(),
            retention_class: class.into(),
            expires_on: date.to_owned(),
            records: records as u64,
            whole: whole as u64,
        };
        let week = plus(&today, 7);
        let [logins, reads] =
            [expected(RetentionClass::Session, LOGINS, 0, &week), expected(RetentionClass::Access, READS, 0, &week)];
        assert_eq!(counts, [logins.clone(), reads.clone()]);
        // In three years: everything. No class is counted twice, and pages give the same as one list.
        let all = preview(&mut client, &plus(&today, 3 * 365)).await.counts;
        assert_eq!(all[..2], [logins, reads]);
        let whole: u64 = all.iter().map(|count| count.whole).sum();
        assert_eq!(whole, (READS + LOGINS) as u64, "{all:?}");
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let request = PreviewExpiryRequest {
                until: plus(&today, 3 * 365),
                page_size: 1,
                page_token: token,
                ..Default::default()
            };
            let page = client.retention.preview_expiry(request).await.unwrap().into_inner();
            paged.extend(page.counts);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, all);
    });
    node.stop();
}

#[test]
fn many_days_at_once_wait_for_a_confirmed_date() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    record(&node);
    let today = run(async { standing(&mut node.client().await).await.today });
    node.stop();
    let node = ahead(folder.path(), 400);
    let year = plus(&today, 400);
    run(async {
        let mut client = node.client().await;
        // Nothing is destroyed, and what is past is refused all the same.
        assert_eq!(verdicts(&rows(&mut client).await, Part::Session), vec![Verdict::Expired; READS + LOGINS]);
        assert!(told(&mut client, SCHOOL).await.is_empty());
        let standing = standing(&mut client).await;
        assert!(standing.needs_confirmation && standing.due_days > 45, "{standing:?}");
        assert_eq!((standing.due_through.as_str(), standing.expired_through.as_str()), (year.as_str(), ""));
    });
    let other = plus(&today, 300);
    for (arguments, status, words) in [
        (vec!["run", "--dry-run"], 1, vec!["more than 45", &year]),
        (vec!["run"], 3, vec!["nothing was destroyed", &year, "--confirm"]),
        (vec!["run", "--confirm", &other], 3, vec!["nothing was destroyed", &year]),
        (vec!["run", "--confirm", &year], 0, vec!["Europe/Warsaw", &year]),
        (vec!["run", "--confirm", &year], 0, vec!["nothing was due"]),
        (vec!["run"], 0, vec!["nothing was due"]),
    ] {
        let output = retention(&node, &arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", shown(&output));
        for word in words {
            assert!(shown(&output).contains(word), "{arguments:?} does not say {word}: {}", shown(&output));
        }
    }
    run(async { assert_eq!(told(&mut node.client().await, SCHOOL).await, std::slice::from_ref(&year)) });
    node.stop();
    verified(folder.path(), 400);
    // The clock goes back by a day: what is gone is gone, and nothing is due before that day.
    let node = ahead(folder.path(), 399);
    run(async {
        let mut client = node.client().await;
        let found = rows(&mut client).await;
        assert_eq!(verdicts(&found, Part::Session), vec![Verdict::Expired; READS + LOGINS]);
        assert_eq!(verdicts(&found, Part::Core), vec![Verdict::Intact; found.len()]);
        let standing = standing(&mut client).await;
        assert_eq!((standing.due_days, standing.expired_through), (0, year.clone()));
    });
    node.stop();
    // All the way: nothing is recorded, so nothing is read either, until it is right.
    let node = Node::start(folder.path());
    run(async {
        let mut client = node.client().await;
        let status = client.search_all(everything()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert!(status.message().contains("clock is more than a day behind"), "{status:?}");
        let standing = standing(&mut client).await;
        assert_eq!((standing.due_days, standing.expired_through), (0, year.clone()));
    });
    node.stop();
}

#[test]
fn a_volume_whose_node_is_gone_forgets_on_time_too() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    record(&node);
    let today = run(async { standing(&mut node.client().await).await.today });
    let output = on_folder(folder.path(), &["--days-ahead", "8"]);
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    assert!(shown(&output).contains("in use"), "{}", shown(&output));
    node.stop();
    let (week, year) = (plus(&today, 8), plus(&today, 400));
    for (arguments, status, words) in [
        (vec!["--dry-run"], 0, vec!["nothing is due"]),
        (vec![], 0, vec!["nothing was due"]),
        (vec!["--days-ahead", "400", "--dry-run"], 1, vec!["needs --confirm", &year]),
        (vec!["--days-ahead", "400"], 3, vec![&year]),
        (vec!["--days-ahead", "8", "--dry-run"], 0, vec!["due: 8 days in Europe/Warsaw", &week]),
        (vec!["--days-ahead", "8", "--json"], 0, vec!["\"damaged\":0", &week]),
        (vec!["--days-ahead", "8"], 0, vec!["nothing was due"]),
    ] {
        let output = on_folder(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", shown(&output));
        for word in words {
            assert!(shown(&output).contains(word), "{arguments:?} does not say {word}: {}", shown(&output));
        }
    }
    verified(folder.path(), 8);
    let node = ahead(folder.path(), 8);
    run(async {
        let mut client = node.client().await;
        assert_eq!(verdicts(&rows(&mut client).await, Part::Session), vec![Verdict::Expired; READS + LOGINS]);
        assert_eq!(told(&mut client, SCHOOL).await, [week]);
    });
    node.stop();
    let nothing = tempfile::tempdir().unwrap();
    let output = on_folder(nothing.path(), &[]);
    assert!(output.status.code() == Some(3) && shown(&output).contains("is not a data folder"), "{}", shown(&output));
    assert!(!data(nothing.path()).exists(), "nothing is made there");
}

#[test]
fn what_is_asked_wrongly_is_refused_by_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    record(&node);
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let question = |until: &str| PreviewExpiryRequest { until: until.to_owned(), ..Default::default() };
    let many = vec![SCHOOL.to_owned(); 1_001];
    let previews = [
        (question("2020-01-01"), "until", "is past"),
        (question("2099-01-01"), "until", "is too far"),
        (question("tomorrow"), "until", "YYYY-MM-DD"),
        (question("2026-13-01"), "until", "YYYY-MM-DD"),
        (question("2026-11-30T00:00:00Z"), "until", "YYYY-MM-DD"),
        (question("1970-01-01"), "until", "YYYY-MM-DD"),
        (PreviewExpiryRequest { page_size: 1_001, ..Default::default() }, "page_size", "limit of 1000"),
        (PreviewExpiryRequest { page_token: "x".to_owned(), ..Default::default() }, "page_token", "next_page_token"),
        (PreviewExpiryRequest { controllers: of(&[SCHOOL, "A"]), ..Default::default() }, "controllers[1]", "a-z"),
        (PreviewExpiryRequest { controllers: many, ..Default::default() }, "controllers", "limit is 1000"),
    ];
    let runs = [
        (RunExpiryRequest { controller: SCHOOL.to_owned(), ..Default::default() }, "controller", "whole node"),
        (RunExpiryRequest { confirmed_date: "soon".to_owned(), ..Default::default() }, "confirmed_date", "YYYY-MM-DD"),
    ];
    run(async {
        let mut client = node.client().await;
        for (request, field, words) in previews {
            let status = client.retention.preview_expiry(request).await.unwrap_err();
            refused(&status, field, words);
        }
        for (request, field, words) in runs {
            let status = client.retention.run_expiry(request).await.unwrap_err();
            refused(&status, field, words);
        }
        let request = PreviewExpiryRequest { controllers: of(&["school-99"]), ..Default::default() };
        let status = client.retention.preview_expiry(request).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    });
    for arguments in [vec!["preview", "--until", "soon"], vec!["run", "--confirm", "2026"]] {
        let output = retention(&node, &arguments);
        assert!(output.status.code() == Some(2) && shown(&output).contains("a day like"), "{}", shown(&output));
    }
    let output = akta().args(["serve", "--days-ahead", "8", "--data"]).arg(folder.path()).output().unwrap();
    assert!(output.status.code() == Some(2) && shown(&output).contains("--dev"), "{}", shown(&output));
    node.stop();
}

fn refused(status: &Status, field: &str, words: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
    assert!(
        status.message().contains(&format!("{field}: ")) || status.message().contains(field),
        "{field}: {status:?}"
    );
    assert!(status.message().contains(words), "{field}: {words}: {status:?}");
}

/// The day so many days later.
fn plus(day: &str, days: u32) -> String {
    Date::of_utc(Timestamp::parse(day).unwrap()).plus_days(days).to_string()
}
