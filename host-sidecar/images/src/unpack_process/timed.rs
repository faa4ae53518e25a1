//! Reads and writes until a deadline: the process at the other end may be taken over, and neither read nor end.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
};
use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

/// A pipe that is not waited for beyond a deadline.
#[derive(Debug)]
pub(super) struct Timed<'a, T> {
    inner: T,
    deadline: Instant,
    /// When this can be read, the pipe is no longer waited for.
    other: Option<BorrowedFd<'a>>,
}

impl<'a, T: AsFd> Timed<'a, T> {
    pub(super) fn new(inner: T, deadline: Instant) -> io::Result<Self> {
        let flags = fcntl_getfl(&inner)?;
        fcntl_setfl(&inner, flags | OFlags::NONBLOCK)?;
        Ok(Self { inner, deadline, other: None })
    }

    /// It is broken, instead of being waited for, when the other one can be read.
    pub(super) fn unless(self, other: &'a impl AsFd) -> Self {
        Self { other: Some(other.as_fd()), ..self }
    }

    /// Repeats what would block when it no longer does.
    fn retry(
        &mut self,
        ready: PollFlags,
        mut action: impl FnMut(&mut T) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            match action(&mut self.inner) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(ready)?,
                result => return result,
            }
        }
    }

    fn wait(&self, ready: PollFlags) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let other = self.other.iter().map(|other| PollFd::new(other, PollFlags::IN));
        let mut files: Vec<_> = [PollFd::new(&self.inner, ready)].into_iter().chain(other).collect();
        match poll(&mut files, Some(&left)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) if files.first().is_some_and(|file| file.revents().is_empty()) => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<T: AsFd + Read> Read for Timed<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retry(PollFlags::IN, |inner| inner.read(buffer))
    }
}

impl<T: AsFd + Write> Write for Timed<'_, T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.retry(PollFlags::OUT, |inner| inner.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
