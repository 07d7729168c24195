//! Holds: what is kept past its date by a real node, found by who may, and gone once it is released.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use akta::client::Client;
use akta::env::{Clock, SystemClock};
use akta::grpc::api::{
    Event, GetEventRequest, Identity, Part, RecordedEvent, SearchEventsRequest, Session, Subject, Verdict,
    get_event_request,
};
use akta::model::date::{Date, Zone};
use akta::model::stored::Purpose;
use akta::store::{Database, Family, Scan, Store, rocks::RocksStore};
use serde_json::Value;

use super::binary::{akta, shown};
use super::support::{Events, Node, SCHOOL, data, everything, run};

const HOLD: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073904";
const OTHER: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073905";

/// A command, its exit status, and words of what it prints. Each follows from those before it. SOON is a day within three months,
/// LATE one more than six months ahead.
type Row = (&'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const PLACED: &[Row] = &[
    ("place --subject pupil:held --kind case --owner legal --ground claim-17 --review SOON --dry-run", 0, &["would cover 2 records", "nothing was placed"]),
    ("place --subject pupil:nobody --kind case --owner legal --ground x --review SOON --dry-run", 0, &["would cover 0 records"]),
    ("place --subject pupil:nobody --kind case --owner legal --ground x --review SOON", 3, &["selects no record", "may_be_empty"]),
    ("place --kind case --owner legal --ground x --review SOON", 3, &["filter: selects everything"]),
    ("place --subject pupil:held --kind case --owner legal --ground x --review LATE", 3, &["review_on", "at most 6 months ahead"]),
    ("place --subject pupil:held --kind case --owner legal --ground x --review 2020-01-01", 3, &["review_on", "must be a day from"]),
    ("place --subject pupil:held --kind court --owner legal --ground x --review SOON", 2, &["case", "standing"]),
    ("place --subject pupil:held --kind case --ground x --review SOON", 2, &["--owner"]),
    ("place --subject pupil:held --kind case --owner legal --ground claim-17 --review SOON --id HOLD", 0, &["hold HOLD covers 2 records", ": notice "]),
    ("place --subject pupil:held --kind case --owner legal --ground claim-17 --review SOON --id HOLD", 0, &["hold HOLD covers 2 records", ": notice "]),
    ("place --subject pupil:other --kind case --owner legal --ground claim-17 --review SOON --id HOLD", 3, &["the id is taken"]),
    ("place --resource-type marks --part core --part actor --kind standing --owner contracts --ground c-9 --review SOON --id OTHER", 0,
        &["hold OTHER covers"]),
    ("list --purpose legal-claim", 0, &["HOLD", "case", "stands", "legal", "claim-17", "subject=pupil:held", "OTHER", "standing", "contracts"]),
    ("list", 2, &["--purpose"]),
    ("review HOLD --until LATE --ground y", 3, &["at most 6 months ahead"]),
    ("review HOLD --until SOON --ground y", 0, &["it was so already"]),
    ("review 0198c3b2-0000-7cc3-98c4-dc0c0c073999 --until SOON --ground y", 3, &["there is no such hold"]),
    ("release 0198c3b2-0000-7cc3-98c4-dc0c0c073999 --ground y", 3, &["there is no such hold"]),
];

#[rustfmt::skip]
const RELEASED: &[Row] = &[
    ("list --purpose legal-claim", 1, &["HOLD", "overdue"]),
    ("review HOLD --until SOON --ground undecided", 0, &["is to be reviewed by SOON: notice "]),
    ("release HOLD --ground settled", 0, &["hold HOLD is released: notice "]),
    ("release HOLD --ground settled", 0, &["hold HOLD is released: notice "]),
    ("release OTHER --ground over --json", 0, &["\"changed\":true"]),
    ("list --purpose legal-claim --json", 0, &["\"now\":\"released\""]),
    ("review HOLD --until SOON --ground y", 3, &["there is no such hold"]),
];

fn today() -> Date {
    Zone::default().date(SystemClock.now())
}

