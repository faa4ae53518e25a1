//! What the handles of a session and its task share.

use super::{
    Ended, ExecutionSpec, LostReason, SessionConfig, SessionInfo, SessionRequest, SessionUpdate, StdinSpec,
    channel::{Channel, StdinRoom},
    connection::{Closed, Connection, NotOpened, Route, Slot},
    errors,
    executions::{Execution, Executions},
    life::Life,
    output::Retention,
    policy::{ExecutionPlan, SessionPlan, check_metadata},
};
use crate::policy::Policy;
use cofferdam_protocol::{FileRequest, Message, Usage};
use cofferdam_types::{Error, ErrorCode};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Time that a runner has to say what a session uses.
const USAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Digits of an execution's id.
const ID_DIGITS: usize = 16;

/// A session.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: String,
    /// Its id in the log, which is no secret.
    pub(super) log_id: String,
    pub(super) tenant: Option<Arc<str>>,
    /// What it was opened with.
    pub(super) request: SessionRequest,
    pub(super) plan: SessionPlan,
    pub(super) policy: Arc<Policy>,
    pub(super) config: Arc<SessionConfig>,
    pub(super) is_warm: bool,
    pub(super) connection: Connection,
    pub(super) state: Mutex<State>,
    /// Why it has ended.
    pub(super) ended: watch::Sender<Option<Ended>>,
    /// Set when its sandbox is deleted.
    pub(super) deleted: CancellationToken,
}

