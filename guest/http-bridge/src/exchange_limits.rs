//! How long a run is waited for, and how long its answer may be.

use http_bridge_bindings::exports::cofferdam::code_executor::types::Limits;

/// What a request may ask for at the most where the operator has said nothing, in milliseconds.
const WALL_TIME: u64 = 3_600_000;
const STARTUP_TIME: u64 = 600_000;
/// For the way there and back, for collecting files and for clearing up, in milliseconds.
const SLACK: u64 = 60_000;
/// For what a sidecar does at once, and for its silence in an answer that it keeps alive: it says something every 15 s.
pub(crate) const PATIENCE: u64 = 60_000;
/// Some hosts' timers hold no more than 31 bits of milliseconds.
const LONGEST_WAIT: u64 = 7 * 24 * 3_600_000;

/// What a request may ask for at the most where the operator has said nothing, in bytes.
const OUTPUT: u64 = 64 << 20;
const COLLECTED: u64 = 64 << 20;
/// What a byte costs in JSON at the most.
const JSON: u64 = 2;
/// For all that is no output and no file's content, in bytes.
const REST: u64 = 16 << 20;
/// What a component's memory has room for, beside what is made of it.
const LONGEST_ANSWER: u64 = 1 << 30;

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The whole of it, in milliseconds.
    pub(crate) wait: u64,
    /// The answer's body, in bytes.
    pub(crate) answer: usize,
}

impl Bounds {
    /// Those of a run with these limits.
    pub(crate) fn of(limits: Option<&Limits>) -> Self {
        let asked = |part: fn(&Limits) -> Option<u64>, otherwise| limits.and_then(part).unwrap_or(otherwise);
        let wait = asked(|limits| limits.startup_time_ms, STARTUP_TIME)
            .saturating_add(asked(|limits| limits.wall_time_ms, WALL_TIME))
            .saturating_add(SLACK);
        let answer = asked(|limits| limits.output_bytes, OUTPUT)
            .saturating_mul(2)
            .saturating_add(asked(|limits| limits.collected_bytes, COLLECTED))
            .saturating_mul(JSON)
            .saturating_add(REST)
            .min(LONGEST_ANSWER);
        Self { wait: wait.min(LONGEST_WAIT), answer: usize::try_from(answer).unwrap_or(usize::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits {
        wall_time_ms: None,
        startup_time_ms: None,
        cpu_millis: None,
        memory_bytes: None,
        disk_bytes: None,
        processes: None,
        output_bytes: None,
        collected_files: None,
        collected_bytes: None,
    };

    #[test]
    fn what_is_asked_for_bounds_the_exchange() {
        let limits = Limits {
            wall_time_ms: Some(2000),
            startup_time_ms: Some(1000),
            output_bytes: Some(100),
            collected_bytes: Some(50),
            ..NONE
        };
        assert_eq!(Bounds::of(Some(&limits)), Bounds { wait: 63_000, answer: 250 * 2 + (16 << 20) });
    }

    #[test]
    fn what_is_not_asked_for_is_the_highest_ceiling() {
        let expected = Bounds { wait: 4_260_000, answer: 400 << 20 };
        assert_eq!(Bounds::of(None), expected);
        assert_eq!(Bounds::of(Some(&NONE)), expected);
    }

    #[test]
    fn no_wish_is_without_bound() {
        let limits = Limits {
            wall_time_ms: Some(u64::MAX),
            startup_time_ms: Some(u64::MAX),
            output_bytes: Some(u64::MAX),
            collected_bytes: Some(u64::MAX),
            ..NONE
        };
        assert_eq!(Bounds::of(Some(&limits)), Bounds { wait: LONGEST_WAIT, answer: 1 << 30 });
    }
}
