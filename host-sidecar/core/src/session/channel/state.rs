//! What is known of one execution on a connection. Pure.

use super::WINDOW;
use crate::{
    output_assembler::{Corrupt, MAX_REASON, status},
    session::{
        ExecutionEnd,
        output::{Output, Retention},
    },
};
use cofferdam_protocol::{Frame, STDIN_WINDOW, Stream};
use cofferdam_types::{Error, ErrorCode, Status, shortened};
use std::time::Duration;
use tokio::time::Instant;

/// Time that a runner has to start a process.
const START_TIME: Duration = Duration::from_secs(30);
/// Time that a runner has to kill processes, and the grace beyond that.
pub(super) const KILL_TIME: Duration = Duration::from_secs(2 + 2);
/// Time from the end of an execution until the rest of its output has arrived.
pub(super) const REST_TIME: Duration = Duration::from_secs(10);

/// The state of an execution.
#[derive(Debug)]
pub(super) struct State {
    pub(super) output: Output,
    /// Whether its first process has started.
    is_started: bool,
    pub(super) pid: Option<u32>,
    /// When its first process started.
    pub(super) started: Option<Instant>,
    /// How its first process ended, and after which time.
    pub(super) terminated: Option<(Status, Duration)>,
    pub(super) left_running: Option<u32>,
    /// What became of it, and when that was known.
    pub(super) end: Option<(Result<ExecutionEnd, Error>, Instant)>,
    pub(super) wall_time: Option<Duration>,
    /// When the runner must have reported the next step.
    pub(super) deadline: Option<Instant>,
    /// Bytes of output that the runner may still send.
    pub(super) window: u32,
    /// Bytes that were taken, and for which the runner has no credit yet.
    pub(super) taken: u32,
    /// Bytes of standard input that the runner takes.
    pub(super) stdin_credit: u64,
    pub(super) is_stdin_open: bool,
    /// Whether nobody reads the output any more.
    pub(super) is_abandoned: bool,
}

/// What a frame has changed for the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Received {
    /// Credit for the runner.
    pub(in crate::session) credit: u32,
    /// Whether it was the last frame.
    pub(in crate::session) is_last: bool,
}

impl State {
    pub(super) fn new(retention: Retention, wall_time: Option<Duration>, has_stdin: bool) -> Self {
        Self {
            output: Output::new(retention),
            is_started: false,
            pid: None,
            started: None,
            terminated: None,
            left_running: None,
            end: None,
            wall_time,
            deadline: match retention {
                Retention::Unread => wall_time.map(|time| Instant::now() + time),
                _ => Some(Instant::now() + START_TIME),
            },
            window: WINDOW,
            taken: 0,
            stdin_credit: STDIN_WINDOW.into(),
            is_stdin_open: has_stdin,
            is_abandoned: false,
        }
    }

    /// Whether the runner may have to wait until somebody reads.
    pub(super) fn waits_for_reader(&self) -> bool {
        self.output.waits_for_reader() && !self.is_abandoned
    }

    /// Takes the next frame.
    pub(super) fn receive(&mut self, frame: Frame, now: Instant) -> Result<Received, Corrupt> {
        if self.end.is_some() {
            return Err(Corrupt("it sent a frame after the last one of an execution"));
        }
        match frame {
            Frame::Started if !std::mem::replace(&mut self.is_started, true) => {}
            Frame::Process(id) if self.is_started && self.pid.is_none() && self.terminated.is_none() => {
                (self.pid, self.started) = (Some(id), Some(now));
                if !self.waits_for_reader() {
                    self.deadline = self.wall_time.map(|time| now + time + KILL_TIME);
                }
            }
            Frame::Output(stream, bytes) => self.output(stream, &bytes)?,
            Frame::Truncated(stream) => self.output.truncate(stream)?,
            Frame::Tail(stream, total, bytes) => self.output.tail(stream, total, bytes)?,
            Frame::Credit(bytes) => self.stdin_credit = self.stdin_credit.saturating_add(bytes.into()),
            Frame::Terminated(termination, run_time) if self.terminated.is_none() => {
                self.terminated = Some((status(termination), run_time));
                if !self.waits_for_reader() {
                    self.deadline = Some(now + REST_TIME);
                }
            }
            Frame::Background(processes) if self.terminated.is_some() && self.left_running.is_none() => {
                self.left_running = Some(processes);
            }
            Frame::Done => {
                let (status, run_time) =
                    self.terminated.ok_or(Corrupt("it ended an execution without its result"))?;
                let left_running = self.left_running.unwrap_or_default();
                self.end = Some((Ok(ExecutionEnd { status, run_time, left_running }), now));
            }
            Frame::Failed(reason) if reason.len() <= MAX_REASON => {
                self.end = Some((Err(not_started(&reason)), now));
            }
            _ => return Err(Corrupt("it sent a frame twice, too long, out of order or on a wrong channel")),
        }
        if self.end.is_some() {
            self.deadline = None;
        }
        Ok(Received { credit: self.credit(), is_last: self.end.is_some() })
    }

    /// Takes bytes of output.
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Corrupt> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let rest = self.window.checked_sub(length);
        self.window = rest.ok_or(Corrupt("it sent more output than it has credit for"))?;
        self.output.push(stream, bytes)?;
        if self.is_abandoned {
            self.discard_unread();
        } else if !self.waits_for_reader() {
            self.taken += length;
        }
        Ok(())
    }

    /// Takes what is unread, as its reader would.
    pub(super) fn discard_unread(&mut self) {
        loop {
            match u32::try_from(self.output.take().len()) {
                Ok(0) | Err(_) => return,
                Ok(length) => self.taken += length,
            }
        }
    }

    /// Credit for the bytes that were taken, in large portions.
    pub(super) fn credit(&mut self) -> u32 {
        if self.taken < WINDOW / 2 || self.end.is_some() {
            return 0;
        }
        let credit = std::mem::take(&mut self.taken);
        self.window += credit;
        credit
    }
}

fn not_started(reason: &str) -> Error {
    // A program or a directory that is missing, or a full disk: the state of the session, which its caller can change.
    Error::new(ErrorCode::Conflict, format!("the sandbox could not execute this: {}", shortened(reason)))
}
