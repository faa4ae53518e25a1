//! The beginning of a log, which is replayed to a reader that attaches to the runner's output late.

/// Longest log that is replayed. A reader that attaches later reads the log itself.
const MAX_BYTES: usize = 256 << 10;

/// The lines of a log from its beginning.
#[derive(Debug)]
pub(crate) struct ReplayBuffer {
    /// `None` once the log is too long.
    lines: Option<String>,
    replayed: bool,
}

impl ReplayBuffer {
    /// Creates the buffer of an empty log.
    pub(crate) fn new() -> Self {
        Self { lines: Some(String::new()), replayed: false }
    }

    /// Adds lines that were written to the log.
    pub(crate) fn push(&mut self, lines: &str) {
        self.lines =
            self.lines.take().filter(|kept| kept.len() + lines.len() <= MAX_BYTES).map(|kept| kept + lines);
    }

    /// The complete log, for a reader that has attached. Empty if the log is too long.
    pub(crate) fn replay(&mut self) -> &str {
        self.replayed = true;
        self.lines.as_deref().unwrap_or_default()
    }

    /// Whether the log can be replayed and has not been.
    pub(crate) fn is_pending(&self) -> bool {
        self.lines.is_some() && !self.replayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_log_is_replayed_and_a_long_one_is_not() {
        let mut buffer = ReplayBuffer::new();
        buffer.push("a\n");
        buffer.push("b\n");
        assert!(buffer.is_pending());
        assert_eq!(buffer.replay(), "a\nb\n");
        assert!(!buffer.is_pending());
        buffer.push(&"x".repeat(MAX_BYTES));
        assert_eq!(buffer.replay(), "");
        buffer.push("c\n");
        assert_eq!(buffer.replay(), "");
    }
}
