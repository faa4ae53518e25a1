//! Time to interactive as ComputeSDK's benchmark defines it: from the request for a new sandbox to the end of
//! its first command; sequential, staggered by 200 ms, and in a burst.
//! <https://github.com/computesdk/benchmarks>

use crate::samples::Samples;
pub use cofferdam_tests::conformance::Failure;
use std::time::Duration;

/// Interval between the starts of staggered runs.
const STAGGER_INTERVAL: Duration = Duration::from_millis(200);

/// How runs arrive.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// Each run starts when the previous one has ended.
    Sequential,
    /// One run starts every 200 ms.
    Staggered,
    /// All runs start at once.
    Burst,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Sequential, Self::Staggered, Self::Burst];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Staggered => "staggered",
            Self::Burst => "burst",
        }
    }

    /// Start of the run with this number, relative to the first. `None` if it starts when the previous one
    /// has ended.
    fn delay(self, number: u32) -> Option<Duration> {
        match self {
            Self::Sequential => None,
            Self::Staggered => Some(STAGGER_INTERVAL * number),
            Self::Burst => Some(Duration::ZERO),
        }
    }

    /// Seconds between two starts, for other processes; negative for sequential runs.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.delay(1).map_or(-1.0, |delay| delay.as_secs_f64())
    }

    /// The duration of each run, as returned by `run`.
    ///
    /// # Errors
    ///
    /// The first error of a run.
    pub async fn measure<F>(self, runs: u32, run: impl Fn() -> F) -> Result<Samples, Failure>
    where
        F: Future<Output = Result<Duration, Failure>>,
    {
        let mut samples = Samples::default();
        match self {
            Self::Sequential => {
                for _ in 0..runs {
                    samples.push(run().await?);
                }
            }
            Self::Staggered | Self::Burst => {
                let each = (0..runs).map(|number| {
                    let run = run();
                    async move {
                        tokio::time::sleep(self.delay(number).unwrap_or_default()).await;
                        run.await
                    }
                });
                for time in futures_util::future::try_join_all(each).await? {
                    samples.push(time);
                }
            }
        }
        Ok(samples)
    }
}
