//! Overhead of HTTP: the composed component, a sidecar on loopback, and a backend that returns immediately.

use crate::{concurrency, hop::InstantBackend, interactive::Failure, samples::Samples};
use cofferdam::{
    Runtime,
    config::{Listen, ServeConfig, Settings},
    core::NoObserver,
    server::Service,
    types,
};
use cofferdam_tests::{program::TestDir, sidecar};
use std::{path::Path, sync::Arc, time::Instant};
use tokio_util::sync::CancellationToken;
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

mod contract {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package cofferdam:bench;
            world agent {
                export cofferdam:code-executor/code-executor@0.1.0;
            }
        ",
        world: "cofferdam:bench/agent",
        exports: { default: async },
    });
}

use contract::{Agent, cofferdam::code_executor::types::Request};

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

/// Samples of calls through a running host, each with a new instance and connection, and of direct calls of
/// the library. They return `output` bytes.
///
/// # Errors
///
/// A call fails.
pub fn measure(component: &Path, output: usize, rounds: usize) -> Result<(Samples, Samples), Failure> {
    let listen = vec![Listen::Tcp(([127, 0, 0, 1], 0).into())];
    let settings =
        Settings { serve: ServeConfig { listen, ..ServeConfig::default() }, ..Settings::default() };
    let sidecar = Runtime::new(settings.policy()?, Arc::new(InstantBackend(output)));
    let service = Service::new(&settings.server()?, sidecar.clone())?;
    let url = service.addresses().next().ok_or("no address")?;

    let engine = Engine::default();
    let mut linker: Linker<Wasi> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    let component = Component::from_file(&engine, component)?;
    let request = Request {
        code: "print(6*7)".into(),
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
    let (mut through, mut direct) = (Samples::default(), Samples::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let serving = tokio::spawn(service.run(stop.clone()));
        for round in 0..rounds + 10 {
            let start = Instant::now();
            let wasi = WasiCtx::builder().env("COFFERDAM_URL", &url).build();
            let mut store =
                Store::new(&engine, Wasi { wasi, http: WasiHttpCtx::new(), table: ResourceTable::new() });
            let agent = Agent::instantiate_async(&mut store, &component, &linker).await?;
            let executor = agent.cofferdam_code_executor_code_executor();
            let outcome =
                executor.call_execute(&mut store, &request).await?.map_err(|error| error.message)?;
            let whole = start.elapsed();
            if outcome.stdout.text.len() != output {
                return Err("the output has another length".into());
            }
            let start = Instant::now();
            let request = types::Request { code: "print(6*7)".into(), ..Default::default() };
            sidecar.run(request, &CancellationToken::new(), &NoObserver).await?;
            if round >= 10 {
                through.push(whole);
                direct.push(start.elapsed());
            }
        }
        stop.cancel();
        serving.await?;
        Ok((through, direct))
    })
}

/// Resident memory in bytes of an idle `cofferdam serve` that has executed one program.
///
/// # Errors
///
/// The sidecar does not execute the program.
pub fn idle_memory(dir: &TestDir) -> Result<u64, Failure> {
    let sidecar = sidecar::Sidecar::start(dir, &[], &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = sidecar.tcp_client();
    let response = runtime.block_on(client.send(
        "POST",
        "/v1/executions",
        &[("content-type", "application/json")],
        r#"{"code": "print(6*7)"}"#,
    ));
    if response.status != 200 {
        return Err(response.text.into());
    }
    concurrency::resident(sidecar.pid())
}
