//! Configures wasmtime for untrusted guests.

use cofferdam_core::os::user_dirs;
use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    StoreLimits, StoreLimitsBuilder, UpdateDeadline, format_err,
};

/// Maximum memory of a guest in bytes: room for the largest outcome that settings allow, twice and as text.
pub(super) const MAX_MEMORY: usize = 2 << 30;
/// Maximum number of elements of a guest's table.
const MAX_TABLE_ELEMENTS: usize = 10_000;
/// How often a guest that computes yields its thread, and its computing time is checked.
const EPOCH_INTERVAL: Duration = Duration::from_millis(10);

/// An engine for at most `max_instances` guests at once; one more is an error. Compiled code is cached in the
/// user's cache folder, so that only the first process on a machine compiles.
pub(super) fn engine(max_instances: u32) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(max_instances)
        .total_core_instances(max_instances.saturating_mul(4))
        .total_memories(max_instances)
        .total_tables(max_instances.saturating_mul(2))
        .total_stacks(max_instances)
        .max_memory_size(MAX_MEMORY)
        .table_elements(MAX_TABLE_ELEMENTS);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_reservation(MAX_MEMORY as u64)
        .memory_guard_size(0)
        .memory_may_move(false)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cache(compile_cache());
    Engine::new(&config)
}

/// The limits of one guest.
pub(super) fn store_limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MAX_MEMORY)
        .table_elements(MAX_TABLE_ELEMENTS)
        .instances(10)
        .memories(1)
        .tables(4)
        .trap_on_grow_failure(false)
        .build()
}

/// Lets the computing time of guests be limited: a thread increments the epoch of an engine until the last clone
/// is dropped. The engine's configuration must have `epoch_interruption`.
#[derive(Debug, Clone)]
pub struct Epochs {
    _alive: Arc<()>,
}

impl Epochs {
    /// Starts the thread.
    #[must_use]
    pub fn start(engine: &Engine) -> Self {
        let alive = Arc::new(());
        let (engine, observed): (_, Weak<()>) = (engine.weak(), Arc::downgrade(&alive));
        thread::spawn(move || {
            while observed.strong_count() > 0 {
                thread::sleep(EPOCH_INTERVAL);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        });
        Self { _alive: alive }
    }

    /// Limits the computing time of the guests of a store. It passes while a guest computes, and not while it waits
    /// for an import such as an execution. A guest that exceeds it traps.
    pub fn limit<T: 'static>(&self, store: &mut Store<T>, max: Duration) {
        let mut remaining = max.as_millis() / EPOCH_INTERVAL.as_millis();
        store.set_epoch_deadline(1);
        // However many epochs have passed while the guest waited, this is called once after it.
        store.epoch_deadline_callback(move |_| {
            let computed_for = || format_err!("the guest computed for longer than {} s", max.as_secs_f64());
            remaining = remaining.checked_sub(1).ok_or_else(computed_for)?;
            Ok(UpdateDeadline::Yield(1))
        });
    }
}

/// A cache of compiled code in the user's cache folder, so that only the first process on a machine compiles. None if there
/// is no usable folder.
#[must_use]
pub fn compile_cache() -> Option<Cache> {
    let folder = user_dirs::cache().filter(|folder| folder.is_absolute())?;
    let mut config = CacheConfig::new();
    config.with_directory(folder.join("components"));
    Cache::new(config).inspect_err(|error| tracing::debug!(%error, "compiled code is not cached")).ok()
}
