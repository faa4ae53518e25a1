//! A program with known output. No I/O.

use cofferdam_tests::sessions::numbered;
use rand::{Rng, RngCore};
use serde_json::{Value, json};

/// Says that it runs, then writes numbers to both streams. An own file says how often each program was executed.
const SOURCE: &str = "
import sys, time
mark, pieces, numbers, pause, exits = sys.argv[1], *map(int, sys.argv[2:])
with open('marks', 'a') as marks:
    marks.write(mark + '\\n')
for first in range(0, pieces * numbers, numbers):
    piece = b''.join(number.to_bytes(8, 'big') for number in range(first, first + numbers))
    for stream in (sys.stdout, sys.stderr):
        stream.buffer.write(piece)
        stream.flush()
    time.sleep(pause / 1000)
sys.exit(exits)
";
/// The file in which each program appends its mark, once.
pub(super) const MARKS: &str = "marks";

/// How much is written, and how slowly. Both streams together are less than what a sidecar keeps of a program in the
/// background.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    pieces: usize,
    /// Numbers of eight bytes in a piece.
    numbers: usize,
    /// Milliseconds after each piece.
    pause: u32,
    exits: u8,
}

impl Writer {
    /// A random program that takes up to some seconds and usually writes little.
    pub(super) fn any(random: &mut impl RngCore) -> Self {
        Self {
            pieces: random.random_range(0..8),
            numbers: *[1, 10, 1000, 6000].get(random.random_range(0..4)).unwrap_or(&1),
            pause: random.random_range(0..300),
            exits: random.random_range(0..4),
        }
    }

    /// The request that executes it, with this mark as its id.
    pub(super) fn request(&self, mark: &str) -> Value {
        let Self { pieces, numbers, pause, exits } = self;
        let numbers = [pieces.to_string(), numbers.to_string(), pause.to_string(), exits.to_string()];
        let args: Vec<_> = [mark].into_iter().chain(numbers.iter().map(String::as_str)).collect();
        json!({ "id": mark, "code": SOURCE, "args": args })
    }

    /// All that it writes to each stream.
    pub(super) fn output(&self) -> Vec<u8> {
        numbered(self.pieces * self.numbers * 8)
    }

    /// The status at its end.
    pub(super) fn status(&self) -> Value {
        json!({ "exited": self.exits })
    }
}
