//! Whether a full disk may be why an execution fails. Pure.

/// What is known of the session's disk during an execution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk {
    is_full: bool,
    /// Whether there was room at any time.
    had_room: bool,
    /// Whether it was full after there was room.
    has_filled: bool,
}

impl Disk {
    /// At the start of the execution.
    pub(super) fn new(is_full: bool) -> Self {
        Self { is_full, had_room: !is_full, has_filled: false }
    }

    /// At a later check.
    pub(super) fn check(&mut self, is_full: bool) {
        self.has_filled |= is_full && self.had_room;
        self.had_room |= !is_full;
        self.is_full = is_full;
    }

    /// Whether it is full, or was filled meanwhile. A program that has only made room fails for another reason.
    pub(super) fn may_be_the_reason(self) -> bool {
        self.is_full || self.has_filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_only_makes_room_does_not_fail_for_the_disk() {
        for (at_start, checks, expected) in [
            (false, &[false, false][..], false),
            (false, &[false, true], true),
            (false, &[true, false], true),
            (true, &[], true),
            (true, &[true, true], true),
            (true, &[true, false, false], false),
            (true, &[false, true, false], true),
        ] {
            let mut disk = Disk::new(at_start);
            checks.iter().for_each(|is_full| disk.check(*is_full));
            assert_eq!(disk.may_be_the_reason(), expected, "{at_start} {checks:?}");
        }
    }
}
