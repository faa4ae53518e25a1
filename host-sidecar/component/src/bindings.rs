//! The Rust bindings of the contract, for hosts.
#![expect(missing_docs, reason = "generated items without docs are documented in wit/")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "executor",
    imports: { default: async },
    exports: { default: async },
});

/// The bindings of guests with streamed executions.
pub(super) mod stream {
    wasmtime::component::bindgen!({
        path: "wit",
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
    /// A request that executes this program with the operator's defaults.
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
