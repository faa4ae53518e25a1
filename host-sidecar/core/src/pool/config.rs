//! The settings of the pool.

use crate::{InvalidSetting, quantity::Seconds};
use serde::{Deserialize, Serialize};
use std::{num::NonZero, thread, time::Duration};

/// How many sandboxes are prewarmed, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Prewarmed sandboxes of all specifications together; 0: no pool. Default: the default of
    /// `serve.max_runs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u32>,
    /// Of these, sandboxes for requests with all defaults, which are prewarmed before the first request.
    pub minimum: u32,
    /// Time in seconds without a request after which no sandbox of its specification is prewarmed.
    pub idle_seconds: Seconds,
    /// Longest time in seconds that a sandbox is idle.
    pub max_age_seconds: Seconds,
    /// Prewarmed sandboxes that are started at once.
    pub starts_at_once: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            maximum: None,
            minimum: 0,
            idle_seconds: Seconds(Duration::from_secs(300)),
            max_age_seconds: Seconds(Duration::from_secs(900)),
            starts_at_once: 1,
        }
    }
}

/// Fewer would let one slow program hold up all others.
const MIN_CONCURRENCY: u32 = 4;

/// Executions at once, and prewarmed sandboxes, where the operator sets nothing: one for each processor, and
/// at least four.
#[must_use]
pub fn default_concurrency() -> u32 {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(processors).unwrap_or(u32::MAX).clamp(MIN_CONCURRENCY, MAX)
}

/// Each holds tens of MiB.
const MAX: u32 = 10_000;

impl PoolConfig {
    /// Sandboxes that wait, at the most.
    #[must_use]
    pub fn maximum(&self) -> u32 {
        self.maximum.unwrap_or_else(default_concurrency)
    }

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`], naming the setting.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if self.maximum() > MAX {
            let problem = format!("is above {MAX}, the most there can be");
            return Err(InvalidSetting::new("pool.maximum", problem));
        }
        if self.minimum > self.maximum() {
            return Err(InvalidSetting::new("pool.minimum", "is above `pool.maximum`"));
        }
        if self.starts_at_once == 0 {
            return Err(InvalidSetting::new("pool.starts_at_once", "is zero"));
        }
        Ok(())
    }
}
