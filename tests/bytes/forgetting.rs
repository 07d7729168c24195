//! Deletes exactly what it should: drawn zones, choices of lifetimes, events and clocks, against Python's own calendar.
//!
//! After each run every part whose date, as Python has it, is on or before the zone's today is unreadable, its key and
//! its frames are gone, and everything else opens as before. `FORGET_SEED=17 cargo test --test bytes forgetting` replays one
//! case; `AKTA_TORTURE=1` runs many more.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use akta::cli::random::Random;
use akta::model::date::{Date, Lifetime, Timestamp, Zone};
use akta::model::header::Kind;
use akta::model::origin::Controller;
use akta::model::part::PartId;
use akta::model::permission::change::{Change, Decided};
use akta::model::policy::{Class, Kept, Lifetimes};
use akta::model::profile::Profile;
use akta::model::record::{Contents, Verdict};
use akta::model::seal::Use;
use akta::store::{Family, Row, Scan};
use akta::trail::controllers::Asked;
use akta::trail::reader::Reader;
use akta::trail::trails::Info;
use akta::trail::verify::verify;
use serde_json::{Value, json};

use crate::decided::decide;
use crate::events::Drawn;
use crate::node::{Node, trails};
use crate::reckoned::choice;
use crate::skip::skip;
use crate::stranger::python;
use crate::tamper::TORTURE;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Where days begin at most different times, and where clocks are put forward and back, by an hour or half of one.
const ZONES: [&str; 9] = [
    "Europe/Warsaw",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Europe/London",
    "America/New_York",
];

/// Evenings before something: the end of a leap month, of a year, of a school year, a clock put forward and back.
const EVES: [&str; 7] =
    ["2024-02-28", "2024-12-30", "2026-08-30", "2025-03-29", "2025-10-25", "2027-01-31", "2024-04-25"];

/// One event, as the store has it.
struct Fact {
    seq: u64,
    occurred_at: i64,
    class: u8,
}

/// A trail and what is in it.
struct Trail {
    info: Arc<Info>,
    facts: Vec<Fact>,
    /// What its controller chose, and from which record on; at first nothing.
    choices: Vec<(u64, Value)>,
}

#[test]
fn nothing_early_nothing_late_nothing_else() {
    const NAME: &str = "nothing_early_nothing_late_nothing_else";
    if python::python().is_none() {
        return skip(NAME, "AKTA_PYTHON does not name a Python with zoneinfo");
    }
    let seeds = match std::env::var("FORGET_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..if *TORTURE { 300 } else { 10 }).collect(),
    };
    let (mut gone, mut stood) = (0, 0);
    for seed in seeds {
        let (more_gone, more_stood) = case(seed);
        gone += more_gone;
        stood += more_stood;
    }
    println!("{gone} times a group was to be gone, {stood} times it was to stand");
    assert!(gone > 1_000 && stood > 1_000, "{gone} and {stood}: too few to say anything");
}

/// One story; how often a group had to be gone, and how often it had to stand.
fn case(seed: u64) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed);
    let mut drawn = Drawn::new(seed);
    let eve = Timestamp::parse(EVES[random.index(EVES.len())]).unwrap();
    let start = eve.plus(Duration::from_secs(random.below(2 * 24 * 3_600)));
    let mut node = Node::open(folder.path(), start, seed, ZONES[random.index(ZONES.len())]).unwrap();
    let controllers: Vec<Controller> =
        (0..3).map(|number| Controller::new(&format!("school-{number}")).unwrap()).collect();
    for controller in &controllers {
        let zone = Zone::named(ZONES[random.index(ZONES.len())]);
        let decided = Decided { by: "stefan".to_owned(), ground: String::new() };
        let asked = Asked { controller: controller.clone(), zone, profile: Profile::default(), decided };
        let made = node.writer.open_controller(&asked);
        made.answer.unwrap();
        made.step.publish();
        node.indexer.absorb(made.step.entries).unwrap();
    }
    let mut choosing = Choosing { dice: Random::new(seed ^ 0x0c40_1ce5), made: BTreeMap::new() };
    report(&mut node, &mut drawn, (&mut random, &mut choosing), &controllers);
    let first = node.now;
    let mut latest = first;
    let mut counted = (0, 0);
    let mut through: BTreeMap<String, u32> = BTreeMap::new();
    let trail = |info| Trail { info, facts: Vec::new(), choices: Vec::new() };
    let mut all = trails(&node.base).unwrap().into_iter().map(trail).collect::<Vec<_>>();
    for step in 0..6 {
        all.iter_mut().for_each(|trail| trail.learn(&node, &choosing));
        let before = frames(&node);
        // Near the beginning of a day on which something expires: earlier than the last one, once in a while.
        let dates: Vec<Date> = all.iter().flat_map(|trail| trail.dates(&node)).collect();
        if dates.is_empty() {
            break;
        }
        let date = dates[random.index(dates.len())];
        let moved =
            date.start().plus(Duration::from_secs(random.below(30 * 3_600))).minus(Duration::from_secs(15 * 3_600));
        node.now = if step > 0 && random.index(5) == 0 { node.now.minus(DAY) } else { moved.max(start) };
        node.clock.set(node.now);
        let answers: Vec<Value> = all.iter().map(|trail| ask(trail, node.now)).collect();
        for (trail, answer) in all.iter().zip(&answers) {
            let today = u32::try_from(answer["today"][0].as_u64().unwrap()).unwrap();
            let through = through.entry(trail.info.zone.name().to_owned()).or_default();
            *through = today.max(*through);
        }
        let (writer, indexer) = (&mut node.writer, &mut node.indexer);
        writer
            .expire(Some(Date::of_utc(node.now)), |step| {
                indexer.absorb(step.entries.clone()).unwrap();
                step.publish();
            })
            .unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        check_frames(&node, &all, &through, &before, seed);
        for (trail, answer) in all.iter().zip(&answers) {
            let (gone, stood) = check(&node, trail, through[trail.info.zone.name()], answer, seed);
            counted = (counted.0 + gone, counted.1 + stood);
        }
        // Nothing is recorded by a clock that is more than a day behind.
        latest = latest.max(node.now);
        // While there are keys for what is reported now.
        if latest < first.plus(DAY * 300) {
            node.now = latest;
            node.clock.set(latest);
            report(&mut node, &mut drawn, (&mut random, &mut choosing), &controllers);
            latest = node.now;
        }
    }
    // Who verifies has a clock that is right.
    node.now = latest;
    node.clock.set(latest);
    node.settle();
    node.guard();
    let report = verify(&node.base, |_, _, _| ());
    assert!(report.findings.is_empty(), "seed {seed}: {:?}", report.findings);
    counted
}

