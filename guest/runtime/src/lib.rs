//! The allocator and the panic handler of a component without a standard library. Empty for other targets.
#![no_std]
#![cfg(target_family = "wasm")]

/// The standard library's allocator for WebAssembly, without the standard library.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic is a trap, since the component has no output to print to.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
