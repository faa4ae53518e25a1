//! A component that is loaded, and the stores of its instances.

use crate::{
    cli::GuestArgs,
    error::HostError,
    limits::{GuestLimits, MAX_COPIED, MAX_RESOURCES},
    wasi::HttpClient,
};
use cofferdam::Runtime;
use cofferdam_component::{ComputingTime, Epochs, SandboxCtx, SandboxView, add_to_linker, compile_cache};
use std::path::Path;
use wasmtime::{
    Config, Engine, Store,
    component::{Component, InstancePre, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// A component that is compiled and linked.
pub(crate) struct Guest {
    engine: Engine,
    pub(crate) component: Component,
    pub(crate) linked: InstancePre<GuestData>,
    epochs: Epochs,
}

/// The data of a store.
pub(crate) struct GuestData {
    sandbox: SandboxCtx,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    http_client: HttpClient,
    table: ResourceTable,
    limits: GuestLimits,
}

impl SandboxView for GuestData {
    fn sandbox(&mut self) -> &mut SandboxCtx {
        &mut self.sandbox
    }
}

impl WasiView for GuestData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for GuestData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.http_client }
    }
}

impl Guest {
    /// Compiles and links a component. What it imports beside the sandbox and WASI is an error.
    pub(crate) fn load(path: &Path) -> Result<Self, HostError> {
        let failed = |source| HostError::Component { path: path.to_owned(), source };
        let mut config = Config::new();
        config.epoch_interruption(true).cache(compile_cache());
        let engine = Engine::new(&config).map_err(failed)?;
        let component = Component::from_file(&engine, path).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).map_err(failed)?;
        add_to_linker(&mut linker).map_err(failed)?;
        let linked = linker.instantiate_pre(&component).map_err(failed)?;
        let epochs = Epochs::start(&engine)?;
        Ok(Self { engine, component, linked, epochs })
    }

    /// A store for one instance. Dropping it, or a call that uses it, cancels the executions of the instance.
    pub(crate) fn store(
        &self,
        args: &GuestArgs,
        wasi: WasiCtx,
        runtime: &Runtime,
    ) -> (Store<GuestData>, ComputingTime) {
        let sandbox = SandboxCtx::builder(runtime.clone()).max_executions(args.max_executions).build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let data = GuestData {
            sandbox,
            wasi,
            http: WasiHttpCtx::new(),
            http_client: HttpClient::new(&args.hosts),
            table,
            limits: GuestLimits::new(args.memory.0),
        };
        let mut store = Store::new(&self.engine, data);
        store.limiter(|data| &mut data.limits);
        store.set_hostcall_fuel(MAX_COPIED);
        let computing_time = self.epochs.limit(&mut store, args.computing_time.0);
        (store, computing_time)
    }
}
