//! Closes sessions.

use cofferdam_core::session::Session;
use cofferdam_types::Error;

/// Closes a session, also if the caller disconnects meanwhile.
pub(crate) async fn close(session: Session) -> Result<(), Error> {
    let closing = tokio::spawn(async move { session.close().await });
    closing.await.map_err(|error| Error::internal("the session could not be closed", error))?
}
