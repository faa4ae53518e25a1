//! Rust bindings of the contract with asynchronous functions for the guest component. Its types are those of the contract
//! without.
//!
//! A separate crate, so that the guest itself can forbid `unsafe`, which generated code needs.
#![no_std]
#![expect(missing_docs, reason = "wit-async/ documents the generated items")]

wit_bindgen::generate!({
    path: "../../wit-async",
    world: "executor",
    pub_export_macro: true,
    with: {
        "cofferdam:code-executor/types@0.1.0": code_executor_bindings::cofferdam::code_executor::types,
        "cofferdam:code-executor/sandbox@0.1.0": code_executor_bindings::cofferdam::code_executor::sandbox,
        "cofferdam:code-executor/code-executor@0.1.0":
            code_executor_bindings::exports::cofferdam::code_executor::code_executor,
    },
});
