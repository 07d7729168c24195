//! The whole at two sizes and with many trails, on a real disk: searches, starts, a thousand controllers, memory.
//!
//! Prints figures, each as median (min-max) of interleaved rounds. `AKTA_SCALE_RECORDS` sets the larger size.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use akta::cli::bench::events::Events;
use akta::cli::bench::ids::Ids;
use akta::config::File;
use akta::env::{SystemClock, SystemEntropy};
use akta::grpc::{api, convert};
use akta::model::identity::Identity;
use akta::model::origin::Controller;
use akta::model::query::{Cursor, Filter, Order};
use akta::store::Store;
use akta::store::disk::Disk;
use akta::trail::base::{Base, World};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::search;
use akta::trail::submission::Submission;
use akta::trail::writer::Writer;
use tempfile::TempDir;

/// The binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SMALL: u64 = 10_000;
const RARE: u64 = 10;
const TRAILS: usize = 1_000;
const TICKS: u32 = 62;

struct Node {
    base: Arc<Base>,
    writer: Writer,
    indexer: Indexer,
    stores: [Arc<dyn Store>; 3],
}

struct Supply {
    templates: Vec<api::Event>,
    at: usize,
    ids: Ids,
}

impl Supply {
    fn new() -> Self {
        let mut events = Events::new(1);
        Self { templates: (0..2_000).map(|_| events.draw()).collect(), at: 0, ids: Ids::fresh(1) }
    }

    fn event(&mut self) -> api::Event {
        let mut event = self.templates[self.at].clone();
        self.at = (self.at + 1) % self.templates.len();
        event.event_id = String::from_utf8_lossy(&self.ids.draw()).into_owned();
        event
    }

    fn submission(&mut self, controller: &Controller, count: usize) -> Submission {
        let events = (0..count).map(|_| convert::event(Some(self.event())).unwrap().1).collect();
        Submission { controller: controller.clone(), events, may_open: true }
    }
}

impl Node {
    fn open(folder: &Path) -> Self {
        let world = World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
        let settings = File::default().settings(true).unwrap();
        let disk = Disk::open(folder, None).unwrap();
        let stores = [disk.db.clone(), disk.vault.clone(), disk.index.clone()];
        let base = Base::open(disk, Kek::dev(), settings, world).unwrap();
        let base = Arc::new(base);
        let writer = Writer::open(base.clone()).unwrap();
        let (indexer, _) = Indexer::open(base.clone()).unwrap();
        Self { base, writer, indexer, stores }
    }

    fn record(&mut self, submissions: Vec<Submission>) {
        let step = self.writer.step(submissions);
        assert!(step.results.iter().all(Result::is_ok), "every event is recorded");
        step.publish();
        self.indexer.absorb(step.entries).unwrap();
    }

    fn close(mut self) {
        self.indexer.flush().unwrap();
        self.indexer.settle().unwrap();
        self.base.db.flush().unwrap();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, folder, used, ..] = arguments.as_slice()
        && mode == "resident"
    {
        let (all, stores) = resident(Path::new(folder), used.parse().unwrap());
        return println!("{all} {stores}");
    }
    if arguments.iter().any(|argument| argument == "controllers") {
        return controllers(&mut Supply::new());
    }
    let large = std::env::var("AKTA_SCALE_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut supply = Supply::new();
    let school = Controller::new("school-12").unwrap();
    let folders = [SMALL, large].map(|size| {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &school, size, &mut supply);
        folder
    });

    let nodes = folders.each_ref().map(|folder| Node::open(folder.path()));
    let [few, many] = rounds(5, [&nodes[0], &nodes[1]].map(|node| || searches(node, &school, 200)));
    show("search of 10 matches, µs", [&few, &many], [SMALL, large]);
    println!("  ratio of medians {:.2} (aim: at most 1.5)", median(&many) / median(&few));
    nodes.into_iter().for_each(Node::close);

    let [few, many] = rounds(5, folders.each_ref().map(|folder| || start(folder.path())));
    show("start, ms", [&few, &many], [SMALL, large]);
    println!("  ratio of medians {:.2} (aim: does not depend on the size)", median(&many) / median(&few));

    controllers(&mut supply);
}

fn fill(folder: &Path, school: &Controller, size: u64, supply: &mut Supply) {
    let mut node = Node::open(folder);
    let rare = api::Subject { identity: Some(api::Identity::new("pupil", "rare")), ..Default::default() };
    for group in 0..size / 1_000 {
        let submissions = (0..1_000).map(|offset| {
            let mut event = supply.event();
            if (group * 1_000 + offset) % (size / RARE) == size / RARE / 2 {
                event.subjects = vec![rare.clone()];
                event.subject_count = 0;
            }
            let (_, event) = convert::event(Some(event)).unwrap();
            Submission { controller: school.clone(), events: vec![event], may_open: true }
        });
        node.record(submissions.collect());
    }
    node.close();
}

