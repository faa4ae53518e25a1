//! The guest as a component of the world `executor`.
#![cfg_attr(target_family = "wasm", no_std)]

#[cfg(target_family = "wasm")]
use code_executor_guest::Guest;
#[cfg(target_family = "wasm")]
use guest_runtime as _;

#[cfg(target_family = "wasm")]
code_executor_bindings::export!(Guest with_types_in code_executor_bindings);
