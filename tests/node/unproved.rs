//! What cannot be proved, verified or listed: bad calls of the services that show no event, row by row.
#![allow(clippy::unwrap_used)]

use super::edits::MARK;
use super::refusals::judge;
use super::support::{Events, Node, SCHOOL, run};
use akta::client::Client;
use akta::grpc::api::{
    GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest, ListNoticesRequest, VerifyTrailRequest,
};
use tonic::{Code, Status};

/// A call, and what it asks beside the controller.
#[derive(Debug, Clone, Copy)]
enum Call {
    /// At least so many records.
    Checkpoint(u64),
    /// Position and size.
    Inclusion(u64, u64),
    /// Older size and newer one.
    Consistency(u64, u64),
    Verify,
    /// First position and rows on a page.
    Notices(u64, u32),
}

/// Records of the trail: its opening, and two events.
const RECORDS: u64 = 3;
const MAX: u64 = u64::MAX;

/// A bad call of a good controller: field and phrase.
#[rustfmt::skip]
const BAD_CALLS: &[(Call, &str, &str)] = &[
    (Call::Checkpoint(RECORDS + 1), "at_least", "is over the 3 records that the trail has"),
    (Call::Checkpoint(MAX), "at_least", "is over the 3 records"),
    (Call::Inclusion(RECORDS, 0), "seq", "is beyond the 3 records that the trail has: take seq from a receipt"),
    (Call::Inclusion(RECORDS, RECORDS), "seq", "is beyond the 3 records"),
    (Call::Inclusion(RECORDS, MAX), "seq", "is beyond the 3 records"),
    (Call::Inclusion(MAX, 0), "seq", "is beyond the 3 records"),
    (Call::Inclusion(MAX, MAX), "seq", "is beyond the 3 records"),
    (Call::Inclusion(1, 1), "size", "is a tree that does not reach the record: give a larger one, or 0"),
    (Call::Inclusion(2, 1), "size", "does not reach the record"),
    (Call::Inclusion(0, RECORDS + 1), "size", "is over the 3 records that the trail has"),
    (Call::Inclusion(0, MAX), "size", "is over the 3 records"),
    (Call::Consistency(0, 0), "old_size", "must be at least 1: every tree extends the empty one"),
    (Call::Consistency(0, RECORDS), "old_size", "must be at least 1"),
    (Call::Consistency(0, MAX), "old_size", "must be at least 1"),
    (Call::Consistency(RECORDS, 1), "new_size", "is smaller than old_size: give the older tree first"),
    (Call::Consistency(MAX, 1), "new_size", "is smaller than old_size"),
    (Call::Consistency(RECORDS + 1, 0), "old_size", "is over the 3 records that the trail has"),
    (Call::Consistency(RECORDS + 1, RECORDS + 1), "old_size", "is over the 3 records"),
    (Call::Consistency(MAX, 0), "old_size", "is over the 3 records"),
    (Call::Consistency(MAX, MAX), "old_size", "is over the 3 records"),
    (Call::Consistency(1, RECORDS + 1), "new_size", "is over the 3 records that the trail has"),
    (Call::Consistency(1, MAX), "new_size", "is over the 3 records"),
    (Call::Notices(0, 1_001), "page_size", "is over the limit of 1000: page through the rest"),
    (Call::Notices(MAX, u32::MAX), "page_size", "is over the limit of 1000"),
];

/// At the edge, and good.
const GOOD_CALLS: &[Call] = &[
    Call::Checkpoint(0),
    Call::Checkpoint(RECORDS),
    Call::Inclusion(0, 1),
    Call::Inclusion(RECORDS - 1, RECORDS),
    Call::Consistency(1, 1),
    Call::Consistency(RECORDS, RECORDS),
    Call::Consistency(RECORDS, 0),
    Call::Verify,
    Call::Notices(0, 1_000),
    // Beyond the last there are none.
    Call::Notices(RECORDS, 1),
    Call::Notices(MAX, 0),
];

