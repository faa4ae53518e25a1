//! The user's terminal while a shell has it.

use cofferdam_http_api::session::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, Write};

/// What a program may have left switched on: other screens, character sets, colours, margins, modes of the keyboard and
/// the mouse, and a link. The cursor stays where it is.
const RESET: &[u8] = b"\x18\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\
    \x1b[?2004l\x1b[?2026l\x1b[<u\x1b[>4m\x1b]8;;\x07\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07\x0f\x1b(B\x1b)B\
    \x1b[!p\x1b[?7h\x1b[?25h\x1b[?1l\x1b>\x1b[0m\r";
/// The size of a terminal that does not say it.
const DEFAULT_SIZE: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// The terminal in raw mode, until this is dropped: then it is as before, whatever a program did to it.
#[derive(Debug)]
pub(super) struct RawMode(Termios);

impl RawMode {
    pub(super) fn set() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(RESET).and_then(|()| stdout.flush());
        // What was typed and not read is dropped: it was meant for the shell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// The size of the window now.
pub(super) fn window_size() -> TerminalSize {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            TerminalSize { columns: size.ws_col, rows: size.ws_row }
        }
        _ => DEFAULT_SIZE,
    }
}
