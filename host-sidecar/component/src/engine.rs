//! Configures wasmtime for untrusted guests.

use cofferdam_core::os::user_dirs;
use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
    StoreLimits, StoreLimitsBuilder,
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
        .cache(cache());
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

/// Increments the engine's epoch in a thread until `alive` is dropped.
pub(super) fn increment_epochs(engine: &Engine, alive: &Arc<()>) {
    let (engine, alive): (_, Weak<()>) = (engine.weak(), Arc::downgrade(alive));
    thread::spawn(move || {
        while alive.strong_count() > 0 {
            thread::sleep(EPOCH_INTERVAL);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    });
}

/// None if there is no usable cache folder: then each process compiles.
fn cache() -> Option<Cache> {
    let folder = user_dirs::cache().filter(|folder| folder.is_absolute())?;
    let mut config = CacheConfig::new();
    config.with_directory(folder.join("components"));
    Cache::new(config).inspect_err(|error| tracing::debug!(%error, "compiled code is not cached")).ok()
}
