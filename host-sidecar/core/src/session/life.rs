//! How long a session lives. Pure.

use super::{Ended, SessionConfig, SessionRequest, SessionUpdate, errors};
use cofferdam_protocol::Deadlines;
use cofferdam_types::Error;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Time by which the runner's own deadlines are later: those of the sidecar come first, unless it is gone.
const SLACK: Duration = Duration::from_secs(30);
/// Time without a connection after which a runner ends its session.
const UNATTENDED: Duration = Duration::from_secs(60);

/// The times that a request asks for, within the operator's ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) timeout: Duration,
    pub(super) max_lifetime: Duration,
    pub(super) idle_timeout: Duration,
}

impl Times {
    /// The times of a request. What is above a ceiling is refused.
    pub(super) fn of_request(request: &SessionRequest, config: &SessionConfig) -> Result<Self, Error> {
        let ceiling = config.max_lifetime_seconds.0;
        let max_lifetime = within("max-lifetime", request.max_lifetime, ceiling)?.unwrap_or(ceiling);
        let timeout = within("timeout", request.timeout, max_lifetime)?;
        let idle_timeout = within("idle-timeout", request.idle_timeout, config.max_idle_timeout_seconds.0)?;
        Ok(Self {
            timeout: timeout.unwrap_or(config.timeout_seconds.0.min(max_lifetime)),
            max_lifetime,
            idle_timeout: idle_timeout.unwrap_or(config.idle_timeout_seconds.0),
        })
    }

    /// The deadlines of a runner at first.
    pub(super) fn deadlines(&self) -> Deadlines {
        deadlines(self.timeout, self.idle_timeout)
    }
}

/// Refuses a time that is zero or above its ceiling.
fn within(name: &str, time: Option<Duration>, ceiling: Duration) -> Result<Option<Duration>, Error> {
    match time {
        Some(Duration::ZERO) => {
            Err(errors::invalid(format!("the {name} is zero; leave it out for the default")))
        }
        Some(time) if time > ceiling => Err(errors::denied(format!(
            "the {name} of {} s is above its ceiling of {} s",
            time.as_secs_f64(),
            ceiling.as_secs_f64()
        ))),
        time => Ok(time),
    }
}

fn deadlines(rest: Duration, idle: Duration) -> Deadlines {
    Deadlines { lifetime: rest + SLACK, idle: idle + SLACK, unattended: UNATTENDED }
}

/// The life of a session.
#[derive(Debug)]
pub(super) struct Life {
    created: (SystemTime, Instant),
    max_lifetime: Duration,
    expires: Instant,
    idle_timeout: Duration,
    last_request: Instant,
    /// Whether the runner does not know of the last request.
    is_runner_behind: bool,
}

impl Life {
    pub(super) fn new(times: &Times, created: SystemTime, now: Instant) -> Self {
        Self {
            created: (created, now),
            max_lifetime: times.max_lifetime,
            expires: now + times.timeout,
            idle_timeout: times.idle_timeout,
            last_request: now,
            is_runner_behind: false,
        }
    }

    /// A request came.
    pub(super) fn request(&mut self, now: Instant) {
        self.last_request = now;
        self.is_runner_behind = true;
    }

    /// Moves the end and the idle timeout, both or none.
    pub(super) fn update(
        &mut self,
        update: &SessionUpdate,
        config: &SessionConfig,
        now: Instant,
    ) -> Result<(), Error> {
        let rest = self.max_lifetime.saturating_sub(now - self.created.1);
        let timeout = within("timeout", update.timeout, rest)?;
        let idle = within("idle-timeout", update.idle_timeout, config.max_idle_timeout_seconds.0)?;
        self.expires = timeout.map_or(self.expires, |timeout| now + timeout);
        self.idle_timeout = idle.unwrap_or(self.idle_timeout);
        Ok(())
    }

