//! The guest as a component of the world `executor-stream`.
#![no_std]
#![cfg(target_family = "wasm")]

use code_executor_guest::Guest;
use guest_runtime as _;

code_executor_bindings::export!(Guest with_types_in code_executor_bindings);
