//! The settings of sessions.

use crate::{
    InvalidSetting,
    quantity::{Bytes, Seconds},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many sessions there may be, for how long, and what they may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Sessions at once.
    pub max_sessions: u32,
    /// Sessions of one tenant at once.
    pub max_sessions_per_tenant: u32,
    /// Bytes of memory and disk of all sessions together, by their limits.
    pub max_memory_bytes: Bytes,
    /// Sessions that one tenant may create within a minute.
    pub creations_per_minute: u32,
    /// Time in seconds until a session expires, if the caller sets none.
    pub timeout_seconds: Seconds,
    /// Longest time in seconds from the creation of a session to its end.
    pub max_lifetime_seconds: Seconds,
    /// Time in seconds without an execution or a request after which a session ends, if the caller sets none.
    pub idle_timeout_seconds: Seconds,
    /// The longest such time that a caller may set.
    pub max_idle_timeout_seconds: Seconds,
    /// Executions and file calls of one session that run at once.
    pub max_executions: u32,
    /// Last bytes of output that are kept of an execution in the background or with a terminal.
    pub retained_output_bytes: Bytes,
    /// Bytes of output of the ended executions of one session that are kept; the oldest are dropped first.
    pub ended_output_bytes: Bytes,
}

const fn seconds(seconds: u64) -> Seconds {
    Seconds(Duration::from_secs(seconds))
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            max_sessions: 64,
            max_sessions_per_tenant: 32,
            max_memory_bytes: Bytes(64 << 30),
            creations_per_minute: 120,
            timeout_seconds: seconds(3600),
            max_lifetime_seconds: seconds(86_400),
            idle_timeout_seconds: seconds(600),
            max_idle_timeout_seconds: seconds(7200),
            max_executions: 32,
            retained_output_bytes: Bytes(1 << 20),
            ended_output_bytes: Bytes(16 << 20),
        }
    }
}

impl SessionConfig {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`], naming the setting.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let zero = |setting, value| match value {
            0 => Err(InvalidSetting::new(setting, "is zero")),
            _ => Ok(()),
        };
        zero("sessions.max_sessions_per_tenant", self.max_sessions_per_tenant)?;
        zero("sessions.creations_per_minute", self.creations_per_minute)?;
        zero("sessions.max_executions", self.max_executions)?;
        if self.timeout_seconds > self.max_lifetime_seconds {
            let problem = "is above `sessions.max_lifetime_seconds`";
            return Err(InvalidSetting::new("sessions.timeout_seconds", problem));
        }
        if self.idle_timeout_seconds > self.max_idle_timeout_seconds {
            let problem = "is above `sessions.max_idle_timeout_seconds`";
            return Err(InvalidSetting::new("sessions.idle_timeout_seconds", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_above_its_ceiling_is_refused_with_its_name() {
        assert_eq!(SessionConfig::default().validate(), Ok(()));
        let refused = |config: SessionConfig| config.validate().map_err(|error| error.setting);
        let config = SessionConfig { timeout_seconds: seconds(86_401), ..SessionConfig::default() };
        assert_eq!(refused(config), Err("sessions.timeout_seconds".to_owned()));
        let config = SessionConfig { idle_timeout_seconds: seconds(7201), ..SessionConfig::default() };
        assert_eq!(refused(config), Err("sessions.idle_timeout_seconds".to_owned()));
        let config = SessionConfig { max_executions: 0, ..SessionConfig::default() };
        assert_eq!(refused(config), Err("sessions.max_executions".to_owned()));
    }
}