/// What controllers choose, by dice of its own.
struct Choosing {
    dice: Random,
    made: BTreeMap<Controller, Vec<(u64, Value)>>,
}

impl Choosing {
    /// A controller chooses other lifetimes, within the bounds.
    fn choose(&mut self, node: &mut Node, of: &Controller) {
        let choice = choice(&mut self.dice);
        if choice == *node.base.acts.of(of).retention().choice() {
            return;
        }
        let parts = |lifetimes: &Lifetimes| {
            let named =
                [("core", Kept::Core), ("net", Kept::Net), ("session", Kept::Session), ("detail", Kept::Detail)];
            let set = named.into_iter().filter_map(|(name, kept)| {
                let lifetime = match lifetimes.get(kept)? {
                    Lifetime::Days(days) => json!(["days", days]),
                    Lifetime::Months(months) => json!(["months", months]),
                    Lifetime::YearsFromEndOf { last_month, years } => json!(["years after", years, last_month]),
                };
                Some((name.to_owned(), lifetime))
            });
            Value::Object(set.collect())
        };
        let classes = choice.classes().map(|(class, lifetimes)| ((class as u8).to_string(), parts(lifetimes)));
        let told = Value::Object(classes.collect());
        let from = node.trail(of).size();
        self.made.entry(of.clone()).or_default().push((from, told));
        decide(node, vec![(of.clone(), Change::Retention { number: 0, choice })], "stefan", "resolution 7");
    }
}

/// Some days of events, imports of what is nearly over among them, and of choices.
fn report(
    node: &mut Node,
    drawn: &mut Drawn,
    (random, choosing): (&mut Random, &mut Choosing),
    controllers: &[Controller],
) {
    for _ in 0..8 {
        for of in controllers {
            if choosing.dice.index(6) == 0 {
                choosing.choose(node, of);
            }
        }
        let some = controllers.iter().flat_map(|of| {
            // Reads that live shorter were made later.
            let core = node.base.acts.of(of).retention().lifetimes(Class::Access).map(|lifetimes| lifetimes.core);
            let less = match core {
                Some(Lifetime::Months(months)) => DAY * 31 * (24 - u32::from(months)),
                _ => Duration::ZERO,
            };
            let import = drawn.import(of, node.now.plus(less), 1 + random.below(40));
            let more: Vec<_> = (0..1 + random.index(4)).map(|_| drawn.submission(of, node.now)).collect();
            more.into_iter().chain([import]).collect::<Vec<_>>()
        });
        let some = some.collect();
        node.record(some);
        node.pass(Duration::from_secs(random.below(20 * 3_600)));
    }
}

impl Trail {
    /// Reads what is new in it, and what was chosen for it.
    fn learn(&mut self, node: &Node, choosing: &Choosing) {
        let made = choosing.made.get(&self.info.controller).cloned().unwrap_or_default();
        self.choices = [(0, json!({}))].into_iter().chain(made).collect();
        let known = self.facts.last().map_or(0, |fact| fact.seq + 1);
        let mut reader = Reader::new(&node.base, &self.info, Date::from_days(0));
        for seq in known..self.info.size() {
            let record = reader.record(seq).unwrap();
            if let Some(core) = record.contents.core {
                self.facts.push(Fact { seq, occurred_at: core.occurred_at, class: record.header.class as u8 });
            }
        }
    }

