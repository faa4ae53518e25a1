//! Sessions of a sidecar.

mod call;
mod execution;
mod files;
#[cfg(feature = "terminal")]
mod terminal;

pub use execution::SessionEvents;
pub use files::Download;
#[cfg(feature = "terminal")]
pub use terminal::{Terminal, TerminalEvent, TerminalInput, TerminalOutput};

use crate::Client;
use call::{encoded, session_path};
use cofferdam_http_api::session::{SESSIONS, Session, SessionRequest, Sessions};
use cofferdam_types::Error;
use http::Method;

impl Client {
    /// Creates a session, or finds the caller's session with the requested name. Returns whether it was created.
    ///
    /// # Errors
    ///
    /// Those of the sidecar, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn create_session(&self, request: &SessionRequest) -> Result<(Session, bool), Error> {
        let response = self.send_json(Method::POST, SESSIONS, Some(request)).await?;
        let was_created = response.status == http::StatusCode::CREATED;
        Ok((call::read_json(response).await?, was_created))
    }

    /// The caller's sessions that have all of these names and values in their metadata.
    ///
    /// # Errors
    ///
    /// As for [`Client::create_session`].
    pub async fn sessions(&self, metadata: &[(String, String)]) -> Result<Vec<Session>, Error> {
        let pair = |(name, value): &(String, String)| {
            format!("metadata.{}={}", encoded(name.as_bytes()), encoded(value.as_bytes()))
        };
        let query = metadata.iter().map(pair).collect::<Vec<_>>().join("&");
        let Sessions { sessions } = self.get_json(&format!("{SESSIONS}?{query}")).await?;
        Ok(sessions)
    }

    /// One of the caller's sessions.
    ///
    /// # Errors
    ///
    /// As for [`Client::create_session`].
    pub async fn session(&self, session: &str) -> Result<Session, Error> {
        self.get_json(&session_path(session, "")).await
    }

    /// Closes a session.
    ///
    /// # Errors
    ///
    /// As for [`Client::create_session`].
    pub async fn close_session(&self, session: &str) -> Result<(), Error> {
        self.send_json(Method::DELETE, &session_path(session, ""), None::<&()>).await?;
        Ok(())
    }
}
