//! The lingering close: what a caller still sends after its response is read and discarded, within limits. If
//! the socket were closed with unread input, the kernel would reset the connection, and the caller might
//! never read the response.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

/// Maximum time in total.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time without any input.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of discarded bytes.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// Discards the rest of an input.
#[derive(Debug)]
pub(super) struct Linger {
    idle: Pin<Box<Sleep>>,
    deadline: Instant,
    remaining_bytes: usize,
}

impl Linger {
    pub(super) fn new() -> Self {
        Self {
            idle: Box::pin(sleep(IDLE_TIMEOUT)),
            deadline: Instant::now() + TOTAL_TIMEOUT,
            remaining_bytes: MAX_BYTES,
        }
    }

    /// Calls `poll_read` until the input ends or a limit is reached. `poll_read` discards a piece and returns
    /// its size, or `None` at the end of the input or after an error.
    pub(super) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        mut poll_read: impl FnMut(&mut Context<'_>) -> Poll<Option<usize>>,
    ) -> Poll<()> {
        while self.idle.as_mut().poll(cx).is_pending() {
            let Some(size) = ready!(poll_read(cx)) else { break };
            let Some(remaining) = self.remaining_bytes.checked_sub(size) else { break };
            self.remaining_bytes = remaining;
            self.idle.as_mut().reset((Instant::now() + IDLE_TIMEOUT).min(self.deadline));
        }
        Poll::Ready(())
    }
}