/// Takes the commands one by one, on a node whose clock is so many days ahead.
fn ordered(node: &Node, rows: &[Row], ahead: u32) {
    let (soon, late) = (today().plus_days(ahead + 80), today().plus_days(ahead + 190));
    let put = |text: &str| {
        text.replace("HOLD", HOLD)
            .replace("OTHER", OTHER)
            .replace("SOON", &soon.to_string())
            .replace("LATE", &late.to_string())
    };
    for (words, status, phrases) in rows {
        let words = put(words);
        let mut command = akta();
        command.arg("hold").args(words.split(' ')).args(["--controller", SCHOOL, "--server", node.address()]);
        let output = command.output().unwrap();
        let told = shown(&output);
        assert_eq!(output.status.code(), Some(*status), "{words}: {told}");
        for phrase in *phrases {
            assert!(told.contains(&put(phrase)), "{words}: no {:?} in {told}", put(phrase));
        }
    }
}

fn event(events: &mut Events, pupils: &[&str]) -> Event {
    let subject = |id: &&str| Subject { identity: Some(Identity::new("pupil", *id)), ..Subject::default() };
    let session = Some(Session { id: vec![7; 16], ..Session::default() });
    let subjects = pupils.iter().map(subject).collect();
    Event { session, subjects, subject_count: u32::try_from(pupils.len()).unwrap(), ..events.read() }
}

/// What the hold covers, with what opens it.
async fn found(client: &mut Client, hold: &str) -> Vec<RecordedEvent> {
    let request = SearchEventsRequest { hold: hold.to_owned(), with_openings: true, ..everything() };
    let mut found = client.search_all(request).await.unwrap();
    found.sort_by_key(|row| row.receipt.as_ref().unwrap().seq);
    found
}

async fn by_seq(client: &mut Client, seq: u64) -> RecordedEvent {
    let request = GetEventRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::LegalClaim.into(),
        key: Some(get_event_request::Key::Seq(seq)),
        ..GetEventRequest::default()
    };
    client.history.get_event(request).await.unwrap().into_inner().event.unwrap()
}

fn state(row: &RecordedEvent, part: Part) -> Verdict {
    row.parts.iter().find(|state| state.part() == part).unwrap().verdict()
}

fn pupils(row: &RecordedEvent) -> Vec<String> {
    row.event.clone().unwrap().subjects.into_iter().map(|subject| subject.identity.unwrap().id).collect()
}

/// The sealed bytes of all that holds keep, of a node that was stopped.
fn sealed(folder: &Path) -> Vec<Vec<u8>> {
    let vault = RocksStore::open_read_only(&data(folder), Database::Vault).unwrap();
    vault.scan(Scan::all(Family::Held)).map(|row| row.unwrap().1.into_vec()).collect()
}

fn in_files(folder: &Path, needle: &[u8]) -> bool {
    let files = std::fs::read_dir(data(folder).join("vault")).unwrap();
    let mut files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.any(|file| file.windows(needle.len()).any(|bytes| bytes == needle))
}

