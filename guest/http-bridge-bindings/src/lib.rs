//! Rust bindings of the contract and WASI for the bridge.
//!
//! A separate crate, so that the bridge itself can forbid `unsafe`, which generated code needs.
#![no_std]
#![expect(missing_docs, reason = "wit/ documents the generated items")]

wit_bindgen::generate!({ path: "../../wit", world: "http-bridge", pub_export_macro: true, generate_all });
