//! What is counted and timed of a node, for Prometheus.
//!
//! No label says whose it is: neither controller, nor caller, nor identity. What a label may say is written in the code
//! (a method, a status, a kind), so nothing that a client sends makes a new one. docs/operations.md has a row for each.

use std::fmt;

use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// A label: its name and what it says.
type Label = (&'static str, &'static str);

/// Counters told apart by one label.
type Counters = Family<[Label; 1], Counter>;

/// Seconds that a group or a call takes, upper bounds.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Events of a group, upper bounds.
const EVENTS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 512.0, 1_024.0, 2_048.0];

/// The counts and times of a node. Cheap to change, by any thread.
pub struct Metrics {
    registry: Registry,
    recorded: Counter,
    refused: Counters,
    calls: Family<[Label; 2], Counter>,
    call_seconds: Family<[Label; 1], Histogram, fn() -> Histogram>,
    group_events: Histogram,
    group_seconds: Histogram,
    denials: Counters,
    held_back: Counters,
    closed: Counters,
    copies_failed: Counter,
    now: Gauges,
}

/// What is asked for when somebody looks.
#[derive(Debug, Default)]
struct Gauges {
    queue_bytes: Gauge,
    index_lag: Gauge,
    guard_age: Gauge,
    expiry_pending: Gauge,
    reclaim_pending: Gauge,
    holds: Family<[(&'static str, &'static str); 1], Gauge>,
    disk_free: Gauge,
    connections: Gauge,
    calls: Gauge,
    stopped: Gauge,
    copied: Family<[(&'static str, &'static str); 1], Gauge>,
}

/// How a node stands at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes of events that wait for the writer or are being written.
    pub queue_bytes: u64,
    /// Records that cannot be found yet, of all trails.
    pub index_lag: u64,
    /// Seconds since the guard was last made whole.
    pub guard_age: u64,
    /// Seconds since the oldest date was reached whose keys are still there; 0 if there is none.
    pub expiry_pending: u64,
    /// Seconds since the oldest date was reached whose bytes are still there; 0 if there is none.
    pub reclaim_pending: u64,
    /// Holds whose review is some time off.
    pub holds: u64,
    /// Holds whose review is near.
    pub holds_due: u64,
    /// Holds whose review is past.
    pub holds_overdue: u64,
    /// Bytes free on the volume; `None` if it does not tell.
    pub disk_free: Option<u64>,
    /// Connections.
    pub connections: u64,
    /// Calls under way.
    pub calls: u64,
    /// Whether the writer has stopped.
    pub stopped: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("akta");
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut all = Reg(&mut registry);
        let recorded = all.add("events_recorded", "events that are durable", Counter::default());
        let refused = all.add("events_refused", "reports that were not taken, by status", Counters::default());
        let calls = all.add("calls", "calls that ended, by method and status", Family::default());
        let call_seconds = all.add(
            "call_seconds",
            "from a call's arrival to the end of its answer",
            Family::new_with_constructor(seconds),
        );
        let group_events = all.add("group_events", "events that were committed at once", Histogram::new(EVENTS));
        let group_seconds =
            all.add("group_seconds", "from taking a group to the end of its sync", Histogram::new(SECONDS));
        let denials = all.add("denials", "who may not, or did not prove who they are", Counters::default());
        let held_back = all.add(
            "held_back",
            "calls refused, or streams not read, for the rate or room of their caller",
            Counters::default(),
        );
        let closed = all.add("connections_refused", "connections that were not let in", Counters::default());
        let copies_failed = all.add("copies_failed", "copies that could not be made", Counter::default());
        let now = Gauges {
            queue_bytes: all.add(
                "queue_bytes",
                "events that wait for the writer or are being written",
                Gauge::default(),
            ),
            index_lag: all.add("index_lag_records", "records that cannot be found yet", Gauge::default()),
            guard_age: all.add(
                "guard_age_seconds",
                "since the guard was last written or found whole",
                Gauge::default(),
            ),
            expiry_pending: all.add(
                "expiry_pending_seconds",
                "since the first date whose keys are not destroyed was reached",
                Gauge::default(),
            ),
            reclaim_pending: all.add(
                "expiry_reclaim_pending_seconds",
                "since the first date whose bytes are not erased was reached",
                Gauge::default(),
            ),
            holds: all.add(
                "holds",
                "holds that are not released, by how they stand to their review",
                Family::default(),
            ),
            disk_free: all.add("disk_free_bytes", "room on the volume; -1 if it does not tell", Gauge::default()),
            connections: all.add("connections", "connections that are open", Gauge::default()),
            calls: all.add("calls_under_way", "calls that have begun and not ended", Gauge::default()),
            copied: all.add("copied_timestamp_seconds", "when the newest copy was made", Family::default()),
            stopped: all.add("writer_stopped", "1 once a failed commit has stopped the writer", Gauge::default()),
        };
        Self {
            registry,
            recorded,
            refused,
            calls,
            call_seconds,
            group_events,
            group_seconds,
            denials,
            held_back,
            closed,
            copies_failed,
            now,
        }
    }
}

