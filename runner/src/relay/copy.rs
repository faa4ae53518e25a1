//! Copies two streams at once, without threads.

use crate::poll::Poll;
use rustix::{event::PollFlags, io::Errno};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

/// Bytes on their way in one direction. A pipe has no more by default.
const BUFFER_BYTES: usize = 64 << 10;

/// One direction, whose descriptors do not block.
#[derive(Debug)]
pub(super) struct Copy<'fd> {
    from: BorrowedFd<'fd>,
    to: BorrowedFd<'fd>,
    buffer: Vec<u8>,
    /// The part of the buffer that was read and is not written.
    start: usize,
    end: usize,
    has_ended: bool,
}

impl<'fd> Copy<'fd> {
    pub(super) fn new(from: &'fd impl AsFd, to: &'fd impl AsFd) -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        Self { from: from.as_fd(), to: to.as_fd(), buffer, start: 0, end: 0, has_ended: false }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Waits for the one descriptor that it needs next.
    fn add_to<'poll>(&self, poll: &mut Poll<'poll, ()>)
    where
        'fd: 'poll,
    {
        let (fd, interest) =
            if self.is_empty() { (self.from, PollFlags::IN) } else { (self.to, PollFlags::OUT) };
        poll.add((), Some(fd), interest);
    }

    /// Reads and writes until that would block, or a buffer was copied.
    fn proceed(&mut self) -> io::Result<()> {
        if self.is_empty() {
            let Some(length) = unless_blocked(rustix::io::read(self.from, &mut *self.buffer))? else {
                return Ok(());
            };
            (self.start, self.end) = (0, length);
            self.has_ended = length == 0;
        }
        while let Some(rest) = self.buffer.get(self.start..self.end).filter(|rest| !rest.is_empty()) {
            let Some(length) = unless_blocked(rustix::io::write(self.to, rest))? else { return Ok(()) };
            self.start += length;
        }
        Ok(())
    }
}

fn unless_blocked(done: Result<usize, Errno>) -> io::Result<Option<usize>> {
    match done {
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        done => Ok(Some(done?)),
    }
}

/// Copies until one of the streams ends.
pub(super) fn both_ways(mut one: Copy<'_>, mut other: Copy<'_>) -> io::Result<()> {
    while !one.has_ended && !other.has_ended {
        let mut poll = Poll::new();
        one.add_to(&mut poll);
        other.add_to(&mut poll);
        match poll.wait(None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            ready => drop(ready?),
        }
        one.proceed()?;
        other.proceed()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::Shutdown,
        os::unix::net::UnixStream,
        thread,
    };

    #[test]
    fn all_bytes_are_copied_both_ways_until_one_stream_ends() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let pair = || UnixStream::pair().expect("sockets");
        let ((mut left, left_end), (mut right, right_end)) = (pair(), pair());
        for end in [&left_end, &right_end] {
            end.set_nonblocking(true).expect("sockets that do not block");
        }
        thread::scope(|scope| {
            let relay =
                scope.spawn(|| both_ways(Copy::new(&left_end, &right_end), Copy::new(&right_end, &left_end)));
            let mut writer = left.try_clone().expect("a socket");
            let sent = bytes.clone();
            scope.spawn(move || writer.write_all(&sent));
            let echo = scope.spawn(|| {
                let mut read = vec![0; bytes.len()];
                right.read_exact(&mut read).expect("bytes");
                right.write_all(&read).expect("a reader");
            });
            let mut read = vec![0; bytes.len()];
            left.read_exact(&mut read).expect("bytes");
            assert!(read == bytes);
            echo.join().expect("an echo");
            left.shutdown(Shutdown::Write).expect("a socket");
            relay.join().expect("a relay").expect("no error");
        });
    }
}
