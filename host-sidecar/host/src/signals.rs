//! Signals that ask this process to end.

use std::{io, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Time for guests and connections to end after a signal.
pub(crate) const ABORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Waits for the signals that ask this process to end.
pub(crate) struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl EndSignals {
    /// Receives the signals from now on.
    pub(crate) fn receive() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one, and gives the exit code that a shell would: 128 and its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}