    /// Whether its end has come. An execution ran last at the time of `last_activity`.
    pub(super) fn end(&self, last_activity: Instant, now: Instant) -> Option<Ended> {
        if now >= self.expires {
            return Some(Ended::Expired);
        }
        let idle_since = self.last_request.max(last_activity);
        (now >= idle_since + self.idle_timeout).then_some(Ended::Idle)
    }

    /// The deadlines for the runner, if it does not know of the last request.
    pub(super) fn news(&mut self, now: Instant) -> Option<Deadlines> {
        std::mem::take(&mut self.is_runner_behind)
            .then(|| deadlines(self.expires.saturating_duration_since(now), self.idle_timeout))
    }

    pub(super) fn created(&self) -> SystemTime {
        self.created.0
    }

    pub(super) fn expires(&self) -> SystemTime {
        self.created.0 + (self.expires - self.created.1)
    }

    pub(super) fn ends_at_most(&self) -> SystemTime {
        self.created.0 + self.max_lifetime
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Seconds;
    use cofferdam_types::ErrorCode;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn config() -> SessionConfig {
        SessionConfig {
            timeout_seconds: Seconds(secs(100)),
            max_lifetime_seconds: Seconds(secs(200)),
            idle_timeout_seconds: Seconds(secs(10)),
            max_idle_timeout_seconds: Seconds(secs(20)),
            ..SessionConfig::default()
        }
    }

    fn times(request: &SessionRequest) -> Result<Times, ErrorCode> {
        Times::of_request(request, &config()).map_err(|error| error.code)
    }

    #[test]
    fn a_time_above_its_ceiling_is_refused_and_not_lowered() {
        let request = SessionRequest { max_lifetime: Some(secs(50)), ..SessionRequest::default() };
        let lowered = Times { timeout: secs(50), max_lifetime: secs(50), idle_timeout: secs(10) };
        assert_eq!(times(&request), Ok(lowered));
        for request in [
            SessionRequest { max_lifetime: Some(secs(201)), ..SessionRequest::default() },
            SessionRequest { timeout: Some(secs(51)), ..request.clone() },
            SessionRequest { idle_timeout: Some(secs(21)), ..SessionRequest::default() },
        ] {
            assert_eq!(times(&request), Err(ErrorCode::Denied), "{request:?}");
        }
        let zero = SessionRequest { timeout: Some(Duration::ZERO), ..SessionRequest::default() };
        assert_eq!(times(&zero), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn its_end_can_be_moved_up_to_the_maximum_lifetime() {
        let now = Instant::now();
        let mut life =
            Life::new(&times(&SessionRequest::default()).expect("times"), SystemTime::UNIX_EPOCH, now);
        assert_eq!(life.expires(), SystemTime::UNIX_EPOCH + secs(100));
        let update = |timeout| SessionUpdate { timeout: Some(secs(timeout)), ..SessionUpdate::default() };
        life.update(&update(150), &config(), now + secs(50)).expect("within the lifetime");
        assert_eq!(life.expires(), life.ends_at_most());
        let refused = life.update(&update(150), &config(), now + secs(51));
        assert_eq!(refused.map_err(|error| error.code), Err(ErrorCode::Denied));
        life.update(&update(1), &config(), now + secs(51)).expect("sooner");
        assert_eq!(life.end(now + secs(52), now + secs(52)), Some(Ended::Expired));
    }

    #[test]
    fn it_is_idle_from_the_last_execution_or_request() {
        let now = Instant::now();
        let mut life =
            Life::new(&times(&SessionRequest::default()).expect("times"), SystemTime::UNIX_EPOCH, now);
        assert_eq!(life.end(now, now + secs(9)), None);
        assert_eq!(life.end(now, now + secs(10)), Some(Ended::Idle));
        assert_eq!(life.end(now + secs(5), now + secs(14)), None);
        assert_eq!(life.news(now), None);
        life.request(now + secs(9));
        assert_eq!(life.end(now + secs(5), now + secs(18)), None);
        let news = Deadlines { lifetime: secs(121), idle: secs(40), unattended: UNATTENDED };
        assert_eq!((life.news(now + secs(9)), life.news(now + secs(9))), (Some(news), None));
    }
}
