//! When a session ends by itself.

use cofferdam_protocol::{Deadlines, SessionEnd};
use std::time::{Duration, Instant};

/// The deadlines of a session, on the runner's clock. None where a deadline cannot be represented.
#[derive(Debug)]
pub(super) struct Timers {
    lifetime_end: Option<Instant>,
    idle: Duration,
    unattended: Duration,
    /// Whether the connection's end is seen at once, so that a connection without messages is one.
    sees_disconnection: bool,
    /// When the last message came.
    last_message: Instant,
    /// When the last message other than a ping came, or the last execution ended.
    last_activity: Instant,
}

impl Timers {
    /// Starts the timers.
    pub(super) fn start(deadlines: Deadlines, sees_disconnection: bool, now: Instant) -> Self {
        let mut timers = Self {
            lifetime_end: None,
            idle: Duration::ZERO,
            unattended: Duration::ZERO,
            sees_disconnection,
            last_message: now,
            last_activity: now,
        };
        timers.replace(deadlines, now);
        timers
    }

    /// Replaces the deadlines.
    pub(super) fn replace(&mut self, deadlines: Deadlines, now: Instant) {
        self.lifetime_end = now.checked_add(deadlines.lifetime);
        (self.idle, self.unattended) = (deadlines.idle, deadlines.unattended);
    }

    /// A message has come.
    pub(super) fn on_message(&mut self, is_ping: bool, now: Instant) {
        self.last_message = now;
        if !is_ping {
            self.last_activity = now;
        }
    }

    /// An execution has ended.
    pub(super) fn on_end_of_execution(&mut self, now: Instant) {
        self.last_activity = now;
    }

    /// Why the session ends now, if it does.
    pub(super) fn end(&self, is_executing: bool, now: Instant) -> Option<SessionEnd> {
        let deadlines = self.deadlines(is_executing).into_iter();
        deadlines.flatten().find(|(deadline, _)| *deadline <= now).map(|(_, end)| end)
    }

    /// When the session ends if nothing happens.
    pub(super) fn next(&self, is_executing: bool) -> Option<Instant> {
        self.deadlines(is_executing).into_iter().flatten().map(|(deadline, _)| deadline).min()
    }

    fn deadlines(&self, is_executing: bool) -> [Option<(Instant, SessionEnd)>; 3] {
        let idle = if is_executing { None } else { self.last_activity.checked_add(self.idle) };
        let unattended =
            if self.sees_disconnection { None } else { self.last_message.checked_add(self.unattended) };
        [
            self.lifetime_end.map(|deadline| (deadline, SessionEnd::Expired)),
            idle.map(|deadline| (deadline, SessionEnd::Idle)),
            unattended.map(|deadline| (deadline, SessionEnd::Unattended)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        lifetime: Duration::from_secs(100),
        idle: Duration::from_secs(10),
        unattended: Duration::from_secs(5),
    };

    fn start() -> (Timers, impl Fn(u64) -> Instant) {
        let now = Instant::now();
        (Timers::start(DEADLINES, true, now), move |seconds| now + Duration::from_secs(seconds))
    }

    #[test]
    fn an_idle_session_ends_unless_something_comes_or_is_executed() {
        let (mut timers, at) = start();
        assert_eq!((timers.end(false, at(9)), timers.end(false, at(10))), (None, Some(SessionEnd::Idle)));
        assert_eq!(timers.end(true, at(99)), None);
        timers.on_message(true, at(9));
        assert_eq!(timers.end(false, at(10)), Some(SessionEnd::Idle));
        timers.on_message(false, at(9));
        assert_eq!((timers.end(false, at(18)), timers.next(false)), (None, Some(at(19))));
        timers.on_end_of_execution(at(20));
        assert_eq!((timers.end(false, at(29)), timers.end(false, at(30))), (None, Some(SessionEnd::Idle)));
    }

    #[test]
    fn the_lifetime_ends_a_session_that_executes_and_can_be_moved() {
        let (mut timers, at) = start();
        assert_eq!(
            (timers.end(true, at(100)), timers.next(true)),
            (Some(SessionEnd::Expired), Some(at(100)))
        );
        timers.replace(Deadlines { lifetime: Duration::from_secs(7), ..DEADLINES }, at(50));
        assert_eq!(timers.end(true, at(57)), Some(SessionEnd::Expired));
        timers.replace(Deadlines { lifetime: Duration::MAX, ..DEADLINES }, at(50));
        assert_eq!(timers.next(true), None);
    }

    #[test]
    fn a_session_whose_connection_may_be_lost_unseen_needs_messages() {
        let (_, at) = start();
        let mut timers = Timers::start(DEADLINES, false, at(0));
        assert_eq!(timers.end(true, at(5)), Some(SessionEnd::Unattended));
        timers.on_message(true, at(4));
        assert_eq!((timers.end(true, at(8)), timers.next(true)), (None, Some(at(9))));
    }
}
