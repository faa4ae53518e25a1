//! The contract as Rust, for the host.
#![expect(missing_docs, reason = "the documentation of what has none here is in wit/")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "executor",
    imports: { default: async },
    exports: { default: async },
});
