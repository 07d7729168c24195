//! kill -9, over and over, on one data folder: who has a receipt has the record.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome;
use akta::grpc::api::{
    Event, GetEventRequest, Receipt, RecordEventRequest, RecordedEvent, StreamEventsRequest, get_event_request::Key,
};
use akta::model::stored::Purpose;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tonic::Code;

use super::support::{Drawn, Events, Node, SCHOOL, everything, pupil, run, verified};

/// Clients that stream.
const STREAMS: u32 = 3;
/// Events that one stream has under way.
const WINDOW: usize = 128;
/// Clients that call one by one.
const CALLERS: u32 = 6;
/// Events of a round that are sent again although they have a receipt.
const AGAIN: usize = 50;
/// No round and no check takes this long.
const STUCK: Duration = Duration::from_secs(120);

/// What a receipt was given for.
struct Given {
    event_id: String,
    receipt: Receipt,
}

/// One round, as its clients saw it.
struct Round {
    /// The node is killed after so many receipts,
    enough: usize,
    /// and so many events sent after that: the writer may be in the midst of a group then.
    more: usize,
    reached: Notify,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    sent: Vec<Event>,
    /// How many there were when there were receipts enough.
    sent_before: Option<usize>,
    given: Vec<Given>,
}

impl Round {
    fn sent(&self, event: Event) {
        let mut tally = self.tally.lock().unwrap();
        tally.sent.push(event);
        self.judge(&mut tally);
    }

    fn given(&self, event_id: String, receipt: Receipt) {
        let mut tally = self.tally.lock().unwrap();
        tally.given.push(Given { event_id, receipt });
        self.judge(&mut tally);
    }

    fn judge(&self, tally: &mut Tally) {
        let sent = tally.sent.len();
        if tally.given.len() >= self.enough && sent >= *tally.sent_before.get_or_insert(sent) + self.more {
            self.reached.notify_one();
        }
    }
}

#[test]
fn kill_nine_loses_no_receipt() {
    let rounds = if std::env::var_os("AKTA_TORTURE").is_some() { 100 } else { 10 };
    let folder = tempfile::tempdir().unwrap();
    let mut drawn = Drawn(9);
    let mut given: Vec<Given> = Vec::new();
    let mut counted = 0;
    let mut attempt = 0;
    while counted < rounds {
        attempt += 1;
        assert!(attempt <= rounds * 2, "too many rounds without an event in flight");
        // Often the very first answers: the trail is being opened, or recovery has just ended.
        let enough = 1 + drawn.below(if attempt % 3 == 1 { 20 } else { 1_500 });
        let more = drawn.below(800);
        let Tally { sent, given: answered, .. } = {
            let (tally, in_flight) = run(until_killed(folder.path(), attempt, enough, more));
            println!("round {attempt}: {} receipts, {in_flight} events in flight at kill -9", tally.given.len());
            counted += u32::from(in_flight > 0);
            tally
        };
        let before = given.len();
        given.extend(answered);
        let node = Node::start(folder.path());
        let checked = async {
            let found = check_trail(&node, &given, before).await;
            let retried = retry(&node, sent, &given[before..]).await;
            let twice = retried.iter().filter(|one| found.contains(&one.event_id)).count();
            println!("         {} events without an answer sent again, {twice} of them were recorded", retried.len());
            given.extend(retried);
        };
        run(async { tokio::time::timeout(STUCK, checked).await.unwrap() });
        // Half of the time a clean end, half of the time the next crash, lie between two rounds.
        if attempt % 2 == 0 {
            node.stop();
        }
    }
    let node = Node::start(folder.path());
    run(async { tokio::time::timeout(STUCK * 5, check_trail(&node, &given, 0)).await.unwrap() });
    node.stop();
    let report = verified(folder.path());
    let trails = report["trails"].as_array().unwrap();
    assert_eq!(trails.len(), 1, "{trails:?}");
    assert!(trails[0]["records"].as_u64().unwrap() > given.len() as u64);
    println!("{counted} rounds, {} receipts, none lost; akta verify: {}", given.len(), report["verdict"]);
}

/// One round: starts a node, lets clients report, kills it; how many events had been sent by then and were never
/// answered.
async fn until_killed(folder: &Path, attempt: u32, enough: usize, more: usize) -> (Tally, usize) {
    let mut node = Node::start(folder);
    let round = Arc::new(Round { enough, more, reached: Notify::new(), tally: Mutex::default() });
    let mut clients = JoinSet::new();
    for number in 0..STREAMS + CALLERS {
        let (client, events) = (node.client().await, Events::of(attempt * 64 + number));
        let round = round.clone();
        if number < STREAMS {
            clients.spawn(stream(client, events, round));
        } else {
            clients.spawn(call(client, events, round));
        }
    }
    let killed = async {
        round.reached.notified().await;
        let sent = round.tally.lock().unwrap().sent.len();
        node.kill();
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        sent
    };
    let sent = tokio::time::timeout(STUCK, killed).await.expect("the round comes to its end");
    let tally = std::mem::take(&mut *round.tally.lock().unwrap());
    let in_flight = sent.saturating_sub(tally.given.len());
    (tally, in_flight)
}

