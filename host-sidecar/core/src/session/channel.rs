//! One execution on the connection to a runner: its frames so far, its credit, and what its readers and writers wait for.

use super::{
    ExecutionEnd, errors,
    output::{AtPosition, Output, Retention},
};
use crate::output_assembler::{Corrupt, MAX_REASON, status};
use cofferdam_protocol::{Frame, STDIN_WINDOW, Stream};
use cofferdam_types::{Capture, Error, ErrorCode, Status, shortened};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Bytes of output that a runner may send before the sidecar has taken them.
pub(super) const WINDOW: u32 = 1 << 20;
/// Bytes of standard input in one message: others have their turn between two of them.
pub(super) const MAX_STDIN: usize = 64 << 10;
/// Time that a runner has to start a process.
const START_TIME: Duration = Duration::from_secs(30);
/// Time that a runner has to kill processes, and the grace beyond that.
const KILL_TIME: Duration = Duration::from_secs(2 + 2);
/// Time from the end of an execution until the rest of its output has arrived.
const REST_TIME: Duration = Duration::from_secs(10);

/// An execution on a connection.
#[derive(Debug)]
pub(super) struct Channel {
    state: Mutex<State>,
    /// Notified of each change of the state.
    changed: watch::Sender<()>,
    /// Held by who writes to standard input.
    pub(super) stdin: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    output: Output,
    pid: Option<u32>,
    /// When its first process started.
    started: Option<Instant>,
    /// How its first process ended, and after which time.
    terminated: Option<(Status, Duration)>,
    left_running: Option<u32>,
    /// What became of it, and when that was known.
    end: Option<(Result<ExecutionEnd, Error>, Instant)>,
    wall_time: Option<Duration>,
    /// When the runner must have reported the next step.
    deadline: Option<Instant>,
    /// Bytes of output that the runner may still send.
    window: u32,
    /// Bytes that were taken, and for which the runner has no credit yet.
    taken: u32,
    /// Bytes of standard input that the runner takes.
    stdin_credit: u64,
    is_stdin_open: bool,
    /// Whether nobody reads the output any more.
    is_abandoned: bool,
}

/// What a frame has changed for the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Credit for the runner.
    pub(super) credit: u32,
    /// Whether it was the last frame.
    pub(super) is_last: bool,
}

/// Who has to take the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// The runner, which does not answer.
    Runner,
    /// The reader of a file call, which then ends.
    Reader,
}

/// What a writer to standard input finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StdinRoom {
    /// It may send so many bytes.
    Bytes(usize),
    /// It has to wait.
    Full,
}

impl Channel {
    /// An execution that is being sent, with its wall time.
    pub(super) fn new(retention: Retention, wall_time: Option<Duration>, has_stdin: bool) -> Self {
        let state = State {
            output: Output::new(retention),
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
        };
        Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            stdin: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notified of each change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Takes the next frame.
    pub(super) fn receive(&self, frame: Frame, now: Instant) -> Result<Received, Corrupt> {
        let received = self.state().receive(frame, now)?;
        self.changed.send_replace(());
        Ok(received)
    }

    /// Ends it without the runner. The first end counts.
    pub(super) fn fail(&self, error: Error) {
        self.state().end.get_or_insert((Err(error), Instant::now()));
        self.changed.send_replace(());
    }

    /// Nobody reads its output any more, and the runner is told to kill it; gives the credit for what is discarded.
    pub(super) fn abandon(&self, now: Instant) -> u32 {
        let mut state = self.state();
        state.is_abandoned = true;
        state.deadline = Some(now + KILL_TIME + REST_TIME);
        state.discard_unread();
        let credit = state.credit();
        drop(state);
        self.changed.send_replace(());
        credit
    }

    /// The runner is told to kill it.
    pub(super) fn killed(&self, now: Instant) {
        let mut state = self.state();
        if state.terminated.is_none() && state.end.is_none() {
            let due = now + KILL_TIME;
            state.deadline = Some(state.deadline.map_or(due, |deadline| deadline.min(due)));
        }
    }

    /// Who is late with the next step.
    pub(super) fn late(&self, now: Instant) -> Option<Late> {
        let state = self.state();
        let is_late = state.deadline.is_some_and(|deadline| deadline < now);
        let late = if state.waits_for_reader() { Late::Reader } else { Late::Runner };
        is_late.then_some(late)
    }

    /// Whether nobody reads its output any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state().is_abandoned
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.state().pid
    }

