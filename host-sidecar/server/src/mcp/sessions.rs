//! The sessions of a tenant: so many at once, each until its client ends it or has made no call for a while.

use futures_util::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};

/// Why a session does not do what it is asked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("there are as many sessions as there may be")]
    TooMany,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// All sessions of a tenant. The library's own manager keeps them; here they are counted where it makes them.
#[derive(Clone)]
pub(super) struct Sessions {
    local: Arc<LocalSessionManager>,
    open: Arc<Mutex<HashMap<SessionId, Open>>>,
    room: Arc<Semaphore>,
    idle: Duration,
}

/// A session that has not ended.
struct Open {
    /// Calls that are being answered. Each message tells, whether or not it changes their number.
    calls: watch::Sender<usize>,
    _room: OwnedSemaphorePermit,
}

/// A call that is being answered.
struct Call(watch::Sender<usize>);

impl Call {
    fn new(calls: watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

impl Sessions {
    /// At most so many, each of which ends when it has been without a call for so long.
    pub(super) fn new(most: u32, idle: Duration) -> Self {
        let mut local = LocalSessionManager::default();
        // A session may be silent for as long as a program runs: what is idle is known here alone.
        local.session_config.keep_alive = None;
        local.session_config.sse_retry = None;
        // Kept for who resumes, which nobody does.
        local.session_config.completed_cache_ttl = Duration::ZERO;
        let room = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self { local: local.into(), open: Arc::default(), room: Arc::new(Semaphore::new(room)), idle }
    }

    /// Whether there is no room for one more.
    pub(super) fn are_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self, id: &SessionId) -> Result<watch::Sender<usize>, SessionError> {
        let calls = self.open().get(id).map(|open| open.calls.clone());
        calls.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.clone()).into())
    }

    async fn end_when_idle(self, id: SessionId, mut calls: watch::Receiver<usize>) {
        loop {
            // It has ended where nobody tells any more.
            if calls.wait_for(|calls| *calls == 0).await.is_err() {
                return;
            }
            tokio::select! {
                changed = calls.changed() => if changed.is_err() { return },
                () = sleep(self.idle) => break,
            }
        }
        let _ = self.close_session(&id).await;
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| SessionError::TooMany)?;
        let (id, transport) = self.local.create_session().await?;
        let (calls, told) = watch::channel(0);
        self.open().insert(id.clone(), Open { calls, _room: room });
        tokio::spawn(self.clone().end_when_idle(id.clone(), told));
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        let _call = Call::new(self.calls(id)?);
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        Ok(self.open().contains_key(id))
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.open().remove(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let call = Call::new(self.calls(id)?);
        let stream = self.local.create_stream(id, message).await?;
        Ok(stream.map(move |event| {
            let _ = &call;
            event
        }))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionError> {
        self.calls(id)?.send_modify(|_| {});
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_so_many_sessions_until_one_ends() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let (one, _one) = sessions.create_session().await.expect("a session");
        let (_, _other) = sessions.create_session().await.expect("a session");
        assert!(sessions.are_full());
        assert!(matches!(sessions.create_session().await.map(drop), Err(SessionError::TooMany)));
        sessions.close_session(&one).await.expect("an end");
        assert!(!sessions.has_session(&one).await.expect("an answer") && sessions.create_session().await.is_ok());
    }

    #[tokio::test]
    async fn a_session_ends_when_it_has_been_idle_and_not_while_a_call_is_answered() {
        let idle = Duration::from_millis(1);
        let sessions = Sessions::new(1, idle);
        let (id, _transport) = sessions.create_session().await.expect("a session");
        let call = Call::new(sessions.calls(&id).expect("a session"));
        sleep(20 * idle).await;
        assert!(sessions.has_session(&id).await.expect("an answer") && sessions.are_full());
        drop(call);
        while sessions.are_full() {
            sleep(idle).await;
        }
        assert!(!sessions.has_session(&id).await.expect("an answer"));
    }
}
