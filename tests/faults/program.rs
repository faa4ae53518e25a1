//! A program that says in its first line what it does, so that a node without containers can do the same.

use rand::{Rng, RngCore};
use serde_json::json;
use std::fmt;

/// Does what the first line says, in Python.
const REST: &str = "
import json, sys, time
does = json.loads(open(sys.argv[0]).readline()[2:])
for _ in range(does['times']):
    sys.stdout.write(does['writes'])
    sys.stdout.flush()
    time.sleep(does['pause'])
sys.exit(does['exits'])
";

/// What it does.
#[derive(Clone)]
pub(crate) struct Program {
    writes: String,
    times: usize,
    pause: f64,
    /// Its exit code.
    pub(crate) exits: u8,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, times, pause, exits } = self;
        write!(f, "{times} times {} bytes and {pause} s, then exit({exits})", writes.len())
    }
}

impl Program {
    /// One that takes up to some seconds, and mostly writes little.
    pub(crate) fn any(random: &mut impl RngCore) -> Self {
        let length = *[10, 100, 1000, 100_000].get(random.random_range(0..4)).unwrap_or(&10);
        let times = random.random_range(0..6);
        Self {
            writes: (0..length).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect(),
            times,
            pause: f64::from(random.random_range(0..400_u32)) / 1000.0,
            exits: random.random_range(0..4),
        }
    }

    /// One that writes so little and takes so long.
    pub(crate) fn of_seconds(seconds: f64) -> Self {
        Self { writes: "x".into(), times: 1, pause: seconds, exits: 0 }
    }

    /// One that writes so many bytes so many times, with so many seconds after each.
    pub(crate) fn that_writes(length: usize, times: usize, pause: f64) -> Self {
        Self { writes: "x".repeat(length), times, pause, exits: 0 }
    }

    /// Its text, which names this mark.
    pub(crate) fn code(&self, mark: &str) -> String {
        let Self { writes, times, pause, exits } = self;
        let does = json!({ "mark": mark, "writes": writes, "times": times, "pause": pause, "exits": exits });
        format!("# {does}\n{REST}")
    }

    /// All that it writes.
    pub(crate) fn output(&self) -> String {
        self.writes.repeat(self.times)
    }
}
