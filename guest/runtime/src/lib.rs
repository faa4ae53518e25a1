//! What a component without a standard library brings along itself. Empty for other targets.
#![no_std]
#![cfg(target_family = "wasm")]

/// As the standard library's, without the rest of it.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic is a trap: there is nobody to print to.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
