//! The number of CPUs that the program runs on: its CPU limit, rounded up.

use crate::error::{Context, Error};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// The number of CPUs of this limit, if the sandbox has more than that.
pub(crate) fn cpu_count(cpu_millis: Option<u32>) -> io::Result<Option<usize>> {
    let Some(millis) = cpu_millis else { return Ok(None) };
    let limit = usize::try_from(millis.div_ceil(1000).max(1)).unwrap_or(usize::MAX);
    let available = usize::try_from(sched_getaffinity(None)?.count()).unwrap_or(usize::MAX);
    Ok((limit < available).then_some(limit))
}

/// Restricts this process, and the processes that it starts, to as many CPUs as the limit allows.
pub(crate) fn restrict(cpu_millis: Option<u32>) -> Result<(), Error> {
    const STEP: &str = "set the program's CPU affinity";
    let Some(count) = cpu_count(cpu_millis).context(STEP)? else { return Ok(()) };
    let available = sched_getaffinity(None).context(STEP)?;
    let mut chosen = CpuSet::new();
    for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| available.is_set(*cpu)).take(count) {
        chosen.set(cpu);
    }
    sched_setaffinity(None, &chosen).context(STEP)
}
