//! The contract and WASI as Rust, for the bridge.
//!
//! A crate of its own, so that the bridge's code can forbid what generated code may do.
#![no_std]
#![expect(missing_docs, reason = "the documentation of what has none here is in wit/")]

wit_bindgen::generate!({ path: "../../wit", world: "http-bridge", pub_export_macro: true, generate_all });