    /// Every date that something in it has, gone or not.
    fn dates(&self, node: &Node) -> Vec<Date> {
        let mut reader = Reader::headers(&node.base, &self.info);
        let headers = self.facts.iter().map(|fact| reader.linked(fact.seq).unwrap().header);
        headers.flat_map(|header| header.groups.into_iter().map(|group| group.date)).collect()
    }
}

/// Whether a part of that id is among the contents.
fn has(contents: &Contents, part: PartId) -> bool {
    match part {
        PartId::Core => contents.core.is_some(),
        PartId::Actor => contents.actor.is_some(),
        PartId::Subject => !contents.subjects.is_empty(),
        PartId::Net => contents.net.is_some(),
        PartId::Session => contents.session.is_some(),
        PartId::Detail => contents.detail.is_some(),
    }
}

/// What Python calls the part with that lifetime.
fn kept(part: PartId) -> &'static str {
    match part {
        PartId::Core | PartId::Actor | PartId::Subject => "core",
        PartId::Net => "net",
        PartId::Session => "session",
        PartId::Detail => "detail",
    }
}

const PARTS: [PartId; 6] = [PartId::Core, PartId::Actor, PartId::Subject, PartId::Net, PartId::Session, PartId::Detail];

/// Every event of a trail is as Python says; how many groups are gone, and how many stand.
fn check(node: &Node, trail: &Trail, through: u32, answer: &Value, seed: u64) -> (u64, u64) {
    let Trail { info, facts, .. } = trail;
    let (mut gone, mut stood) = (0, 0);
    let mut reader = Reader::new(&node.base, info, node.base.today(&info.zone));
    for (fact, dates) in facts.iter().zip(answer["dates"].as_array().unwrap()) {
        let record = reader.record(fact.seq).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(record.header.kind, Kind::Event);
        for (group, verdict) in record.header.groups.iter().zip(&record.verdicts) {
            for part in PARTS.into_iter().filter(|part| group.has(*part)) {
                let about = format!("seed {seed}, {} {}, {part:?} of {}", info.controller, fact.seq, group.date);
                // The date is fixed in the header; what it must be, Python says.
                let date = u32::try_from(dates[kept(part)].as_u64().unwrap()).unwrap();
                assert_eq!(group.date, Date::from_days(date), "{about}");
                let past = date <= through;
                assert_eq!(*verdict == Verdict::Expired, past, "{about}: {verdict:?}, through {through}");
                assert_eq!(has(&record.contents, part), !past, "{about}");
                let key = info.date_key(&node.base.keyring, Use::Seal, group.date);
                assert_eq!(key.is_some(), !past, "{about}: the key");
                gone += u64::from(past);
                stood += u64::from(!past);
            }
        }
    }
    (gone, stood)
}

/// The sealed frames.
fn frames(node: &Node) -> Vec<Row> {
    node.base.db.scan(Scan::all(Family::Part)).map(Result::unwrap).collect()
}

/// Of what was there before, exactly the frames of dates that are past are gone, and the others are the same bytes.
fn check_frames(node: &Node, all: &[Trail], through: &BTreeMap<String, u32>, before: &[Row], seed: u64) {
    let zones: BTreeMap<u16, u32> =
        all.iter().map(|trail| (trail.info.zone_number, through[trail.info.zone.name()])).collect();
    let stands = |key: &[u8]| {
        let (date, zone) = (key.first_chunk::<4>().unwrap(), key[4..].first_chunk::<2>().unwrap());
        u32::from_be_bytes(*date) > zones[&u16::from_be_bytes(*zone)]
    };
    let expected: Vec<&Row> = before.iter().filter(|row| stands(&row.0)).collect();
    let now = frames(node);
    assert!(now.iter().eq(expected), "seed {seed}: other frames are gone, or stand, than should");
}

/// What Python's calendar says of the events of a trail.
fn ask(Trail { info, facts, choices }: &Trail, now: Timestamp) -> Value {
    let in_force = |seq: u64| choices.iter().filter(|(from, _)| *from <= seq).count() - 1;
    let events: Vec<_> = facts.iter().map(|fact| json!([fact.occurred_at, fact.class, in_force(fact.seq)])).collect();
    let chosen: Vec<&Value> = choices.iter().map(|(_, told)| told).collect();
    let question = json!({"zone": info.zone.name(), "now": [now.nanos()], "events": events, "chosen": chosen});
    let mut command = Command::new(python::python().unwrap());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bytes/forgetting.py"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{question}").unwrap();
    let mut answer = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    child.wait().unwrap();
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no answer: {answer:?}"))
}
