//! A seeded simulation: the production writer, indexer, guard, reader, prover and verifier on disks in memory that fail on
//! command, against a plain model.
//!
//! `SIM_SEED=17 cargo test --test sim seeds` replays one seed and prints what it does; `AKTA_TORTURE=1` runs 10,000.
//! What must hold is checked at every step and every start, by its number in ARCHITECTURE.md ([`invariant`]); and the same
//! seed gives the same bytes.
#![allow(clippy::unwrap_used)]

mod checks;
mod copies;
mod counts;
mod crashes;
mod deciding;
mod every_call;
mod expected;
mod expiring;
mod invariant;
mod merging;
mod plants;
mod proving;
mod reports;
mod rotating;
mod scan;
mod sealed;
mod searching;
mod story;
mod world;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use akta::model::date::Timestamp;
use akta::model::origin::Controller;
use akta::trail::trails::Head;
use copies::Copied;
use counts::Counts;
use plants::Plant;
use story::{Dice, Known, Report};
use world::{Open, World};

/// The long form.
static TORTURE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("AKTA_TORTURE").is_some());

const STEPS: u32 = 40;
/// Seeds that once failed, each with the reason; they run always.
/// 2: a trail's first batch was lost after its vault rows were written; opened again in another order it got another
/// controller key, and its people could no longer be looked up. A trail is now durable before its people.
const ONCE_FAILED: [u64; 1] = [2];

#[test]
fn seeds() {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        run(seed.parse().unwrap(), true, None).counts.print();
        return;
    }
    let count = if *TORTURE { 10_000 } else { 300 };
    let mut total = Counts::default();
    for seed in ONCE_FAILED.into_iter().chain(0..count) {
        let ran = std::panic::catch_unwind(|| run(seed, false, None));
        let again = format!("seed {seed} failed: replay it with SIM_SEED={seed} cargo test --test sim seeds");
        total.add(&ran.unwrap_or_else(|_| panic!("{again}")).counts);
    }
    println!("{} seeds", count + ONCE_FAILED.len() as u64);
    total.print();
    // A simulation that meets no trouble shows nothing.
    for (what, number) in total.numbers() {
        let least = if matches!(what, "applied_unknown" | "index_lost" | "copies_taken" | "copies_refused" | "opened") {
            20
        } else {
            3
        };
        assert!(number > count / least, "{what}: only {number} in {count} seeds");
    }
    for (invariant, number) in total.checked.each() {
        assert!(number > count, "{invariant} was checked only {number} times");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..10 {
        let (one, other) = (run(seed, false, None), run(seed, false, None));
        assert!(one.bytes == other.bytes && one.counts == other.counts, "seed {seed}");
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A call of some device is going to fail.
    Fault,
    Crash,
    /// A clean stop.
    Stop,
    /// The clock goes on by some days, now and then back by minutes.
    Clock,
    /// Nine days: what lives for a week expires.
    Days,
    /// Two years at once: what was recorded so far expires.
    Years,
    Search,
    Merge,
    /// Checkpoints, and proofs under them.
    Prove,
    Record,
    /// A controller decides who may.
    Decide,
    /// What is past is expired, now and then with somebody's word, and reclaimed.
    Expire,
}

struct Ran {
    counts: Counts,
    bytes: Vec<u8>,
}

/// A simulation: a world, what must be in it, and what was met.
struct Sim {
    dice: Dice,
    loud: bool,
    /// Nothing happens but what is asked for.
    calm: bool,
    world: World,
    /// None while it is down.
    node: Option<Open>,
    /// What each trail must hold, in order, from record 1 on.
    model: BTreeMap<Controller, Vec<Known>>,
    /// Events whose fate is not known until the next opening: by trail, in order, all of them or none.
    unknown: Vec<(Controller, Known)>,
    /// What reporters were not answered, and send again.
    retry: Vec<Report>,
    /// Heads of each trail that could be signed: somebody keeps a checkpoint of them.
    signed: BTreeMap<Controller, Vec<Head>>,
    /// An older copy of everything.
    copied: Option<Copied>,
    ids: u64,
    /// The latest that the clock ever said.
    latest: Timestamp,
    counts: Counts,
}

fn run(seed: u64, loud: bool, plant: Option<Plant>) -> Ran {
    if loud {
        akta::telemetry::start("debug");
    }
    let mut sim = Sim::new(seed, loud, plant);
    for _ in 0..STEPS {
        let step = match sim.dice.roll(24) {
            0..=2 => Step::Fault,
            3 => Step::Crash,
            4 => Step::Stop,
            5 => Step::Clock,
            6 => Step::Days,
            7 => Step::Years,
            8..=10 => Step::Search,
            11 => Step::Merge,
            12 | 13 => Step::Prove,
            14 => Step::Decide,
            15..=18 => Step::Expire,
            _ => Step::Record,
        };
        sim.take(step);
    }
    sim.finish()
}

impl Sim {
    fn new(seed: u64, loud: bool, plant: Option<Plant>) -> Self {
        Self {
            dice: Dice(seed),
            loud,
            calm: false,
            world: World::new(seed, plant),
            node: None,
            model: BTreeMap::new(),
            unknown: Vec::new(),
            retry: Vec::new(),
            signed: BTreeMap::new(),
            copied: None,
            ids: 0,
            latest: Timestamp::default(),
            counts: Counts::default(),
        }
    }
}
