//! What must work after a hostile case.

use super::{MAIN, World, executions::echo, sessions::reason};
use crate::conformance::Failure;
use cofferdam::core::session::SessionRequest;
use std::time::Duration;
use tokio::time::timeout;

/// Time in which a harmless command must be over, or the session have ended.
const LIMIT: Duration = Duration::from_secs(30);

impl World<'_> {
    /// Checks that the first session is usable, or has ended for a reason that the case allows and a new one is usable.
    pub(super) async fn check_usable(&self) -> Result<(), Failure> {
        let session = self.session(MAIN)?;
        let used = match timeout(LIMIT, echo(session)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("a harmless command is not over after {LIMIT:?}"),
        };
        let ended = timeout(LIMIT, session.ended()).await;
        let ended = ended.map_err(|_| format!("the session is neither usable nor ended: {used}"))?;
        if !self.case.spec.may_end.iter().any(|allowed| allowed == reason(ended)) {
            return Err(format!("the session {ended}, which the case does not allow: {used}").into());
        }
        let opened = self.driver.open(&self.tenant(None), SessionRequest::default()).await?;
        let (other, _) = opened?;
        let used = timeout(LIMIT, echo(&other)).await;
        other.close().await?;
        used.map_err(|_| "a new session does not answer")?
    }
}
