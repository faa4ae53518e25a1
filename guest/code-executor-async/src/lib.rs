//! The guest as a component of the world with asynchronous functions.
#![cfg_attr(target_family = "wasm", no_std)]

#[cfg(target_family = "wasm")]
use code_executor_guest::Guest;
#[cfg(target_family = "wasm")]
use guest_runtime as _;

#[cfg(target_family = "wasm")]
async_bindings::export!(Guest with_types_in async_bindings);
