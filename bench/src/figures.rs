//! Medians and the table that they are shown in.

use std::time::Duration;

/// Figures of one kind, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// Adds a time.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1000.0);
    }

    /// Each of these divided by its partner of the same round.
    #[must_use]
    pub fn ratio(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// By how much each of these is above its partner of the same round.
    #[must_use]
    pub fn above(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(ours, theirs)| ours - theirs).collect())
    }

    /// The value that `percent` of a hundred are not above.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
    }

    /// Median, 99th percentile and number, as columns.
    #[must_use]
    pub fn columns(&self, decimals: usize) -> String {
        format!("{:.decimals$} | {:.decimals$} | {}", self.percentile(50), self.percentile(99), self.0.len())
    }

    /// Median, 95th and 99th percentile and number, as columns.
    #[must_use]
    pub fn tail(&self, decimals: usize) -> String {
        let [median, most, all] = [50, 95, 99].map(|percent| self.percentile(percent));
        format!("{median:.decimals$} | {most:.decimals$} | {all:.decimals$} | {}", self.0.len())
    }

    /// Median, minimum, maximum and number, as columns.
    #[must_use]
    pub fn span(&self, decimals: usize) -> String {
        let [median, min, max] = [50, 0, 100].map(|percent| self.percentile(percent));
        format!("{median:.decimals$} | {min:.decimals$} | {max:.decimals$} | {}", self.0.len())
    }
}
