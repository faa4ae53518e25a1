//! Configures wasmtime for untrusted guests.

use cofferdam_core::os::user_dirs;
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
    StoreLimits, StoreLimitsBuilder,
};

/// Maximum memory of a guest in bytes: room for the largest outcome that settings allow, twice and as text.
pub(super) const MAX_MEMORY: usize = 2 << 30;
/// Maximum number of elements of a guest's table.
const MAX_TABLE_ELEMENTS: usize = 10_000;

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

/// A cache of compiled code in the user's cache folder, so that only the first process on a machine compiles. None if there
/// is no usable folder.
#[must_use]
pub fn compile_cache() -> Option<Cache> {
    let folder = user_dirs::cache().filter(|folder| folder.is_absolute())?;
    let mut config = CacheConfig::new();
    config.with_directory(folder.join("components"));
    Cache::new(config).inspect_err(|error| tracing::debug!(%error, "compiled code is not cached")).ok()
}
