//! A Rust host of the composed component that uses only the contract, not the library. It supplies WASI. The
//! component reads the sidecar's address from `COFFERDAM_URL`.
//!
//! `cargo run --release -p cofferdam-component --example composed -- target/components/code-executor-http.wasm 'print(6*7)'`

use std::{env, error::Error, process::ExitCode};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

mod contract {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package example:host;
            world agent {
                export cofferdam:code-executor/code-executor@0.1.0;
            }
        ",
        world: "example:host/agent",
    });
}

use contract::{
    Agent,
    cofferdam::code_executor::types::{Request, Status},
};

struct Wasi {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Wasi {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: default_hooks() }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, code] = args.as_slice() else { return Err("usage: composed COMPONENT CODE".into()) };

    let engine = Engine::default();
    let mut linker: Linker<Wasi> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_sync(&mut linker)?;

    let mut wasi = WasiCtx::builder();
    for name in ["COFFERDAM_URL", "COFFERDAM_TOKEN"] {
        if let Ok(value) = env::var(name) {
            wasi.env(name, &value);
        }
    }
    let state = Wasi { wasi: wasi.build(), http: WasiHttpCtx::new(), table: ResourceTable::new() };
    let mut store = Store::new(&engine, state);
    let component = Component::from_file(&engine, component)?;
    let agent = Agent::instantiate(&mut store, &component, &linker)?;

    let request = Request {
        code: code.clone(),
        language: None,
        args: None,
        env: None,
        stdin: None,
        files: None,
        collect: None,
        limits: None,
        network: None,
        labels: None,
    };
    match agent.cofferdam_code_executor_code_executor().call_execute(&mut store, &request)? {
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
