//! The connection to the runner of a session: any number of executions share it, each with a channel of its own.

mod read;
mod write;

use super::channel::Channel;
use crate::{connection::IdleRequest, output_assembler::Corrupt};
use cofferdam_protocol::{Deadlines, Message, SessionEnd, Usage};
use cofferdam_types::Error;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

/// Messages that wait until the runner takes them, beside the urgent ones.
const QUEUE: usize = 16;

/// A message on a channel.
type Queued = (u32, Message);

/// The connection, for those that use it.
#[derive(Debug)]
pub(super) struct Connection {
    queue: mpsc::Sender<Queued>,
    state: Mutex<State>,
    /// Notified of an urgent message.
    urgent: Notify,
}

#[derive(Debug)]
struct State {
    /// The last channel that was given to an execution. None is used twice.
    last_channel: u32,
    /// The last channel whose execution the runner knows.
    last_sent: u32,
    routes: HashMap<u32, Route>,
    urgent: Urgent,
    /// When the last execution ended, or the connection was made.
    last_end: Instant,
    max_executions: usize,
    is_closed: bool,
}

/// Messages that overtake the others and that nobody waits for. They are bounded by the number of channels.
#[derive(Debug, Default)]
struct Urgent {
    has_ping: bool,
    deadlines: Option<Deadlines>,
    kills: BTreeSet<u32>,
    credits: BTreeMap<u32, u32>,
}

/// Who gets the frames of a channel.
#[derive(Debug)]
pub(super) enum Route {
    Execution(Arc<Channel>),
    Usage(oneshot::Sender<Usage>),
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    /// The runner closed it.
    Disconnected,
    /// The runner violated the protocol.
    Corrupt(Corrupt),
    /// The runner failed, for this reason.
    Failed(String),
    /// The runner does not answer.
    NotResponding,
    /// The runner has ended the session.
    SessionEnded(SessionEnd),
}

/// The connection has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closed;

/// Why no channel is opened.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotOpened {
    Closed,
    /// As many executions run as may run at once.
    Full,
    /// All numbers of channels are used.
    Exhausted,
}

/// The right to send one message.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    connection: &'a Connection,
    permit: mpsc::Permit<'a, Queued>,
}

impl Connection {
    /// A connection, and the messages that its task sends.
    pub(super) fn new(max_executions: u32) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, queued) = mpsc::channel(QUEUE);
        let state = State {
            last_channel: 0,
            last_sent: 0,
            routes: HashMap::new(),
            urgent: Urgent::default(),
            last_end: Instant::now(),
            max_executions: max_executions as usize,
            is_closed: false,
        };
        (Self { queue, state: Mutex::new(state), urgent: Notify::new() }, queued)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects this with a runner until the end of the connection. A frame has at most `max_body` bytes. The connection may
    /// carry nothing for `max_silence` while the runner is well.
    pub(super) async fn run(
        &self,
        reader: impl AsyncRead + Unpin + Send,
        writer: impl AsyncWrite + Unpin + Send,
        queued: &mut mpsc::Receiver<Queued>,
        max_body: u64,
        max_silence: Duration,
    ) -> ConnectionEnd {
        tokio::select! {
            end = self.read(reader, max_body, max_silence) => end,
            // The rest of the frames says why the runner does not take messages any more.
            never = self.write(writer, queued) => match never {},
        }
    }

    /// Waits until one more message can be sent.
    pub(super) async fn slot(&self) -> Result<Slot<'_>, Closed> {
        let permit = self.queue.reserve().await.map_err(|_| Closed)?;
        Ok(Slot { connection: self, permit })
    }

    /// Grants credit for output. None is nothing to send.
    pub(super) fn grant(&self, channel: u32, credit: u32) {
        if credit > 0 {
            *self.state().urgent.credits.entry(channel).or_default() += credit;
            self.urgent.notify_one();
        }
    }

    /// Kills an execution, once the runner knows it.
    pub(super) fn kill(&self, channel: u32) {
        self.state().urgent.kills.insert(channel);
        self.urgent.notify_one();
    }

    /// Replaces the runner's deadlines.
    pub(super) fn set_deadlines(&self, deadlines: Deadlines) {
        self.state().urgent.deadlines = Some(deadlines);
        self.urgent.notify_one();
    }

    /// Executions and file calls that have not ended.
    pub(super) fn running(&self) -> usize {
        self.state().running()
    }

    /// When an execution ended last: now, if one runs.
    pub(super) fn last_activity(&self, now: Instant) -> Instant {
        let state = self.state();
        if state.running() > 0 { now } else { state.last_end }
    }

    /// Ends all executions with this error. No other is opened.
    pub(super) fn close(&self, error: &Error) {
        let mut state = self.state();
        state.is_closed = true;
        let routes = std::mem::take(&mut state.routes);
        drop(state);
        for route in routes.into_values() {
            if let Route::Execution(channel) = route {
                channel.fail(error.clone());
            }
        }
    }
}

impl State {
    fn running(&self) -> usize {
        self.routes.values().filter(|route| matches!(route, Route::Execution(_))).count()
    }
}

impl Slot<'_> {
    /// Sends a message of an execution.
    pub(super) fn send(self, channel: u32, message: Message) {
        self.permit.send((channel, message));
    }

    /// Sends the first message of a channel that it opens; gives its number.
    pub(super) fn open(self, route: Route, message: Message) -> Result<u32, NotOpened> {
        let mut state = self.connection.state();
        let is_execution = matches!(route, Route::Execution(_));
        if state.is_closed {
            return Err(NotOpened::Closed);
        }
        if is_execution && state.running() >= state.max_executions {
            return Err(NotOpened::Full);
        }
        let channel = state.last_channel.checked_add(1).ok_or(NotOpened::Exhausted)?;
        state.last_channel = channel;
        state.routes.insert(channel, route);
        // Under the lock: the runner gets the channels in their order.
        self.permit.send((channel, message));
        Ok(channel)
    }
}

/// Makes a session of a prepared runner.
pub(super) async fn open(
    reader: &mut (impl AsyncRead + Unpin + Send),
    writer: &mut (impl AsyncWrite + Unpin + Send),
    deadlines: Deadlines,
) -> io::Result<()> {
    let mut request = IdleRequest::open(deadlines)?;
    writer.write_all(request.message()).await?;
    writer.flush().await?;
    let mut chunk = [0; 4096];
    loop {
        let length = reader.read(&mut chunk).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if request.answer(&chunk[..length])? {
            return Ok(());
        }
    }
}