/// Registers one after the other.
struct Reg<'a>(&'a mut Registry);

impl Reg<'_> {
    fn add<M: Metric + Clone>(&mut self, name: &'static str, help: &'static str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }
}

impl Metrics {
    /// A group was committed, or was not: events that became durable, and how long it took.
    pub fn group(&self, recorded: usize, seconds: f64) {
        self.recorded.inc_by(recorded as u64);
        self.group_events.observe(recorded as f64);
        self.group_seconds.observe(seconds);
    }

    /// A report was not taken.
    pub fn refused(&self, status: &'static str) {
        self.refused.get_or_create(&[("status", status)]).inc();
    }

    /// A call has ended.
    pub fn called(&self, method: &'static str, status: &'static str, seconds: f64) {
        self.calls.get_or_create(&[("method", method), ("status", status)]).inc();
        self.call_seconds.get_or_create(&[("method", method)]).observe(seconds);
    }

    /// Somebody may not (`forbidden`), or did not prove who they are (`unproved`).
    pub fn denied(&self, kind: &'static str) {
        self.denials.get_or_create(&[("kind", kind)]).inc();
    }

    /// A caller was over its rate or its room: `report`, `question`, `stream`, `verification`.
    pub fn held_back(&self, kind: &'static str) {
        self.held_back.get_or_create(&[("kind", kind)]).inc();
    }

    /// A connection was not let in by a listener.
    pub fn connection_refused(&self, listener: &'static str) {
        self.closed.get_or_create(&[("listener", listener)]).inc();
    }

    /// When the newest copies were made, in seconds since 1970, where copies are kept.
    pub fn copied(&self, history: Option<i64>, forgettable: Option<i64>) {
        for (of, at) in [("history", history), ("forgettable", forgettable)] {
            if let Some(at) = at {
                self.now.copied.get_or_create(&[("of", of)]).set(at);
            }
        }
    }

    /// A copy could not be made.
    pub fn copy_failed(&self) {
        self.copies_failed.inc();
    }

    /// All of it as text, format 0.0.4, with how the node stands now.
    pub fn text(&self, now: Standing) -> Result<String, fmt::Error> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.now.queue_bytes.set(number(now.queue_bytes));
        self.now.index_lag.set(number(now.index_lag));
        self.now.guard_age.set(number(now.guard_age));
        self.now.expiry_pending.set(number(now.expiry_pending));
        self.now.reclaim_pending.set(number(now.reclaim_pending));
        for (review, holds) in [("later", now.holds), ("due", now.holds_due), ("overdue", now.holds_overdue)] {
            self.now.holds.get_or_create(&[("review", review)]).set(number(holds));
        }
        self.now.disk_free.set(now.disk_free.map_or(-1, number));
        self.now.connections.set(number(now.connections));
        self.now.calls.set(number(now.calls));
        self.now.stopped.set(now.stopped.into());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A node of which everything has happened once.
    fn text() -> String {
        let metrics = Metrics::default();
        metrics.group(3, 0.004);
        metrics.refused("UNAVAILABLE");
        metrics.called("akta.v1.IngestService/RecordEvent", "OK", 0.002);
        metrics.denied("forbidden");
        metrics.held_back("report");
        metrics.connection_refused("api");
        metrics.copied(Some(1), Some(2));
        metrics.text(Standing { queue_bytes: 7, disk_free: None, ..Standing::default() }).expect("is written")
    }

    /// The tables of docs/operations.md say the same as the code: name, kind, labels.
    #[test]
    fn every_metric_has_its_row_in_the_documents() {
        let text = text();
        let mut found = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').expect("a name and a kind");
            let of = |line: &str| {
                let sample = line.split('{').next().unwrap_or_default();
                ["", "_bucket", "_sum", "_count"].iter().any(|part| sample == format!("{name}{part}"))
            };
            let samples = text.lines().filter(|line| line.contains('{') && of(line));
            let labels: BTreeSet<&str> = samples
                .flat_map(|line| line.split('{').nth(1).unwrap_or_default().split(','))
                .filter_map(|label| label.split_once('=').map(|(name, _)| name))
                .filter(|label| *label != "le" && !label.contains('}'))
                .collect();
            let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
            found.insert(format!("| `{name}` | {kind} | {labels} |"));
        }
        assert!(found.len() >= 15, "{text}");
        let docs = include_str!("../docs/operations.md");
        let rows: BTreeSet<String> = docs
            .lines()
            .filter(|line| line.starts_with("| `akta_"))
            .map(|line| line.split('|').take(4).collect::<Vec<_>>().join("|") + "|")
            .collect();
        assert_eq!(found, rows);
    }

    #[test]
    fn the_text_says_how_it_stands() {
        let text = text();
        for line in [
            "akta_events_recorded_total 3",
            "akta_events_refused_total{status=\"UNAVAILABLE\"} 1",
            "akta_calls_total{method=\"akta.v1.IngestService/RecordEvent\",status=\"OK\"} 1",
            "akta_queue_bytes 7",
            "akta_disk_free_bytes -1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
