//! Limits, their defaults and their ceilings.

use super::{Language, default_languages};
use cofferdam_types::{Error, ErrorCode, ExceededLimit, RequestedLimits, milliseconds};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Limits of a request that sets none.
    pub defaults: Limits,
    /// The highest limits that a request may set.
    pub ceilings: Limits,
    /// The languages, by name.
    pub languages: BTreeMap<String, Language>,
    /// Names of the network profiles that a request may use, beside `none`.
    pub networks: BTreeSet<String>,
}

/// Limits of an execution. All are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of the program to its end.
    pub wall_time: Duration,
    /// From the request to the start of the program.
    pub startup_time: Duration,
    /// Thousandths of a processor; none: as much as there is.
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together.
    pub memory_bytes: u64,
    /// Bytes of all writable directories together.
    pub disk_bytes: u64,
    /// Concurrent processes and threads.
    pub processes: u32,
    /// Bytes kept of each output stream.
    pub output_bytes: u64,
    /// Collected files.
    pub collected_files: u32,
    /// Bytes of the collected files, in total.
    pub collected_bytes: u64,
}

impl Limits {
    /// The ceilings of an operator who sets none.
    #[must_use]
    pub fn default_ceilings() -> Self {
        Self {
            wall_time: Duration::from_secs(3600),
            startup_time: Duration::from_secs(600),
            cpu_millis: None,
            memory_bytes: 8 << 30,
            disk_bytes: 4 << 30,
            processes: 4096,
            output_bytes: 64 << 20,
            collected_files: 1000,
            collected_bytes: 64 << 20,
        }
    }

    /// Bytes that an outcome may have in JSON, where each byte may be escaped to two.
    pub const fn outcome_memory(&self) -> u64 {
        self.output_bytes.saturating_mul(2).saturating_add(self.collected_bytes).saturating_mul(2)
    }
}

impl Default for Limits {
    /// The limits of a request that sets none, where the operator sets none either.
    fn default() -> Self {
        Self {
            wall_time: Duration::from_secs(300),
            startup_time: Duration::from_secs(60),
            cpu_millis: None,
            memory_bytes: 512 << 20,
            disk_bytes: 256 << 20,
            processes: 256,
            output_bytes: 16 << 20,
            collected_files: 100,
            collected_bytes: 16 << 20,
        }
    }
}

impl Default for Policy {
    /// Python and bash, no network, and the default limits below [`Limits::default_ceilings`].
    fn default() -> Self {
        Self {
            defaults: Limits::default(),
            ceilings: Limits::default_ceilings(),
            languages: default_languages(),
            networks: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// The limits of one execution: those of the request, below the ceilings, and the defaults for the rest.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Denied`] for a limit above its ceiling.
    pub fn limits(&self, requested: &RequestedLimits) -> Result<Limits, Error> {
        let (defaults, ceilings) = (&self.defaults, &self.ceilings);
        let time = |name, requested: Option<u64>, default: Duration, ceiling: Duration| {
            let requested = requested.map(Duration::from_millis);
            below(name, requested, default, ceiling, milliseconds)
        };
        Ok(Limits {
            wall_time: time("wall-time-ms", requested.wall_time_ms, defaults.wall_time, ceilings.wall_time)?,
            startup_time: time(
                "startup-time-ms",
                requested.startup_time_ms,
                defaults.startup_time,
                ceilings.startup_time,
            )?,
            cpu_millis: cpu(requested.cpu_millis, defaults.cpu_millis, ceilings.cpu_millis)?,
            memory_bytes: number("memory-bytes", requested.memory_bytes, defaults.memory_bytes, ceilings.memory_bytes)?,
            disk_bytes: number("disk-bytes", requested.disk_bytes, defaults.disk_bytes, ceilings.disk_bytes)?,
            processes: number("processes", requested.processes, defaults.processes, ceilings.processes)?,
            output_bytes: number("output-bytes", requested.output_bytes, defaults.output_bytes, ceilings.output_bytes)?,
            collected_files: number(
                "collected-files",
                requested.collected_files,
                defaults.collected_files,
                ceilings.collected_files,
            )?,
            collected_bytes: number(
                "collected-bytes",
                requested.collected_bytes,
                defaults.collected_bytes,
                ceilings.collected_bytes,
            )?,
        })
    }
}

/// Without a ceiling any amount is allowed. A default is lowered to its ceiling.
fn cpu(requested: Option<u32>, default: Option<u32>, ceiling: Option<u32>) -> Result<Option<u32>, Error> {
    match (requested, ceiling) {
        (Some(requested), Some(ceiling)) => number("cpu-millis", Some(requested), requested, ceiling).map(Some),
        (Some(requested), None) => Ok(Some(requested)),
        (None, Some(ceiling)) => Ok(Some(default.map_or(ceiling, |default| default.min(ceiling)))),
        (None, None) => Ok(default),
    }
}

fn number<T>(limit: &'static str, requested: Option<T>, default: T, ceiling: T) -> Result<T, Error>
where
    T: Ord + Copy + Into<u64>,
{
    below(limit, requested, default, ceiling, T::into)
}

/// `value` gives the number in the unit of the limit.
fn below<T: Ord + Copy>(
    limit: &'static str,
    requested: Option<T>,
    default: T,
    ceiling: T,
    value: impl Fn(T) -> u64,
) -> Result<T, Error> {
    match requested {
        None => Ok(default.min(ceiling)),
        Some(requested) if requested <= ceiling => Ok(requested),
        Some(requested) => {
            let (requested, ceiling) = (value(requested), value(ceiling));
            let message = format!("the limit {limit} of {requested} is above the operator's ceiling of {ceiling}");
            let exceeded = Some(ExceededLimit { limit, requested, ceiling });
            Err(Error { exceeded, ..Error::new(ErrorCode::Denied, message) })
        }
    }
}
