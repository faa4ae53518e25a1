//! Replies, on their way to the caller.

use super::{BATCH, failure::failure};
use cofferdam_protocol::{CONTROL, FileErrorKind, FileFailure, FileReply, append};
use rustix::io::{retry_on_intr, write};
use std::{mem, os::fd::BorrowedFd};

/// Sends replies. Many small ones are written at once.
#[derive(Debug)]
pub(super) struct Replies<'fd> {
    output: BorrowedFd<'fd>,
    unsent: Vec<u8>,
}

impl<'fd> Replies<'fd> {
    pub(super) fn new(output: BorrowedFd<'fd>) -> Self {
        Self { output, unsent: Vec::new() }
    }

    /// Where the replies go.
    pub(super) fn output(&self) -> BorrowedFd<'fd> {
        self.output
    }

    /// Sends a reply, now or with later ones. Fails if nobody reads.
    pub(super) fn send(&mut self, reply: &FileReply) -> Result<(), FileFailure> {
        self.unsent = append(mem::take(&mut self.unsent), CONTROL, reply)
            .map_err(|error| failure(FileErrorKind::Other, b"", &error.to_string()))?;
        if self.unsent.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Sends the last reply, and what is unsent.
    pub(super) fn finish(&mut self, reply: &FileReply) -> Result<(), FileFailure> {
        self.send(reply)?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), FileFailure> {
        let mut rest = self.unsent.as_slice();
        while !rest.is_empty() {
            let length = retry_on_intr(|| write(self.output, rest))
                .map_err(|_| failure(FileErrorKind::Other, b"", "nobody reads the replies"))?;
            rest = rest.get(length..).unwrap_or_default();
        }
        self.unsent.clear();
        Ok(())
    }
}
