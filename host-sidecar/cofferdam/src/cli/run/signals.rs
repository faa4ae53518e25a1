//! What ends a run early.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Signals that ask to end.
const END: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// Sets the token at the first signal that asks to end, or when the reader of our output has left; gives the signal, or the
/// one that a program gets whose reader has left.
pub(super) fn cancel_early(
    cancelled: CancellationToken,
    reader_left: CancellationToken,
    impatient: Arc<AtomicBool>,
) -> io::Result<impl Future<Output = i32>> {
    let signal = cancel_on_signal(cancelled.clone(), impatient)?;
    Ok(async move {
        tokio::select! {
            kind = signal => kind.as_raw_value(),
            () = reader_left.cancelled() => {
                cancelled.cancel();
                SignalKind::pipe().as_raw_value()
            }
        }
    })
}

/// A flag that lets each of these signals end the process at once. It is set until [`cancel_on_signal`] hears them.
pub(in crate::cli) fn end_at_signals_once_set() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(true));
    for kind in END {
        let number = kind.as_raw_value();
        signal_hook::flag::register_conditional_shutdown(number, 128 + number, flag.clone())?;
    }
    Ok(flag)
}

/// Sets the token at the first signal that asks to end; the second ends the process, and the next run takes away the rest.
pub(in crate::cli) fn cancel_on_signal(
    cancelled: CancellationToken,
    impatient: Arc<AtomicBool>,
) -> io::Result<impl Future<Output = SignalKind>> {
    let [interrupt, terminate, hang_up] = END;
    let [mut interrupt, mut terminate, mut hang_up] = [signal(interrupt)?, signal(terminate)?, signal(hang_up)?];
    // From here on no signal is lost that does not end the process.
    impatient.store(false, Ordering::Relaxed);
    Ok(async move {
        let kind = tokio::select! {
            _ = interrupt.recv() => END[0],
            _ = terminate.recv() => END[1],
            _ = hang_up.recv() => END[2],
        };
        impatient.store(true, Ordering::Relaxed);
        cancelled.cancel();
        kind
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;

    #[test]
    fn a_signal_ends_the_process_until_it_is_heard_and_then_sets_the_token() {
        let impatient = end_at_signals_once_set().expect("a flag");
        assert!(impatient.load(Ordering::Relaxed), "a signal would be lost");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let cancelled = CancellationToken::new();
        let kind = runtime.block_on(async {
            let signal = cancel_on_signal(cancelled.clone(), impatient.clone()).expect("a listener");
            assert!(!impatient.load(Ordering::Relaxed), "the first signal would end the process");
            // It comes before anything waits for it.
            raise(SignalKind::hangup().as_raw_value()).expect("a signal");
            signal.await
        });
        assert_eq!(kind, SignalKind::hangup());
        assert!(cancelled.is_cancelled() && impatient.load(Ordering::Relaxed));
    }
}
