//! The options of limits, and their names in the other interfaces.

use cofferdam_core::quantity::{Bytes, Cpu, Seconds};
use cofferdam_types::{ExceededLimit, RequestedLimits, milliseconds};
use serde::Serialize;
use std::time::Duration;

/// The names of each limit: the option, the field of a request, the setting. `docs/limits.md` has the same
/// table.
const LIMITS: [(&str, &str, &str); 9] = [
    ("--timeout", "wall_time_ms", "timeout_seconds"),
    ("--startup-timeout", "startup_time_ms", "startup_timeout_seconds"),
    ("--memory", "memory_bytes", "mem_limit"),
    ("--cpu", "cpu_millis", "cpu_limit"),
    ("--disk", "disk_bytes", "disk_limit"),
    ("--processes", "processes", "process_limit"),
    ("--output-limit", "output_bytes", "output_limit"),
    ("--collected-files", "collected_files", "collected_files"),
    ("--collected-limit", "collected_bytes", "collected_limit"),
];

/// The option that sets this setting.
pub(in crate::cli) fn option_of_setting(setting: &str) -> Option<&'static str> {
    LIMITS.iter().find(|(_, _, name)| *name == setting).map(|(option, _, _)| *option)
}

/// Describes a limit above its ceiling by the names of its option and its setting, in their units.
pub(in crate::cli) fn describe_exceeded(exceeded: &ExceededLimit) -> Option<String> {
    let field = exceeded.limit.replace('-', "_");
    let (option, _, setting) = LIMITS.iter().find(|(_, name, _)| *name == field)?;
    let show = |value: u64| match field.as_str() {
        "wall_time_ms" | "startup_time_ms" => Seconds(Duration::from_millis(value)).to_string(),
        "cpu_millis" => Cpu(u32::try_from(value).unwrap_or(u32::MAX)).to_string(),
        "processes" | "collected_files" => value.to_string(),
        _ => Bytes(value).to_string(),
    };
    let (requested, ceiling) = (show(exceeded.requested), show(exceeded.ceiling));
    Some(format!("{option} {requested} is above the ceiling of {ceiling} (ceilings.{setting})"))
}

/// The limits of a program's sandbox.
#[derive(Debug, clap::Args, Serialize)]
pub(in crate::cli) struct LimitArgs {
    /// Time limit in seconds [default: 300]
    #[arg(long = "timeout", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<Seconds>,
    /// Startup timeout in seconds [default: 60]
    #[arg(long = "startup-timeout", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) startup_timeout_seconds: Option<Seconds>,
    /// Memory of all processes together [default: 512Mi]
    #[arg(long = "memory", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mem_limit: Option<Bytes>,
    /// Processors, such as 500m or 2 [default: all; in a cluster 500m]
    #[arg(long = "cpu", value_name = "CPUS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit: Option<Cpu>,
    /// Size of the working directory, HOME and /tmp together [default: 256Mi]
    #[arg(long = "disk", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_limit: Option<Bytes>,
    /// Processes and threads at once [default: 256]
    #[arg(long = "processes", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    process_limit: Option<u32>,
}

impl LimitArgs {
    /// The limits of a request.
    pub(in crate::cli) fn requested(&self) -> RequestedLimits {
        let in_milliseconds = |time: Seconds| milliseconds(time.0);
        RequestedLimits {
            wall_time_ms: self.timeout_seconds.map(in_milliseconds),
            startup_time_ms: self.startup_timeout_seconds.map(in_milliseconds),
            cpu_millis: self.cpu_limit.map(|cpu| cpu.0),
            memory_bytes: self.mem_limit.map(|bytes| bytes.0),
            disk_bytes: self.disk_limit.map(|bytes| bytes.0),
            processes: self.process_limit,
            ..RequestedLimits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Cli, config::LimitSettings};
    use clap::CommandFactory;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn names(value: &Value) -> BTreeSet<&str> {
        value.as_object().expect("a table").keys().map(String::as_str).collect()
    }

    #[test]
    fn a_limit_above_its_ceiling_is_described_by_its_option_and_its_setting() {
        for (limit, requested, ceiling, expected) in [
            (
                "memory-bytes",
                20 << 30,
                8 << 30,
                "--memory 20Gi is above the ceiling of 8Gi (ceilings.mem_limit)",
            ),
            (
                "wall-time-ms",
                7_200_000,
                3_600_000,
                "--timeout 7200 is above the ceiling of 3600 (ceilings.timeout_seconds)",
            ),
            ("cpu-millis", 1500, 500, "--cpu 1500m is above the ceiling of 500m (ceilings.cpu_limit)"),
            ("processes", 9, 8, "--processes 9 is above the ceiling of 8 (ceilings.process_limit)"),
        ] {
            let described = describe_exceeded(&ExceededLimit { limit: limit.into(), requested, ceiling });
            assert_eq!(described.as_deref(), Some(expected));
        }
    }

    #[test]
    fn each_limit_is_an_option_of_run_a_field_of_a_request_and_a_ceiling() {
        let command = Cli::command();
        let run = command.find_subcommand("run").expect("a command");
        let options: BTreeSet<String> =
            run.get_arguments().filter_map(|option| Some(format!("--{}", option.get_long()?))).collect();
        let requested = json!(RequestedLimits {
            wall_time_ms: Some(1),
            startup_time_ms: Some(1),
            cpu_millis: Some(1),
            memory_bytes: Some(1),
            disk_bytes: Some(1),
            processes: Some(1),
            output_bytes: Some(1),
            collected_files: Some(1),
            collected_bytes: Some(1),
        });
        let ceilings = json!(LimitSettings { cpu_limit: Some(Cpu(1)), ..LimitSettings::default() });
        assert!(LIMITS.iter().all(|(option, _, _)| options.contains(*option)), "{options:?}");
        assert_eq!(LIMITS.iter().map(|(_, field, _)| *field).collect::<BTreeSet<_>>(), names(&requested));
        assert_eq!(LIMITS.iter().map(|(_, _, setting)| *setting).collect::<BTreeSet<_>>(), names(&ceilings));
    }
}
