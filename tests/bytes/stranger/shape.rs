//! Data folders of every shape, by seed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use akta::cli::random::Random;
use akta::grpc::convert;
use akta::model::date::{Date, Timestamp};
use akta::model::event::Event;
use akta::model::origin::Controller;
use akta::trail::submission::Submission;

use super::variety;
use crate::decided::{holds_or_releases, something};
use crate::events::Drawn;
use crate::node::{Node, trails};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

const ZONES: [&str; 7] = [
    "Europe/Warsaw",
    "UTC",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
];

/// Leap day, both changes of the clock, end of the school year, end of the year.
const STARTS: [&str; 5] = [
    "2024-02-28T22:30:00Z",
    "2025-03-29T23:50:00Z",
    "2025-10-25T23:50:00Z",
    "2025-08-31T21:00:00Z",
    "2025-12-31T09:00:00Z",
];

/// Something that a folder went through; a run must have had each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// More trails than controller keys are made at a time.
    ManyTrails,
    /// More than one trail.
    Trails,
    /// Opened with a clock that was set back.
    ClockBack,
    /// Opened long after.
    MuchLater,
    /// Ended without closing.
    CutOff,
    /// The index was removed and built anew.
    Rebuilt,
    /// The index lagged behind at a start.
    Behind,
    /// Rows were merged.
    Merged,
    /// Many events in one submission.
    Batch,
    /// The same event again.
    Retry,
    /// Trails in different zones.
    Zones,
    /// An import of something long ago.
    Import,
    /// A session without any event.
    Idle,
    /// Left without a guard.
    NoGuard,
    /// Left without an index.
    NoIndex,
    /// A controller decided something.
    Decided,
    /// A start expired what was past, or somebody confirmed that it should be.
    Expired,
    Confirmed,
    /// Its bytes went.
    Reclaimed,
    /// Something is to be kept past its date; or no longer.
    Held,
    Released,
}

/// Every mark.
pub(crate) const MARKS: [Mark; 21] = [
    Mark::ManyTrails,
    Mark::Trails,
    Mark::ClockBack,
    Mark::MuchLater,
    Mark::CutOff,
    Mark::Rebuilt,
    Mark::Behind,
    Mark::Merged,
    Mark::Batch,
    Mark::Retry,
    Mark::Zones,
    Mark::Import,
    Mark::Idle,
    Mark::NoGuard,
    Mark::NoIndex,
    Mark::Decided,
    Mark::Expired,
    Mark::Confirmed,
    Mark::Reclaimed,
    Mark::Held,
    Mark::Released,
];

/// What was made.
pub(crate) struct Shape {
    /// When the last session ended.
    pub(crate) now: Timestamp,
    pub(crate) marks: BTreeSet<Mark>,
}

struct Making<'a> {
    folder: &'a Path,
    random: Random,
    /// What is decided draws from dice of its own.
    choices: Random,
    /// And so is what is held.
    holdings: Random,
    drawn: Drawn,
    controllers: Vec<Controller>,
    zones: BTreeSet<&'static str>,
    /// The latest that any clock said: one that is more than a day behind is refused.
    latest: Timestamp,
    /// Number of the newest decision: ids are made of it.
    acts: u64,
    shape: Shape,
}

