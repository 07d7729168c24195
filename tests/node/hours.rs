//! An hour passes in a running node: its own threads merge the small rows that came in it, while records go on
//! arriving and being read. In this process, for the clock is ours; the store and the threads are the real ones.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use akta::config::File;
use akta::env::{ManualClock, SystemEntropy};
use akta::grpc::convert;
use akta::model::caller::Caller;
use akta::model::date::Timestamp;
use akta::model::facts::Facts;
use akta::model::origin::Controller;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::record::Record;
use akta::model::stored::{Action, Purpose};
use akta::store::disk::Disk;
use akta::store::keys::{self, POSTING_PREFIX};
use akta::store::space::Reserve;
use akta::store::{Family, Scan};
use akta::trail::ask::{Asker, Ground, Question};
use akta::trail::base::{Base, World};
use akta::trail::indexer::decode_seqs;
use akta::trail::keyring::Kek;
use akta::trail::node::Node;
use akta::trail::reader::Reader;
use akta::trail::search;
use akta::trail::threads::Threads;
use akta::trail::trails::Info;

use super::support::{Events, SCHOOL, data, run, verified};

/// Records of the first hour, each in a group of its own.
const FIRST: u64 = 300;
/// Turns of the guard, one a second, within which a closed hour is merged.
const TURNS: u32 = 20;
const HOUR: Duration = Duration::from_secs(3_600);

struct Running {
    node: Arc<Node>,
    threads: Threads,
    clock: Arc<ManualClock>,
    school: Controller,
}

impl Running {
    fn start(folder: &Path, now: Timestamp) -> Self {
        std::fs::create_dir_all(data(folder)).unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let disk = Disk::open(&data(folder), None).unwrap();
        let reserve = Reserve::new(disk.space.clone(), None);
        let base = Base::open(disk, Kek::dev(), File::default().settings(true).unwrap(), world).unwrap();
        let (node, threads) = Node::start(Arc::new(base), reserve).unwrap();
        Self { node: Arc::new(node), threads, clock, school: Controller::new(SCHOOL).unwrap() }
    }

    fn info(&self) -> Arc<Info> {
        self.node.base().trail(&self.school).unwrap().unwrap()
    }

    /// A question as any other, after which the index holds what was there.
    async fn ask(&self) -> u64 {
        let ground = Ground { purpose: Purpose::Security.into(), text: String::new() };
        let asker = Asker { caller: Caller::dev(), ground, through: Vec::new() };
        let answer = self.node.search(&asker, &self.school, Question::default(), 1, "").await.unwrap();
        answer.page.size
    }

    /// Waits for the guard's turns until the rows of the first `size` records are merged; how many records were there
    /// then.
    async fn merged(&self, size: u64) -> u64 {
        for _ in 0..TURNS {
            let now = self.info().size();
            self.node.checkpoint(&self.school, now).await.unwrap();
            self.ask().await;
            if mark(self.node.base(), &self.school) >= size && Rows::of(self.node.base(), &self.info(), size).are_few()
            {
                return now;
            }
        }
        panic!("{size} records are not merged: {:?}", Rows::of(self.node.base(), &self.info(), size));
    }
}

/// Records events one by one until told to end; how many.
async fn record(node: Arc<Node>, mut events: Events, enough: impl Fn(u64) -> bool) -> u64 {
    let mut count = 0;
    while !enough(count) {
        let (controller, event) = convert::event(Some(events.read())).unwrap();
        let pending = node.submit(controller, vec![event], 500).unwrap();
        Node::answer(pending).await.unwrap();
        count += 1;
    }
    count
}

