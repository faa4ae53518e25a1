//! Rust bindings of the contract for the tool component.
//!
//! A separate crate, so that the tool itself can forbid `unsafe`, which generated code needs.
#![no_std]
#![expect(missing_docs, reason = "wit/ documents the generated items")]

/// A module, since the macro that it exports is named in the crate's root too.
#[cfg_attr(test, expect(clippy::disallowed_methods, reason = "generated code uses `std::mem::forget`"))]
mod generated {
    wit_bindgen::generate!({ path: "../../wit", world: "tool", pub_export_macro: true });
}

pub use generated::*;
