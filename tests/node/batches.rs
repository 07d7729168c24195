//! RecordEvents: all of a batch or none of it.
#![allow(clippy::unwrap_used)]

use super::edits::{actor, long, source};
use super::support::{Events, Node, everything, pupil, run};
use akta::client::Client;
use akta::grpc::api::{Event, Subject};
use tonic::Code;
use tonic_types::StatusExt;

/// What spoils a batch of good events: the code, the path that is named, a phrase.
type BadBatch = (fn(Vec<Event>) -> Vec<Event>, Code, &'static str, &'static str);

#[rustfmt::skip]
const BAD_BATCHES: &[BadBatch] = {
    use Code::{AlreadyExists, InvalidArgument, ResourceExhausted};
    &[
        (|_| Vec::new(), InvalidArgument, "events", "is empty: report at least one event"),
        (|batch| batch.iter().cycle().take(1_001).cloned().collect(),
         InvalidArgument, "events", "has 1001 entries, the limit is 1000: split it"),
        (|mut batch| { batch[3].action = 0; batch }, InvalidArgument, "events[3].action", "is required"),
        (|mut batch| { batch[0].event_id.clear(); batch }, InvalidArgument, "events[0].event_id", "must be a UUID"),
        (|mut batch| { actor(&mut batch[7]).kind = 0; source(&mut batch[7]).service = long(64); batch },
         InvalidArgument, "events[7].source.service", "the limit is 64"),
        (|mut batch| { batch[5].controller = "school-13".into(); batch },
         InvalidArgument, "events[5].controller", "one controller in a batch"),
        (|mut batch| { batch[9].occurred_at = Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }); batch },
         InvalidArgument, "events[9].occurred_at", "more than 5 minutes ahead"),
        (|mut batch| { batch[2].event_id = batch[1].event_id.clone(); batch },
         AlreadyExists, "", "events[2]: event_id was used for another event"),
        (|mut batch| { batch[4].attributes = (0..40).map(|n| (format!("{n}-{}", "k".repeat(60)), "v".repeat(512))).collect();
                       batch[4].subjects = (0..90).map(big).collect(); batch },
         ResourceExhausted, "", "events[4]: the event is"),
        (|batch| batch.into_iter().take(11).map(|mut event| { event.subjects = (0..900).map(big).collect(); event }).collect(),
         ResourceExhausted, "", "the batch is"),
    ]
};

/// Somebody with a long id, for events that are large.
fn big(number: usize) -> Subject {
    let mut subject = pupil(number);
    subject.identity.as_mut().unwrap().id = format!("p-{number}-{}", "x".repeat(100));
    subject.identity.as_mut().unwrap().display_name = "y".repeat(128);
    subject.identity.as_mut().unwrap().email = "z".repeat(254);
    subject
}

#[test]
fn a_batch_is_recorded_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    run(async {
        let mut client = node.client().await;
        let mut events = Events::of(4);
        let first = client.record_all(vec![events.read()]).await.unwrap();
        assert_eq!(first[0].seq, 1);
        let mut expected = 1;
        for (number, (spoil, code, field, phrase)) in BAD_BATCHES.iter().enumerate() {
            let batch: Vec<Event> = (0..20).map(|_| events.read()).collect();
            let status = client.record_all(spoil(batch)).await.unwrap_err();
            let row = format!("row {number}: {status:?}");
            assert_eq!(status.code(), *code, "{row}");
            let named = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
            let said = if field.is_empty() {
                status.message().contains(phrase)
            } else {
                named.iter().any(|bad| bad.field == *field && bad.description.contains(phrase))
            };
            assert!(said, "{row}\nnames \"{field}\" and says \"{phrase}\"");
            assert_eq!(recorded(&mut client).await, expected, "nothing of it is recorded: {row}");

            let good: Vec<Event> = (0..20).map(|_| events.read()).collect();
            let receipts = client.record_all(good).await.unwrap();
            let seqs: Vec<u64> = receipts.iter().map(|receipt| receipt.seq).collect();
            assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order, side by side: {seqs:?}");
            expected += 20;
        }
        let full: Vec<Event> = (0..1_000).map(|_| events.read()).collect();
        assert_eq!(client.record_all(full).await.unwrap().len(), 1_000);
        assert_eq!(recorded(&mut client).await, expected + 1_000);
    });
    node.stop();
    super::support::verified(folder.path());
}

/// Number of events of the school, without the questions that were asked about them.
async fn recorded(client: &mut Client) -> usize {
    let rows = client.search_all(everything()).await.unwrap();
    rows.iter().filter(|row| row.event.as_ref().unwrap().source.as_ref().unwrap().service != "akta").count()
}