/// How far the rows of the trail are merged.
fn mark(base: &Base, school: &Controller) -> u64 {
    let mark = base.db.get(Family::Meta, &keys::merged(school)).unwrap();
    mark.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

/// Rows that begin among the first records of the trail.
#[derive(Debug)]
struct Rows {
    headers: usize,
    frames: usize,
    dates: usize,
    postings: usize,
    /// What the postings need at least: a row for a term, of at most 4,096 records.
    needed: usize,
    size: u64,
}

/// Most records in a merged row of postings.
const SEQS_MAX: usize = 4_096;

impl Rows {
    fn of(base: &Base, info: &Info, size: u64) -> Self {
        let trail = info.number.to_be_bytes();
        let within = |key: &[u8]| keys::seq_of(key).unwrap() < size;
        let all = |family| match family {
            Family::Posting => base.index.scan(Scan::all(family)),
            _ => base.db.scan(Scan::all(family)),
        };
        // Headers lead with the trail; date and zone stand before it elsewhere.
        let rows = |family, at: usize| {
            let rows = all(family).map(|row| row.unwrap());
            rows.filter(move |(key, _)| key[at..at + 4] == trail && within(key)).collect::<Vec<_>>()
        };
        let (frames, postings) = (rows(Family::Part, 6), rows(Family::Posting, 6));
        let mut seqs: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (key, value) in &postings {
            let found = decode_seqs(keys::seq_of(key).unwrap(), value).unwrap();
            *seqs.entry(&key[..POSTING_PREFIX]).or_default() += found.len();
        }
        Self {
            headers: rows(Family::Header, 0).len(),
            dates: frames.iter().map(|(key, _)| &key[..4]).collect::<BTreeSet<_>>().len(),
            needed: seqs.values().map(|count| count.div_ceil(SEQS_MAX)).sum(),
            frames: frames.len(),
            postings: postings.len(),
            size,
        }
    }

    /// As few as there can be: 64 headers in a row, frames of some 16 KiB, full rows for a term.
    fn are_few(&self) -> bool {
        let records = usize::try_from(self.size).unwrap();
        self.headers <= records.div_ceil(64) + 1
            && self.frames <= self.dates * (2 + records / 32)
            && self.postings == self.needed
    }
}

/// What the first records read as, and what searches find among them.
fn seen(base: &Base, info: &Info, size: u64) -> (Vec<Record>, Vec<Vec<u64>>) {
    let mut reader = Reader::new(base, info, base.today(&info.zone));
    let records = (0..size).map(|seq| reader.record(seq).unwrap()).collect();
    let by_ip = |last: u8| Facts { ip: Some(vec![192, 0, 2, last]), ..Facts::default() };
    let by_action = Facts { actions: vec![Action::Read.into()], ..Facts::default() };
    let found = [by_ip(1), by_ip(17), by_action].map(|facts| {
        let filter = Filter { facts, ..Filter::default() };
        let start = Cursor { size, next: 0, question: [0; 8] };
        let page = search::search(base, info, &filter, Order::OldestFirst, start, 10_000).unwrap();
        page.records.iter().map(|record| record.header.seq).collect()
    });
    (records, found.into())
}

#[test]
fn closed_hours_are_merged_while_records_arrive() {
    let folder = tempfile::tempdir().unwrap();
    // A minute before a full hour, some hours ago: the binary that verifies at the end has the real clock.
    let now = jiff::Timestamp::now().as_second() / 3_600 * 3_600 - 5 * 3_600 - 60;
    let mut now = Timestamp::from_nanos(now * 1_000_000_000);
    let running = Running::start(folder.path(), now);
    run(async {
        record(running.node.clone(), Events::of(30), |count| count == FIRST).await;
        let size = running.ask().await;
        let (base, info) = (running.node.base().clone(), running.info());
        let before = Arc::new(seen(&base, &info, size));
        assert!(before.1.iter().all(|found| !found.is_empty()), "the questions find something");
        // The guard had its turn, and no hour was closed.
        running.node.checkpoint(&running.school, info.size()).await.unwrap();
        let small = Rows::of(&base, &info, size);
        assert!(small.headers as u64 >= FIRST && !small.are_few() && mark(&base, &running.school) == 0, "{small:?}");

        let ended = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (31..33)
            .map(|source| {
                let ended = ended.clone();
                tokio::spawn(record(running.node.clone(), Events::of(source), move |count| {
                    count > 50 && ended.load(Ordering::Relaxed)
                }))
            })
            .collect();
        let reader = {
            let (ended, before) = (ended.clone(), before.clone());
            let (base, info) = (base.clone(), info.clone());
            std::thread::spawn(move || {
                let mut rounds = 0;
                while rounds <= 2 || !ended.load(Ordering::Relaxed) {
                    assert!(seen(&base, &info, size) == *before, "something reads otherwise while rows are merged");
                    rounds += 1;
                }
                rounds
            })
        };
        // Two hours close, one after the other; the second fills up the rows of the first.
        let mut to = size;
        for _ in 0..2 {
            now = now.plus(HOUR);
            running.clock.set(now);
            to = running.merged(to).await;
        }
        ended.store(true, Ordering::Relaxed);
        let mut arrived = 0;
        for writer in writers {
            arrived += writer.await.unwrap();
        }
        let rounds = reader.join().unwrap();
        println!(
            "{arrived} records arrived, {rounds} times everything was read, merged up to {}",
            mark(&base, &running.school)
        );
        assert!(arrived > 100 && rounds > 2 && info.size() > to, "{arrived} records, {rounds} rounds");
        assert!(seen(&base, &info, size) == *before);
        for trail in [Controller::node(), running.school.clone()] {
            let verified = running.node.verify(&trail, |_, _| true).await.unwrap().unwrap();
            assert_eq!(verified.findings, [], "{trail}, beside the writer");
        }
    });
    let Running { node, threads, .. } = running;
    node.close();
    drop(node);
    threads.join();
    verified(folder.path());
}
