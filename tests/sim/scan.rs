//! A search finds what a plain scan finds: random trails, filters, orders and page sizes, while writing goes on.
//!
//! The model knows events as they were reported, and says a second time what each field of a filter means; nothing of
//! it is shared with the search. Between pages records arrive, the index lags, the node starts anew.
#![allow(clippy::unwrap_used)]

mod asked;
mod fields;
mod told;

use std::sync::Arc;
use std::time::Duration;

use akta::env::{ManualClock, SeededEntropy};
use akta::grpc::{api, convert};
use akta::model::caller::Caller;
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::event::Event;
use akta::model::identity::Identity;
use akta::model::policy::Class;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::retention::in_force::Retention;
use akta::model::stored::{Action, ActorKind, Outcome, Purpose, RetentionClass, SourceAssurance};
use akta::store::disk;
use akta::store::files::MemoryFiles;
use akta::store::memory::Disk;
use akta::trail::ask::{Ground, Question, log_access};
use akta::trail::base::{Base, Settings, World};
use akta::trail::indexer::Indexer;
use akta::trail::keyring::Kek;
use akta::trail::search;
use akta::trail::submission::{Recorded, Submission};
use akta::trail::trails::Info;
use akta::trail::verify::verify;
use akta::trail::writer::Writer;
use prost::Message;

use crate::story::Dice;
use asked::{controller, digest, question};
use fields::{FIELDS, turned};
use told::{Told, event};

const SCHOOLS: [&str; 2] = ["school-1", "school-2"];
const TRAILS: u64 = 10;
const QUESTIONS: u32 = 55;

/// What was met: a property that was never put to the test shows nothing.
#[derive(Debug, Default)]
struct Met {
    questions: u64,
    found_some: u64,
    rows: u64,
    pages: u64,
    /// Questions by the number of fields asked by.
    by_fields: [u64; 5],
    /// Records that arrived while a question was being paged through.
    arrived: u64,
    /// Pages that were asked for while the index lagged behind.
    lagging: u64,
    restarts: u64,
    /// Questions asked with the clock behind the trail.
    clock_back: u64,
    /// Records below a question's size that had expired.
    expired: u64,
    /// Readable records whose address had expired, in questions by address.
    address_gone: u64,
    /// By field: questions that it was part of and that found something.
    found: Vec<u64>,
    /// By field: questions in which it alone kept a record out.
    decided: Vec<u64>,
}

#[test]
fn a_search_finds_what_a_plain_scan_finds() {
    let mut met = Met { found: vec![0; FIELDS.len()], decided: vec![0; FIELDS.len()], ..Met::default() };
    for seed in 0..TRAILS {
        let mut scan = Scan::new(0xA11CE + seed);
        scan.report(40);
        for _ in 0..QUESTIONS {
            scan.move_clock();
            let more = scan.dice.roll(12);
            scan.report(more);
            scan.ask_and_compare(&mut met);
        }
        scan.node.indexer.flush().unwrap();
        assert_eq!(verify(&scan.node.base, |_, _, _| {}).findings, []);
    }
    println!("{met:#?}");
    for (field, (found, decided)) in FIELDS.iter().zip(met.found.iter().zip(&met.decided)) {
        println!("{:20} found with it {found:3}, decided by it {decided:3}", field.name);
        assert!(*found > 2 && *decided > 2, "{} was not put to the test: {found}, {decided}", field.name);
    }
    assert!(met.questions >= 200 && met.found_some * 2 > met.questions, "filters find too little");
    assert!(met.by_fields[1] > 20 && met.by_fields[2] > 20 && met.by_fields[3] > 20, "{:?}", met.by_fields);
    assert!(met.pages > 2 * met.questions && met.arrived > met.questions, "nothing arrived between pages");
    assert!(met.lagging > 100 && met.restarts > 10 && met.clock_back > 10, "nothing went wrong");
    assert!(met.expired > 100 && met.address_gone > 10, "nothing expired");
}

