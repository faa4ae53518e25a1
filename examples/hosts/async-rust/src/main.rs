//! A host of the component with asynchronous functions: one instance executes all programs at once. Each runs in a
//! sandbox of the sidecar of `COFFERDAM_URL`.

use cofferdam_client::{Address, Client};
use cofferdam_component::{
    SandboxCtx,
    sandbox::{Host as _, Report},
    types,
    types::{Request, Status},
};
use contract::{
    Executor,
    cofferdam::{code_executor::code_executor::Outcome, code_executor_async::sandbox},
};
use futures_util::future::try_join_all;
use std::{env, error::Error, process::ExitCode};
use tokio::signal;
use tokio_util::sync::CancellationToken;
use wasmtime::{
    Engine, Store,
    component::{Accessor, Component, HasSelf, Linker},
};

mod contract {
    wasmtime::component::bindgen!({
        path: "../../../wit-async",
        world: "executor",
        with: {
            "cofferdam:code-executor/types": cofferdam_component::types,
            "cofferdam:code-executor/sandbox": cofferdam_component::sandbox,
        },
    });
}

/// The data of a store.
struct Agent {
    sidecar: Client,
    /// Dropping the future of a call does not end the call of the import: this does.
    cancelled: CancellationToken,
}

impl sandbox::Host for Agent {}

impl<T: Send> sandbox::HostWithStore<T> for HasSelf<Agent> {
    async fn run(agent: &Accessor<T, Self>, request: Request) -> Result<Report, types::Error> {
        let mut sandbox = agent.with(|mut agent| {
            let Agent { sidecar, cancelled } = agent.get();
            SandboxCtx::builder(sidecar.clone()).cancellation(cancelled.clone()).build()
        });
        sandbox.run(request).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, programs @ ..] = args.as_slice() else {
        return Err("usage: async-host COMPONENT PROGRAM...".into());
    };
    let url = env::var("COFFERDAM_URL").unwrap_or_else(|_| "http://127.0.0.1:8787".into());
    let sidecar = Client::new(url.parse::<Address>()?, env::var("COFFERDAM_TOKEN").ok());
    let cancelled = CancellationToken::new();

    let engine = Engine::default();
    let component = Component::from_file(&engine, component)?;
    let mut linker: Linker<Agent> = Linker::new(&engine);
    sandbox::add_to_linker::<_, HasSelf<Agent>>(&mut linker, |agent| agent)?;
    let mut store = Store::new(&engine, Agent { sidecar, cancelled: cancelled.clone() });
    let instance = Executor::instantiate_async(&mut store, &component, &linker).await?;
    let executor = instance.cofferdam_code_executor_async_code_executor();

    // The programs are killed, and their outcomes say so.
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
            cancelled.cancel();
        }
    });
    let calls = async |store: &Accessor<Agent>| {
        try_join_all(programs.iter().map(|code| executor.call_execute(store, Request::new(code)))).await
    };
    let results = store.run_concurrent(calls).await??;
    let codes: Vec<u8> = results.into_iter().map(print).collect();
    Ok(codes.into_iter().find(|code| *code != 0).unwrap_or_default().into())
}

/// Prints a result, and returns the program's exit code.
fn print(result: Result<Outcome, types::Error>) -> u8 {
    match result {
        Ok(outcome) => {
            print!("{}", outcome.stdout.text);
            eprint!("{}", outcome.stderr.text);
            if let Status::Exited(code) = outcome.status {
                return code;
            }
            eprintln!("the program did not exit normally: {:?}", outcome.status);
        }
        Err(error) => eprintln!("{:?}: {}", error.code, error.message),
    }
    1
}
