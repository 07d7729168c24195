//! What an attack costs: memory of the node, and the time of somebody else's calls.
#![allow(clippy::unwrap_used)]

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::neighbours::{Neighbours, SCHOOLS};
use super::super::support::Events;
use akta::client::Client;
use akta::grpc::api::Event;

/// Most memory of a node, MiB.
pub(super) const MEMORY_MAX: u64 = 300;

/// Below this, times are noise of the machine.
pub(super) const FLOOR: Duration = Duration::from_millis(10);

/// Most memory of a process since it was forgotten last, MiB.
pub(super) fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the node lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

/// Forgets the peak, where the system lets one.
pub(super) fn forget_peak(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Seconds of processor that this process used.
fn used() -> f64 {
    let usage = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = usage.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = [11, 12].into_iter().map(|at: usize| fields[at].parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// The neighbour: reports one event after the other.
pub(super) struct Neighbour {
    client: Client,
    events: Events,
}

/// How long calls took.
pub(super) struct Times {
    all: Vec<Duration>,
}

impl Times {
    /// The time that one in a hundred was over.
    pub(super) fn p99(&mut self) -> Duration {
        self.all.sort_unstable();
        self.all[self.all.len() * 99 / 100]
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}

impl Neighbour {
    pub(super) async fn of(world: &Neighbours, source: u32) -> Self {
        Self { client: world.reports(1).await, events: Events::of(source) }
    }

    /// Reports one event.
    pub(super) async fn works(&mut self) -> Duration {
        let event = Event { controller: SCHOOLS[1].to_owned(), ..self.events.read() };
        let begun = Instant::now();
        let done = tokio::time::timeout(Duration::from_secs(30), self.client.record(event)).await;
        done.expect("a neighbour is answered in time").expect("a neighbour is answered");
        begun.elapsed()
    }

    /// Reports until it is told to stop, and for `most` at longest.
    async fn until(&mut self, stop: &AtomicBool, most: Duration) -> Times {
        let (begun, mut all) = (Instant::now(), Vec::new());
        while !stop.load(Ordering::Relaxed) && begun.elapsed() < most || all.len() < 100 {
            all.push(self.works().await);
        }
        Times { all }
    }

    /// Reports for so long.
    pub(super) async fn for_long(&mut self, time: Duration) -> Times {
        self.until(&AtomicBool::new(false), time).await
    }

    /// Reports while an attack goes on, over and over for at least so long; the times, and how many processors this process
    /// kept busy meanwhile.
    pub(super) async fn during(&mut self, least: Duration, mut attack: impl AsyncFnMut()) -> (Times, f64) {
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, before) = (Instant::now(), used());
        let both = async {
            attack().await;
            while begun.elapsed() < least {
                attack().await;
            }
            stop.store(true, Ordering::Relaxed);
        };
        let ((), times) = tokio::join!(both, self.until(&stop, Duration::from_secs(600)));
        (times, (used() - before) / begun.elapsed().as_secs_f64())
    }
}

/// Processes that do nothing but keep processors busy.
pub(super) struct Spinning(Vec<Child>);

impl Spinning {
    pub(super) fn start(processors: f64) -> Self {
        let count = processors.round().max(1.0) as usize;
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..count).map(|_| spin()).collect())
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