#[test]
fn a_clock_that_was_set_back_hides_nothing() {
    let mut scan = Scan::new(7);
    let wire = |time: Timestamp| {
        let (seconds, nanos) = time.parts();
        Some(prost_types::Timestamp { seconds, nanos })
    };
    // Two minutes to midnight: one event now, one of the next day's third minute.
    let evening = Timestamp::parse("2026-11-22T23:58:00Z").unwrap();
    scan.set_clock(evening);
    let ahead = evening.plus(Duration::from_secs(300));
    for occurred_at in [evening, ahead] {
        let (mut message, class) = event(&mut scan.dice, scan.ids, SCHOOLS[0], evening);
        message.occurred_at = wire(occurred_at);
        scan.ids += 1;
        scan.record(0, message, class);
    }
    for hours in [0, 3, 22] {
        scan.set_clock(evening.minus(Duration::from_secs(3_600 * hours)));
        for (from, until, expected) in [
            (evening, None, vec![1, 2]),
            (ahead, None, vec![2]),
            (evening, wire(ahead), vec![1]),
            (ahead, wire(ahead.plus(Duration::from_secs(86_400 * 3_000))), vec![2]),
            (ahead.plus(Duration::from_nanos(1)), None, vec![]),
        ] {
            // All but the records of the searches themselves.
            let retention_classes = (1..RetentionClass::LogAccess as i32).collect();
            let filter = api::EventFilter { since: wire(from), until, retention_classes, ..Default::default() };
            let found = scan.search(0, filter, api::SearchOrder::OldestFirst, 10, |_| {}).0;
            assert_eq!(found, expected, "{hours} hours back, since {from}, until {until:?}");
        }
    }
}

/// A field of the API's filter that nothing here asks by would be shown by nothing.
#[test]
fn every_field_of_the_filter_is_asked_by_and_its_name_recorded() {
    let files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).unwrap().file;
    let message = files.iter().flat_map(|file| &file.message_type).find(|found| found.name() == "EventFilter");
    let mut fields: Vec<&str> = message.unwrap().field.iter().map(|field| field.name()).collect();
    let mut rows: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    let mut scan = Scan::new(7);
    scan.report(40);
    let told = scan.model[0][0].clone();
    let mut filter = api::EventFilter::default();
    FIELDS.iter().for_each(|field| (field.ask)(&mut filter, &told, &mut scan.dice));
    let request = api::SearchEventsRequest { filter: Some(filter), with_openings: true, ..Default::default() };
    let shape = question(&request).0.shape();
    let mut named: Vec<&str> = shape.split(',').filter(|name| *name != "with_openings").collect();
    [&mut fields, &mut rows, &mut named].into_iter().for_each(|names| names.sort_unstable());
    assert_eq!((&fields, &fields), (&rows, &named));
    // An attribute's value has at most 512 bytes, those that Akta writes as well.
    assert!(shape.len() <= 512, "{} bytes", shape.len());
}

struct Node {
    base: Arc<Base>,
    writer: Writer,
    indexer: Indexer,
}

struct Scan {
    dice: Dice,
    db: Disk,
    vault: Disk,
    index: Disk,
    files: MemoryFiles,
    clock: Arc<ManualClock>,
    now: Timestamp,
    /// The latest that the clock ever showed.
    latest: Timestamp,
    entropy: Arc<SeededEntropy>,
    node: Node,
    /// By school: what its trail holds, from record 1 on.
    model: [Vec<Told>; 2],
    ids: u64,
}

impl Scan {
    fn new(seed: u64) -> Self {
        let now = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
        let (db, vault, index, files) = (Disk::new(), Disk::new(), Disk::new(), MemoryFiles::new());
        let clock = Arc::new(ManualClock::new(now));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let node = open([&db, &vault, &index], &files, &clock, &entropy);
        let (model, latest) = ([Vec::new(), Vec::new()], now);
        Self { dice: Dice(seed), db, vault, index, files, clock, now, latest, entropy, node, model, ids: 0 }
    }

    /// The process ends without a word and starts anew; the index lost what was not flushed.
    fn restart(&mut self) {
        self.db.crash(0);
        self.vault.crash(0);
        let kept = self.dice.roll(self.index.unflushed() as u64 + 1);
        self.index.crash(usize::try_from(kept).unwrap());
        self.files.crash();
        self.node = open([&self.db, &self.vault, &self.index], &self.files, &self.clock, &self.entropy);
    }

