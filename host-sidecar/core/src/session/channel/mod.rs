//! One execution on the connection to a runner: its frames so far, its credit, and what its readers and writers wait for.

mod state;

pub(super) use state::Received;

use super::{
    ExecutionEnd, errors,
    output::{AtPosition, Retention},
};
use crate::output_assembler::Corrupt;
use cofferdam_protocol::{Frame, Stream};
use cofferdam_types::{Capture, Error};
use state::{KILL_TIME, REST_TIME, State};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Bytes of output that a runner may send before the sidecar has taken them.
pub(super) const WINDOW: u32 = 1 << 20;
/// Bytes of standard input in one message: others have their turn between two of them.
const MAX_STDIN: usize = 64 << 10;

/// An execution on a connection.
#[derive(Debug)]
pub(super) struct Channel {
    state: Mutex<State>,
    /// Notified of each change of the state.
    changed: watch::Sender<()>,
    /// Held by who writes to standard input.
    pub(super) stdin: tokio::sync::Mutex<()>,
}

/// Who has to take the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// The runner, which had to take it by this time.
    Runner(Instant),
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
        Self {
            state: Mutex::new(State::new(retention, wall_time, has_stdin)),
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
        let deadline = state.deadline.filter(|deadline| *deadline < now)?;
        Some(if state.waits_for_reader() { Late::Reader } else { Late::Runner(deadline) })
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

    /// Waits for its end.
    pub(super) async fn wait_for_end(&self) -> (Result<ExecutionEnd, Error>, Instant) {
        self.wait_for(Self::end).await
    }

    /// Waits until this gives something.
    pub(super) async fn wait_for<T>(&self, find: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = find(self) {
                return found;
            }
            // The sender lives as long as the channel.
            let _ = changes.changed().await;
        }
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

    /// Closes its standard input.
    pub(super) fn close_stdin(&self) {
        self.state().is_stdin_open = false;
        self.changed.send_replace(());
    }
}
