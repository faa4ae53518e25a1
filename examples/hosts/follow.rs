//! An agent host that streams an execution: it adds both imports to its linker and reads one event after the
//! other.
//!
//! `cargo run --release -p cofferdam-component --example follow -- target/components/code-executor-stream.wasm 'print(6*7)'`

use cofferdam::config::Settings;
use cofferdam_component::{
    SandboxCtx, StreamGuest, add_to_linker,
    code_executor_stream::Event,
    types::{Request, Status},
};
use std::{
    env,
    error::Error,
    io::{Write, stderr, stdout},
    process::ExitCode,
};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, code] = args.as_slice() else { return Err("usage: follow COMPONENT CODE".into()) };

    let engine = Engine::default();
    let mut linker: Linker<SandboxCtx> = Linker::new(&engine);
    add_to_linker(&mut linker)?;

    let runtime = Settings::default().runtime()?;
    let mut store = Store::new(&engine, SandboxCtx::new(runtime));
    let component = Component::from_file(&engine, component)?;
    let guest = StreamGuest::instantiate_async(&mut store, &component, &linker).await?;

    let stream = guest.cofferdam_code_executor_code_executor_stream();
    let id = stream.call_start(&mut store, &Request::new(code)).await?.map_err(|error| error.message)?;
    loop {
        match stream.call_next(&mut store, &id).await?.map_err(|error| error.message)? {
            Event::Reached(_) => {}
            Event::Stdout(text) => write!(stdout(), "{text}").and_then(|()| stdout().flush())?,
            Event::Stderr(text) => write!(stderr(), "{text}")?,
            Event::Ended(outcome) => {
                return match outcome.status {
                    Status::Exited(code) => Ok(code.into()),
                    other => Err(format!("the program did not exit normally: {other:?}").into()),
                };
            }
        }
    }
}
