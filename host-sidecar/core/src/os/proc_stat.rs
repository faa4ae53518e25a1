//! Parses `/proc/PID/stat`. Source: proc(5).

use std::{fs, str::FromStr};

/// Some fields of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcStat {
    /// The process ID.
    pub pid: u32,
    /// The process ID of its parent.
    pub parent: u32,
    /// The start time, in clock ticks since boot.
    pub start: u64,
    /// Whether it is a zombie.
    pub is_dead: bool,
}

/// The text is not a line of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedStat;

impl ProcStat {
    /// The fields of a process; none if it does not exist, or belongs to another user and is hidden.
    pub fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/stat")).ok()?.parse().ok()
    }
}

impl FromStr for ProcStat {
    type Err = MalformedStat;

    fn from_str(line: &str) -> Result<Self, MalformedStat> {
        // The second field is the program's name in parentheses, which may contain any character.
        let parse = |line: &str| {
            let (pid, rest) = line.split_once(' ')?;
            let (_, rest) = rest.rsplit_once(')')?;
            let mut rest = rest.split_whitespace();
            let is_dead = matches!(rest.next()?, "Z" | "X");
            let parent = rest.next()?.parse().ok()?;
            Some(Self { pid: pid.parse().ok()?, parent, start: rest.nth(17)?.parse().ok()?, is_dead })
        };
        parse(line).ok_or(MalformedStat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed_for_any_name_of_the_program() {
        let rest = "S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 99 98";
        for name in ["sh", "a b", "x) Z 1 (y", "((", "))"] {
            let stat: ProcStat = format!("12 ({name}) {rest}").parse().expect("a line");
            assert_eq!(stat, ProcStat { pid: 12, parent: 7, start: 4242, is_dead: false }, "{name}");
        }
        for line in ["", "12", "12 (sh", "x (sh) S 1", "12 (sh) S 7 1"] {
            assert_eq!(line.parse::<ProcStat>(), Err(MalformedStat), "{line}");
        }
    }

    #[test]
    fn this_process_is_alive_and_has_a_parent() {
        let own = ProcStat::of(std::process::id()).expect("a process");
        assert!(!own.is_dead && own.parent != own.pid && own.start > 0);
    }
}
