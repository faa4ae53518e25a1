//! The results of the measurements.

use crate::samples::Samples;

/// Durations of sequential runs.
pub struct Sequential {
    /// google-adk's executor.
    pub adk: Samples,
    /// The process `cofferdam run`.
    pub process: Samples,
    /// Cofferdam as a library.
    pub library: Samples,
    /// A bare Pod, whose output is not read.
    pub bare: Samples,
}

/// Durations of concurrent runs, until the last has its result.
pub struct Concurrent {
    /// google-adk's executor, one thread per run.
    pub adk: Samples,
    /// One process `cofferdam run` per run.
    pub processes: Samples,
    /// `cofferdam run --workload pod`.
    pub pod_processes: Samples,
    /// Cofferdam as a library in one process.
    pub library: Samples,
    /// The objects that google-adk has left after further runs, in words.
    pub left_by_adk: String,
    /// The objects that `cofferdam run` has left after further runs, in words.
    pub left_by_cofferdam: String,
}

/// Requests to the API server per run.
pub struct Requests {
    /// google-adk's executor.
    pub adk: usize,
    /// The process `cofferdam run`.
    pub process: usize,
    /// `cofferdam run --workload pod`.
    pub pod_process: usize,
    /// Cofferdam as a library with a running watch.
    pub library: usize,
}
