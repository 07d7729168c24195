//! Keys are replaced, and the process is stopped at each call of each device meanwhile: a rotation is finished or never
//! began, what was kept before still counts, and who trusts the first key can go on to the last.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use akta::model::checkpoint::Checkpoint;
use akta::model::note::Note;
use akta::model::origin::{Controller, Origin};
use akta::model::seal::Key;
use akta::model::stored::Action;
use akta::model::stored::notice_core::Kind;
use akta::model::vkey::Vkey;
use akta::store::faults::{Call, Fault};
use akta::trail::keyring::Kek;
use akta::trail::proof::sign;
use akta::trail::reader::Reader;
use akta::trail::submission::Receipt;
use akta::trail::verify::verify;

use super::crashes::is_fault;
use super::story::{Known, submission};
use super::world::{Device, Open, World};

/// What the story does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Record,
    /// A turn of the guard, and somebody keeps a checkpoint of every trail.
    Keep,
    Signing,
    Kek(u8),
    Restart,
}

const STORY: [Act; 13] = [
    Act::Record,
    Act::Keep,
    Act::Signing,
    Act::Keep,
    Act::Record,
    Act::Kek(2),
    Act::Record,
    Act::Restart,
    Act::Signing,
    Act::Signing,
    Act::Kek(3),
    Act::Keep,
    Act::Record,
];

/// A world with real keys, and what is known of it from outside.
struct Told {
    world: World,
    /// The KEK that was given last; the one that the keyring was under then.
    keks: [u8; 2],
    /// The one that it opened under last.
    under: u8,
    node: Option<Open>,
    /// Receipts.
    recorded: Vec<Receipt>,
    /// Checkpoints, and the first key of each trail.
    kept: Vec<Note>,
    first: BTreeMap<String, Vkey>,
    events: u64,
    signing: Done,
    restarts: u64,
}

/// Rotations of the signing key that ended well, and those of which nobody knows.
#[derive(Debug, Default, Clone, Copy)]
struct Done {
    well: usize,
    unknown: usize,
}

fn kek(number: u8) -> Kek {
    Kek::new(Key::new([number; 32]))
}

impl Told {
    fn new() -> Self {
        let mut world = World::new(1, None);
        world.kek = kek(1);
        Self {
            world,
            keks: [1, 1],
            under: 1,
            node: None,
            recorded: Vec::new(),
            kept: Vec::new(),
            first: BTreeMap::new(),
            events: 0,
            signing: Done::default(),
            restarts: 0,
        }
    }

    /// A node that runs: a start that a fault strikes is tried again, under either KEK.
    fn up(&mut self) -> Open {
        if let Some(node) = self.node.take() {
            return node;
        }
        let mut why = String::new();
        for attempt in 0..4 {
            self.under = self.keks[attempt % 2];
            self.world.kek = kek(self.under);
            match self.world.open() {
                Ok(node) => return node,
                Err(error) => {
                    assert!(is_fault(&error) || error.contains("does not open under this key"), "{error}");
                    self.world.end(0);
                    why = error;
                }
            }
        }
        panic!("it does not start again: {why}");
    }

    fn down(&mut self) {
        self.restarts += 1;
        self.world.end(0);
        self.node = None;
    }

    fn act(&mut self, act: Act) {
        let mut node = self.up();
        let alive = match act {
            Act::Record => self.record(&mut node),
            Act::Keep => self.keep(&node),
            Act::Signing => self.sign(&mut node),
            Act::Kek(number) => {
                self.keks = [number, self.under];
                match node.writer.rotate_kek(kek(number)) {
                    Ok(step) => {
                        step.expect("is another").publish();
                        (self.under, self.world.kek) = (number, kek(number));
                        true
                    }
                    Err(error) => fault(&error.to_string()),
                }
            }
            Act::Restart => false,
        };
        if alive { self.node = Some(node) } else { self.down() }
    }

    fn record(&mut self, node: &mut Open) -> bool {
        let mut submissions = Vec::new();
        for controller in ["school-1", "school-2"] {
            self.events += 1;
            let mut event_id = [0; 16];
            event_id[8..].copy_from_slice(&self.events.to_be_bytes());
            let known = Known {
                event_id,
                actor: 1,
                subjects: vec![2],
                ip: None,
                action: Action::Read as i32,
                occurred_at: self.world.now,
                reported_at: self.world.now,
                receipt: None,
                sure: false,
                act: None,
                expired: None,
            };
            submissions.push(submission(&(Controller::new(controller).unwrap(), vec![known])));
        }
        let step = node.writer.step(submissions);
        step.publish();
        let receipts = step.results.iter().flatten().flatten().map(|recorded| recorded.receipt.clone());
        self.recorded.extend(receipts);
        !node.writer.is_stopped()
    }

    fn keep(&mut self, node: &Open) -> bool {
        if node.base.guard.as_ref().unwrap().tick(&node.base).is_err() {
            return false;
        }
        for meta in self.world.aside(|| node.base.descriptions().unwrap()) {
            let controller = Origin::parse(&meta.origin).unwrap().controller();
            let Ok(Some(info)) = node.base.trail(&controller) else { return false };
            // What the guard does not hold yet, or an earlier key would have to sign, is not signed.
            let Some(signed) = info.guarded().and_then(|head| sign(&node.base, &info, head)) else { continue };
            let vkey: Vkey = signed.verification_key.parse().unwrap();
            self.first.entry(meta.origin).or_insert(vkey);
            self.kept.push(Note::parse(signed.note.as_bytes()).unwrap());
        }
        true
    }

