//! The text of the files that show the program its limits. Pure.

use std::fmt::Write as _;

/// Microseconds of the period that a processor quota is told for.
pub(crate) const PERIOD: u32 = 100_000;

/// Microseconds of a period that this many thousandths of a processor are.
pub(crate) fn quota(cpu_millis: u32) -> u64 {
    u64::from(cpu_millis) * u64::from(PERIOD) / 1000
}

/// `cpu.max` of version 2.
pub(crate) fn cpu_max(cpu_millis: u32) -> String {
    format!("{} {PERIOD}\n", quota(cpu_millis))
}

/// The first processors of that number as a list.
pub(crate) fn cpu_list(processors: usize) -> String {
    match processors.saturating_sub(1) {
        0 => "0\n".to_owned(),
        last => format!("0-{last}\n"),
    }
}

/// `/proc/cpuinfo` with no more than these processors.
pub(crate) fn cpuinfo(sandbox: &str, processors: usize) -> String {
    let mut text = String::with_capacity(sandbox.len());
    for line in sandbox.split_inclusive("\n\n").take(processors).flat_map(str::lines) {
        match line.split_once(':') {
            Some((key, _)) if ["siblings", "cpu cores"].contains(&key.trim_end()) => {
                let _ = writeln!(text, "{key}: {processors}");
            }
            _ => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}

/// `/proc/stat` with these processors, which share the time that gVisor counts for all.
pub(crate) fn stat(sandbox: &str, processors: usize) -> String {
    const IDLE: usize = 3;
    let (of_processors, others): (Vec<_>, Vec<_>) = sandbox.lines().partition(|line| line.starts_with("cpu"));
    let there = of_processors.len().saturating_sub(1).max(1);
    let total = of_processors.first().copied().unwrap_or_default();
    let mut times: Vec<u64> = total.split_whitespace().skip(1).filter_map(|time| time.parse().ok()).collect();
    let (passed, idle) = (times.iter().sum::<u64>(), times.get(IDLE).copied().unwrap_or_default());
    let own = passed / there as u64 * processors as u64;
    if let Some(time) = times.get_mut(IDLE) {
        *time = own.saturating_sub(passed - idle);
    }
    let mut text = String::with_capacity(sandbox.len());
    line(&mut text, "cpu ", times.iter().copied());
    for cpu in 0..processors as u64 {
        let share = |time: &u64| time / processors as u64 + u64::from(cpu < time % processors as u64);
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

/// `/proc/meminfo` of a program that may hold `total` bytes and holds `used`. Its length depends on `total` alone.
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

/// `memory.current` of version 2. Its length depends on `total` alone.
pub(crate) fn memory_current(total: u64, used: u64) -> String {
    let width = total.to_string().len();
    format!("{:>width$}\n", used.min(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str =
        "processor\t: 0\nsiblings\t: 2\ncpu cores\t: 2\nflags\t\t: fpu\n\nprocessor\t: 1\nsiblings\t: 2\n\n";
    const STAT: &str =
        "cpu  60 0 11 129 0 0 0 0 0 0\ncpu0 30 0 6 65 0 0 0 0 0 0\ncpu1 30 0 5 64 0 0 0 0 0 0\nintr 0\nbtime 7\n";

    #[test]
    fn processors_are_listed_as_the_kernel_does() {
        assert_eq!([1, 2, 64].map(cpu_list), ["0\n", "0-1\n", "0-63\n"]);
    }

    #[test]
    fn a_quota_is_a_share_of_the_period() {
        assert_eq!(cpu_max(500), "50000 100000\n");
        assert_eq!(cpu_max(1), "100 100000\n");
    }

    #[test]
    fn cpuinfo_describes_no_other_processors() {
        assert_eq!(cpuinfo(CPUINFO, 1), "processor\t: 0\nsiblings\t: 1\ncpu cores\t: 1\nflags\t\t: fpu\n\n");
        assert_eq!(cpuinfo(CPUINFO, 2), CPUINFO);
    }

    #[test]
    fn the_busy_time_of_all_is_that_of_the_processors_that_are_shown() {
        let one = "cpu  60 0 11 29 0 0 0 0 0 0\ncpu0 60 0 11 29 0 0 0 0 0 0\nintr 0\nbtime 7\n";
        assert_eq!(stat(STAT, 1), one);
        assert_eq!(stat(STAT, 2), STAT);
    }

    #[test]
    fn more_busy_time_than_the_shown_processors_have_leaves_no_idle_time() {
        assert_eq!(stat("cpu  90 0 0 10\ncpu0 45 0 0 5\ncpu1 45 0 0 5\n", 1), "cpu  90 0 0 0\ncpu0 90 0 0 0\n");
        assert_eq!(stat("", 1), "cpu \ncpu0\n");
    }

    #[test]
    fn what_is_not_held_is_available() {
        let text = meminfo(200 << 20, 50 << 20);
        for line in ["MemTotal:         204800 kB", "MemAvailable:     153600 kB", "AnonPages:         51200 kB"] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(meminfo(1 << 20, 2 << 20).contains("MemFree:               0 kB"));
        assert_eq!(memory_current(1 << 20, 2 << 20), "1048576\n");
    }

    #[test]
    fn a_live_file_keeps_its_length() {
        for total in [0, 1 << 20, 200 << 20, 1 << 50] {
            let lengths =
                [0, 1, 1 << 20, u64::MAX].map(|used| (meminfo(total, used).len(), memory_current(total, used).len()));
            assert!(lengths.iter().all(|length| *length == lengths[0]), "{total} {lengths:?}");
        }
    }
}
