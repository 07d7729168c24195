//! A disk that fills up: events are refused while a reserve is left, reads go on, and it resumes by itself.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use akta::client::Client;
use akta::grpc::api::stream_events_response::Outcome;
use akta::grpc::api::{Event, SearchEventsRequest, StreamEventsRequest};
use akta::store::space::{Space, Volume};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::skip::skip;
use super::support::{Drawn, Events, Node, data, everything, run, verified};

const MIB: u64 = 1 << 20;
/// The volume: room for what the logs take in advance (2 x 70 MiB), the reserve, and something to fill.
const VOLUME: u64 = 512;
/// More than one round of RocksDB's needs: a new log (70 MiB) and a full write buffer that becomes a table (64 MiB).
const RESERVE: u64 = 192;
/// No step takes this long.
const STUCK: Duration = Duration::from_secs(60);

/// A small volume in memory; unmounted at the end, however that comes.
struct Mounted(PathBuf);

impl Mounted {
    /// Mounts it; the reason if that is not possible here.
    fn on(path: &Path) -> Result<Self, String> {
        let size = format!("size={VOLUME}m,mode=700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        match mount {
            Ok(output) if output.status.success() => Ok(Self(path.to_owned())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn free(&self) -> u64 {
        Volume::of(&self.0).free().unwrap()
    }

    /// Writes a file that leaves so many bytes free.
    fn fill(&self, name: &str, left: u64) -> PathBuf {
        let path = self.0.join(name);
        let mut filler = File::create(&path).unwrap();
        let chunk = vec![0x55; MIB as usize];
        for _ in 0..self.free().saturating_sub(left) / MIB {
            filler.write_all(&chunk).unwrap();
        }
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, so that it goes even if something still holds a file on it.
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        if !done.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.display());
        }
    }
}

#[test]
fn a_full_disk_stops_events_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(data(folder.path())).unwrap();
    let volume = match Mounted::on(&data(folder.path())) {
        Ok(volume) => volume,
        Err(reason) => return skip("a_full_disk_stops_events_only", &format!("cannot mount a small volume: {reason}")),
    };
    let node = Node::start_with(folder.path(), &["--disk-reserve", &format!("{RESERVE} MiB")]);
    run(async {
        let acknowledged = fill_and_empty(&node, &volume).await;
        let found: HashSet<String> = all(&node).await;
        let lost: Vec<_> = acknowledged.iter().filter(|id| !found.contains(*id)).collect();
        assert!(lost.is_empty(), "{} of {} are lost", lost.len(), acknowledged.len());
        println!("{} events were acknowledged, all are found", acknowledged.len());
    });
    node.stop();
    verified(folder.path());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    for (line, times) in [("the disk is nearly full", 1), ("events are taken again", 1)] {
        assert_eq!(log.matches(line).count(), times, "{line}: {log}");
    }
}

/// The whole course; what was acknowledged on the way.
async fn fill_and_empty(node: &Node, volume: &Mounted) -> Vec<String> {
    let mut client = node.client().await;
    let mut events = Events::of(1);
    // Trail, keys and people, so that the logs have taken their space.
    let mut acknowledged = vec![taken(&mut client, events.read()).await.unwrap()];
    let first = volume.fill("filler", (RESERVE + 8) * MIB);

    let (more, refusals) = until_refused(node).await;
    acknowledged.extend(more);
    println!("{} events were taken, {} MiB are left", acknowledged.len(), volume.free() / MIB);
    assert!(volume.free() > MIB, "the reserve is there");
    for refusal in &refusals {
        assert_eq!(refusal.code(), Code::Unavailable, "{refusal:?}");
        assert!(refusal.message().contains("the disk is nearly full"), "{refusal:?}");
        let retry = refusal.get_details_retry_info().expect("says when to try again");
        assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()), "{retry:?}");
    }

    // A stream is answered event by event and goes on.
    let (sender, mut answers) = client.stream(1).await.unwrap();
    sender.send(StreamEventsRequest { event: Some(events.read()) }).await.unwrap();
    match answers.message().await.unwrap().unwrap().outcome {
        Some(Outcome::Refusal(refusal)) => {
            assert_eq!(refusal.code, Code::Unavailable as u32);
            assert!(refusal.retry_after.is_some(), "{refusal:?}");
        }
        other => panic!("was not refused: {other:?}"),
    }

    // Reads go on, and are recorded: from the reserve, and when somebody else has taken most of it.
    read_until_quiet(&mut client, volume).await;
    let second = volume.fill("filler-2", 8 * MIB);
    println!("{} MiB are left of the reserve", volume.free() / MIB);
    for _ in 0..50 {
        assert!(!read(&mut client).await.is_empty());
    }
    let refused = taken(&mut client, events.read()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");

    for filler in [first, second] {
        std::fs::remove_file(filler).unwrap();
    }
    let event = events.read();
    let resumed = async {
        loop {
            match taken(&mut client, event.clone()).await {
                Ok(id) => return id,
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
            }
        }
    };
    acknowledged.push(tokio::time::timeout(STUCK, resumed).await.expect("resumes by itself"));
    let event = events.read();
    acknowledged.push(event.event_id.clone());
    sender.send(StreamEventsRequest { event: Some(event) }).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap();
    assert!(matches!(answer.outcome, Some(Outcome::Receipt(_))), "the same stream: {answer:?}");
    acknowledged
}

/// Many callers report large events until each is refused: the ids of what was taken, and the refusals.
async fn until_refused(node: &Node) -> (Vec<String>, Vec<Status>) {
    let mut callers = JoinSet::new();
    for number in 2..18 {
        let mut client = node.client().await;
        callers.spawn(async move {
            let (mut events, mut drawn, mut ids) = (Events::of(number), Drawn(number.into()), Vec::new());
            loop {
                let mut event = events.read();
                for attribute in 0..50 {
                    // Text that does not shrink much.
                    let text = (0..500).map(|_| char::from(b'0' + drawn.below(75) as u8)).collect();
                    event.attributes.insert(format!("a{attribute}"), text);
                }
                match taken(&mut client, event).await {
                    Ok(id) => ids.push(id),
                    Err(status) => return (ids, status),
                }
            }
        });
    }
    let ended = tokio::time::timeout(STUCK, callers.join_all()).await.expect("the volume fills up");
    let (ids, refusals): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
    (ids.concat(), refusals)
}

async fn taken(client: &mut Client, event: Event) -> Result<String, Status> {
    let id = event.event_id.clone();
    client.record(event).await.map(|_| id)
}

/// One small page.
async fn read(client: &mut Client) -> Vec<String> {
    let (rows, _) = client.search(SearchEventsRequest { page_size: 3, ..everything() }).await.unwrap();
    rows.into_iter().map(|row| row.event.unwrap().event_id).collect()
}

/// Reads on until the store has finished what it had to write: then the reserve may be taken from it.
async fn read_until_quiet(client: &mut Client, volume: &Mounted) {
    let quiet = async {
        let (mut free, mut same) = (volume.free(), 0);
        while same < 200 {
            assert!(!read(client).await.is_empty());
            let now = volume.free();
            same = if now.abs_diff(free) < MIB { same + 1 } else { 0 };
            free = now;
        }
    };
    tokio::time::timeout(STUCK, quiet).await.expect("comes to rest");
}

async fn all(node: &Node) -> HashSet<String> {
    let rows = node.client().await.search_all(everything()).await.unwrap();
    rows.into_iter().map(|row| row.event.unwrap().event_id).collect()
}
