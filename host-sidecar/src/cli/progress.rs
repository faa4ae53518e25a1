//! One line on a terminal that says what is going on, gone before the program's output comes.

use crate::sandbox::{Observer, Phase};
use std::io::{self, IsTerminal, Write};

/// Shows phases on standard error, if that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    on_terminal: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { on_terminal: !quiet && io::stderr().is_terminal() }
    }

    fn show(&self, text: &str) {
        if self.on_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        self.show("");
    }
}

impl Observer for Progress {
    fn entered(&self, phase: Phase) {
        self.show(match phase {
            Phase::Starting => "starting the sandbox …",
            Phase::Running => "running …",
            Phase::Cleaning => "",
        });
    }
}
