//! An agent host that embeds wasmtime: it adds the import `sandbox` to its linker and calls the component.
//!
//! `cargo run --release -p cofferdam --example bare -- target/components/code-executor.wasm 'print(6*7)'`

use cofferdam::config::Settings;
use cofferdam_component::{
    Guest, SandboxImport, add_to_linker,
    types::{Request, Status},
};
use std::{env, error::Error, process::ExitCode};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, code] = args.as_slice() else { return Err("usage: bare COMPONENT CODE".into()) };

    let engine = Engine::default();
    let mut linker: Linker<SandboxImport> = Linker::new(&engine);
    add_to_linker(&mut linker, |import| import)?;

    let sidecar = Settings::default().runtime()?;
    let mut store = Store::new(&engine, SandboxImport::new(sidecar));
    let component = Component::from_file(&engine, component)?;
    let guest = Guest::instantiate_async(&mut store, &component, &linker).await?;

    let request = Request::new(code);
    match guest.cofferdam_code_executor_code_executor().call_execute(&mut store, &request).await? {
        Ok(outcome) => {
            print!("{}", outcome.stdout.text);
            eprint!("{}", outcome.stderr.text);
            match outcome.status {
                Status::Exited(code) => Ok(code.into()),
                other => Err(format!("the program did not exit normally: {other:?}").into()),
            }
        }
        Err(error) => Err(error.message.into()),
    }
}
