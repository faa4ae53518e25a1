//! What time it is in the cluster. Each answer of the API server says so; this machine's own clock may be wrong, or be set in
//! the middle of a run.

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Arc, Mutex, PoisonError};

/// How far the clocks of two machines may be apart.
pub(super) const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The clock of one cluster, shared by all who ask it something.
#[derive(Debug, Clone, Default)]
pub(super) struct ClusterClock(Arc<Mutex<Option<Heard>>>);

/// What an answer said, and how long this machine had been up then.
#[derive(Debug, Clone, Copy)]
struct Heard {
    time: Timestamp,
    uptime: SignedDuration,
}

impl ClusterClock {
    /// Takes the time that an answer says.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let Some(date) = headers.get(DATE).and_then(|date| date.to_str().ok()) else { return };
        if let Ok(time) = rfc2822::DateTimeParser::new().parse_timestamp(date) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Heard { time, uptime: uptime() });
        }
    }

    /// The time in the cluster; before its first answer, that of this machine.
    pub(super) fn now(&self) -> Timestamp {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = heard.and_then(|heard| heard.time.checked_add(uptime() - heard.uptime).ok());
        now.unwrap_or_else(Timestamp::now)
    }
}

/// It goes on while the machine sleeps, and nobody can set it.
fn uptime() -> SignedDuration {
    let time = clock_gettime(ClockId::Boottime);
    SignedDuration::from_secs(time.tv_sec) + SignedDuration::from_nanos(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(date: &str) -> ClusterClock {
        let clock = ClusterClock::default();
        clock.hear(&HeaderMap::from_iter([(DATE, date.parse().expect("a header"))]));
        clock
    }

    #[test]
    fn the_time_is_that_of_the_last_answer() {
        let clock = heard("Thu, 03 Jan 2030 03:04:05 GMT");
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T03:04");
        clock.hear(&HeaderMap::new());
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T03:04");
        clock.hear(&HeaderMap::from_iter([(DATE, "Thu, 03 Jan 2030 02:00:00 GMT".parse().expect("a header"))]));
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T02:00");
    }

    #[test]
    fn without_an_answer_it_is_that_of_this_machine() {
        for clock in [ClusterClock::default(), heard("yesterday")] {
            let difference = Timestamp::now().duration_since(clock.now());
            assert!(difference.abs() < SignedDuration::from_mins(1), "{difference}");
        }
    }
}