/// Makes a folder; the same seed makes the same records. At least `records` of them go into one trail.
pub(crate) fn make(folder: &Path, seed: u64, records: usize) -> Shape {
    let mut random = Random::new(seed ^ 0x5eed_0f5a_a9e5);
    let count = if seed % 16 == 5 { 66 } else { 1 + random.index(5) };
    let controllers = (0..count).map(|number| Controller::new(&format!("school-{number}")).unwrap()).collect();
    let now = Timestamp::parse(STARTS[random.index(STARTS.len())]).unwrap();
    let shape = Shape { now, marks: BTreeSet::new() };
    let mut making = Making {
        folder,
        drawn: Drawn::new(seed),
        random,
        choices: Random::new(seed ^ 0x0dec_1de5),
        holdings: Random::new(seed ^ 0x401d_f457),
        controllers,
        zones: BTreeSet::new(),
        latest: now,
        acts: 0,
        shape,
    };
    if count > 1 {
        making.mark(Mark::Trails);
    }
    if count > 64 {
        making.mark(Mark::ManyTrails);
    }
    let sessions = 1 + making.random.index(4) as u64;
    for session in 0..sessions {
        making.session(seed ^ session << 48, session == 0, if session == 0 { records } else { 0 });
    }
    if making.zones.len() > 1 {
        making.mark(Mark::Zones);
    }
    match making.random.index(10) {
        0 => {
            fs::remove_file(folder.join("guard")).unwrap();
            making.mark(Mark::NoGuard);
        }
        1 => {
            fs::remove_dir_all(folder.join("index")).unwrap();
            making.mark(Mark::NoIndex);
        }
        _ => {}
    }
    making.shape
}

