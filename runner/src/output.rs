//! What is passed on of a stream: all of it up to its bound, beyond that only its tail, at the end.

use cofferdam_protocol::{Frame, Stream};
use std::collections::VecDeque;

/// One output stream of the program.
#[derive(Debug)]
pub(crate) struct Output {
    stream: Stream,
    /// Bytes that may still be passed on.
    left: usize,
    /// The last of the bytes beyond the bound.
    tail: VecDeque<u8>,
    max_tail: usize,
    cut: bool,
    total: u64,
}

impl Output {
    pub(crate) fn new(stream: Stream, bound: u64) -> Self {
        let left = usize::try_from(bound).unwrap_or(usize::MAX);
        Self { stream, left, tail: VecDeque::new(), max_tail: left / 2, cut: false, total: 0 }
    }

    /// Takes what the program wrote and gives what goes to the sidecar now.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> impl Iterator<Item = Frame> + use<> {
        self.total += bytes.len() as u64;
        let (now, held) = bytes.split_at(self.left.min(bytes.len()));
        self.left -= now.len();
        let passed = (!now.is_empty()).then(|| Frame::Output(self.stream, now.to_vec()));
        let cut = (!self.cut && !held.is_empty()).then_some(Frame::Cut(self.stream));
        self.cut |= cut.is_some();
        self.hold(held);
        passed.into_iter().chain(cut)
    }

    fn hold(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(self.max_tail)..];
        let over = (self.tail.len() + bytes.len()).saturating_sub(self.max_tail);
        self.tail.drain(..over);
        self.tail.extend(bytes);
    }

    /// Bytes of memory that this holds, which are not the program's.
    pub(crate) fn held(&self) -> u64 {
        self.tail.capacity() as u64
    }

    /// What goes to the sidecar when the stream has ended.
    pub(crate) fn end(self) -> Option<Frame> {
        self.cut.then(|| Frame::Tail(self.stream, self.total, self.tail.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pass(bound: u64, writes: &[&[u8]]) -> Vec<Frame> {
        let mut output = Output::new(Stream::Stdout, bound);
        let mut frames: Vec<Frame> = writes.iter().flat_map(|bytes| output.take(bytes)).collect();
        frames.extend(output.end());
        frames
    }

    fn whole(bytes: &[u8]) -> Frame {
        Frame::Output(Stream::Stdout, bytes.to_vec())
    }

    #[test]
    fn up_to_the_bound_all_is_passed_on() {
        assert_eq!(pass(6, &[b"abc", b"def", b""]), [whole(b"abc"), whole(b"def")]);
    }

    #[test]
    fn beyond_the_bound_the_tail_comes_last() {
        let cut = [whole(b"abc"), whole(b"d"), Frame::Cut(Stream::Stdout)];
        let tail = Frame::Tail(Stream::Stdout, 9, b"hi".to_vec());
        assert_eq!(pass(4, &[b"abc", b"def", b"ghi"]), [cut.as_slice(), &[tail]].concat());
    }

    #[test]
    fn a_bound_too_small_for_a_tail_still_tells_the_length() {
        assert_eq!(
            pass(1, &[b"abc"]),
            [whole(b"a"), Frame::Cut(Stream::Stdout), Frame::Tail(Stream::Stdout, 3, vec![])]
        );
    }

    proptest! {
        #[test]
        fn however_it_is_written_the_head_and_the_tail_come(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
            bound in 1_u64..64,
        ) {
            let all = writes.concat();
            let frames = pass(bound, &writes.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let (mut head, mut tail, mut total) = (vec![], None, all.len() as u64);
            for frame in frames {
                match frame {
                    Frame::Output(_, bytes) => head.extend(bytes),
                    Frame::Cut(_) => prop_assert_eq!(head.len() as u64, bound),
                    Frame::Tail(_, length, bytes) => (tail, total) = (Some(bytes), length),
                    frame => panic!("{frame:?}"),
                }
            }
            let (now, held) = all.split_at(all.len().min(usize::try_from(bound).expect("small")));
            let last = held.len().min(now.len() / 2);
            prop_assert_eq!(head, now);
            prop_assert_eq!(tail, (!held.is_empty()).then(|| held[held.len() - last..].to_vec()));
            prop_assert_eq!(total, all.len() as u64);
        }
    }
}
