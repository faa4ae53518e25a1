//! Rust bindings of the contract for the guest component.
//!
//! A separate crate, so that the guest itself can forbid `unsafe`, which generated code needs.
#![no_std]
#![expect(missing_docs, reason = "wit/ documents the generated items")]

#[cfg(not(feature = "stream"))]
wit_bindgen::generate!({ path: "../../wit", world: "executor", pub_export_macro: true });
#[cfg(feature = "stream")]
wit_bindgen::generate!({ path: "../../wit", world: "executor-stream", pub_export_macro: true });