/// What changes of a session.
#[derive(Debug)]
pub(super) struct State {
    pub(super) life: Life,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) executions: Executions,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session. The first reason counts.
    pub(super) fn end(&self, reason: Ended) {
        self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(reason);
            is_first
        });
    }

    /// Why it has ended, if it has.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        match *self.ended.borrow() {
            Some(ended) => Err(errors::gone(ended)),
            None => Ok(()),
        }
    }

    /// Waits until it has ended.
    pub(super) async fn wait_for_end(&self) -> Ended {
        let mut ended = self.ended.subscribe();
        let found = ended.wait_for(Option::is_some).await.map(|ended| *ended);
        // The sender lives as long as this.
        found.ok().flatten().unwrap_or(Ended::Lost(LostReason::SidecarEnds))
    }

    /// The error of a call that found the connection closed.
    pub(super) async fn gone(&self) -> Error {
        errors::gone(self.wait_for_end().await)
    }

    /// A request came: it is idle from now on.
    pub(super) fn request(&self) -> Result<(), Error> {
        self.check_open()?;
        self.state().life.request(Instant::now());
        Ok(())
    }

    pub(super) fn info(&self) -> SessionInfo {
        let state = self.state();
        SessionInfo {
            id: self.id.clone(),
            name: self.request.name.clone(),
            language: self.plan.language.clone(),
            image: self.plan.sandbox.image.clone(),
            metadata: state.metadata.clone(),
            created: state.life.created(),
            expires: state.life.expires(),
            ends_at_most: state.life.ends_at_most(),
            idle_timeout: state.life.idle_timeout(),
            working_dir: self.plan.working_dir.clone(),
            limits: self.plan.limits,
            executions: self.connection.running(),
            warm: self.is_warm,
        }
    }

    /// Changes what the update sets: all of it, or nothing.
    pub(super) fn update(&self, update: SessionUpdate) -> Result<SessionInfo, Error> {
        self.request()?;
        if let Some(metadata) = &update.metadata {
            check_metadata(metadata)?;
        }
        let now = Instant::now();
        let mut state = self.state();
        state.life.update(&update, &self.config, now)?;
        state.metadata = update.metadata.unwrap_or(std::mem::take(&mut state.metadata));
        let news = state.life.news(now);
        drop(state);
        if let Some(deadlines) = news {
            self.connection.set_deadlines(deadlines);
        }
        Ok(self.info())
    }

    pub(super) async fn usage(&self) -> Result<Usage, Error> {
        self.request()?;
        let slot = self.slot().await?;
        let (sender, receiver) = oneshot::channel();
        slot.open(Route::Usage(sender), Message::Measure).map_err(|refused| self.not_opened(refused))?;
        match timeout(USAGE_TIMEOUT, receiver).await {
            Ok(Ok(usage)) => Ok(usage),
            Ok(Err(_)) => Err(self.gone().await),
            Err(_) => {
                Err(Error::new(ErrorCode::Unreachable, "the sandbox did not say what it uses; try again"))
            }
        }
    }

    /// Starts an execution.
    pub(super) async fn start(self: &Arc<Self>, spec: ExecutionSpec) -> Result<Arc<Execution>, Error> {
        self.request()?;
        let requested = (SystemTime::now(), Instant::now());
        let ExecutionPlan { command, retention, title } =
            self.plan.execution(&self.policy, &spec, &self.config)?;
        let slot = self.slot().await?;
        let limits = command.limits;
        let channel = Arc::new(Channel::new(retention, limits.wall_time, command.has_stdin));
        let mut state = self.state();
        if let Some(id) = &spec.id {
            state.executions.take_id(id)?;
        }
        let opened = slot.open(Route::Execution(channel.clone()), Message::Execute(command));
        let number = opened.map_err(|refused| {
            spec.id.iter().for_each(|id| state.executions.give_back_id(id));
            self.not_opened(refused)
        })?;
        let execution = Arc::new(Execution {
            id: spec.id.unwrap_or_else(new_execution_id),
            title,
            channel,
            number,
            requested,
            is_background: spec.background,
            has_terminal: spec.terminal.is_some(),
        });
        state.executions.add(execution.clone());
        drop(state);
        self.drop_oldest_after(execution.clone());
        if let StdinSpec::Bytes(bytes) = spec.stdin {
            let (session, execution) = (self.clone(), execution.clone());
            tokio::spawn(async move {
                // An execution that ends before it has read everything is none of the writer's concern.
                let _ = session.write_stdin(&execution.channel, execution.number, &bytes).await;
                let _ = session.close_stdin(&execution.channel, execution.number).await;
            });
        }
        Ok(execution)
    }

    /// Once this execution has ended, drops what is more than the output of ended ones may hold.
    fn drop_oldest_after(self: &Arc<Self>, execution: Arc<Execution>) {
        let session = self.clone();
        tokio::spawn(async move {
            // An error is an end too.
            let _ = execution.channel.wait_for_end().await;
            drop(execution);
            session.state().executions.drop_oldest(session.config.ended_output_bytes.0);
        });
    }

    /// Starts a file call; gives its channel.
    pub(super) async fn call_files(
        &self,
        request: FileRequest,
        time: Option<Duration>,
    ) -> Result<(Arc<Channel>, u32), Error> {
        self.request()?;
        let slot = self.slot().await?;
        let command = self.plan.file_call(request, time);
        let channel = Arc::new(Channel::new(Retention::Unread, time, command.has_stdin));
        let opened = slot.open(Route::Execution(channel.clone()), Message::Execute(command));
        let number = opened.map_err(|refused| self.not_opened(refused))?;
        Ok((channel, number))
    }

    fn not_opened(&self, refused: NotOpened) -> Error {
        let maximum = self.config.max_executions;
        match refused {
            // It closes after the session has ended.
            NotOpened::Closed => self.check_open().err().unwrap_or_else(errors::execution_ended),
            NotOpened::Full => {
                let message = format!(
                    "the session runs {maximum} executions and file calls, the most that it may run at once; wait for \
                     the end of one"
                );
                Error::new(ErrorCode::Quota, message).retryable()
            }
            NotOpened::Exhausted => {
                let message = "the session has had as many executions as it can have; open another one";
                Error::new(ErrorCode::Quota, message)
            }
        }
    }

    /// Writes to the standard input of an execution, as its runner takes it.
    pub(super) async fn write_stdin(
        &self,
        channel: &Channel,
        number: u32,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let _turn = channel.stdin.lock().await;
        let mut changes = channel.changes();
        let mut rest = bytes;
        loop {
            changes.mark_unchanged();
            let room = channel.stdin_room()?;
            if rest.is_empty() {
                return Ok(());
            }
            let StdinRoom::Bytes(room) = room else {
                // The sender lives as long as the channel.
                let _ = changes.changed().await;
                continue;
            };
            // Credit is taken only for what is sent, also if the caller drops the future.
            let slot = self.slot().await?;
            let (chunk, others) = rest.split_at(room.min(rest.len()));
            channel.stdin_sent(chunk.len());
            slot.send(number, Message::Stdin(chunk.to_vec()));
            rest = others;
        }
    }

    /// Ends the standard input of an execution, after what is being written.
    pub(super) async fn close_stdin(&self, channel: &Channel, number: u32) -> Result<(), Error> {
        let _turn = channel.stdin.lock().await;
        channel.stdin_room()?;
        let slot = self.slot().await?;
        channel.close_stdin();
        slot.send(number, Message::CloseStdin);
        Ok(())
    }

    /// Sends a message of an execution.
    pub(super) async fn send(&self, number: u32, message: Message) -> Result<(), Error> {
        self.slot().await?.send(number, message);
        Ok(())
    }

    /// Waits until one more message can be sent.
    async fn slot(&self) -> Result<Slot<'_>, Error> {
        match self.connection.slot().await {
            Ok(slot) => Ok(slot),
            Err(Closed) => Err(self.gone().await),
        }
    }
}

fn new_execution_id() -> String {
    let digits = uuid::Uuid::new_v4().simple().to_string();
    "exec-".chars().chain(digits.chars().take(ID_DIGITS)).collect()
}
