//! The contents of the files that show the program its limits.

use std::fmt::Write as _;

/// Microseconds of the period that a CPU quota refers to.
pub(crate) const CPU_PERIOD_US: u32 = 100_000;

/// The CPU quota: microseconds of each period.
pub(crate) fn cpu_quota_us(cpu_millis: u32) -> u64 {
    u64::from(cpu_millis) * u64::from(CPU_PERIOD_US) / 1000
}

/// `cpu.max` of cgroup v2.
pub(crate) fn cpu_max(cpu_millis: u32) -> String {
    format!("{} {CPU_PERIOD_US}\n", cpu_quota_us(cpu_millis))
}

/// The first CPUs of that number, in the kernel's list format.
pub(crate) fn cpu_list(cpus: usize) -> String {
    match cpus.saturating_sub(1) {
        0 => "0\n".to_owned(),
        last => format!("0-{last}\n"),
    }
}

/// `/proc/cpuinfo` with the first CPUs of that number.
pub(crate) fn cpuinfo(sandbox: &str, cpus: usize) -> String {
    let mut text = String::with_capacity(sandbox.len());
    for line in sandbox.split_inclusive("\n\n").take(cpus).flat_map(str::lines) {
        match line.split_once(':') {
            Some((key, _)) if ["siblings", "cpu cores"].contains(&key.trim_end()) => {
                let _ = writeln!(text, "{key}: {cpus}");
            }
            _ => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}

/// `/proc/stat` with CPUs of that number, which share the time that gVisor counts in total.
pub(crate) fn stat(sandbox: &str, cpus: usize) -> String {
    const IDLE: usize = 3;
    let (cpu_lines, others): (Vec<_>, Vec<_>) = sandbox.lines().partition(|line| line.starts_with("cpu"));
    let available = cpu_lines.len().saturating_sub(1).max(1);
    let total = cpu_lines.first().copied().unwrap_or_default();
    let mut times: Vec<u64> = total.split_whitespace().skip(1).filter_map(|time| time.parse().ok()).collect();
    let (passed, idle) = (times.iter().sum::<u64>(), times.get(IDLE).copied().unwrap_or_default());
    let own = passed / available as u64 * cpus as u64;
    if let Some(time) = times.get_mut(IDLE) {
        *time = own.saturating_sub(passed - idle);
    }
    let mut text = String::with_capacity(sandbox.len());
    line(&mut text, "cpu ", times.iter().copied());
    for cpu in 0..cpus as u64 {
        let share = |time: &u64| time / cpus as u64 + u64::from(cpu < time % cpus as u64);
        line(&mut text, &format!("cpu{cpu}"), times.iter().map(share));
    }
    for other in others {
        let _ = writeln!(text, "{other}");
    }
    text
}

fn line(text: &mut String, name: &str, times: impl Iterator<Item = u64>) {
    let times: String = times.map(|time| format!(" {time}")).collect();
    let _ = writeln!(text, "{name}{times}");
}

/// `/proc/meminfo` of a program that may use `total` bytes and uses `used`. Its length depends on `total`
/// alone.
pub(crate) fn meminfo(total: u64, used: u64) -> String {
    let (total, used) = (total / 1024, used.min(total) / 1024);
    let (free, width) = (total - used, total.to_string().len().max(8));
    let lines = [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("Active", used),
        ("Inactive", 0),
        ("Active(anon)", used),
        ("Inactive(anon)", 0),
        ("Active(file)", 0),
        ("Inactive(file)", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", used),
        ("Mapped", 0),
        ("Shmem", 0),
    ];
    let mut text = String::with_capacity(1024);
    for (name, kib) in lines {
        let _ = writeln!(text, "{name}:{kib:>width$} kB", width = width + 16 - name.len() - 1);
    }
    text
}

/// `memory.current` of cgroup v2. Its length depends on `total` alone.
pub(crate) fn memory_current(total: u64, used: u64) -> String {
    let width = total.to_string().len();
    format!("{:>width$}\n", used.min(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str =
        "processor\t: 0\nsiblings\t: 2\ncpu cores\t: 2\nflags\t\t: fpu\n\nprocessor\t: 1\nsiblings\t: 2\n\n";
    const STAT: &str = "cpu  60 0 11 129 0 0 0 0 0 0\ncpu0 30 0 6 65 0 0 0 0 0 0\ncpu1 30 0 5 64 0 0 0 0 0 0\nintr 0\nbtime 7\n";

    #[test]
    fn cpus_are_listed_in_the_kernels_format() {
        assert_eq!([1, 2, 64].map(cpu_list), ["0\n", "0-1\n", "0-63\n"]);
    }

    #[test]
    fn a_quota_is_a_share_of_the_period() {
        assert_eq!(cpu_max(500), "50000 100000\n");
        assert_eq!(cpu_max(1), "100 100000\n");
    }

    #[test]
    fn cpuinfo_contains_only_the_cpus_of_the_program() {
        assert_eq!(cpuinfo(CPUINFO, 1), "processor\t: 0\nsiblings\t: 1\ncpu cores\t: 1\nflags\t\t: fpu\n\n");
        assert_eq!(cpuinfo(CPUINFO, 2), CPUINFO);
    }

    #[test]
    fn the_busy_time_of_all_cpus_is_shown_for_the_cpus_of_the_program() {
        let one = "cpu  60 0 11 29 0 0 0 0 0 0\ncpu0 60 0 11 29 0 0 0 0 0 0\nintr 0\nbtime 7\n";
        assert_eq!(stat(STAT, 1), one);
        assert_eq!(stat(STAT, 2), STAT);
    }

    #[test]
    fn idle_time_is_zero_if_all_cpus_were_busier_than_the_program_has_cpus() {
        assert_eq!(
            stat("cpu  90 0 0 10\ncpu0 45 0 0 5\ncpu1 45 0 0 5\n", 1),
            "cpu  90 0 0 0\ncpu0 90 0 0 0\n"
        );
        assert_eq!(stat("", 1), "cpu \ncpu0\n");
    }

    #[test]
    fn memory_that_is_not_used_is_available() {
        let text = meminfo(200 << 20, 50 << 20);
        for line in
            ["MemTotal:         204800 kB", "MemAvailable:     153600 kB", "AnonPages:         51200 kB"]
        {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(meminfo(1 << 20, 2 << 20).contains("MemFree:               0 kB"));
        assert_eq!(memory_current(1 << 20, 2 << 20), "1048576\n");
    }

    #[test]
    fn a_live_file_has_a_constant_length() {
        for total in [0, 1 << 20, 200 << 20, 1 << 50] {
            let lengths = [0, 1, 1 << 20, u64::MAX]
                .map(|used| (meminfo(total, used).len(), memory_current(total, used).len()));
            assert!(lengths.iter().all(|length| *length == lengths[0]), "{total} {lengths:?}");
        }
    }
}