    fn trail(&self, school: usize) -> Arc<Info> {
        self.node.base.trail(&controller(school)).unwrap().unwrap()
    }

    fn set_clock(&mut self, now: Timestamp) {
        (self.now, self.latest) = (now, self.latest.max(now));
        self.clock.set(now);
    }

    /// Minutes on, days on, once in a while two years on; or back by hours.
    fn move_clock(&mut self) {
        const DAY: u64 = 86_400;
        let now = match self.dice.roll(16) {
            0 => self.latest.plus(Duration::from_secs(760 * DAY)),
            1 | 2 => self.latest.plus(Duration::from_secs(self.dice.roll(40 * DAY))),
            3..6 => self.latest.minus(Duration::from_secs(self.dice.roll(23 * 3_600))),
            _ => self.latest.plus(Duration::from_secs(self.dice.roll(7_200))),
        };
        self.set_clock(now);
    }

    /// Records so many random events, spread over the schools.
    fn report(&mut self, count: u64) {
        for _ in 0..count {
            let school = usize::try_from(self.dice.roll(2)).unwrap();
            self.ids += 1;
            let (message, class) = event(&mut self.dice, self.ids, SCHOOLS[school], self.now);
            self.record(school, message, class);
        }
    }

    fn record(&mut self, school: usize, message: api::Event, class: RetentionClass) {
        let (_, event) = convert::event(Some(message.clone())).expect("only good events are reported");
        self.step(school, event, message, class);
    }

    /// Records one event; the index has it sooner or later.
    fn step(&mut self, school: usize, event: Event, mut message: api::Event, class: RetentionClass) {
        let submission = Submission { controller: controller(school), events: vec![event], may_open: true };
        // A start may have added notices of what had expired.
        let info = self.node.base.trail(&controller(school)).unwrap();
        let next = info.map_or(1, |info| info.size());
        let mut step = self.node.writer.step(vec![submission]);
        self.node.indexer.absorb(std::mem::take(&mut step.entries)).unwrap();
        step.publish();
        let Recorded { receipt, warnings } = step.results.remove(0).unwrap().remove(0);
        assert_eq!(receipt.seq, next);

        message.subject_count = message.subject_count.max(u32::try_from(message.subjects.len()).unwrap());
        if message.purpose == 0 && message.subject_count > 0 {
            message.purpose = Purpose::SchoolAdministration as i32;
        }
        let source = message.source.as_mut().unwrap();
        source.assurance = source.assurance.max(SourceAssurance::Native as i32);
        let given = message.occurred_at.map(|time| Timestamp::from_parts(time.seconds, time.nanos).unwrap());
        let occurred_at = given.unwrap_or(self.now);
        let zone = Zone::default();
        let dates = Retention::default()
            .dates(Class::from_number(u8::try_from(class as i32).unwrap()).unwrap(), occurred_at, &zone)
            .unwrap();
        let recorded_on = zone.date(receipt.recorded_at).max(Date::of_utc(receipt.recorded_at));
        // What is past when it is recorded is not written.
        let net_ends = dates.net.filter(|ends| *ends > recorded_on);
        let (recorded_at, core_ends) = (receipt.recorded_at, dates.core);
        self.model[school].push(Told {
            seq: receipt.seq,
            event: message,
            occurred_at,
            recorded_at,
            warnings,
            class,
            core_ends,
            net_ends,
        });
    }

    /// Records a page that was shown, as every read is.
    fn log(&mut self, school: usize, question: &Question, rows: usize) {
        self.ids += 1;
        let ground = Ground { purpose: Purpose::Security as i32, text: String::new() };
        let id = u128::from(self.ids).to_be_bytes();
        let event = log_access(&Caller::dev(), &ground, id, question.asked(), rows);
        let message = api::Event {
            event_id: uuid::Uuid::from_bytes(id).to_string(),
            record_count: rows as u64,
            action: Action::LogQuery as i32,
            event_name: "SearchEvents".to_owned(),
            outcome: Outcome::Success as i32,
            purpose: Purpose::Security as i32,
            actor: Some(api::Actor {
                identity: Some(api::Identity::new("caller", "dev")),
                kind: ActorKind::Human as i32,
                ..api::Actor::default()
            }),
            source: Some(api::Source { service: "akta".to_owned(), ..api::Source::default() }),
            ..api::Event::default()
        };
        self.step(school, event, message, RetentionClass::LogAccess);
    }

