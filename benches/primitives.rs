//! What one record costs, piece by piece, without network and disk: `cargo bench --bench primitives`.
//!
//! Names read `key=value,...`. The allocator is the binary's.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use akta::cli::bench::events::Events;
use akta::cli::bench::ids::Ids;
use akta::config::File;
use akta::env::{SystemClock, SystemEntropy};
use akta::grpc::convert;
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::event::Event;
use akta::model::frame::{self, Builder};
use akta::model::header::{Group, Header, Kind, Link};
use akta::model::identity::Pseudonym;
use akta::model::origin::Controller;
use akta::model::part::{self, PartHash, PartId, PartKey};
use akta::model::policy::Class;
use akta::model::record::{Contents, People};
use akta::model::retention::in_force::Retention;
use akta::model::seal::Key;
use akta::model::term::Term;
use akta::store::disk::Disk;
use akta::store::files::MemoryFiles;
use akta::store::memory;
use akta::trail::base::{Base, World};
use akta::trail::keyring::Kek;
use akta::trail::submission::Submission;
use akta::trail::writer::Writer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of one frame.
const GROUP: u64 = 64;
/// Records in one memory store before a fresh one takes its place.
const STORE_RECORDS: usize = 50_000;

/// A day within the life of every event here.
const TODAY: Date = Date::from_days(20_414);

fn hashes(c: &mut Criterion) {
    let group = |days, bitmap| Group { date: TODAY.plus_days(days), bitmap, commitment: [9; 32] };
    for groups in [1, 2, 3] {
        let groups: Vec<Group> = [group(7, 16), group(730, 47), group(731, 8)][..groups].to_vec();
        let count = groups.len();
        let (class, previous) = (Class::Access, Link([4; 32]));
        let header = Header { kind: Kind::Event, class, seq: 1_000_000, day: TODAY, previous, groups };
        c.bench_function(&format!("op=header-link,groups={count}"), |b| b.iter(|| black_box(&header).link()));
    }
    for bytes in [32, 128, 512] {
        let (key, content) = (PartKey::first(PartId::Core), vec![5; bytes]);
        c.bench_function(&format!("op=part-hash,bytes={bytes}"), |b| {
            b.iter(|| part::part_hash(&[7; 32], key, black_box(&content)))
        });
    }
    let term = Term::Subject(Pseudonym([3; 32]));
    c.bench_function("op=index-term,kind=subject", |b| b.iter(|| black_box(&term).keyed(&[8; 32])));
}

fn frames(c: &mut Criterion) {
    let (key, origin, date) = (Key::new([5; 32]), Link([3; 32]), TODAY.plus_days(730));
    let parts = parts();
    let build = |parts: Vec<(u64, PartKey, Vec<u8>)>| {
        let mut builder = Builder::new(0, [7; 32]);
        let hashes: Vec<PartHash> =
            parts.into_iter().map(|(seq, key, content)| builder.add(seq, key, content)).collect();
        (builder.seal(&key, [9; 12], &origin, date), hashes)
    };
    let sealed = build(parts.clone()).0;
    let mut group = c.benchmark_group("frame");
    group.throughput(Throughput::Elements(GROUP));
    group.bench_function(format!("op=build-and-seal,events={GROUP}"), |b| {
        b.iter_batched(|| parts.clone(), build, criterion::BatchSize::SmallInput);
    });
    group.bench_function(format!("op=open,events={GROUP}"), |b| {
        b.iter(|| frame::open(&key, &origin, date, 0, black_box(&sealed)).expect("opens where it was sealed"));
    });
    group.finish();
}

/// The parts of the events of one frame.
fn parts() -> Vec<(u64, PartKey, Vec<u8>)> {
    let zone = Zone::named("Europe/Warsaw").expect("is in the database");
    let now = Timestamp::parse("2025-11-22T10:00:00Z").expect("is a time");
    let people = People { actor: Some(Pseudonym([1; 32])), on_behalf_of: None, subjects: vec![Pseudonym([2; 32])] };
    let (mut supply, retention) = (Supply::new(), Retention::default());
    let parts = (0..GROUP).flat_map(|seq| {
        let event = supply.event().events.remove(0);
        let dates = retention.dates(event.class(), now, &zone).expect("is no notice");
        let event = event.planned(now, retention.version(), []);
        let contents = Contents::of_event(event, &people, None, &dates, TODAY, now);
        contents.parts().into_iter().map(move |(key, content)| (seq, key, content))
    });
    parts.collect()
}

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    for events in [1, 100, 1_000] {
        group.throughput(Throughput::Elements(events));
        group.sample_size(20).measurement_time(Duration::from_secs(4)).warm_up_time(Duration::from_secs(1));
        group.bench_function(format!("op=writer-step,store=memory,events={events}"), |b| {
            let mut supply = Supply::new();
            let (mut writer, mut recorded) = (supply.writer(), 0);
            b.iter_custom(|steps| {
                let mut taken = Duration::ZERO;
                for _ in 0..steps {
                    if recorded > STORE_RECORDS {
                        (writer, recorded) = (supply.writer(), 0);
                    }
                    let submissions = supply.submissions(events as usize);
                    recorded += submissions.len();
                    let begun = Instant::now();
                    let step = black_box(writer.step(submissions));
                    taken += begun.elapsed();
                    assert!(step.results.iter().all(Result::is_ok), "every event is recorded");
                }
                taken
            });
        });
    }
    group.finish();
}

/// Events to record.
struct Supply {
    templates: Vec<akta::grpc::api::Event>,
    at: usize,
    ids: Ids,
}

impl Supply {
    fn new() -> Self {
        let mut events = Events::new(1);
        Self { templates: (0..2_000).map(|_| events.draw()).collect(), at: 0, ids: Ids::fresh(1) }
    }

    fn event(&mut self) -> Submission {
        let mut event = self.templates[self.at].clone();
        self.at = (self.at + 1) % self.templates.len();
        event.event_id = String::from_utf8_lossy(&self.ids.draw()).into_owned();
        let (controller, event): (Controller, Event) = convert::event(Some(event)).expect("a drawn event is good");
        Submission { controller, events: vec![event], may_open: true }
    }

    fn submissions(&mut self, count: usize) -> Vec<Submission> {
        (0..count).map(|_| self.event()).collect()
    }

    /// A writer on an empty store in memory that already knows everybody in the templates.
    fn writer(&mut self) -> Writer {
        let open = || Arc::new(memory::Disk::new().open());
        let files = Arc::new(MemoryFiles::new());
        let space = Arc::new(akta::store::space::Scripted::default());
        let disk = Disk { db: open(), vault: open(), index: open(), files: files.clone(), guard: files, space };
        let world = World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
        let settings = File::default().settings(true).expect("needs no file with --dev");
        let base = Base::open(disk, Kek::dev(), settings, world).expect("opens on an empty disk");
        let mut writer = Writer::open(Arc::new(base)).expect("opens on an empty disk");
        let submissions = self.submissions(self.templates.len());
        assert!(writer.step(submissions).results.iter().all(Result::is_ok), "every event is recorded");
        writer
    }
}

criterion_group!(benches, hashes, frames, engine);
criterion_main!(benches);
