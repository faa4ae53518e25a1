//! The task of a session: it keeps the connection and the time, and deletes the sandbox at the end.

use super::{Ended, LostReason, connection::ConnectionEnd, errors, registry::Sessions, shared::Shared};
use crate::{
    backend::{SessionReader, SessionSandbox, SessionWriter},
    output_assembler::MAX_OUTPUT_FRAME,
};
use cofferdam_protocol::{Message, SessionEnd};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// Time that a backend has to say why a sandbox is gone.
const LOSS_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum bytes of the number of all bytes and of the length in a frame with the tail of a stream.
const TAIL_NUMBERS: u64 = 20;

/// What the task of a session has for itself.
pub(super) struct SessionTask {
    pub(super) sandbox: Box<dyn SessionSandbox>,
    pub(super) reader: SessionReader,
    pub(super) writer: SessionWriter,
    pub(super) queued: mpsc::Receiver<(u32, Message)>,
    pub(super) sessions: Weak<Sessions>,
    pub(super) closing: CancellationToken,
}

impl SessionTask {
    /// Runs until the session has ended and its sandbox is deleted.
    pub(super) async fn run(mut self, session: Arc<Shared>) {
        // Also if this task fails: nobody waits for ever.
        let _deleted = session.deleted.clone().drop_guard();
        let max_body = MAX_OUTPUT_FRAME.max(session.plan.ceilings.output_bytes / 2 + TAIL_NUMBERS);
        let (queued, max_silence) = (&mut self.queued, self.sandbox.max_silence());
        let connection = session.connection.run(self.reader, self.writer, queued, max_body, max_silence);
        let end = tokio::select! {
            end = connection => Some(end),
            _ = session.wait_for_end() => None,
            never = keep_time(&session) => match never {},
            () = self.closing.cancelled() => {
                session.end(Ended::Lost(LostReason::SidecarEnds));
                None
            }
        };
        self.queued.close();
        if let Some(end) = end {
            let ended = reason(end, &session.log_id, &mut *self.sandbox).await;
            session.end(ended);
        }
        let ended = session.wait_for_end().await;
        if let Some(sessions) = self.sessions.upgrade() {
            sessions.remove(&session, ended);
        }
        session.connection.close(&errors::gone(ended));
        tracing::info!(id = session.log_id, ?ended, "the session has ended");
        self.sandbox.delete().await;
    }
}

/// Ends the session when its time is over, and tells the runner of requests.
async fn keep_time(session: &Shared) -> std::convert::Infallible {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        let last_activity = session.connection.last_activity(now);
        let mut state = session.state();
        let (end, news) = (state.life.end(last_activity, now), state.life.news(now));
        drop(state);
        if let Some(end) = end {
            session.end(end);
        }
        if let Some(deadlines) = news {
            session.connection.set_deadlines(deadlines);
        }
    }
}

/// Why the session has ended with its connection.
async fn reason(end: ConnectionEnd, id: &str, sandbox: &mut dyn SessionSandbox) -> Ended {
    match end {
        ConnectionEnd::SessionEnded(SessionEnd::Expired) => Ended::Expired,
        ConnectionEnd::SessionEnded(SessionEnd::Idle) => Ended::Idle,
        ConnectionEnd::SessionEnded(SessionEnd::Unattended) => Ended::Lost(LostReason::Unattended),
        ConnectionEnd::SessionEnded(SessionEnd::Unkillable) => Ended::Lost(LostReason::Unkillable),
        ConnectionEnd::NotResponding => Ended::Lost(LostReason::NotResponding),
        ConnectionEnd::Corrupt(corrupt) => {
            tracing::warn!(id, error = %corrupt, "the session is ended");
            Ended::Lost(LostReason::ProtocolViolated)
        }
        ConnectionEnd::Failed(reason) => {
            tracing::warn!(id, reason, "the runner of the session failed");
            Ended::Lost(LostReason::RunnerGone)
        }
        ConnectionEnd::Disconnected => {
            let loss = timeout(LOSS_TIMEOUT, sandbox.loss()).await;
            Ended::Lost(loss.unwrap_or(LostReason::RunnerGone))
        }
    }
}
