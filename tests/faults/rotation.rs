//! Plans in which the node rotates a program's log while the connection to it is broken. A node keeps only
//! the current log.

use super::{
    plan::{Fault, Plan},
    program::Program,
    step::Step,
};
use cofferdam_tests::cluster::Action;
use std::time::Duration;

/// Bytes of attached output, sent in pieces of 32 KiB, after which the program has certainly started.
const STARTED: usize = 50_000;

/// Time after which the log has certainly been rotated: a runner waits five seconds for a reader of a long
/// log.
const ROTATION_DELAY: Duration = Duration::from_secs(7);

/// The attached output stalls, and the log is rotated some seconds later.
pub(crate) fn stalled() -> Plan {
    let program = Program::that_writes(60_000, 4, 1.8);
    Plan::of(program, vec![Fault::of_first(1, Step::Attach, Action::Stall(STARTED))])
}

/// The attached output breaks, and the log cannot be read until it is rotated.
pub(crate) fn lost() -> Plan {
    let program = Program::that_writes(100_000, 4, 0.1);
    let faults = [
        (Step::Attach, Action::Cut(STARTED)),
        (Step::ReadLog, Action::Delay(ROTATION_DELAY, Box::new(Action::Forward))),
    ];
    Plan::of(program, faults.map(|(step, action)| Fault::of_first(1, step, action)).into())
}