/// Median of single searches, in microseconds.
fn searches(node: &Node, school: &Controller, count: u32) -> f64 {
    let info = node.base.trail(school).unwrap().unwrap();
    let who = Identity::new("pupil", "rare");
    let times = (0..count).map(|_| {
        let began = Instant::now();
        let subject = Some(search::pseudonyms(&node.base, &info, &who).unwrap());
        let filter = Filter { subject, ..Filter::default() };
        let start = Cursor { size: info.size(), next: u64::MAX, question: [0; 8] };
        let page = search::search(&node.base, &info, &filter, Order::NewestFirst, start, 10).unwrap();
        assert_eq!(page.records.len() as u64, RARE);
        began.elapsed().as_secs_f64() * 1e6
    });
    median(&times.collect::<Vec<_>>())
}

fn start(folder: &Path) -> f64 {
    let began = Instant::now();
    let node = Node::open(folder);
    let took = began.elapsed().as_secs_f64() * 1e3;
    node.close();
    took
}

fn controllers(supply: &mut Supply) {
    let [one, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let names: Vec<Controller> = (0..TRAILS).map(|n| Controller::new(&format!("school-{n}")).unwrap()).collect();
    let mut alone = Node::open(one.path());
    let submission = supply.submission(&names[0], 1);
    alone.record(vec![submission]);
    let mut node = Node::open(folder.path());
    for name in &names {
        let submission = supply.submission(name, 1);
        node.record(vec![submission]);
    }
    let (mut single, mut in_turn) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        for (rates, each) in [(&mut single, false), (&mut in_turn, true)] {
            let submissions: Vec<_> =
                names.iter().map(|name| supply.submission(if each { name } else { &names[0] }, 100)).collect();
            let node = if each { &mut node } else { &mut alone };
            let began = Instant::now();
            for submission in submissions {
                node.record(vec![submission]);
            }
            rates.push(100.0 * TRAILS as f64 / began.elapsed().as_secs_f64());
        }
    }
    println!("batches of 100, one after another, events/s");
    println!("  one controller {}, {TRAILS} in turn {}", told(&single), told(&in_turn));
    println!("  ratio of medians {:.2} (aim: at least 0.5)", median(&in_turn) / median(&single));
    alone.close();
    node.close();
    memory("with 300 records each", [&one, &folder].map(TempDir::path));
    let [one, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for (folder, each) in [(&one, false), (&folder, true)] {
        let mut node = Node::open(folder.path());
        for name in &names {
            let submission = supply.submission(if each { name } else { &names[0] }, 10);
            node.record(vec![submission]);
        }
        node.close();
    }
    memory("with 10 records each", [&one, &folder].map(TempDir::path));
}

/// What a trail takes that nobody uses: beside one trail with the same number of records, and after it was used once,
/// beside a process that used one of them. Of both, how much is not what the stores say that they hold: their tables
/// have more to find where each controller has people of its own.
fn memory(size: &str, folders: [&Path; 2]) {
    // The log of what was written is gone after one start; its replay would count as memory.
    folders.into_iter().for_each(|folder| Node::open(folder).close());
    let [one, many] = folders;
    for (what, without, with) in [("never used", (one, 0), (many, 0)), ("used, then idle", (many, 1), (many, TRAILS))] {
        let (mut all, mut own) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let [without, with] = [without, with].map(|(folder, used)| child(folder, used));
            let each = |with: f64, without: f64| (with - without) / (TRAILS - 1) as f64;
            all.push(each(with.0, without.0));
            own.push(each(with.0 - with.1, without.0 - without.1));
        }
        let (all, own) = (told(&all), told(&own));
        println!("memory of an idle trail {size}, {what}: {all} bytes, stores apart {own} (aim: at most 1,024)");
    }
}

fn child(folder: &Path, used: usize) -> (f64, f64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // Huge pages would make the figure jump by 2 MiB: 2,100 bytes a trail.
    command.env("MIMALLOC_ALLOW_THP", "0");
    let output = command.arg("resident").arg(folder).arg(used.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (all, stores) = text.trim().split_once(' ').unwrap();
    (all.parse().unwrap(), stores.parse().unwrap())
}

/// Resident bytes of this process with a folder open, once so many of its trails were used, one a second, and closed
/// again, and how many of them its stores hold.
fn resident(folder: &Path, used: usize) -> (u64, u64) {
    let node = Node::open(folder);
    if used > 0 {
        for meta in node.base.descriptions().unwrap().into_iter().take(used) {
            let controller = Controller::new(meta.origin.split('/').nth(1).unwrap()).unwrap();
            node.base.trail(&controller).unwrap().unwrap();
            node.base.guard.as_ref().unwrap().tick(&node.base).unwrap();
        }
        (0..TICKS).for_each(|_| node.base.guard.as_ref().unwrap().tick(&node.base).unwrap());
    }
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = 4_096 * pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    (resident, node.stores.iter().map(|store| store.memory().sum()).sum())
}

/// Measures both in turn.
fn rounds(count: u32, mut measure: [impl FnMut() -> f64; 2]) -> [Vec<f64>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..count {
        for (found, measure) in found.iter_mut().zip(&mut measure) {
            found.push(measure());
        }
    }
    found
}

fn show(what: &str, figures: [&[f64]; 2], sizes: [u64; 2]) {
    println!("{what}");
    for (figures, size) in figures.into_iter().zip(sizes) {
        println!("  {size:>9} records  {}", told(figures));
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn told(figures: &[f64]) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.0} ({least:.0}-{most:.0})", median(figures))
}
