//! A status line on a terminal, cleared before the program's output.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Shows a line on standard error if that is a terminal.
#[derive(Debug)]
pub(super) struct StatusLine {
    on_terminal: bool,
    is_shown: AtomicBool,
}

impl StatusLine {
    pub(super) fn new(quiet: bool) -> Self {
        Self { on_terminal: !quiet && io::stderr().is_terminal(), is_shown: AtomicBool::new(false) }
    }

    pub(super) fn show(&self, text: &str) {
        if self.on_terminal {
            self.is_shown.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Clears the line, once: later lines are the program's.
    pub(super) fn clear(&self) {
        if self.is_shown.swap(false, Ordering::Relaxed) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
