//! What commands print themselves.

use super::Failure;
use std::io::{self, Write};

/// Writes all of it.
///
/// # Errors
///
/// [`Failure`], a quiet one where the reader has gone away.
pub(super) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::reader_left()),
        Err(error) => Err(Failure::internal(format!("standard output cannot be written: {error}"))),
    }
}

/// The same with a line's end.
///
/// # Errors
///
/// As [`print`].
pub(super) fn print_line(line: &str) -> Result<(), Failure> {
    print(format!("{line}\n").as_bytes())
}