    fn sign(&mut self, node: &mut Open) -> bool {
        match node.writer.rotate_signing_key() {
            Ok(step) => {
                step.publish();
                self.signing.well += 1;
                true
            }
            Err(error) => {
                self.signing.unknown += 1;
                fault(&error.to_string())
            }
        }
    }

    /// After whatever happened: all of it holds.
    fn check(mut self) -> Self {
        let node = self.up();
        let report = verify(&node.base, |_, _, _| {});
        assert_eq!(report.findings, []);
        let handed = report.trails.iter().map(|trail| trail.handovers.all().len());
        let handed: Vec<_> = handed.collect();
        let (least, most) = (self.signing.well, self.signing.well + self.signing.unknown);
        // A trail that was opened later has fewer.
        assert!(
            handed.iter().all(|count| *count <= most) && handed.iter().max() >= Some(&least),
            "{handed:?}, {least} to {most}"
        );
        assert_eq!(node.base.keyring.next_signing_key(), None, "what was begun is finished");
        for trail in &report.trails {
            let last = trail.handovers.all().last().map(|handover| *handover.new.public());
            assert!(last.is_none_or(|last| [last] == node.base.keyring.signing_keys()[..]), "{}", trail.origin);
            let Some(first) = self.first.get(&trail.origin) else { continue };
            let controller = Origin::parse(&trail.origin).unwrap().controller();
            let info = node.base.trail(&controller).unwrap().unwrap();
            for note in &self.kept {
                let told = Checkpoint::parse(note.text()).unwrap();
                if told.origin == trail.origin {
                    let (key, _) = trail.handovers.from(first, told.size).unwrap();
                    let checked = Checkpoint::of(note, key).unwrap_or_else(|error| panic!("{told:?}: {error}"));
                    assert_eq!(node.base.root(&info, checked.size).unwrap().root, checked.root);
                }
            }
        }
        for receipt in &self.recorded {
            let info = node.base.trail(&receipt.origin.controller()).unwrap().unwrap();
            let record = Reader::new(&node.base, &info, node.base.today(&info.zone)).record(receipt.seq).unwrap();
            assert_eq!(record.link, receipt.link, "{receipt:?}");
        }
        self.check_kek(&node);
        self.node = Some(node);
        self
    }

    /// The node's trail tells of each KEK once, and the generations in it are those of the keyring.
    fn check_kek(&self, node: &Open) {
        let info = node.base.trail(&Controller::node()).unwrap().unwrap();
        let mut reader = Reader::headers(&node.base, &info);
        let told = (0..info.size()).filter_map(|seq| match reader.record(seq).unwrap().contents.notice?.kind? {
            Kind::KekRotated(told) => Some(told),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        let at = node.base.keyring.kek_rotated_at();
        assert_eq!(told.last().map(|told| told.generation_before), at);
        assert!(told.is_sorted_by(|one, next| one.generation_after <= next.generation_before), "{told:?}");
        assert!(told.iter().all(|told| told.generation_before < told.generation_after), "{told:?}");
        assert!(node.base.keyring.is_under(&self.world.kek));
    }
}

fn fault(error: &str) -> bool {
    assert!(is_fault(error), "{error}");
    false
}

fn tell(fault: Option<(Device, Call, u64, Fault)>) -> (Told, Vec<(Device, Call, u64)>) {
    let mut told = Told::new();
    if let Some((device, call, after, fault)) = fault {
        told.world.faults(device, |faults| faults.plan(call, after, fault));
    }
    for act in STORY {
        told.act(act);
    }
    let calls = |device| told.world.faults(device, |faults| faults.calls().clone());
    let calls: Vec<_> = Device::ALL.map(|device| (device, calls(device))).into_iter().collect();
    let calls = calls.into_iter().flat_map(|(device, calls)| calls.into_iter().map(move |(call, n)| (device, call, n)));
    let calls = calls.collect();
    // A fault that did not strike by now must not strike who checks.
    let missed = Device::ALL.into_iter().filter(|device| {
        told.world.faults(*device, |faults| {
            let planned = format!("{faults:?}").contains("planned: Some");
            faults.forget();
            planned
        })
    });
    assert_eq!(missed.collect::<Vec<_>>(), [], "{fault:?} does not strike");
    told.down();
    (told.check(), calls)
}

#[test]
fn a_rotation_stopped_at_every_call() {
    let (whole, calls) = tell(None);
    assert_eq!((whole.signing.well, whole.signing.unknown, whole.recorded.len(), whole.restarts), (3, 0, 8, 2));
    let (mut stopped, mut finished) = (0, 0);
    for (device, call, count) in calls.into_iter().filter(|(_, call, _)| *call != Call::Read) {
        for at in 0..count {
            for fault in device.faults(call, [0, 9, 30, 70_000][at as usize % 4]) {
                let about = format!("{device:?}, {call:?} number {at} of {count}, {fault:?}");
                let told = std::panic::catch_unwind(|| tell(Some((device, call, at, fault))).0);
                let told = told.unwrap_or_else(|_| panic!("{about}: see above"));
                stopped += 1;
                finished += usize::from(told.signing.unknown > 0);
            }
        }
    }
    println!("stopped at {stopped} calls, {finished} of them within a rotation of the signing key");
    assert!(stopped > 60 && finished > 10, "{stopped}, {finished}");
}
