//! wasmtime, set up for a guest that is not trusted.

use cofferdam_core::os::user_folders;
use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, StoreLimits,
    StoreLimitsBuilder,
};

/// Bytes of a guest's memory: the largest outcome that settings can allow, held twice and as text, and some.
pub(super) const MAX_MEMORY: usize = 2 << 30;
/// Elements of a guest's table.
const MAX_TABLE: usize = 10_000;
/// The grain of the clock that bounds a guest's computing, after which it lets others have its thread.
const TICK: Duration = Duration::from_millis(10);

/// The engine for guests. Compiled code is kept in the user's cache folder, so that only the first run on a machine
/// compiles. Room for `instances` guests at once is made now; one over it is an error, not a wait.
pub(super) fn engine(instances: u32) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(2))
        .total_stacks(instances)
        .max_memory_size(MAX_MEMORY)
        .table_elements(MAX_TABLE);
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

/// Bounds of one guest.
pub(super) fn store_limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MAX_MEMORY)
        .table_elements(MAX_TABLE)
        .instances(10)
        .memories(1)
        .tables(4)
        .trap_on_grow_failure(false)
        .build()
}

/// Lets the engine's clock tick for as long as `alive` is.
pub(super) fn tick(engine: &Engine, alive: &Arc<()>) {
    let (engine, alive): (_, Weak<()>) = (engine.weak(), Arc::downgrade(alive));
    thread::spawn(move || {
        while alive.strong_count() > 0 {
            thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    });
}

/// None where there is no folder for it: then each process compiles for itself.
fn cache() -> Option<Cache> {
    let folder = user_folders::cache().filter(|folder| folder.is_absolute())?;
    let mut config = CacheConfig::new();
    config.with_directory(folder.join("components"));
    Cache::new(config).inspect_err(|error| tracing::debug!(%error, "compiled code is not cached")).ok()
}
