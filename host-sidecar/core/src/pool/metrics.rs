//! Measurements of a pool.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Upper bounds, in seconds, of the buckets for the time that a start takes.
const START_BUCKETS: &[f64] = &[0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// Upper bounds, in seconds, of the buckets for the age of a sandbox when it is used.
const AGE_BUCKETS: &[f64] = &[1.0, 5.0, 15.0, 60.0, 150.0, 300.0, 900.0, 3600.0];

/// The measurements of one pool. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct PoolMetrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    idle: AtomicUsize,
    starting: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
    unusable: AtomicU64,
    failed_starts: AtomicU64,
    start_seconds: Mutex<Histogram>,
    age_seconds: Mutex<Histogram>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            idle: AtomicUsize::default(),
            starting: AtomicUsize::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
            unusable: AtomicU64::default(),
            failed_starts: AtomicU64::default(),
            start_seconds: Mutex::new(Histogram::new(START_BUCKETS)),
            age_seconds: Mutex::new(Histogram::new(AGE_BUCKETS)),
        }
    }
}

/// The measurements of a pool at one moment.
#[derive(Debug, Clone)]
pub struct PoolSnapshot {
    /// Prewarmed sandboxes that are unused.
    pub idle: usize,
    /// Sandboxes that are being started.
    pub starting: usize,
    /// Executions that found a prewarmed sandbox.
    pub hits: u64,
    /// Executions that found none.
    pub misses: u64,
    /// Sandboxes that did not answer when an execution wanted them.
    pub unusable: u64,
    /// Starts that failed.
    pub failed_starts: u64,
    /// Time that starts took.
    pub start_seconds: Histogram,
    /// Age of sandboxes when an execution took them.
    pub age_seconds: Histogram,
}

/// Durations, counted by buckets.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Upper bounds of the buckets, in seconds, in ascending order.
    pub bounds: &'static [f64],
    /// The number of durations in each bucket, and after them of those above the last bound.
    pub counts: Vec<u64>,
    /// The sum of all durations, in seconds.
    pub sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.counts[self.bounds.partition_point(|bound| *bound < seconds)] += 1;
        self.sum += seconds;
    }
}

impl PoolMetrics {
    /// The measurements now.
    #[must_use]
    pub fn snapshot(&self) -> PoolSnapshot {
        let shared = &self.0;
        let copy =
            |histogram: &Mutex<Histogram>| histogram.lock().unwrap_or_else(PoisonError::into_inner).clone();
        PoolSnapshot {
            idle: shared.idle.load(Relaxed),
            starting: shared.starting.load(Relaxed),
            hits: shared.hits.load(Relaxed),
            misses: shared.misses.load(Relaxed),
            unusable: shared.unusable.load(Relaxed),
            failed_starts: shared.failed_starts.load(Relaxed),
            start_seconds: copy(&shared.start_seconds),
            age_seconds: copy(&shared.age_seconds),
        }
    }

    pub(super) fn hit(&self, age: Duration) {
        self.0.hits.fetch_add(1, Relaxed);
        observe(&self.0.age_seconds, age);
    }

    pub(super) fn miss(&self) {
        self.0.misses.fetch_add(1, Relaxed);
    }

    pub(super) fn unusable(&self) {
        self.0.unusable.fetch_add(1, Relaxed);
    }

    pub(super) fn started(&self, time: Duration) {
        observe(&self.0.start_seconds, time);
    }

    pub(super) fn start_failed(&self) {
        self.0.failed_starts.fetch_add(1, Relaxed);
    }

    pub(super) fn set_sizes(&self, idle: usize, starting: usize) {
        self.0.idle.store(idle, Relaxed);
        self.0.starting.store(starting, Relaxed);
    }
}

fn observe(histogram: &Mutex<Histogram>, duration: Duration) {
    histogram.lock().unwrap_or_else(PoisonError::into_inner).observe(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for millis in [500, 1000, 1001, 2000, 2001] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(histogram.counts, [2, 2, 1]);
        assert!((histogram.sum - 6.502).abs() < 1e-9, "{}", histogram.sum);
    }
}
