//! The same event id again: a table of when, what and how.
#![allow(clippy::unwrap_used)]

use super::support::{Events, Node, data, run};
use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome as Answer;
use akta::grpc::api::{Event, Receipt, StreamEventsRequest};
use akta::model::stored::Action;
use tonic::Code;

/// What happens between the first report and the second.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Between {
    Nothing,
    Restart,
    Kill,
    IndexRebuilt,
}

/// The way the second report takes.
#[derive(Debug, Clone, Copy)]
enum By {
    Unary,
    Batch,
    Stream,
}

#[test]
fn an_id_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = Events::of(5);
    let mut node = Some(Node::start(folder.path()));
    for between in [Between::Nothing, Between::Restart, Between::Kill, Between::IndexRebuilt] {
        for by in [By::Unary, By::Batch, By::Stream] {
            for same in [true, false] {
                let row = format!("{between:?}, {by:?}, {}", if same { "same event" } else { "another event" });
                let event = events.read();
                let running = node.take().unwrap();
                let first = run(async { running.client().await.record(event.clone()).await.unwrap() });
                let running = pass(running, between, folder.path());
                let again = if same { event.clone() } else { Event { action: Action::Update.into(), ..event.clone() } };
                let answer = run(async { report(&mut running.client().await, by, again).await });
                // After a rebuild nobody knows what was reported under the id: it counts as the same event. So it
                // does after a kill, where the tail of the index was lost.
                let forgotten = matches!(between, Between::IndexRebuilt | Between::Kill);
                match answer {
                    Ok(receipt) => {
                        assert!(same || forgotten, "{row}: another event is taken for the first");
                        assert_eq!(receipt, first, "{row}: the first receipt");
                    }
                    Err(code) => assert!(!same && code == Code::AlreadyExists, "{row}: {code:?}"),
                }
                node = Some(running);
            }
        }
    }
    node.unwrap().stop();
    super::support::verified(folder.path());
}

fn pass(node: Node, between: Between, folder: &std::path::Path) -> Node {
    let mut node = node;
    match between {
        Between::Nothing => return node,
        Between::Restart => node.stop(),
        Between::Kill => node.kill(),
        Between::IndexRebuilt => {
            node.stop();
            std::fs::remove_dir_all(data(folder).join("index")).unwrap();
        }
    }
    Node::start(folder)
}

async fn report(client: &mut Client, by: By, event: Event) -> Result<Receipt, Code> {
    match by {
        By::Unary => client.record(event).await.map_err(|status| status.code()),
        By::Batch => {
            // Beside a new one: with a conflict neither is recorded.
            let mut other = event.clone();
            other.event_id = Events::of(rand_source(&event)).id();
            let receipts = client.record_all(vec![other, event]).await.map_err(|status| status.code())?;
            Ok(receipts[1].clone())
        }
        By::Stream => {
            let (sender, mut answers) = client.stream(4).await.unwrap();
            sender.send(StreamEventsRequest { event: Some(event) }).await.unwrap();
            drop(sender);
            match answers.message().await.unwrap().unwrap().outcome.unwrap() {
                Answer::Receipt(receipt) => Ok(receipt),
                Answer::Refusal(refusal) => Err(Code::from_i32(refusal.code.try_into().unwrap())),
            }
        }
    }
}

/// A source of ids that no other event here has: from the id at hand.
fn rand_source(event: &Event) -> u32 {
    0x8000_0000
        | u32::try_from(event.event_id.bytes().fold(7u64, |hash, byte| (hash * 31 + u64::from(byte)) % 65_521)).unwrap()
}

#[test]
fn one_batch_and_two_streams_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let mut client = node.client().await;
        let mut events = Events::of(6);
        // In one batch: the same event twice is recorded once, both are told so.
        let event = events.read();
        let receipts = client.record_all(vec![event.clone(), events.read(), event.clone()]).await.unwrap();
        assert_eq!(receipts[0], receipts[2]);
        assert_eq!(receipts[1].seq, receipts[0].seq + 1);
        // Some known, some new.
        let receipts_again = client.record_all(vec![events.read(), event.clone()]).await.unwrap();
        assert_eq!(receipts_again[1], receipts[0]);
        assert_eq!(receipts_again[0].seq, receipts[1].seq + 1);

        // In two streams at once: each id is recorded once, whoever was first.
        let batch: Vec<Event> = (0..500).map(|_| events.read()).collect();
        let send = async |mut client: Client, batch: Vec<Event>| {
            let (sender, mut answers) = client.stream(600).await.unwrap();
            for event in batch {
                sender.send(StreamEventsRequest { event: Some(event) }).await.unwrap();
            }
            drop(sender);
            let mut receipts = Vec::new();
            while let Some(answer) = answers.message().await.unwrap() {
                match answer.outcome.unwrap() {
                    Answer::Receipt(receipt) => receipts.push(receipt),
                    Answer::Refusal(refusal) => panic!("{refusal:?}"),
                }
            }
            receipts
        };
        let (one, two) = tokio::join!(send(node.client().await, batch.clone()), send(node.client().await, batch));
        assert_eq!(one, two, "both hear the same receipts");
        let mut seqs: Vec<u64> = one.iter().map(|receipt| receipt.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), 500);
    });
    node.stop();
    super::support::verified(folder.path());
}
