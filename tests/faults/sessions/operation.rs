//! The operations on a session. No I/O.

use super::writer::Writer;
use rand::{Rng, RngCore};
use std::time::Duration;

/// One operation, whose result is known.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Executes a program and waits for its outcome.
    Execute(Writer),
    /// Starts a program in the background and reads its output. Each connection is cut after so many bytes of its
    /// response, and the next one goes on at the last position.
    Follow {
        writer: Writer,
        cuts: Vec<usize>,
        /// When the connection that starts it is cut. The start is then requested again.
        lost_start: Option<Duration>,
    },
    /// Executes a program, and disconnects after so many bytes of the response, which kills it.
    Abandon(usize),
    /// Sends a signal to a program in the background.
    Signal(Signal),
    /// Writes a file of so many bytes, whose checksum is taken inside, and reads it again, once over a connection that
    /// is cut after so many bytes.
    Copy {
        length: usize,
        cut: usize,
    },
    /// Lists a directory of so many files.
    List(usize),
    ExceedMemory,
    ExceedProcesses,
    ExceedDisk,
    ExceedTime,
}

/// A signal that a program handles, or one that kills it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    Handled,
    Kill,
}

impl Operation {
    /// The number of kinds.
    pub(super) const KINDS: usize = 10;

    /// A random operation of a kind.
    pub(super) fn of(kind: usize, random: &mut impl RngCore) -> Self {
        match kind {
            0 => Self::Execute(Writer::any(random)),
            1 => Self::Follow {
                writer: Writer::any(random),
                cuts: (0..random.random_range(0..6)).map(|_| random.random_range(0..200_000)).collect(),
                lost_start: random.random_ratio(1, 3).then(|| millis(random, 50)),
            },
            2 => Self::Abandon(random.random_range(1..300)),
            3 => Self::Signal(if random.random() { Signal::Handled } else { Signal::Kill }),
            4 => {
                let length = random.random_range(1..2 << 20);
                Self::Copy { length, cut: random.random_range(0..length) }
            }
            5 => Self::List(random.random_range(0..300)),
            6 => Self::ExceedMemory,
            7 => Self::ExceedProcesses,
            8 => Self::ExceedDisk,
            _ => Self::ExceedTime,
        }
    }

    /// Its name in the statistics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Execute(_) => "execute",
            Self::Follow { .. } => "follow",
            Self::Abandon(_) => "abandon",
            Self::Signal(_) => "signal",
            Self::Copy { .. } => "copy",
            Self::List(_) => "list",
            Self::ExceedMemory => "exceed memory",
            Self::ExceedProcesses => "exceed processes",
            Self::ExceedDisk => "exceed disk",
            Self::ExceedTime => "exceed time",
        }
    }
}

/// A random time below `max` milliseconds.
pub(super) fn millis(random: &mut impl RngCore, max: u64) -> Duration {
    Duration::from_millis(random.random_range(0..max))
}
