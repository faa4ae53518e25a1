//! On how many processors the program runs: as many as its limit is, rounded up.

use crate::error::{During, Error};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// The number of processors of this limit; none where the sandbox has no more than that.
pub(crate) fn processors(cpu_millis: Option<u32>) -> io::Result<Option<usize>> {
    let Some(millis) = cpu_millis else { return Ok(None) };
    let wanted = usize::try_from(millis.div_ceil(1000).max(1)).unwrap_or(usize::MAX);
    let there = usize::try_from(sched_getaffinity(None)?.count()).unwrap_or(usize::MAX);
    Ok((wanted < there).then_some(wanted))
}

/// Keeps this process, and the program after it, to the first processors of that number.
pub(crate) fn bound(cpu_millis: Option<u32>) -> Result<(), Error> {
    const STEP: &str = "bound the program's processors";
    let Some(processors) = processors(cpu_millis).during(STEP)? else { return Ok(()) };
    let (allowed, mut chosen) = (sched_getaffinity(None).during(STEP)?, CpuSet::new());
    let cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    cpus.take(processors).for_each(|cpu| chosen.set(cpu));
    sched_setaffinity(None, &chosen).during(STEP)
}