impl Making<'_> {
    fn mark(&mut self, mark: Mark) {
        self.shape.marks.insert(mark);
    }

    /// From start to end, in good order or not.
    fn session(&mut self, seed: u64, first: bool, records: usize) {
        self.drawn.term += 1;
        if !first {
            self.wait();
        }
        let zone = ZONES[self.random.index(ZONES.len())];
        let mut node = Node::open(self.folder, self.shape.now, seed, zone).unwrap();
        if node.behind {
            self.mark(Mark::Behind);
        }
        self.expire(&mut node);
        let groups = [0, 1, 6, 30, 70][self.random.index(5)];
        if groups == 0 {
            self.mark(Mark::Idle);
        } else {
            self.zones.insert(zone);
        }
        if first && self.controllers.len() > 64 {
            let all = self.controllers.clone();
            let each = all.iter().map(|of| self.submission(of, 1, node.now)).collect();
            node.record(each);
        }
        for _ in 0..records / 1_000 {
            let of = self.controllers[0].clone();
            let batch = self.submission(&of, 1_000, node.now);
            node.record(vec![batch]);
        }
        for _ in 0..groups {
            self.group(&mut node);
        }
        self.end(node);
    }

    /// What is past expires, in part by the start, in part once its date is confirmed; or it waits for that.
    fn expire(&mut self, node: &mut Node) {
        let zones: Vec<&str> = ZONES.into_iter().filter(|zone| node.base.zones.expired(zone).is_some()).collect();
        if !zones.is_empty() {
            self.mark(Mark::Expired);
        }
        if !node.base.due().is_empty() && self.choices.index(3) > 0 {
            node.expire(Some(Date::of_utc(node.now)));
            self.mark(Mark::Confirmed);
        }
        if self.choices.index(2) == 0 && node.reclaim() > 0 {
            self.mark(Mark::Reclaimed);
        }
    }

    /// Time between two sessions, and what may happen to the index in it.
    fn wait(&mut self) {
        let now = self.shape.now;
        self.shape.now = match self.random.index(8) {
            0 => {
                self.mark(Mark::ClockBack);
                self.latest.minus(DAY.mul_f64(0.9))
            }
            1 | 2 => {
                self.mark(Mark::MuchLater);
                now.plus(DAY * 800)
            }
            3 => now.plus(DAY * 70),
            4 => now.plus(DAY * 9),
            5 => now.plus(DAY),
            _ => now.plus(MINUTE),
        };
        if self.random.index(5) == 0 {
            fs::remove_dir_all(self.folder.join("index")).unwrap();
            self.mark(Mark::Rebuilt);
        }
    }

    fn group(&mut self, node: &mut Node) {
        let of = self.controllers[self.random.index(self.controllers.len())].clone();
        let now = node.now;
        let submissions = match self.random.index(12) {
            0 => {
                self.mark(Mark::Batch);
                let many = 60 + self.random.index(90);
                vec![self.submission(&of, many, now)]
            }
            1 => {
                self.mark(Mark::Import);
                let days = 2 + self.random.below(40);
                vec![self.drawn.import(&of, now, days)]
            }
            2 => {
                self.mark(Mark::Retry);
                let once = self.submission(&of, 1, now);
                vec![once.clone(), once]
            }
            3 => vec![self.drawn.submission(&of, now)],
            _ => {
                let count = 1 + self.random.index(3);
                (0..count)
                    .map(|_| {
                        let of = self.controllers[self.random.index(self.controllers.len())].clone();
                        let events = 1 + self.random.index(2);
                        self.submission(&of, events, now)
                    })
                    .collect()
            }
        };
        node.record(submissions);
        if self.choices.index(6) == 0 {
            self.decide(node);
        }
        if self.holdings.index(12) == 0 {
            self.hold(node);
        }
        node.pass(match self.random.index(40) {
            0 => DAY * 8,
            1 => DAY,
            _ => MINUTE * self.random.small(30),
        });
        match self.random.index(20) {
            0 | 1 => node.settle(),
            2 | 3 => node.guard(),
            4 => {
                let all = trails(&node.base).unwrap();
                let info = &all[self.random.index(all.len())];
                let to = self.random.below(info.size() + 1);
                node.merge(info, to);
                self.mark(Mark::Merged);
            }
            _ => {}
        }
    }

    /// One controller that has a trail decides something, or several at once.
    fn decide(&mut self, node: &mut Node) {
        let mut open: Vec<Controller> =
            trails(&node.base).unwrap().iter().map(|info| info.controller.clone()).collect();
        open.retain(|of| !of.is_node());
        let count = 1 + self.choices.index(open.len().min(3));
        let from = self.choices.index(open.len() - count + 1);
        self.acts += 1;
        something(node, &mut self.choices, &open[from..from + count], self.acts);
        self.mark(Mark::Decided);
    }

    /// Something of one controller is held, or what was held is let go of.
    fn hold(&mut self, node: &mut Node) {
        let mut open = trails(&node.base).unwrap();
        open.retain(|info| !info.controller.is_node());
        let info = &open[self.holdings.index(open.len())];
        self.acts += 1;
        match holds_or_releases(node, &mut self.holdings, info, self.acts) {
            true => self.mark(Mark::Held),
            false => self.mark(Mark::Released),
        }
    }

    fn end(&mut self, mut node: Node) {
        self.shape.now = node.now;
        self.latest = self.latest.max(node.now);
        match self.random.index(5) {
            0 | 1 => node.close(),
            2 => {
                node.settle();
                node.guard();
                self.mark(Mark::CutOff);
            }
            _ => self.mark(Mark::CutOff),
        }
    }

    fn submission(&mut self, of: &Controller, events: usize, now: Timestamp) -> Submission {
        let events = (0..events).map(|_| self.event(of, now)).collect();
        Submission { controller: of.clone(), events, may_open: true }
    }

    fn event(&mut self, of: &Controller, now: Timestamp) -> Event {
        let mut message = self.drawn.message(of, now);
        variety::vary(&mut message, &mut self.random, now);
        convert::event(Some(message)).unwrap_or_else(|bad| panic!("a varied event is good: {bad:?}")).1
    }
}

/// A moment at which the folder is looked at: often at once, sometimes when parts or all of it are past, or with a clock
/// that is behind.
pub(crate) fn looked_at(shape: &Shape, seed: u64) -> Timestamp {
    match seed % 7 {
        0 | 1 => shape.now,
        2 => shape.now.plus(DAY / 3),
        3 => shape.now.plus(DAY * 8),
        4 => shape.now.plus(DAY * 740),
        5 => shape.now.plus(DAY * 3_000),
        _ => shape.now.minus(DAY),
    }
}
