//! Time to interactive as ComputeSDK's benchmark has it: from the request for a new sandbox until the first command in it is
//! done; one after another, begun one each 200 ms, and all at once.
//! <https://github.com/computesdk/benchmarks>

use crate::figures::Figures;
pub use cofferdam_tests::conformance::Failure;
use std::time::Duration;

/// Between the beginnings of two that are staggered.
const STAGGER: Duration = Duration::from_millis(200);

/// How the many come.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// Each when the one before is done.
    Sequential,
    /// One each 200 ms.
    Staggered,
    /// All at once.
    Burst,
}

impl Mode {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Sequential, Self::Staggered, Self::Burst];

    /// As tables have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Staggered => "staggered",
            Self::Burst => "burst",
        }
    }

    /// When the one of this number begins, after the first; none where that is when the one before is done.
    fn delay(self, number: u32) -> Option<Duration> {
        match self {
            Self::Sequential => None,
            Self::Staggered => Some(STAGGER * number),
            Self::Burst => Some(Duration::ZERO),
        }
    }

    /// Seconds between two beginnings, for other processes; below zero where each waits for the one before.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.delay(1).map_or(-1.0, |delay| delay.as_secs_f64())
    }

    /// The time of each of so many runs, which `run` gives.
    ///
    /// # Errors
    ///
    /// The first of a run.
    pub async fn measure<F>(self, runs: u32, run: impl Fn() -> F) -> Result<Figures, Failure>
    where
        F: Future<Output = Result<Duration, Failure>>,
    {
        let mut figures = Figures::default();
        match self {
            Self::Sequential => {
                for _ in 0..runs {
                    figures.push(run().await?);
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
                    figures.push(time);
                }
            }
        }
        Ok(figures)
    }
}
