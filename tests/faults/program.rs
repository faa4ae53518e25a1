//! A program whose first line describes what it spec, so that the fake node can do the same.

use rand::{Rng, RngCore};
use serde_json::json;
use std::fmt;

/// Interprets the first line, in Python.
const INTERPRETER: &str = "
import json, sys, time
spec = json.loads(open(sys.argv[0]).readline()[2:])
for _ in range(spec['times']):
    sys.stdout.write(spec['writes'])
    sys.stdout.flush()
    time.sleep(spec['pause'])
sys.exit(spec['exits'])
";

/// The description.
#[derive(Clone)]
pub(crate) struct Program {
    writes: String,
    times: usize,
    pause: f64,
    /// The exit code.
    pub(crate) exits: u8,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, times, pause, exits } = self;
        write!(f, "{times} times {} bytes and {pause} s, then exit({exits})", writes.len())
    }
}

impl Program {
    /// A random program that takes up to some seconds and usually writes little.
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

    /// A program that writes one byte and takes this long.
    pub(crate) fn of_seconds(seconds: f64) -> Self {
        Self { writes: "x".into(), times: 1, pause: seconds, exits: 0 }
    }

    /// A program that writes `length` bytes `times` times and pauses for `pause` seconds after each.
    pub(crate) fn that_writes(length: usize, times: usize, pause: f64) -> Self {
        Self { writes: "x".repeat(length), times, pause, exits: 0 }
    }

    /// The source code, which contains this mark.
    pub(crate) fn code(&self, mark: &str) -> String {
        let Self { writes, times, pause, exits } = self;
        let spec = json!({ "mark": mark, "writes": writes, "times": times, "pause": pause, "exits": exits });
        format!("# {spec}\n{INTERPRETER}")
    }

    /// All output of the program.
    pub(crate) fn output(&self) -> String {
        self.writes.repeat(self.times)
    }
}