fn verified(folder: &Path, days: u32) -> Value {
    let mut command = akta();
    command.arg("verify").arg(data(folder)).args(["--dev", "--json", "--days-ahead", &days.to_string()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_is_held_outlives_its_date_and_is_gone_once_released() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut events = Events::of(6);
    let all = [&["held", "other"][..], &["other"], &["held"], &[]].map(|pupils| event(&mut events, pupils));
    let seqs = run(async {
        let receipts = node.client().await.record_all(all.to_vec()).await.unwrap();
        receipts.iter().map(|receipt| receipt.seq).collect::<Vec<_>>()
    });
    ordered(&node, PLACED, 0);
    // What comes later is covered as well.
    let later = event(&mut events, &["held"]);
    run(async { node.client().await.record(later).await.unwrap() });
    node.stop();

    let node = Node::start_with(folder.path(), &["--days-ahead", "8"]);
    run(async {
        let mut client = node.client().await;
        let rows = found(&mut client, HOLD).await;
        assert_eq!(rows.len(), 3);
        for row in &rows {
            assert_eq!((state(row, Part::Session), state(row, Part::Core)), (Verdict::Held, Verdict::Intact));
        }
        assert_eq!(state(&by_seq(&mut client, seqs[0]).await, Part::Session), Verdict::Held);
        assert_eq!(state(&by_seq(&mut client, seqs[1]).await, Part::Session), Verdict::Expired);
        // Whoever merely searches finds what is not past, and no more.
        let plain = client.search_all(everything()).await.unwrap();
        let own = plain.iter().find(|row| row.receipt.as_ref().unwrap().seq == seqs[0]).unwrap();
        assert_eq!(state(own, Part::Session), Verdict::Expired);
    });
    node.stop();

    // Two years on the first start waits for somebody who says that the clock is right.
    let days = 735;
    let node = Node::start_with(folder.path(), &["--days-ahead", &days.to_string()]);
    let confirmed = today().plus_days(days).to_string();
    let output =
        akta().args(["retention", "run", "--confirm", &confirmed, "--server", node.address()]).output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    run(async {
        let mut client = node.client().await;
        let rows = found(&mut client, HOLD).await;
        assert_eq!(rows.len(), 3);
        for row in &rows {
            for part in [Part::Core, Part::Actor, Part::Subject, Part::Session] {
                assert_eq!(state(row, part), Verdict::Held, "{part:?}");
            }
            // Nobody else is held for that.
            assert_eq!(pupils(row), ["held"]);
        }
        // The other pupil is there by a bare hash, so that the commitment can be recomputed.
        assert_eq!(
            rows[0].closed.iter().map(|part| (part.part(), part.index)).collect::<Vec<_>>(),
            [(Part::Subject, 1)]
        );
        assert!(rows[1].closed.is_empty());
        let others = found(&mut client, OTHER).await;
        assert_eq!(others.len(), 5, "{others:#?}");
        // What the other hold keeps of the same record is there too.
        let seq = |row: &RecordedEvent| row.receipt.as_ref().unwrap().seq;
        for row in &others {
            let both = ![seqs[1], seqs[3]].contains(&seq(row));
            assert_eq!(row.event.as_ref().unwrap().network.is_some(), both, "{row:#?}");
        }
        let plain = client.search_all(everything()).await.unwrap();
        assert!(plain.iter().all(|row| row.receipt.as_ref().unwrap().seq > seqs[3]), "what is past is not found");
    });
    node.stop();
    let report = verified(folder.path(), days);
    let held: u64 =
        report["trails"].as_array().unwrap().iter().map(|trail| trail["groups_held"].as_u64().unwrap()).sum();
    assert!(held >= 8, "{report}");
    let kept = sealed(folder.path());
    assert!(kept.len() > 8 && kept.iter().all(|value| in_files(folder.path(), value)));

    let node = Node::start_with(folder.path(), &["--days-ahead", &days.to_string()]);
    ordered(&node, RELEASED, days);
    run(async {
        let mut client = node.client().await;
        for hold in [HOLD, OTHER] {
            let request = SearchEventsRequest { hold: hold.to_owned(), ..everything() };
            let status = client.search(request).await.unwrap_err();
            assert!(status.message().contains("hold: is no hold"), "{status:?}");
        }
        assert_eq!(state(&by_seq(&mut client, seqs[0]).await, Part::Core), Verdict::Expired);
    });
    node.stop();
    verified(folder.path(), days);
    assert!(sealed(folder.path()).is_empty());
    assert!(!kept.iter().any(|value| in_files(folder.path(), value)), "its bytes are in no file");
    let keys = akta().arg("keys").arg(data(folder.path())).args(["--dev", "--json"]).output().unwrap();
    let keys: Value = serde_json::from_slice(&keys.stdout).unwrap();
    assert_eq!(keys["holds"], 0);
}
