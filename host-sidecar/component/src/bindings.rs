//! The contract as Rust, for the host.
#![expect(missing_docs, reason = "the documentation of what has none here is in wit/")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "executor",
    imports: { default: async },
    exports: { default: async },
});

/// The same for guests whose runs can be followed.
pub(super) mod stream {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "executor-stream",
        imports: { default: async },
        exports: { default: async },
        with: {
            "cofferdam:code-executor/types": super::cofferdam::code_executor::types,
            "cofferdam:code-executor/sandbox": super::cofferdam::code_executor::sandbox,
        },
    });
}

impl cofferdam::code_executor::types::Request {
    /// A request for this program, with everything else left to the operator.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            language: None,
            args: None,
            env: None,
            stdin: None,
            files: None,
            collect: None,
            limits: None,
            network: None,
            labels: None,
        }
    }
}
