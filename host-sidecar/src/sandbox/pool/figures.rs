//! What an operator may want to know of a pool.

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};
use std::time::Duration;

/// Seconds that a start may take.
const STARTS: [f64; 9] = [0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// Seconds that a sandbox may wait.
const AGES: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 150.0, 300.0, 900.0, 3600.0];

/// The figures of one pool, which go on changing.
#[derive(Debug, Clone)]
pub struct PoolMetrics {
    /// Sandboxes that wait.
    pub waiting: Gauge,
    /// Sandboxes that are being started.
    pub starting: Gauge,
    /// Runs that found one waiting.
    pub hits: Counter,
    /// Runs that found none.
    pub misses: Counter,
    /// Sandboxes that were found to be of no use when a program came for them.
    pub unusable: Counter,
    /// Starts that failed.
    pub failed: Counter,
    /// Seconds that starts took.
    pub start_seconds: Histogram,
    /// Seconds that sandboxes had waited when a program came for them.
    pub age_seconds: Histogram,
}

impl Default for PoolMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            starting: Gauge::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            unusable: Counter::default(),
            failed: Counter::default(),
            start_seconds: Histogram::new(STARTS),
            age_seconds: Histogram::new(AGES),
        }
    }
}

impl PoolMetrics {
    pub(super) fn hit(&self, age: Duration) {
        self.hits.inc();
        self.age_seconds.observe(age.as_secs_f64());
    }

    pub(super) fn miss(&self) {
        self.misses.inc();
    }

    pub(super) fn unusable(&self) {
        self.unusable.inc();
    }

    pub(super) fn hold(&self, waiting: usize, starting: usize) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.set(number(waiting));
        self.starting.set(number(starting));
    }
}