/// Each call, as it would be good.
const CALLS: &[Call] =
    &[Call::Checkpoint(0), Call::Inclusion(0, 0), Call::Consistency(1, 0), Call::Verify, Call::Notices(0, 0)];

#[test]
fn what_cannot_be_proved_is_refused_with_field_limit_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let failures = run(async {
        let mut client = node.client().await;
        let mut events = Events::of(9);
        for _ in 1..RECORDS {
            client.record(events.read()).await.unwrap();
        }
        let mut failures = Vec::new();
        for (call, code, controller, field, phrase) in rows() {
            let wrong = match asked(&mut client, call, &controller).await {
                Ok(()) => vec!["was answered".to_owned()],
                Err(status) => judge(&status, code, field, phrase),
            };
            failures.extend(wrong.into_iter().map(|what| format!("{call:?} of {controller:?}: {what}")));
        }
        // None of it was recorded, and the node goes on.
        for call in GOOD_CALLS {
            if let Err(status) = asked(&mut client, *call, SCHOOL).await {
                failures.push(format!("{call:?}: {status:?}"));
            }
        }
        failures
    });
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
    node.stop();
}

type Row = (Call, Code, String, &'static str, &'static str);

/// The bad calls of a good controller, and every call of a bad one.
fn rows() -> Vec<Row> {
    let bad = |call: &Call, name: &str| (*call, Code::InvalidArgument, name.to_owned(), "controller", "1 to 63 of a-z");
    let good =
        BAD_CALLS.iter().map(|(call, field, phrase)| (*call, Code::InvalidArgument, SCHOOL.into(), *field, *phrase));
    let mut rows: Vec<Row> = good.collect();
    for call in CALLS {
        let names = ["", &MARK.to_uppercase(), &MARK.repeat(5), &format!("{MARK}/w0"), &format!("{MARK}\n")];
        rows.extend(names.map(|name| bad(call, name)));
        let unknown = "no such controller, or you may not read its trail";
        rows.push((*call, Code::PermissionDenied, MARK.to_owned(), "", unknown));
    }
    rows
}

/// Makes the call, and reads its answer to the end.
async fn asked(client: &mut Client, call: Call, controller: &str) -> Result<(), Status> {
    let controller = controller.to_owned();
    match call {
        Call::Checkpoint(at_least) => {
            let answer = client
                .evidence
                .get_checkpoint(GetCheckpointRequest { controller, at_least, origin: String::new() })
                .await?;
            assert!(answer.get_ref().size >= at_least);
        }
        Call::Inclusion(seq, size) => {
            let asked = GetInclusionProofRequest { controller, seq, size, origin: String::new() };
            let answer = client.evidence.get_inclusion_proof(asked).await?.into_inner();
            assert!(answer.size > seq && (size == 0 || answer.size == size));
        }
        Call::Consistency(old_size, new_size) => {
            let asked = GetConsistencyProofRequest { controller, old_size, new_size, origin: String::new() };
            let answer = client.evidence.get_consistency_proof(asked).await?.into_inner();
            assert!(answer.new_size >= old_size && (new_size == 0 || answer.new_size == new_size));
        }
        Call::Verify => {
            let mut answers = client
                .evidence
                .verify_trail(VerifyTrailRequest { controller, origin: String::new() })
                .await?
                .into_inner();
            let mut last = None;
            while let Some(answer) = answers.message().await? {
                last = answer.report;
            }
            assert_eq!(last.map(|report| (report.records, report.findings)), Some((RECORDS, Vec::new())));
        }
        Call::Notices(from_seq, page_size) => {
            let asked = ListNoticesRequest { controller, from_seq, page_size, ..ListNoticesRequest::default() };
            let answer = client.history.list_notices(asked).await?.into_inner();
            assert_eq!((answer.notices.len(), answer.next_seq), (usize::from(from_seq == 0), 0));
        }
    }
    Ok(())
}
