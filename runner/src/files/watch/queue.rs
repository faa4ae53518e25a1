//! Changes that the reader has not taken yet.

use cofferdam_protocol::{CONTROL, ChangeKind, FileReply, append};
use rustix::io::{Errno, write};
use std::{mem, os::fd::BorrowedFd};

/// Most bytes of replies that wait.
const MAX_BYTES: usize = 1 << 20;

/// Replies in the order of the changes. Above its limit changes are dropped, and one reply says so.
#[derive(Debug, Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of these are written.
    written: usize,
    /// The last change, until some of the bytes are written.
    last: Option<(ChangeKind, Vec<u8>)>,
    has_lost: bool,
}

impl Queue {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.has_lost
    }

    /// Adds a reply.
    pub(super) fn push(&mut self, reply: &FileReply) {
        match append(mem::take(&mut self.bytes), CONTROL, reply) {
            Ok(bytes) => self.bytes = bytes,
            // It is too long for an envelope, which no path is.
            Err(_) => self.lose(),
        }
    }

    /// Adds a change. One that is like the last is not repeated.
    pub(super) fn change(&mut self, kind: ChangeKind, path: Vec<u8>) {
        if self.has_lost || self.last.as_ref().is_some_and(|last| (last.0, &last.1) == (kind, &path)) {
            return;
        }
        if self.bytes.len() - self.written > MAX_BYTES {
            self.lose();
            return;
        }
        self.push(&FileReply::Change(kind, path.clone()));
        self.last = Some((kind, path));
    }

    /// Notes that changes were lost. Those after them are lost too until the bytes are written.
    pub(super) fn lose(&mut self) {
        self.has_lost = true;
    }

    /// Writes what the reader takes without waiting. Returns `false` if there is no reader.
    pub(super) fn write_to(&mut self, output: BorrowedFd<'_>) -> bool {
        if self.bytes.is_empty() && mem::take(&mut self.has_lost) {
            self.push(&FileReply::Overflow);
        }
        self.last = None;
        let mut rest = self.bytes.get(self.written..).unwrap_or_default();
        loop {
            match write(output, rest) {
                Ok(length) => break self.written += length,
                // A pipe of gVisor with little room is ready, and refuses a short write that needs more.
                Err(Errno::AGAIN) if rest.len() > 1 => rest = rest.get(..rest.len() / 2).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) => break,
                Err(_) => return false,
            }
        }
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::Decoder;
    use std::{
        io::{PipeReader, Read, pipe},
        os::fd::AsFd,
    };

    fn read(mut reader: PipeReader) -> Vec<FileReply> {
        let mut received = Vec::new();
        reader.read_to_end(&mut received).expect("replies");
        let mut decoder = Decoder::default();
        decoder.push(&received);
        std::iter::from_fn(|| decoder.next().expect("a reply").map(|(_, reply)| reply)).collect()
    }

    #[test]
    fn a_change_is_repeated_only_once_the_reader_may_have_seen_it() {
        let (reader, output) = pipe().expect("a pipe");
        let mut queue = Queue::default();
        assert!(queue.is_empty());
        let modified = || (ChangeKind::Modified, b"a".to_vec());
        for _ in 0..3 {
            queue.change(modified().0, modified().1);
        }
        assert!(queue.write_to(output.as_fd()) && queue.is_empty());
        queue.change(modified().0, modified().1);
        assert!(queue.write_to(output.as_fd()));
        drop(output);
        let change = FileReply::Change(modified().0, modified().1);
        assert_eq!(read(reader), [change.clone(), change]);
    }

    #[test]
    fn changes_above_the_limit_are_one_overflow_after_those_below() {
        let (reader, output) = pipe().expect("a pipe");
        let mut queue = Queue::default();
        let path = |number: usize| format!("{number:01000}").into_bytes();
        for number in 0..2 * MAX_BYTES / 1000 {
            queue.change(ChangeKind::Created, path(number));
        }
        assert!(queue.bytes.len() < MAX_BYTES + 2000);
        let replies = std::thread::scope(|scope| {
            let replies = scope.spawn(|| read(reader));
            while !queue.is_empty() {
                assert!(queue.write_to(output.as_fd()));
            }
            queue.change(ChangeKind::Created, b"after".to_vec());
            assert!(queue.write_to(output.as_fd()));
            drop(output);
            replies.join().expect("replies")
        });
        let (last, before) = replies.split_last().expect("replies");
        assert_eq!(*last, FileReply::Change(ChangeKind::Created, b"after".to_vec()));
        let (overflow, before) = before.split_last().expect("replies");
        assert_eq!(*overflow, FileReply::Overflow);
        assert!(
            before
                .iter()
                .enumerate()
                .all(|(number, reply)| { *reply == FileReply::Change(ChangeKind::Created, path(number)) })
        );
    }
}
