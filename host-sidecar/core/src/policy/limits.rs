//! The operator's defaults and ceilings.

use super::{Language, default_languages};
use cofferdam_types::{Error, ErrorCode, RequestedLimits};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What the operator lets a request have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What a request gets that asks for nothing.
    pub defaults: Limits,
    /// What a request may ask for.
    pub ceilings: Limits,
    /// The languages by their names.
    pub languages: BTreeMap<String, Language>,
    /// Names of the network profiles that a request may ask for, beside `none`.
    pub networks: BTreeSet<String>,
}

/// Bounds of a run, all of them set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the program's start to its end.
    pub wall_time: Duration,
    /// From the request to the program's start.
    pub startup_time: Duration,
    /// Thousandths of a processor; none: as much as there is.
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together.
    pub memory_bytes: u64,
    /// Bytes of all writable directories together.
    pub disk_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u32,
    /// Bytes kept of each output stream.
    pub output_bytes: u64,
    /// Files brought back.
    pub collected_files: u32,
    /// Bytes of the files brought back, in all.
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

    /// Bytes of memory that the whole sandbox of a program may hold: those of the program, of its disk, which is in memory
    /// too, of what the runner holds for it, and `overhead` for gVisor itself.
    pub fn sandbox_memory(&self, overhead: u64) -> u64 {
        [self.disk_bytes, self.output_bytes, self.collected_bytes, overhead]
            .into_iter()
            .fold(self.memory_bytes, u64::saturating_add)
    }

    /// Bytes that an outcome may take in JSON, where each may stand as two.
    pub const fn outcome_memory(&self) -> u64 {
        self.output_bytes.saturating_mul(2).saturating_add(self.collected_bytes).saturating_mul(2)
    }
}

impl Default for Limits {
    /// What an execution gets that asks for nothing.
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
    /// The bounds of one run: what was asked for, below the ceilings, and the defaults for the rest.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Denied`] for what is above its ceiling.
    pub fn limits(&self, asked: &RequestedLimits) -> Result<Limits, Error> {
        let (defaults, ceilings) = (&self.defaults, &self.ceilings);
        let time = |name, asked: Option<u64>, default: Duration, ceiling: Duration| {
            let asked = asked.map(Duration::from_millis);
            below(name, asked, default, ceiling, |time| format!("{} ms", time.as_millis()))
        };
        Ok(Limits {
            wall_time: time("wall-time-ms", asked.wall_time_ms, defaults.wall_time, ceilings.wall_time)?,
            startup_time: time("startup-time-ms", asked.startup_time_ms, defaults.startup_time, ceilings.startup_time)?,
            cpu_millis: match (asked.cpu_millis, ceilings.cpu_millis) {
                (Some(asked), Some(ceiling)) => Some(number("cpu-millis", Some(asked), asked, ceiling)?),
                (Some(asked), None) => Some(asked),
                (None, ceiling) => defaults.cpu_millis.into_iter().chain(ceiling).min(),
            },
            memory_bytes: number("memory-bytes", asked.memory_bytes, defaults.memory_bytes, ceilings.memory_bytes)?,
            disk_bytes: number("disk-bytes", asked.disk_bytes, defaults.disk_bytes, ceilings.disk_bytes)?,
            processes: number("processes", asked.processes, defaults.processes, ceilings.processes)?,
            output_bytes: number("output-bytes", asked.output_bytes, defaults.output_bytes, ceilings.output_bytes)?,
            collected_files: number(
                "collected-files",
                asked.collected_files,
                defaults.collected_files,
                ceilings.collected_files,
            )?,
            collected_bytes: number(
                "collected-bytes",
                asked.collected_bytes,
                defaults.collected_bytes,
                ceilings.collected_bytes,
            )?,
        })
    }
}

fn number<T: Ord + Copy + ToString>(name: &str, asked: Option<T>, default: T, ceiling: T) -> Result<T, Error> {
    below(name, asked, default, ceiling, T::to_string)
}

fn below<T: Ord + Copy>(
    name: &str,
    asked: Option<T>,
    default: T,
    ceiling: T,
    show: impl Fn(&T) -> String,
) -> Result<T, Error> {
    match asked {
        None => Ok(default.min(ceiling)),
        Some(asked) if asked <= ceiling => Ok(asked),
        Some(asked) => {
            let (asked, ceiling) = (show(&asked), show(&ceiling));
            let message = format!("the limit {name} of {asked} is above the operator's ceiling of {ceiling}");
            Err(Error::new(ErrorCode::Denied, message))
        }
    }
}
