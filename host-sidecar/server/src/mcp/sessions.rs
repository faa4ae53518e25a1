//! The sessions of a tenant. Their number is limited, and a session ends when its client ends it or makes no
//! call for the idle timeout.

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

/// Why an operation on a session failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the session limit of this tenant is reached")]
    LimitReached,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// All sessions of a tenant. The library's session manager has no limit; this one counts the sessions that it
/// creates.
#[derive(Clone)]
pub(super) struct Sessions {
    local: Arc<LocalSessionManager>,
    open: Arc<Mutex<HashMap<SessionId, OpenSession>>>,
    permits: Arc<Semaphore>,
    idle_timeout: Duration,
}

/// A session that has not ended.
struct OpenSession {
    /// The number of calls without a complete response. Each message notifies the receiver, even if the
    /// number stays the same.
    active_calls: watch::Sender<usize>,
    _permit: OwnedSemaphorePermit,
}

/// Counts a call as active until it is dropped.
struct ActiveCall(watch::Sender<usize>);

impl ActiveCall {
    fn new(active_calls: watch::Sender<usize>) -> Self {
        active_calls.send_modify(|count| *count += 1);
        Self(active_calls)
    }
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Sessions {
    pub(super) fn new(max_sessions: u32, idle_timeout: Duration) -> Self {
        let mut local = LocalSessionManager::default();
        // The library cannot distinguish an idle session from one whose program is running.
        local.session_config.keep_alive = None;
        local.session_config.sse_retry = None;
        // No stream is resumed, so no completed response is kept.
        local.session_config.completed_cache_ttl = Duration::ZERO;
        let permits = usize::try_from(max_sessions).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            local: local.into(),
            open: Arc::default(),
            permits: Arc::new(Semaphore::new(permits)),
            idle_timeout,
        }
    }

    /// Whether the limit is reached.
    pub(super) fn are_full(&self) -> bool {
        self.permits.available_permits() == 0
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, OpenSession>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn active_calls(&self, id: &SessionId) -> Result<watch::Sender<usize>, SessionError> {
        let active_calls = self.open().get(id).map(|session| session.active_calls.clone());
        active_calls.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.clone()).into())
    }

    async fn end_when_idle(self, id: SessionId, mut active_calls: watch::Receiver<usize>) {
        loop {
            // The sender is dropped when the session ends.
            if active_calls.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            tokio::select! {
                changed = active_calls.changed() => if changed.is_err() { return },
                () = sleep(self.idle_timeout) => break,
            }
        }
        let _ = self.close_session(&id).await;
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let permit = self.permits.clone().try_acquire_owned().map_err(|_| SessionError::LimitReached)?;
        let (id, transport) = self.local.create_session().await?;
        let (active_calls, receiver) = watch::channel(0);
        self.open().insert(id.clone(), OpenSession { active_calls, _permit: permit });
        tokio::spawn(self.clone().end_when_idle(id.clone(), receiver));
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        let _call = ActiveCall::new(self.active_calls(id)?);
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
        let call = ActiveCall::new(self.active_calls(id)?);
        let stream = self.local.create_stream(id, message).await?;
        Ok(stream.map(move |event| {
            let _ = &call;
            event
        }))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionError> {
        self.active_calls(id)?.send_modify(|_| {});
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
    async fn the_number_of_sessions_is_limited() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let (one, _one) = sessions.create_session().await.expect("a session");
        let (_, _other) = sessions.create_session().await.expect("a session");
        assert!(sessions.are_full());
        assert!(matches!(sessions.create_session().await.map(drop), Err(SessionError::LimitReached)));
        sessions.close_session(&one).await.expect("an end");
        assert!(
            !sessions.has_session(&one).await.expect("an answer") && sessions.create_session().await.is_ok()
        );
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_and_not_during_a_call() {
        let idle_timeout = Duration::from_millis(1);
        let sessions = Sessions::new(1, idle_timeout);
        let (id, _transport) = sessions.create_session().await.expect("a session");
        let call = ActiveCall::new(sessions.active_calls(&id).expect("a session"));
        sleep(20 * idle_timeout).await;
        assert!(sessions.has_session(&id).await.expect("an answer") && sessions.are_full());
        drop(call);
        while sessions.are_full() {
            sleep(idle_timeout).await;
        }
        assert!(!sessions.has_session(&id).await.expect("an answer"));
    }
}
