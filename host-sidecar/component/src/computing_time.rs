//! Limits the computing time of guests.

use std::{
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};
use wasmtime::{Engine, Store, UpdateDeadline, format_err};

/// How often a guest that computes yields its thread, and its computing time is checked.
const EPOCH_INTERVAL: Duration = Duration::from_millis(10);

/// A thread that increments the epoch of an engine until the last clone is dropped. The engine's configuration must
/// have `epoch_interruption`.
#[derive(Debug, Clone)]
pub struct Epochs {
    _alive: Arc<()>,
}

impl Epochs {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The thread cannot be created.
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let alive = Arc::new(());
        let (engine, observed): (_, Weak<()>) = (engine.weak(), Arc::downgrade(&alive));
        thread::Builder::new().name("epochs".into()).spawn(move || {
            while observed.strong_count() > 0 {
                thread::sleep(EPOCH_INTERVAL);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { _alive: alive })
    }

    /// Limits the computing time of the guests of a store: a guest that exceeds it traps. The time passes only in
    /// futures that [`ComputingTime::measure`] wraps.
    pub fn limit<T: 'static>(&self, store: &mut Store<T>, max: Duration) -> ComputingTime {
        let time = ComputingTime::default();
        store.set_epoch_deadline(1);
        let computed = time.clone();
        store.epoch_deadline_callback(move |_| {
            if computed.elapsed() > max {
                return Err(format_err!("the guest computed for longer than {} s", max.as_secs_f64()));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        time
    }
}

/// The computing time of the guests of a store: the time in which their calls are polled. It does not pass while they
/// wait.
#[derive(Debug, Clone, Default)]
pub struct ComputingTime(Arc<Mutex<Spent>>);

#[derive(Debug, Default)]
struct Spent {
    /// In polls that have ended.
    before: Duration,
    /// When the current poll began.
    polled: Option<Instant>,
}

impl ComputingTime {
    /// Measures a call.
    pub async fn measure<F: Future>(&self, call: F) -> F::Output {
        let mut call = pin!(call);
        std::future::poll_fn(|context| self.poll(call.as_mut(), context)).await
    }

    fn poll<F: Future>(&self, call: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.update(|spent| spent.polled = Some(Instant::now()));
        let polled = call.poll(context);
        self.update(|spent| {
            spent.before = spent.elapsed();
            spent.polled = None;
        });
        polled
    }

    fn elapsed(&self) -> Duration {
        self.update(|spent| spent.elapsed())
    }

    /// Nothing panics while it holds the lock.
    fn update<T>(&self, change: impl FnOnce(&mut Spent) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Spent {
    fn elapsed(&self) -> Duration {
        self.before + self.polled.map_or(Duration::ZERO, |polled| polled.elapsed())
    }
}
