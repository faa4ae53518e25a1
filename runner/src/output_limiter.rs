//! Limits the output that is sent to the sidecar: all bytes up to the limit, and of the rest only a tail at
//! the end.

use cofferdam_protocol::{Frame, Stream};
use std::collections::VecDeque;

/// The limiter of one output stream.
#[derive(Debug)]
pub(crate) struct OutputLimiter {
    stream: Stream,
    /// Bytes that are still within the limit.
    remaining: usize,
    /// The last bytes beyond the limit.
    tail: VecDeque<u8>,
    max_tail: usize,
    truncated: bool,
    /// Bytes that the program has written.
    total: u64,
}

impl OutputLimiter {
    pub(crate) fn new(stream: Stream, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            stream,
            remaining: limit,
            tail: VecDeque::new(),
            max_tail: limit / 2,
            truncated: false,
            total: 0,
        }
    }

    /// Takes bytes that the program wrote. Returns the frames to send now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> impl Iterator<Item = Frame> + use<> {
        self.total += bytes.len() as u64;
        let (within, beyond) = bytes.split_at(self.remaining.min(bytes.len()));
        self.remaining -= within.len();
        let output = (!within.is_empty()).then(|| Frame::Output(self.stream, within.to_vec()));
        let truncated = (!self.truncated && !beyond.is_empty()).then_some(Frame::Truncated(self.stream));
        self.truncated |= truncated.is_some();
        self.push_tail(beyond);
        output.into_iter().chain(truncated)
    }

    fn push_tail(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(self.max_tail)..];
        let excess = (self.tail.len() + bytes.len()).saturating_sub(self.max_tail);
        self.tail.drain(..excess);
        self.tail.extend(bytes);
    }

    /// Whether further output is not sent at once.
    pub(crate) fn is_truncated(&self) -> bool {
        self.remaining == 0
    }

    /// Bytes of memory that the tail uses. They are the runner's, not the program's.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.tail.capacity() as u64
    }

    /// Returns the frame to send at the end of the stream.
    pub(crate) fn finish(self) -> Option<Frame> {
        self.truncated.then(|| Frame::Tail(self.stream, self.total, self.tail.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames_of(limit: u64, writes: &[&[u8]]) -> Vec<Frame> {
        let mut limiter = OutputLimiter::new(Stream::Stdout, limit);
        let mut frames: Vec<Frame> = writes.iter().flat_map(|bytes| limiter.push(bytes)).collect();
        frames.extend(limiter.finish());
        frames
    }

    fn output(bytes: &[u8]) -> Frame {
        Frame::Output(Stream::Stdout, bytes.to_vec())
    }

    #[test]
    fn output_up_to_the_limit_is_sent_completely() {
        assert_eq!(frames_of(6, &[b"abc", b"def", b""]), [output(b"abc"), output(b"def")]);
    }

    #[test]
    fn the_tail_of_output_beyond_the_limit_is_sent_last() {
        let truncated = [output(b"abc"), output(b"d"), Frame::Truncated(Stream::Stdout)];
        let tail = Frame::Tail(Stream::Stdout, 9, b"hi".to_vec());
        assert_eq!(frames_of(4, &[b"abc", b"def", b"ghi"]), [truncated.as_slice(), &[tail]].concat());
    }

    #[test]
    fn a_limit_too_small_for_a_tail_still_reports_the_length() {
        assert_eq!(
            frames_of(1, &[b"abc"]),
            [output(b"a"), Frame::Truncated(Stream::Stdout), Frame::Tail(Stream::Stdout, 3, vec![])]
        );
    }

    proptest! {
        #[test]
        fn the_head_and_the_tail_do_not_depend_on_how_output_is_split(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
            limit in 1_u64..64,
        ) {
            let all = writes.concat();
            let frames = frames_of(limit, &writes.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let (mut head, mut tail, mut total) = (vec![], None, all.len() as u64);
            for frame in frames {
                match frame {
                    Frame::Output(_, bytes) => head.extend(bytes),
                    Frame::Truncated(_) => prop_assert_eq!(head.len() as u64, limit),
                    Frame::Tail(_, length, bytes) => (tail, total) = (Some(bytes), length),
                    frame => panic!("{frame:?}"),
                }
            }
            let (within, beyond) = all.split_at(all.len().min(usize::try_from(limit).expect("small")));
            let last = beyond.len().min(within.len() / 2);
            prop_assert_eq!(head, within);
            prop_assert_eq!(tail, (!beyond.is_empty()).then(|| beyond[beyond.len() - last..].to_vec()));
            prop_assert_eq!(total, all.len() as u64);
        }
    }
}
