//! The output of commands on standard output.

use super::Failure;
use std::io::{self, Write};

/// Writes all bytes.
///
/// # Errors
///
/// [`Failure`], a silent one if the reader has closed standard output.
pub(super) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::stdout_closed()),
        Err(error) => Err(Failure::internal(format!("standard output cannot be written: {error}"))),
    }
}

/// Writes a line.
///
/// # Errors
///
/// Those of [`print`].
pub(super) fn print_line(line: &str) -> Result<(), Failure> {
    print(format!("{line}\n").as_bytes())
}
