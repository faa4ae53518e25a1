//! What is kept of the output of an execution. Pure.

use crate::output_assembler::{Corrupt, MAX_OUTPUT_FRAME, StreamAssembler};
use cofferdam_protocol::Stream;
use cofferdam_types::Capture;
use std::collections::VecDeque;

/// Most bytes of one read.
const MAX_READ: usize = 64 << 10;

/// Which bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retention {
    /// All, of which there are at most so many of each stream.
    All(u64),
    /// The last ones.
    Last(usize),
    /// Those that have not been read. There is one reader.
    Unread,
}

/// The output of an execution, of both streams in order of arrival.
#[derive(Debug)]
pub(super) struct Output {
    retention: Retention,
    bytes: VecDeque<u8>,
    /// Which stream the kept bytes belong to.
    segments: VecDeque<Segment>,
    /// Position of the first kept byte.
    start: u64,
    stdout: StreamState,
    stderr: StreamState,
}

#[derive(Debug, Default)]
struct StreamState {
    length: u64,
    is_truncated: bool,
    tail: Option<(u64, Vec<u8>)>,
}

/// Bytes of one stream up to a position. In one number, since a program can make as many segments as bytes.
#[derive(Debug, Clone, Copy)]
struct Segment(u64);

impl Segment {
    fn new(stream: Stream, end: u64) -> Self {
        Self(end << 1 | u64::from(stream == Stream::Stderr))
    }

    fn stream(self) -> Stream {
        if self.0 & 1 == 1 { Stream::Stderr } else { Stream::Stdout }
    }

    fn end(self) -> u64 {
        self.0 >> 1
    }
}

/// What there is at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AtPosition {
    /// Bytes of this stream.
    Bytes(Stream, Vec<u8>),
    /// So many bytes that are not kept any more.
    Gap(u64),
    /// Nothing yet.
    End,
}

impl Output {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            bytes: VecDeque::new(),
            segments: VecDeque::new(),
            start: 0,
            stdout: StreamState::default(),
            stderr: StreamState::default(),
        }
    }

    /// Adds the next bytes of a stream.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Corrupt> {
        if bytes.is_empty() || bytes.len() as u64 > MAX_OUTPUT_FRAME {
            return Err(Corrupt("it sent a frame of output that is empty or too long"));
        }
        let retention = self.retention;
        let state = self.stream(stream);
        if state.is_truncated {
            return Err(Corrupt("it sent output after reporting its truncation"));
        }
        state.length += bytes.len() as u64;
        match retention {
            Retention::All(limit) if state.length > limit => {
                return Err(Corrupt("it sent more output than the limit"));
            }
            Retention::Unread if stream == Stream::Stderr => {
                return Err(Corrupt("a file call has no standard error"));
            }
            _ => {}
        }
        self.bytes.extend(bytes);
        let segment = Segment::new(stream, self.end());
        match self.segments.back_mut() {
            Some(last) if last.stream() == stream => *last = segment,
            _ => self.segments.push_back(segment),
        }
        if let Retention::Last(kept) = retention {
            self.discard(self.bytes.len().saturating_sub(kept));
        }
        Ok(())
    }

    /// The runner withholds what follows of a stream.
    pub(super) fn truncate(&mut self, stream: Stream) -> Result<(), Corrupt> {
        let has_limit = matches!(self.retention, Retention::All(_));
        let was_truncated = std::mem::replace(&mut self.stream(stream).is_truncated, true);
        if !has_limit || was_truncated {
            return Err(Corrupt("it truncated a stream that has no limit, or twice"));
        }
        Ok(())
    }

    /// The last bytes of a truncated stream, and the number of all of them.
    pub(super) fn tail(&mut self, stream: Stream, total: u64, bytes: Vec<u8>) -> Result<(), Corrupt> {
        let Retention::All(limit) = self.retention else {
            return Err(Corrupt("it sent the tail of a stream that has no limit"));
        };
        let state = self.stream(stream);
        if !state.is_truncated || state.tail.is_some() || bytes.len() as u64 > limit / 2 {
            return Err(Corrupt("the tail of a stream is unexpected or too long"));
        }
        state.tail = Some((total, bytes));
        Ok(())
    }

    /// The position after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Bytes of memory that it holds.
    pub(super) fn kept(&self) -> u64 {
        let tail = |state: &StreamState| state.tail.as_ref().map_or(0, |(_, tail)| tail.len());
        let segments = self.segments.len() * size_of::<Segment>();
        (self.bytes.len() + segments + tail(&self.stdout) + tail(&self.stderr)) as u64
    }

    /// Whether bytes are kept only until they are read.
    pub(super) fn waits_for_reader(&self) -> bool {
        self.retention == Retention::Unread
    }

    pub(super) fn is_truncated(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stdout.is_truncated,
            Stream::Stderr => self.stderr.is_truncated,
        }
    }

    /// What there is at a position.
    pub(super) fn read(&self, position: u64) -> AtPosition {
        if position < self.start {
            return AtPosition::Gap(self.start - position);
        }
        let index = self.segments.partition_point(|segment| segment.end() <= position);
        let Some(segment) = self.segments.get(index) else { return AtPosition::End };
        let length = usize::try_from(segment.end() - position).unwrap_or(MAX_READ).min(MAX_READ);
        let offset = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        AtPosition::Bytes(segment.stream(), self.copy(offset, length))
    }

    /// Takes the next unread bytes, which are not kept any more.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let bytes = self.copy(0, self.bytes.len().min(MAX_READ));
        self.discard(bytes.len());
        bytes
    }

    fn copy(&self, offset: usize, length: usize) -> Vec<u8> {
        let (first, second) = self.bytes.as_slices();
        let in_first = first.get(offset..).unwrap_or_default();
        let in_second = second.get(offset.saturating_sub(first.len())..).unwrap_or_default();
        let from_first = length.min(in_first.len());
        let from_second = (length - from_first).min(in_second.len());
        [&in_first[..from_first], &in_second[..from_second]].concat()
    }

    /// Drops the first bytes.
    fn discard(&mut self, length: usize) {
        self.bytes.drain(..length);
        self.start += length as u64;
        let gone = self.segments.partition_point(|segment| segment.end() <= self.start);
        self.segments.drain(..gone);
    }

    fn stream(&mut self, stream: Stream) -> &mut StreamState {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// A stream for a report.
    pub(super) fn capture(&self, stream: Stream) -> Result<Capture, Corrupt> {
        let state = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        let bytes = self.of_stream(stream);
        let Retention::All(limit) = self.retention else {
            let is_cut = bytes.len() as u64 != state.length;
            return Ok(Capture { bytes, length: state.length, cut: is_cut.then_some(0) });
        };
        let mut assembler = StreamAssembler::new(limit);
        if !bytes.is_empty() {
            assembler.output(&bytes)?;
        }
        if state.is_truncated {
            assembler.truncate()?;
        }
        if let Some((total, tail)) = &state.tail {
            assembler.tail(*total, tail.clone())?;
        }
        Ok(assembler.finish())
    }

    fn of_stream(&self, stream: Stream) -> Vec<u8> {
        let (mut bytes, mut position) = (Vec::new(), self.start);
        for segment in &self.segments {
            if segment.stream() == stream {
                let offset = usize::try_from(position - self.start).unwrap_or(usize::MAX);
                bytes.extend(self.bytes.iter().skip(offset).take((segment.end() - position) as usize));
            }
            position = segment.end();
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