/// Sends again what had no answer, and some of what had one: that must bring the receipt it had.
async fn retry(node: &Node, sent: Vec<Event>, given: &[Given]) -> Vec<Given> {
    let client = node.client().await;
    let answered: HashMap<&str, &Receipt> = given.iter().map(|one| (one.event_id.as_str(), &one.receipt)).collect();
    let mut calls = JoinSet::new();
    let mut again = AGAIN;
    for event in sent {
        let before = answered.get(event.event_id.as_str()).map(|receipt| (*receipt).clone());
        if before.is_some() {
            if again == 0 {
                continue;
            }
            again -= 1;
        }
        let mut client = client.clone();
        calls.spawn(async move {
            let event_id = event.event_id.clone();
            let receipt = client.record(event).await.unwrap();
            (Given { event_id, receipt }, before)
        });
    }
    let mut retried = Vec::new();
    for (one, before) in calls.join_all().await {
        match before {
            Some(before) => assert_eq!(one.receipt, before, "an event that was sent again"),
            None => retried.push(one),
        }
    }
    retried
}

/// An event that also concerns a pupil whom nobody has seen yet, called as the event, so that the vault is written too.
fn event(events: &mut Events) -> Event {
    let mut event = events.read();
    let mut newcomer = pupil(0);
    newcomer.identity.as_mut().unwrap().id.clone_from(&event.event_id);
    event.subjects.push(newcomer);
    event
}

/// Reports on a stream, with a window, until the node is gone.
async fn stream(mut client: Client, mut events: Events, round: Arc<Round>) {
    let Ok((sender, mut answers)) = client.stream(1).await else { return };
    let window = Arc::new(Semaphore::new(WINDOW));
    let sending = tokio::spawn({
        let (window, round) = (window.clone(), round.clone());
        async move {
            while let Ok(permit) = window.acquire().await {
                permit.forget();
                let event = event(&mut events);
                if sender.send(StreamEventsRequest { event: Some(event.clone()) }).await.is_err() {
                    return;
                }
                round.sent(event);
            }
        }
    });
    while let Ok(Some(answer)) = answers.message().await {
        match answer.outcome {
            Some(Outcome::Receipt(receipt)) => round.given(answer.event_id, receipt),
            other => panic!("neither a receipt nor the end: {other:?}"),
        }
        window.add_permits(1);
    }
    window.close();
    drop(answers);
    sending.await.unwrap();
}

/// Reports one by one until the node is gone.
async fn call(mut client: Client, mut events: Events, round: Arc<Round>) {
    loop {
        let event = event(&mut events);
        let event_id = event.event_id.clone();
        round.sent(event.clone());
        match client.ingest.record_event(RecordEventRequest { event: Some(event) }).await {
            Ok(answer) => round.given(event_id, answer.into_inner().receipt.unwrap()),
            Err(status) => {
                assert!(!matches!(status.code(), Code::InvalidArgument | Code::ResourceExhausted), "{status:?}");
                return;
            }
        }
    }
}

/// All that was ever given is in the trail, unchanged and once; what was given since `since` is also asked for one by
/// one. The ids of all events in the trail.
async fn check_trail(node: &Node, given: &[Given], since: usize) -> HashSet<String> {
    let mut client = node.client().await;
    let mut trail: HashMap<u64, (String, Vec<u8>)> = HashMap::new();
    let mut ids = HashSet::new();
    let mut last = 0;
    let mut request = everything();
    loop {
        let (rows, next) = client.search(request.clone()).await.unwrap();
        for row in rows {
            let (receipt, event) = (row.receipt.unwrap(), row.event.unwrap());
            last += 1;
            // Position 0 is the opening notice, which is no event; behind it none is missing and none comes twice.
            assert_eq!(receipt.seq, last, "positions ascend one by one");
            assert!(ids.insert(event.event_id.clone()), "an event id occurs twice: {} at {last}", event.event_id);
            trail.insert(receipt.seq, (event.event_id, receipt.link));
        }
        if next.is_empty() {
            break;
        }
        request.page_token = next;
    }
    for Given { event_id, receipt } in given {
        let (found, link) = trail.get(&receipt.seq).unwrap_or_else(|| panic!("record {} is lost", receipt.seq));
        assert_eq!((found, link), (event_id, &receipt.link), "record {}", receipt.seq);
    }

    let mut asked = JoinSet::new();
    for one in &given[since..] {
        if asked.len() == 64 {
            asked.join_next().await.unwrap().unwrap();
        }
        let (event_id, receipt) = (one.event_id.clone(), one.receipt.clone());
        let client = client.clone();
        asked.spawn(async move {
            let row = get(client, receipt.seq).await;
            let (found, event) = (row.receipt.unwrap(), row.event.unwrap());
            assert_eq!((found.seq, &found.link, &found.origin), (receipt.seq, &receipt.link, &receipt.origin));
            assert_eq!(found.recorded_at, receipt.recorded_at);
            assert_eq!(event.event_id, event_id);
            let led_back = event.subjects.last().unwrap().identity.as_ref().unwrap().id.clone();
            assert_eq!(led_back, event_id, "the vault lost whom record {} is about", receipt.seq);
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
    ids
}

async fn get(mut client: Client, seq: u64) -> RecordedEvent {
    let request = GetEventRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::Security.into(),
        key: Some(Key::Seq(seq)),
        ..GetEventRequest::default()
    };
    client.history.get_event(request).await.unwrap().into_inner().event.unwrap()
}