    /// All pages of a search as the service and the node make them; `between` happens after each. The rows' positions,
    /// and how many pages found the index behind.
    fn search(
        &mut self,
        school: usize,
        filter: api::EventFilter,
        order: api::SearchOrder,
        page_size: u32,
        mut between: impl FnMut(&mut Self),
    ) -> (Vec<u64>, u64, u64) {
        let mut request = api::SearchEventsRequest {
            filter: Some(filter),
            order: order as i32,
            page_size,
            ..api::SearchEventsRequest::default()
        };
        let (mut found, mut pages, mut lagging) = (Vec::new(), 0, 0);
        let covered = self.trail(school).size();
        loop {
            let (question, limit) = question(&request);
            let info = self.trail(school);
            let digest = digest(&question, school);
            let start = match request.page_token.as_str() {
                "" if question.order == Order::NewestFirst => {
                    Cursor { size: covered, next: u64::MAX, question: digest }
                }
                "" => Cursor { size: covered, next: 0, question: digest },
                token => Cursor::decode(token).unwrap(),
            };
            assert_eq!(start.question, digest, "a token serves its own question, however it is put");
            lagging += u64::from(self.node.indexer.pending() > 0);
            self.node.indexer.flush().unwrap();
            let base = self.node.base.clone();
            let who = |asked: &Option<Identity>| {
                asked.as_ref().map(|identity| search::pseudonyms(&base, &info, identity).unwrap())
            };
            let filter = Filter {
                subject: who(&question.subject),
                actor: who(&question.actor),
                on_behalf_of: who(&question.on_behalf_of),
                facts: question.facts.clone(),
            };
            let page = search::search(&base, &info, &filter, question.order, start, limit).unwrap();
            assert_eq!(page.size, covered, "the first page fixes what is covered");
            assert!(page.records.len() == limit || page.next.is_none(), "only the last page is short");
            found.extend(page.records.iter().map(|record| record.header.seq));
            pages += 1;
            self.log(school, &question, page.records.len());
            let Some(next) = page.next else { return (found, pages, lagging) };
            request.page_token = next.encode();
            request.filter = request.filter.as_ref().map(turned);
            between(self);
        }
    }

