//! The standard input of an execution.

use super::launch::retry;
use cofferdam_protocol::{Malformed, STDIN_WINDOW};
use std::{
    collections::VecDeque,
    io::Write,
    os::fd::{AsFd, BorrowedFd},
};

/// Bytes that are written before credit for them is given while more are waiting.
const CREDIT_STEP: u32 = STDIN_WINDOW / 4;
/// What a terminal takes for the end of input.
const END_OF_TRANSMISSION: u8 = 4;

/// The runner's end of standard input, and the bytes that were not written to it yet.
#[derive(Debug)]
pub(super) struct Input<W> {
    /// None once it is closed.
    pipe: Option<W>,
    is_terminal: bool,
    waiting: VecDeque<u8>,
    /// Bytes that the sidecar may still send.
    window: u32,
    /// Bytes that were written, or discarded, and for which there was no credit yet.
    taken: u32,
    has_ended: bool,
    /// The last byte that the sidecar has sent.
    last: Option<u8>,
}

impl<W: Write> Input<W> {
    /// Creates the input for a pipe or terminal that never blocks. Without, it has ended.
    pub(super) fn new(pipe: Option<W>, is_terminal: bool) -> Self {
        let has_ended = pipe.is_none();
        let waiting = VecDeque::new();
        Self { pipe, is_terminal, waiting, window: STDIN_WINDOW, taken: 0, has_ended, last: None }
    }

    /// Takes bytes of the sidecar. What comes after the end, or after the program has closed its input, is discarded.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if they exceed the credit.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let length = u32::try_from(bytes.len()).map_err(|_| Malformed)?;
        self.window = self.window.checked_sub(length).ok_or(Malformed)?;
        if self.pipe.is_some() && !self.has_ended {
            self.waiting.extend(bytes);
            self.last = bytes.last().copied().or(self.last);
            self.write_available();
        } else {
            self.taken += length;
        }
        Ok(())
    }

    /// The sidecar sends no more bytes.
    pub(super) fn end(&mut self) {
        if !self.has_ended && self.is_terminal {
            // After a part of a line, the first one only hands over that part.
            if self.last.is_some_and(|last| last != b'\n') {
                self.waiting.push_back(END_OF_TRANSMISSION);
            }
            self.waiting.push_back(END_OF_TRANSMISSION);
        }
        self.has_ended = true;
        self.write_available();
    }

    /// Writes as many bytes as fit.
    pub(super) fn write_available(&mut self) {
        while let Some(pipe) = self.pipe.as_mut().filter(|_| !self.waiting.is_empty()) {
            match retry(|| pipe.write(self.waiting.as_slices().0)) {
                Ok(Some(length)) if length > 0 => {
                    self.waiting.drain(..length);
                    self.taken += u32::try_from(length).unwrap_or(u32::MAX);
                }
                Ok(None) => return,
                // The program has closed it.
                _ => self.close(),
            }
        }
        // A terminal stays open, so that the program is not hung up.
        if self.has_ended && !self.is_terminal {
            self.pipe = None;
        }
    }

    /// Closes the pipe and discards what was not written.
    pub(super) fn close(&mut self) {
        self.pipe = None;
        self.taken += u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.waiting = VecDeque::new();
    }

    /// The credit to give now, if any.
    pub(super) fn take_credit(&mut self) -> Option<u32> {
        if self.taken == 0 || self.has_ended || (self.taken < CREDIT_STEP && !self.waiting.is_empty()) {
            return None;
        }
        let credit = std::mem::take(&mut self.taken);
        self.window = self.window.saturating_add(credit);
        Some(credit)
    }

    /// Bytes of memory in use.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.waiting.capacity() as u64
    }
}

impl<W: AsFd> Input<W> {
    /// The descriptor to poll while bytes are waiting.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| !self.waiting.is_empty()).map(AsFd::as_fd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// A pipe with room for some bytes.
    #[derive(Debug, Default)]
    struct Pipe {
        written: Vec<u8>,
        room: usize,
        is_closed: bool,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = bytes.len().min(self.room);
            self.room -= length;
            self.written.extend(&bytes[..length]);
            match length {
                _ if self.is_closed => Err(io::ErrorKind::BrokenPipe.into()),
                0 => Err(io::ErrorKind::WouldBlock.into()),
                length => Ok(length),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe(room: usize) -> Pipe {
        Pipe { room, ..Pipe::default() }
    }

    #[test]
    fn credit_is_given_for_what_was_written() {
        let mut input = Input::new(Some(pipe(3)), false);
        input.push(b"abcde").expect("within the window");
        // More is waiting, and it is not worth a frame.
        assert_eq!(input.take_credit(), None);
        input.pipe.as_mut().expect("open").room = 9;
        input.write_available();
        assert_eq!((input.take_credit(), input.take_credit()), (Some(5), None));
        assert_eq!(input.pipe.expect("open").written, b"abcde");
    }

    #[test]
    fn more_than_the_credit_is_refused() {
        let mut input = Input::new(Some(pipe(0)), false);
        input.push(&vec![0; STDIN_WINDOW as usize]).expect("the window");
        assert_eq!(input.push(b"x"), Err(Malformed));
        input.pipe.as_mut().expect("open").room = usize::MAX;
        input.write_available();
        assert_eq!(input.take_credit(), Some(STDIN_WINDOW));
        assert_eq!(input.push(b"x"), Ok(()));
    }

    #[test]
    fn a_pipe_is_closed_once_all_was_written() {
        let mut input = Input::new(Some(pipe(1)), false);
        input.push(b"ab").expect("within the window");
        input.end();
        assert!(input.pipe.is_some());
        input.pipe.as_mut().expect("open").room = 1;
        input.write_available();
        assert!(input.pipe.is_none());
    }

    #[test]
    fn a_terminal_gets_its_end_as_a_byte_and_stays_open() {
        let mut input = Input::new(Some(pipe(9)), true);
        input.push(b"ab\n").expect("within the window");
        input.end();
        input.end();
        assert_eq!(input.pipe.expect("open").written, b"ab\n\x04");
    }

    #[test]
    fn input_that_the_program_does_not_want_is_discarded_with_credit() {
        let mut input = Input::new(Some(Pipe { is_closed: true, ..pipe(9) }), false);
        input.push(b"ab").expect("within the window");
        assert_eq!((input.pipe.is_none(), input.take_credit()), (true, Some(2)));
        input.push(b"cd").expect("within the window");
        assert_eq!(input.take_credit(), Some(2));
    }

    #[test]
    fn a_terminal_gets_the_end_of_input_also_after_a_part_of_a_line() {
        for (sent, written) in [("", "\x04"), ("line\n", "line\n\x04"), ("part", "part\x04\x04")] {
            let mut input = Input::new(Some(pipe(100)), true);
            input.push(sent.as_bytes()).expect("within the window");
            input.end();
            assert_eq!(input.pipe.expect("an open terminal").written, written.as_bytes(), "{sent:?}");
        }
    }
}
