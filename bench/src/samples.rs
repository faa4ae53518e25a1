//! Samples of durations, and their statistics as table columns.

use std::time::Duration;

/// Samples of one measurement, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a sample.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1000.0);
    }

    /// Each sample divided by the other's sample of the same round.
    #[must_use]
    pub fn ratio(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(own, other)| own / other).collect())
    }

    /// Each sample minus the other's sample of the same round.
    #[must_use]
    pub fn difference(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(own, other)| own - other).collect())
    }

    /// The percentile of the samples.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
    }

    /// Median, 99th percentile and number of samples, as columns.
    #[must_use]
    pub fn columns(&self, decimals: usize) -> String {
        format!("{:.decimals$} | {:.decimals$} | {}", self.percentile(50), self.percentile(99), self.0.len())
    }

    /// Median, 95th and 99th percentile and number of samples, as columns.
    #[must_use]
    pub fn percentiles(&self, decimals: usize) -> String {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| self.percentile(percent));
        format!("{p50:.decimals$} | {p95:.decimals$} | {p99:.decimals$} | {}", self.0.len())
    }

    /// Median, minimum, maximum and number of samples, as columns.
    #[must_use]
    pub fn range(&self, decimals: usize) -> String {
        let [median, min, max] = [50, 0, 100].map(|percent| self.percentile(percent));
        format!("{median:.decimals$} | {min:.decimals$} | {max:.decimals$} | {}", self.0.len())
    }
}
