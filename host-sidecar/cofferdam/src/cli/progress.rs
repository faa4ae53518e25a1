//! One line on a terminal that says what is going on, gone before the program's output comes.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Shows a line on standard error, if that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    on_terminal: bool,
    is_shown: AtomicBool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { on_terminal: !quiet && io::stderr().is_terminal(), is_shown: AtomicBool::new(false) }
    }

    pub(super) fn show(&self, text: &str) {
        if self.on_terminal {
            self.is_shown.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Takes the line away. What stands there since is the program's.
    pub(super) fn clear(&self) {
        if self.is_shown.swap(false, Ordering::Relaxed) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
