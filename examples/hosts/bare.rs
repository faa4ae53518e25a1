//! An agent host that embeds wasmtime: it adds the import `sandbox` to its linker and calls the component.
//!
//! `cargo run --release -p cofferdam-component --example bare -- target/components/code-executor.wasm 'print(6*7)'`

use cofferdam::{
    Runtime,
    core::policy::Policy,
    local::{LocalBackend, LocalConfig},
};
use cofferdam_component::{
    Guest, SandboxCtx, SandboxView, add_only_sandbox_to_linker,
    types::{Request, Status},
};
use std::{env, error::Error, process::ExitCode, sync::Arc};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

/// The data of a store.
struct Agent {
    sandbox: SandboxCtx,
}

impl SandboxView for Agent {
    fn sandbox(&mut self) -> &mut SandboxCtx {
        &mut self.sandbox
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, code] = args.as_slice() else { return Err("usage: bare COMPONENT CODE".into()) };

    let engine = Engine::default();
    let component = Component::from_file(&engine, component)?;
    let mut linker: Linker<Agent> = Linker::new(&engine);
    add_only_sandbox_to_linker(&mut linker)?;

    let backend = LocalBackend::new(&LocalConfig::default())?;
    let runtime = Runtime::new(Policy::default(), Arc::new(backend));

    let sandbox = SandboxCtx::builder(runtime.clone()).max_executions(1).build();
    let mut store = Store::new(&engine, Agent { sandbox });
    let guest = Guest::instantiate_async(&mut store, &component, &linker).await?;
    let request = Request::new(code);
    let result = guest.cofferdam_code_executor_code_executor().call_execute(&mut store, &request).await?;
    runtime.drain().await;

    let outcome = result.map_err(|error| error.message)?;
    print!("{}", outcome.stdout.text);
    eprint!("{}", outcome.stderr.text);
    match outcome.status {
        Status::Exited(code) => Ok(code.into()),
        other => Err(format!("the program did not exit normally: {other:?}").into()),
    }
}
