//! What was seen, in figures: quantiles of one run, medians over the runs.

use std::time::Duration;

use serde_json::{Value, json};

use super::histogram::Histogram;
use super::load::WARM_UP;

/// What one run of one server came to.
#[derive(Debug, Default)]
pub struct Seen {
    /// Length of the measured window.
    pub seconds: Duration,
    /// Events answered in all, with those before and after the measured window.
    pub sent: u64,
    /// Latencies within the measured window.
    pub latencies: Histogram,
    /// Processor time of the server within the window.
    pub server_cpu: Duration,
    /// Processor time of the generator within the window.
    pub client_cpu: Duration,
}

impl Seen {
    /// Events per second.
    pub fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds.as_secs_f64()
    }

    /// A quantile of the latencies, in milliseconds.
    pub fn latency(&self, quantile: f64) -> f64 {
        millis(self.latencies.quantile(quantile))
    }

    /// Microseconds of that processor time per event.
    pub fn per_event(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / self.latencies.count().max(1) as f64
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "events_per_second": self.rate(),
            "p50_ms": self.latency(0.5),
            "p99_ms": self.latency(0.99),
            "max_ms": millis(self.latencies.max()),
            "server_cpu_us_per_event": self.per_event(self.server_cpu),
            "client_cpu_us_per_event": self.per_event(self.client_cpu),
            "events": self.latencies.count(),
            "events_with_warm_up": self.sent,
            "seconds": self.seconds.as_secs_f64(),
            "warm_up_seconds": WARM_UP.as_secs_f64(),
        })
    }
}

/// The median of times in any order, in milliseconds.
pub fn median(times: Vec<Duration>) -> f64 {
    Spread::of(times.into_iter().map(millis)).median
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Median, lowest and highest of the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Spread {
    /// Of these figures; zeros of none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        let middle = figures.len().saturating_sub(1);
        Self { median: (at(middle / 2) + at(middle.div_ceil(2))) / 2.0, min: at(0), max: at(middle) }
    }

    /// `median (min-max)`, each as `show` has it; of one run only the figure.
    pub fn show(self, show: impl Fn(f64) -> String) -> String {
        if self.min == self.max {
            return show(self.median);
        }
        format!("{} ({}-{})", show(self.median), show(self.min), show(self.max))
    }

    /// As JSON.
    pub fn json(self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_need_no_order() {
        assert_eq!(median([3, 1, 2].map(Duration::from_millis).to_vec()), 2.0);
    }

    #[test]
    fn spreads_of_few_runs() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([1.0, 2.0]), Spread { median: 1.5, min: 1.0, max: 2.0 });
        assert_eq!(Spread::of([4.0]).show(|figure| format!("{figure:.1}")), "4.0");
        assert_eq!(Spread::of([1.0, 2.0, 4.0]).show(|figure| format!("{figure:.0}")), "2 (1-4)");
        assert_eq!(Spread::of([]), Spread { median: 0.0, min: 0.0, max: 0.0 });
    }
}
