//! A damaged index: the node starts all the same, builds it anew and finds everything.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::support::{Events, Node, data, everything, run, verified};
use akta::grpc::api::SearchEventsRequest;

const EVENTS: usize = 40;

#[test]
fn a_damaged_index_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut events = Events::of(1);
    let ids: Vec<String> = run(async {
        let mut client = node.client().await;
        let mut ids = Vec::new();
        for _ in 0..EVENTS {
            let event = events.read();
            ids.push(event.event_id.clone());
            client.record(event).await.unwrap();
        }
        ids
    });
    node.stop();
    let spoils: [fn(&mut Vec<u8>); 3] =
        [Vec::clear, |bytes| bytes.truncate(bytes.len() / 2), |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a)];
    for name in ["CURRENT", "MANIFEST-", ".sst"] {
        for spoil in spoils {
            spoil_index(&data(folder.path()).join("index"), name, spoil);
            let node = Node::start(folder.path());
            run(async {
                let mut client = node.client().await;
                let found = client.search_all(everything()).await.unwrap();
                let found: Vec<_> = found.into_iter().map(|row| row.event.unwrap()).collect();
                assert!(ids.iter().all(|id| found.iter().any(|event| event.event_id == *id)), "{name}");
                // By way of the index: one person's address.
                let address = found[0].network.as_ref().unwrap().ip.clone();
                let mut question: SearchEventsRequest = everything();
                super::edits::filter(&mut question).ip = address.clone();
                let by_address = client.search_all(question).await.unwrap().len();
                let expected = found.iter().filter(|event| event.network.as_ref().is_some_and(|n| n.ip == address));
                assert_eq!(by_address, expected.count(), "{name}");
            });
            node.stop();
            verified(folder.path());
        }
    }
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    // All but the manifest that is merely short: that is an older state of the index, which is caught up.
    assert!(log.matches("it is removed and built anew").count() >= 8, "{log}");
}

fn spoil_index(index: &Path, name: &str, spoil: fn(&mut Vec<u8>)) {
    let mut spoiled = 0;
    for entry in std::fs::read_dir(index).unwrap() {
        let path = entry.unwrap().path();
        let found = path.file_name().unwrap().to_str().unwrap();
        if found.starts_with(name) || found.ends_with(name) {
            let mut bytes = std::fs::read(&path).unwrap();
            spoil(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
            spoiled += 1;
        }
    }
    assert!(spoiled > 0, "the index has no {name}");
}
