//! Expiry on a real disk: what a date costs that has many records, beside one that has few, and what those who report meanwhile
//! notice of reclaiming it.
//!
//! Prints figures, each as median (min-max) of interleaved rounds. `AKTA_SCALE_RECORDS` sets the larger size.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use akta::cli::bench::events::Events;
use akta::cli::bench::ids::Ids;
use akta::config::File;
use akta::env::{ManualClock, SystemEntropy};
use akta::grpc::{api, convert};
use akta::model::date::{Timestamp, Zone};
use akta::model::origin::Controller;
use akta::store::disk::Disk;
use akta::store::space::Reserve;
use akta::trail::base::{Base, World};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::node::Node;
use akta::trail::submission::Submission;
use akta::trail::writer::Writer;
use tempfile::TempDir;

/// The binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SMALL: u64 = 1_000;
const DAY: Duration = Duration::from_secs(86_400);
/// Rounds of each size.
const ROUNDS: usize = 5;
/// Reports that are timed before reclaiming.
const USUAL: usize = 3_000;

/// When everything is recorded, and the day on which it expires: 24 months on, at noon.
fn recorded() -> Timestamp {
    Timestamp::parse("2026-03-02T11:00:00Z").unwrap()
}

fn due() -> Timestamp {
    Timestamp::parse("2028-03-02T11:00:00Z").unwrap()
}

fn open(folder: &Path, now: Timestamp) -> (Arc<Base>, Arc<ManualClock>, Reserve) {
    let clock = Arc::new(ManualClock::new(now));
    let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open(folder, None).unwrap();
    let reserve = Reserve::new(disk.space.clone(), None);
    let base = Base::open(disk, Kek::dev(), File::default().settings(true).unwrap(), world).unwrap();
    (Arc::new(base), clock, reserve)
}

fn event(events: &mut Events, ids: &mut Ids) -> akta::model::event::Event {
    let drawn: api::Event = events.draw();
    let event_id = String::from_utf8_lossy(&ids.draw()).into_owned();
    convert::event(Some(api::Event { event_id, ..drawn })).unwrap().1
}

/// A folder in which so many records expire on one day; everything that expires before has expired.
fn fill(size: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (base, clock, _) = open(folder.path(), recorded());
    let mut writer = Writer::open(base.clone()).unwrap();
    let (mut indexer, _) = Indexer::open(base.clone()).unwrap();
    let (mut events, mut ids) = (Events::new(1), Ids::fresh(1));
    let school = Controller::new("school-12").unwrap();
    for _ in 0..size / 1_000 {
        let group = (0..1_000).map(|_| Submission {
            controller: school.clone(),
            events: vec![event(&mut events, &mut ids)],
            may_open: true,
        });
        let step = writer.step(group.collect());
        assert!(step.results.iter().all(Result::is_ok));
        step.publish();
        indexer.absorb(step.entries).unwrap();
    }
    let before = due().minus(DAY);
    clock.set(before);
    let today = Zone::default().date(before);
    writer.expire(Some(today), |step| step.publish()).unwrap();
    indexer.flush().and_then(|()| indexer.settle()).unwrap();
    base.db.flush().unwrap();
    folder
}

fn main() {
    let large = std::env::var("AKTA_SCALE_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let sizes = [SMALL, large];
    let folders = sizes.map(fill);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (folder, times) in folders.iter().zip(&mut times) {
            times.push(expire(folder.path()));
        }
    }
    println!("expiring one date, reclaim apart, ms");
    for (times, size) in times.iter().zip(sizes) {
        println!("  {size:>9} records  {}", told(times));
    }
    println!("  ratio of medians {:.2} (aim: at most 1.5)", median(&times[1]) / median(&times[0]));
    let copied = copy(folders[1].path());
    tokio::runtime::Runtime::new().unwrap().block_on(meanwhile(copied.path()));
}

/// Expires the day in a copy of a folder; in milliseconds.
fn expire(folder: &Path) -> f64 {
    let copied = copy(folder);
    let (base, clock, _) = open(copied.path(), due().minus(DAY));
    let mut writer = Writer::open(base).unwrap();
    clock.set(due());
    let begun = Instant::now();
    let done = writer.expire(None, |step| step.publish()).unwrap();
    let took = begun.elapsed().as_secs_f64() * 1e3;
    assert_eq!((done.zones.len(), done.zones[0].trails, done.zones[0].keys), (1, 1, 1));
    took
}

/// Reports one event after the other, as somebody who waits for each: before, and while the bytes go.
async fn meanwhile(folder: &Path) {
    let (base, clock, reserve) = open(folder, due().minus(DAY));
    let (node, threads) = Node::start(base.clone(), reserve).unwrap();
    let node = Arc::new(node);
    let (mut events, mut ids) = (Events::new(2), Ids::fresh(2));
    let mut report = async || {
        let event = event(&mut events, &mut ids);
        let begun = Instant::now();
        let pending = node.submit(Controller::new("school-12").unwrap(), vec![event], 1_000).unwrap();
        Node::answer(pending).await.unwrap();
        begun.elapsed().as_secs_f64() * 1e3
    };
    let mut usual = Vec::new();
    for _ in 0..USUAL {
        usual.push(report().await);
    }
    clock.set(due());
    node.expire(None).await.unwrap();
    let (begun, mut during) = (Instant::now(), Vec::new());
    while base.reclaim_lag() > 0 {
        during.push(report().await);
    }
    println!("reclaiming took {:.1} s; a report meanwhile, p50 and p99 in ms", begun.elapsed().as_secs_f64());
    for (what, times) in [("usual", &usual), ("meanwhile", &during)] {
        println!("  {what:<10}{:>8.2}{:>8.2}  of {}", at(times, 0.5), at(times, 0.99), times.len());
    }
    println!("  ratio of p99 {:.2} (aim: at most 2)", at(&during, 0.99) / at(&usual, 0.99));
    node.close();
    tokio::task::spawn_blocking(move || threads.join()).await.unwrap();
}

fn copy(folder: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in walk(folder) {
        let target = to.path().join(entry.strip_prefix(folder).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&entry, target).unwrap();
    }
    to
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn at(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Few were enough where it was quick.
    sorted
        .get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn median(times: &[f64]) -> f64 {
    at(times, 0.5)
}

fn told(times: &[f64]) -> String {
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max);
    format!("{:.1} ({least:.1}-{most:.1})", median(times))
}
