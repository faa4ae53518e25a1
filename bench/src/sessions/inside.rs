//! What a command costs inside of a sandbox, without anything of ours.

use super::session::HttpSession;
use crate::interactive::Failure;
use std::time::Duration;

/// How a program starts another one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// A fork and exec.
    Fork,
    /// A `posix_spawn`, which copies no memory.
    Spawn,
}

/// Prints the nanoseconds from the start to the end of `true`. The first is not counted.
const PROGRAM: &str = r#"
import os, shutil, time

TRUE = shutil.which("true")

def fork():
    pid = os.fork()
    if pid == 0:
        os.execv(TRUE, ["true"])
    return pid

def spawn():
    return os.posix_spawn(TRUE, ["true"], os.environ)

def timed(start):
    began = time.perf_counter_ns()
    _, status = os.waitpid(start(), 0)
    assert status == 0
    return time.perf_counter_ns() - began

"#;

/// Duration of `true`, started by a Python program in the session.
pub(super) fn time(session: &HttpSession, start: Start) -> Result<Duration, Failure> {
    let start = match start {
        Start::Fork => "fork",
        Start::Spawn => "spawn",
    };
    let output = session.run(&format!("{PROGRAM}timed({start})\nprint(timed({start}))\n"))?;
    Ok(Duration::from_nanos(output.trim_end().parse()?))
}
