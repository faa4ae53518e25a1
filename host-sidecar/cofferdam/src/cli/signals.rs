//! Signals that ask this process to end.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const END: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// The signals that ask this process to end, and whether they do so at once.
#[derive(Debug, Clone)]
pub(super) struct EndSignals {
    exit_on_signal: Arc<AtomicBool>,
}

impl EndSignals {
    /// Makes each of these signals end the process at once, until [`EndSignals::cancel_on_first`].
    pub(super) fn install() -> io::Result<Self> {
        let exit_on_signal = Arc::new(AtomicBool::new(true));
        for kind in END {
            let number = kind.as_raw_value();
            signal_hook::flag::register_conditional_shutdown(number, 128 + number, exit_on_signal.clone())?;
        }
        Ok(Self { exit_on_signal })
    }

    /// From now on the next of these signals ends the process at once.
    pub(super) fn exit_on_next(&self) {
        self.exit_on_signal.store(true, Ordering::Relaxed);
    }

    /// Sets the token at the first of these signals. The second one ends the process at once; the next
    /// execution then cleans up.
    pub(super) fn cancel_on_first(
        &self,
        cancelled: CancellationToken,
    ) -> io::Result<impl Future<Output = SignalKind> + Send + use<>> {
        let [interrupt, terminate, hang_up] = END;
        let [mut interrupt, mut terminate, mut hang_up] =
            [signal(interrupt)?, signal(terminate)?, signal(hang_up)?];
        // The streams above receive each signal from now on, even before they are awaited.
        self.exit_on_signal.store(false, Ordering::Relaxed);
        let signals = self.clone();
        Ok(async move {
            let kind = tokio::select! {
                _ = interrupt.recv() => END[0],
                _ = terminate.recv() => END[1],
                _ = hang_up.recv() => END[2],
            };
            signals.exit_on_next();
            cancelled.cancel();
            kind
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;

    #[test]
    fn the_first_signal_sets_the_token_once_it_is_awaited_and_ends_the_process_before() {
        let signals = EndSignals::install().expect("a handler");
        let exits_on_signal = || signals.exit_on_signal.load(Ordering::Relaxed);
        assert!(exits_on_signal(), "a signal would be lost");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let cancelled = CancellationToken::new();
        let kind = runtime.block_on(async {
            let signal = signals.cancel_on_first(cancelled.clone()).expect("a listener");
            assert!(!exits_on_signal(), "the first signal would end the process");
            // It comes before it is awaited.
            raise(SignalKind::hangup().as_raw_value()).expect("a signal");
            signal.await
        });
        assert_eq!(kind, SignalKind::hangup());
        assert!(cancelled.is_cancelled() && exits_on_signal());
    }
}
