//! Programs whose log the node rotates while the connection to them is broken. A node keeps no more of a log than that.

use super::{
    plan::{Fault, Plan},
    program::Program,
    step::Step,
};
use cofferdam_tests::cluster::Action;
use std::time::Duration;

/// Bytes of an attached output, which comes in pieces of 32 KiB, by which it is known that the program has started.
const BEGINNING: usize = 50_000;

/// When the log is rotated for certain, since it began: a runner waits five seconds for a reader of a long one.
const ROTATED: Duration = Duration::from_secs(7);

/// The attached output stalls; the log is rotated some seconds later.
pub(crate) fn stalled() -> Plan {
    let program = Program::that_writes(60_000, 4, 1.8);
    Plan::of(program, vec![Fault::of_first(1, Step::Join, Action::Stall(BEGINNING))])
}

/// The attached output breaks off, and the log cannot be read before it is rotated.
pub(crate) fn lost() -> Plan {
    let program = Program::that_writes(100_000, 4, 0.1);
    let faults =
        [(Step::Join, Action::Cut(BEGINNING)), (Step::ReadLog, Action::Delay(ROTATED, Box::new(Action::Forward)))];
    Plan::of(program, faults.map(|(step, action)| Fault::of_first(1, step, action)).into())
}
