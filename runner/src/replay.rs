//! What the log holds so far, for a reader that joins the runner's output in its middle.

/// Longest log that is said again; who comes too late for that reads the log itself.
const MAX: usize = 256 << 10;

/// The lines so far.
#[derive(Debug)]
pub(crate) struct Replay {
    /// None once there have been too many.
    lines: Option<String>,
    was_said: bool,
}

impl Replay {
    /// Of a log that begins.
    pub(crate) fn new() -> Self {
        Self { lines: Some(String::new()), was_said: false }
    }

    /// Keeps what has just been written.
    pub(crate) fn keep(&mut self, lines: &str) {
        self.lines = self.lines.take().filter(|kept| kept.len() + lines.len() <= MAX).map(|kept| kept + lines);
    }

    /// All of it once more, for the reader that has just come.
    pub(crate) fn say(&mut self) -> &str {
        self.was_said = true;
        self.lines.as_deref().unwrap_or_default()
    }

    /// Whether a reader may still come for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.lines.is_some() && !self.was_said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_short_log_is_said_again_and_nothing_of_a_long_one() {
        let mut replay = Replay::new();
        replay.keep("a\n");
        replay.keep("b\n");
        assert!(replay.is_awaited());
        assert_eq!(replay.say(), "a\nb\n");
        assert!(!replay.is_awaited());
        replay.keep(&"x".repeat(MAX));
        assert_eq!(replay.say(), "");
        replay.keep("c\n");
        assert_eq!(replay.say(), "");
    }
}
