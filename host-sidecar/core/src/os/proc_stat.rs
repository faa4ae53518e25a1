//! What the kernel says of a process. Source: proc(5), `/proc/PID/stat`.

use std::{fs, str::FromStr};

/// One line of `/proc/PID/stat`, as far as it is of use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcStat {
    /// The process ID.
    pub pid: u32,
    /// The process ID of its parent.
    pub parent: u32,
    /// In clock ticks since the boot.
    pub start: u64,
    /// Whether it has ended and only its parent's look at its exit code is missing.
    pub is_dead: bool,
}

/// A text that is no such line.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedStat;

impl ProcStat {
    /// That of a process; none if there is none, or it is another user's and hidden.
    pub fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/stat")).ok()?.parse().ok()
    }
}

impl FromStr for ProcStat {
    type Err = MalformedStat;

    fn from_str(line: &str) -> Result<Self, MalformedStat> {
        // The second field is the program's name in parentheses, which may hold anything.
        let fields = |line: &str| {
            let (pid, rest) = line.split_once(' ')?;
            let (_, rest) = rest.rsplit_once(')')?;
            let mut rest = rest.split_whitespace();
            let is_dead = matches!(rest.next()?, "Z" | "X");
            let parent = rest.next()?.parse().ok()?;
            Some(Self { pid: pid.parse().ok()?, parent, start: rest.nth(17)?.parse().ok()?, is_dead })
        };
        fields(line).ok_or(MalformedStat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_program_is_called() {
        let rest = "S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 99 98";
        for name in ["sh", "a b", "x) Z 1 (y", "((", "))"] {
            let read: ProcStat = format!("12 ({name}) {rest}").parse().expect("a line");
            assert_eq!(read, ProcStat { pid: 12, parent: 7, start: 4242, is_dead: false }, "{name}");
        }
        for line in ["", "12", "12 (sh", "x (sh) S 1", "12 (sh) S 7 1"] {
            assert_eq!(line.parse::<ProcStat>(), Err(MalformedStat), "{line}");
        }
    }

    #[test]
    fn this_process_is_there_and_has_a_parent() {
        let own = ProcStat::of(std::process::id()).expect("a process");
        assert!(!own.is_dead && own.parent != own.pid && own.start > 0);
    }
}
