//! The contract as Rust, for the guest component.
//!
//! A crate of its own, so that the guest's code can forbid what generated code may do.
#![no_std]
#![expect(missing_docs, reason = "the documentation of what has none here is in wit/")]

#[cfg(not(feature = "stream"))]
wit_bindgen::generate!({ path: "../../wit", world: "executor", pub_export_macro: true });
#[cfg(feature = "stream")]
wit_bindgen::generate!({ path: "../../wit", world: "executor-stream", pub_export_macro: true });