    pub(super) fn started(&self) -> Option<Instant> {
        self.state().started
    }

    /// What became of it, and when that was known.
    pub(super) fn end(&self) -> Option<(Result<ExecutionEnd, Error>, Instant)> {
        self.state().end.clone()
    }

    /// Bytes of memory that its output holds.
    pub(super) fn kept(&self) -> u64 {
        self.state().output.kept()
    }

    /// What its output has at a position.
    pub(super) fn read(&self, position: u64) -> AtPosition {
        self.state().output.read(position)
    }

    pub(super) fn is_truncated(&self, stream: Stream) -> bool {
        self.state().output.is_truncated(stream)
    }

    /// The kept output of a stream.
    pub(super) fn capture(&self, stream: Stream) -> Result<Capture, Corrupt> {
        self.state().output.capture(stream)
    }

    /// Takes the next unread bytes, and the credit that the runner gets for them.
    pub(super) fn take(&self) -> (Vec<u8>, u32) {
        let mut state = self.state();
        let bytes = state.output.take();
        state.taken += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let credit = state.credit();
        (bytes, credit)
    }

    /// Whether bytes can be written to its standard input.
    pub(super) fn stdin_room(&self) -> Result<StdinRoom, Error> {
        let state = self.state();
        match (&state.end, state.is_stdin_open, state.stdin_credit) {
            (Some((Err(error), _)), ..) => Err(error.clone()),
            (Some((Ok(_), _)), ..) => Err(errors::execution_ended()),
            (None, false, _) => Err(errors::stdin_closed()),
            (None, true, 0) => Ok(StdinRoom::Full),
            (None, true, credit) => {
                Ok(StdinRoom::Bytes(usize::try_from(credit).unwrap_or(MAX_STDIN).min(MAX_STDIN)))
            }
        }
    }

    /// Takes credit for bytes of standard input that are sent now.
    pub(super) fn stdin_sent(&self, bytes: usize) {
        let mut state = self.state();
        state.stdin_credit = state.stdin_credit.saturating_sub(bytes as u64);
    }

    /// Closes its standard input; gives whether it was open.
    pub(super) fn close_stdin(&self) -> bool {
        let was_open = std::mem::replace(&mut self.state().is_stdin_open, false);
        self.changed.send_replace(());
        was_open
    }
}

impl State {
    /// Whether the runner may have to wait until somebody reads.
    fn waits_for_reader(&self) -> bool {
        self.output.waits_for_reader() && !self.is_abandoned
    }

    fn receive(&mut self, frame: Frame, now: Instant) -> Result<Received, Corrupt> {
        if self.end.is_some() {
            return Err(Corrupt("it sent a frame after the last one of an execution"));
        }
        match frame {
            Frame::Process(id) if self.pid.is_none() && self.terminated.is_none() => {
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

    fn discard_unread(&mut self) {
        loop {
            match u32::try_from(self.output.take().len()) {
                Ok(0) | Err(_) => return,
                Ok(length) => self.taken += length,
            }
        }
    }

    /// Credit for the bytes that were taken, in large portions.
    fn credit(&mut self) -> u32 {
        if self.taken < WINDOW / 2 || self.end.is_some() {
            return 0;
        }
        let credit = std::mem::take(&mut self.taken);
        self.window += credit;
        credit
    }
}

fn not_started(reason: &str) -> Error {
    let message = format!("the sandbox could not execute this: {}", shortened(reason));
    Error::new(ErrorCode::SandboxUnavailable, message)
}
