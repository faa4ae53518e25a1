//! `cofferdam serve` with sessions.

use super::session::HttpSession;
use crate::interactive::Failure;
use cofferdam::client::{Address, Client};
use cofferdam_http_api::session::SessionRequest;
use cofferdam_tests::{cluster::runtime, program::TestDir, sidecar::Sidecar};
use rustix::process::Signal;
use std::{thread, time::Duration};

/// Delay in which the previous sandboxes are removed.
const SETTLE_DELAY: Duration = Duration::from_millis(200);
/// Settings above which no session of a measurement is refused.
const BOUNDS: [(&str, &str); 4] = [
    ("COFFERDAM_SESSIONS__MAX_SESSIONS", "1000"),
    ("COFFERDAM_SESSIONS__MAX_SESSIONS_PER_TENANT", "1000"),
    ("COFFERDAM_SESSIONS__MAX_MEMORY_BYTES", "4Ti"),
    ("COFFERDAM_SESSIONS__CREATIONS_PER_MINUTE", "100000"),
];

/// A sidecar in a folder of its own, and a client of its Unix socket.
pub(super) struct SessionSidecar {
    // Dropped first: it uses the folder.
    sidecar: Sidecar,
    client: Client,
    is_pooled: bool,
    pub(super) dir: TestDir,
}

impl SessionSidecar {
    /// Starts a sidecar and waits until this many sandboxes are prewarmed.
    pub(super) fn start(prewarmed: u32) -> Result<Self, Failure> {
        let dir = TestDir::new();
        let number = prewarmed.to_string();
        let pool = [
            ("COFFERDAM_POOL__MAXIMUM", number.as_str()),
            ("COFFERDAM_POOL__MINIMUM", &number),
            ("COFFERDAM_POOL__STARTS_AT_ONCE", "2"),
        ];
        let sidecar = Sidecar::start(&dir, &[], &[&pool[..], &BOUNDS].concat());
        // The pool starts with the first question whether the sidecar is ready.
        let ready = runtime().block_on(sidecar.client().send("GET", "/readyz", &[], ""));
        if ready.status != 200 {
            return Err(ready.text.into());
        }
        let client = Client::new(Address::Unix(sidecar.socket_path().to_owned()), None);
        let mut started = Self { sidecar, client, is_pooled: prewarmed > 0, dir };
        started.fill(prewarmed);
        Ok(started)
    }

    /// Waits until this many more sandboxes are prewarmed.
    pub(super) fn fill(&mut self, more: u32) {
        for _ in 0..more {
            self.sidecar.wait_for("a sandbox waits");
        }
        thread::sleep(SETTLE_DELAY);
    }

    /// Creates a session, which must come from the pool if there is one.
    pub(super) async fn create(&self) -> Result<HttpSession, Failure> {
        let (session, _) = self.client.create_session(&SessionRequest::default()).await?;
        if session.warm != self.is_pooled {
            return Err(format!("a session is prewarmed: {}", session.warm).into());
        }
        Ok(HttpSession::new(self.client.clone(), session.id))
    }

    /// The same for a thread.
    pub(super) fn create_blocking(&self) -> Result<HttpSession, Failure> {
        runtime().block_on(self.create())
    }

    /// The id of its process.
    pub(super) fn pid(&self) -> u32 {
        self.sidecar.pid()
    }

    /// Ends it and all its sandboxes.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.sidecar.signal(Signal::TERM);
        let (status, log) = self.sidecar.end();
        if status.success() { Ok(()) } else { Err(format!("cofferdam serve: {status}\n{log}").into()) }
    }
}