    fn ask_and_compare(&mut self, met: &mut Met) {
        let school = usize::try_from(self.dice.roll(2)).unwrap();
        let told = self.model[school].clone();
        // What was past once stays so.
        let floor = self.node.base.zones.floor(Zone::default().name()).unwrap_or_default();
        assert!(floor <= Zone::default().date(self.latest), "nothing is past before its day");
        let today = Zone::default().date(self.now).max(floor);
        let alive: Vec<(u64, &Told)> =
            told.iter().map(|told| (told.seq, told)).filter(|(_, told)| told.core_ends > today).collect();

        // Mostly two or three fields, often with values that one event has.
        let Some((_, like)) = alive.get(usize::try_from(self.dice.roll(alive.len() as u64 + 1)).unwrap()) else {
            return;
        };
        let mut asked: Vec<usize> = Vec::new();
        for _ in 0..told::pick(&mut self.dice, &[0, 1, 1, 2, 2, 2, 3, 3, 3, 4]) {
            asked.push(usize::try_from(self.dice.roll(FIELDS.len() as u64)).unwrap());
        }
        asked.sort_unstable();
        asked.dedup();
        let mut filter = api::EventFilter::default();
        asked.iter().for_each(|field| (FIELDS[*field].ask)(&mut filter, like, &mut self.dice));
        let order = told::pick(&mut self.dice, &[api::SearchOrder::NewestFirst, api::SearchOrder::OldestFirst]);

        let failing = |told: &Told| -> Vec<usize> {
            asked.iter().copied().filter(|field| !(FIELDS[*field].holds)(&filter, told, today)).collect()
        };
        let mut expected: Vec<u64> =
            alive.iter().filter(|(_, told)| failing(told).is_empty()).map(|(seq, _)| *seq).collect();
        if order == api::SearchOrder::NewestFirst {
            expected.reverse();
        }
        let page_size = u32::try_from(1 + self.dice.roll(2 + expected.len() as u64 / 2)).unwrap();
        let before: usize = self.model.iter().map(Vec::len).sum();
        let (found, pages, lagging) = self.search(school, filter.clone(), order, page_size, |scan| {
            let arriving = scan.dice.roll(4);
            scan.report(arriving);
            if scan.dice.roll(12) == 0 {
                scan.restart();
                met.restarts += 1;
            }
        });
        assert_eq!(found, expected, "by {asked:?} on {today}: {filter:?} {order:?}, pages of {page_size}");
        self.check_shape(&filter, &asked, order, school);

        met.questions += 1;
        met.found_some += u64::from(!found.is_empty());
        met.rows += found.len() as u64;
        met.pages += pages;
        met.by_fields[asked.len()] += 1;
        met.arrived += (self.model.iter().map(Vec::len).sum::<usize>() - before) as u64;
        met.lagging += lagging;
        met.clock_back += u64::from(self.now < self.latest);
        met.expired += (told.len() - alive.len()) as u64;
        for field in &asked {
            met.found[*field] += u64::from(!found.is_empty());
            met.decided[*field] += u64::from(alive.iter().any(|(_, told)| failing(told) == [*field]));
            if FIELDS[*field].name == "ip" {
                let gone = |told: &Told| told.event.network.is_some() && told.net_ends.is_none_or(|ends| ends <= today);
                met.address_gone += alive.iter().filter(|(_, told)| gone(told)).count() as u64;
            }
        }
    }

    /// The record of a question names the fields asked by, in any order; another question has another token.
    fn check_shape(&self, filter: &api::EventFilter, asked: &[usize], order: api::SearchOrder, school: usize) {
        let request = |filter: &api::EventFilter, order: api::SearchOrder| {
            let filter = Some(filter.clone());
            question(&api::SearchEventsRequest { filter, order: order as i32, ..Default::default() }).0
        };
        let mine = request(filter, order);
        let shape = mine.shape();
        let mut names: Vec<&str> = shape.split(',').filter(|name| *name != "everything").collect();
        let mut wanted: Vec<&str> = asked.iter().map(|field| FIELDS[*field].name).collect();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted);

        let other_order = match order {
            api::SearchOrder::OldestFirst => api::SearchOrder::NewestFirst,
            _ => api::SearchOrder::OldestFirst,
        };
        assert_ne!(digest(&mine, school), digest(&request(filter, other_order), school));
        assert_ne!(digest(&mine, school), digest(&mine, 1 - school));
        if !asked.is_empty() {
            assert_ne!(digest(&mine, school), digest(&request(&api::EventFilter::default(), order), school));
        }
    }
}

fn open(disks: [&Disk; 3], files: &MemoryFiles, clock: &Arc<ManualClock>, entropy: &Arc<SeededEntropy>) -> Node {
    let [db, vault, index] = disks;
    let disk = disk::Disk {
        db: Arc::new(db.open()),
        vault: Arc::new(vault.open()),
        index: Arc::new(index.open()),
        files: Arc::new(files.clone()),
        guard: Arc::new(files.clone()),
        space: Arc::new(akta::store::space::Scripted::default()),
    };
    let settings = Settings {
        authority: "akta.test".to_owned(),
        zone: Zone::default(),
        open_controllers: true,
        controllers: Vec::new(),
        new_guard: false,
        disk_reserve: None,
    };
    let world = World { clock: clock.clone(), entropy: entropy.clone() };
    let base = Arc::new(Base::open(disk, Kek::dev(), settings, world).unwrap());
    let writer = Writer::open(base.clone()).unwrap();
    let (indexer, _) = Indexer::open(base.clone()).unwrap();
    Node { base, writer, indexer }
}
