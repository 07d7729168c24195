//! One story, crashed at each of its calls: whichever call of whichever device fails, and however, what was acknowledged is
//! there, what was not is there whole or not at all, and the story goes on.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use akta::store::faults::{Call, Fault};

use super::counts::Counts;
use super::world::Device;
use super::{Ran, Sim, Step, TORTURE};

const STORY: [Step; 31] = [
    Step::Record,
    Step::Decide,
    Step::Record,
    Step::Decide,
    Step::Prove,
    Step::Search,
    Step::Clock,
    Step::Record,
    Step::Merge,
    Step::Search,
    Step::Stop,
    Step::Record,
    Step::Prove,
    // Other dates: new keys, old weeks of event ids are let go.
    Step::Decide,
    Step::Years,
    Step::Expire,
    Step::Decide,
    Step::Record,
    Step::Merge,
    Step::Prove,
    Step::Stop,
    Step::Record,
    Step::Search,
    Step::Decide,
    Step::Merge,
    // Days on, a start catches up; then a run that somebody asks for.
    Step::Days,
    Step::Crash,
    Step::Record,
    Step::Days,
    Step::Expire,
    Step::Search,
];
/// Reads of a device that are struck, evenly chosen, where not all of them are.
const READS: u64 = 25;

#[test]
fn a_crash_at_every_call() {
    let seeds: &[u64] = if *TORTURE { &[1, 2, 3, 4, 5] } else { &[1] };
    let mut total = Counts::default();
    for seed in seeds.iter().copied() {
        let calls = tell(seed, None).1;
        for (device, call, count) in calls {
            let stride = if call == Call::Read && !*TORTURE { count.div_ceil(READS) } else { 1 };
            for at in (0..count).step_by(usize::try_from(stride).unwrap()) {
                // Somewhere within what is written: past the head of a slot or in it, within a line of the guard.
                let torn = if device == Device::Guard { at * 37 % 200 } else { [0, 9, 30, 70_000][at as usize % 4] };
                for fault in device.faults(call, usize::try_from(torn).unwrap()) {
                    let about = format!("seed {seed}: {device:?}, {call:?} number {at} of {count}, {fault:?}");
                    let told = std::panic::catch_unwind(|| tell(seed, Some((device, call, at, fault))));
                    let counts = told.unwrap_or_else(|_| panic!("{about}: see above")).0.counts;
                    assert_eq!(counts.struck.len(), 1, "{about}: does not strike");
                    total.add(&counts);
                }
            }
        }
    }
    total.print();
    assert!(total.applied_unknown > 0 && total.retried > 0 && total.batches > 0 && total.proofs > 0);
}

/// Tells the story, with one fault; and how often each device was called, if nothing was planned.
fn tell(seed: u64, fault: Option<(Device, Call, u64, Fault)>) -> (Ran, Vec<(Device, Call, u64)>) {
    let mut sim = Sim::new(seed, false, None);
    sim.calm = true;
    if let Some((device, call, after, fault)) = fault {
        sim.world.faults(device, |faults| faults.plan(call, after, fault));
    }
    for step in STORY {
        sim.take(step);
    }
    let calls: Vec<(Device, BTreeMap<Call, u64>)> = Device::ALL
        .into_iter()
        .map(|device| (device, sim.world.faults(device, |faults| faults.calls().clone())))
        .collect();
    let calls = calls.into_iter().flat_map(|(device, calls)| calls.into_iter().map(move |(call, n)| (device, call, n)));
    (sim.finish(), calls.collect())
}
