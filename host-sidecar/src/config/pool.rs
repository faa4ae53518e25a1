//! How many sandboxes wait for programs, and for how long.

use super::{Seconds, Settings, SettingsError, serve::Serve, settings::senseless};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The pool of a sidecar that stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Sandboxes that wait, over all profiles; 0: none ever. Default: as many as `serve.max_runs` is by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u32>,
    /// Of these, how many of a program with all defaults, whether or not there has been one.
    pub minimum: u32,
    /// After this time, in seconds, in which nobody has used a profile, none of it waits.
    pub idle_seconds: Seconds,
    /// No sandbox waits longer than this, in seconds.
    pub max_age_seconds: Seconds,
    /// Sandboxes that are started ahead at once.
    pub starts_at_once: u32,
}

impl Default for Pool {
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

/// Each holds tens of MiB.
const MOST: u32 = 10_000;

impl Pool {
    /// Sandboxes that wait, at the most.
    #[must_use]
    pub fn maximum(&self) -> u32 {
        self.maximum.unwrap_or_else(|| Serve::default().max_runs)
    }
}

impl Settings {
    /// Makes sure that the pool's settings make sense.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Senseless`], naming the setting.
    pub(super) fn check_pool(&self) -> Result<(), SettingsError> {
        let pool = &self.pool;
        if pool.maximum() > MOST {
            return Err(senseless("pool.maximum", &format!("is above {MOST}, the most there can be")));
        }
        if pool.minimum > pool.maximum() {
            return Err(senseless("pool.minimum", "is above `pool.maximum`"));
        }
        if pool.starts_at_once == 0 {
            return Err(senseless("pool.starts_at_once", "is zero"));
        }
        Ok(())
    }
}
