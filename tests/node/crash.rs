//! kill -9, over and over, on one data folder: who has a receipt has the record.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome;
use akta::grpc::api::{
    Event, GetEventRequest, Receipt, RecordEventRequest, RecordedEvent, SearchEventsRequest, SearchOrder,
    StreamEventsRequest, get_event_request::Key,
};
use akta::model::stored::{Action, Purpose};
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
/// Events of a round that are also asked for one by one.
const ASKED: usize = 64;
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
    let rounds = if std::env::var_os("AKTA_TORTURE").is_some() { 500 } else { 25 };
    let folder = tempfile::tempdir().unwrap();
    let mut drawn = Drawn(9);
    let mut given: Vec<Given> = Vec::new();
    // How many of these, and how many records, were looked at.
    let (mut seen, mut size) = (0, 1);
    let mut flying = Vec::new();
    let mut attempt = 0;
    while flying.len() < rounds {
        attempt += 1;
        assert!(attempt as usize <= rounds * 2, "too many rounds without an event in flight");
        // Often the very first answers: the trail is being opened, or recovery has just ended.
        let enough = 1 + drawn.below(if attempt % 3 == 1 { 20 } else { 1_500 });
        let more = drawn.below(800);
        let (Tally { sent, given: answered, .. }, in_flight) = run(until_killed(folder.path(), attempt, enough, more));
        println!("round {attempt}: {} receipts, {in_flight} events in flight at kill -9", answered.len());
        flying.extend((in_flight > 0).then_some(in_flight));
        let round = given.len();
        given.extend(answered);
        let node = Node::start(folder.path());
        let checked = async {
            let found = Found::since(&node, size).await;
            found.holds(&given[seen..]);
            ask(&node, &given[round..]).await;
            (seen, size) = (given.len(), found.size);
            let retried = retry(&node, sent, &given[round..], &found).await;
            let twice = retried.iter().filter(|one| one.receipt.seq < size).count();
            println!("         {} events without an answer sent again, {twice} of them were recorded", retried.len());
            // Those are looked at; the others come behind what was looked at.
            given.extend(retried.into_iter().filter(|one| one.receipt.seq >= size));
        };
        run(async { tokio::time::timeout(STUCK, checked).await.unwrap() });
        // Half of the time a clean end, half of the time the next crash, lie between two rounds.
        if attempt % 2 == 0 {
            node.stop();
        }
    }
    let node = Node::start(folder.path());
    let all = run(async { tokio::time::timeout(STUCK * 10, Found::since(&node, 1)).await.unwrap() });
    all.holds(&given);
    node.stop();
    let report = verified(folder.path());
    let trails = report["trails"].as_array().unwrap();
    assert_eq!(trails.len(), 1, "{trails:?}");
    assert!(trails[0]["records"].as_u64().unwrap() >= all.size);
    flying.sort_unstable();
    println!(
        "{rounds} rounds, {} receipts, none lost, none twice, {} records; in flight at kill -9: {} to {}, median {}",
        given.len(),
        all.size,
        flying[0],
        flying[rounds - 1],
        flying[rounds / 2]
    );
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

/// Sends again what had no answer, and some of what had one: that must bring the receipt it had, or the record that is
/// there.
async fn retry(node: &Node, sent: Vec<Event>, given: &[Given], found: &Found) -> Vec<Given> {
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
            None => {
                let recorded = found.seqs.get(&one.event_id);
                assert_eq!(recorded.is_some(), one.receipt.seq < found.size, "record {} is there", one.receipt.seq);
                assert!(recorded.is_none_or(|seq| *seq == one.receipt.seq), "{} is recorded twice", one.event_id);
                retried.push(one);
            }
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

/// What a search finds from some position on.
struct Found {
    /// Number of records in the trail.
    size: u64,
    links: HashMap<u64, (String, Vec<u8>)>,
    seqs: HashMap<String, u64>,
}

impl Found {
    /// Reads the trail down to that position; none is missing, none comes twice, and the vault knows whom each is about.
    async fn since(node: &Node, first: u64) -> Self {
        let mut client = node.client().await;
        let mut found = Self { size: 0, links: HashMap::new(), seqs: HashMap::new() };
        let mut request = SearchEventsRequest { order: SearchOrder::NewestFirst.into(), ..everything() };
        let mut next = None;
        loop {
            let page = client.history.search_events(request).await.unwrap().into_inner();
            found.size = page.size;
            for row in page.events {
                let (receipt, event) = (row.receipt.unwrap(), row.event.unwrap());
                assert_eq!(receipt.seq, next.unwrap_or(page.size - 1), "positions descend one by one");
                if receipt.seq < first {
                    return found;
                }
                // Position 0 is the opening notice, which is no event.
                next = Some(receipt.seq - 1);
                if event.action != i32::from(Action::LogQuery) {
                    let led_back = &event.subjects.last().unwrap().identity.as_ref().unwrap().id;
                    assert_eq!(*led_back, event.event_id, "the vault lost whom record {} is about", receipt.seq);
                }
                let twice = found.seqs.insert(event.event_id.clone(), receipt.seq);
                assert_eq!(twice, None, "an event id occurs twice: {} at {}", event.event_id, receipt.seq);
                found.links.insert(receipt.seq, (event.event_id, receipt.link));
            }
            if page.next_page_token.is_empty() {
                assert_eq!(next.unwrap_or(page.size - 1), 0, "the first pages are missing");
                return found;
            }
            request = SearchEventsRequest {
                order: SearchOrder::NewestFirst.into(),
                page_token: page.next_page_token,
                ..everything()
            };
        }
    }

    /// All that was given is in the trail, unchanged.
    fn holds(&self, given: &[Given]) {
        for Given { event_id, receipt } in given {
            let (found, link) =
                self.links.get(&receipt.seq).unwrap_or_else(|| panic!("record {} is lost", receipt.seq));
            assert_eq!((found, link), (event_id, &receipt.link), "record {}", receipt.seq);
        }
    }
}

/// Asks for some of them one by one, the first and the last among them.
async fn ask(node: &Node, given: &[Given]) {
    let client = node.client().await;
    let mut asked = JoinSet::new();
    let step = given.len().div_ceil(ASKED).max(1);
    for one in given.iter().rev().step_by(step).chain(given.first()) {
        let (event_id, receipt) = (one.event_id.clone(), one.receipt.clone());
        let client = client.clone();
        asked.spawn(async move {
            let row = get(client, receipt.seq).await;
            assert_eq!(row.receipt, Some(receipt));
            assert_eq!(row.event.unwrap().event_id, event_id);
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
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
