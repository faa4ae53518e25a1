//! All hosts of docs/hosts.md.

use super::{CallerHost, Cli, HttpHost, Remote, SidecarUrl};
use crate::{
    conformance::{Driver, Failure},
    hosts::{self, BARE, Caller, command, http_caller, transpiled},
    program::root,
};
use std::{path::Path, process::Command, sync::Arc};

/// A host.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Its name in the documentation.
    pub name: &'static str,
    /// Makes a driver that uses this sidecar.
    pub driver: fn(SidecarUrl) -> Result<Arc<dyn Driver>, Failure>,
}

/// The hosts that `make test` installs.
pub const HOSTS: [Host; 9] = [
    Host { name: "wasmtime CLI, `run`", driver: |sidecar| Ok(Arc::new(Cli::wasmtime(sidecar)?)) },
    Host { name: "wasmtime CLI, `serve`", driver: |sidecar| http(wasmtime_serve, sidecar) },
    Host { name: "`cofferdam-host run`", driver: |sidecar| Ok(Arc::new(Cli::cofferdam_host(sidecar)?)) },
    Host { name: "`cofferdam-host serve`", driver: |sidecar| http(cofferdam_host_serve, sidecar) },
    Host { name: "Rust, `wasmtime`", driver: |sidecar| Ok(Arc::new(Remote::new(sidecar)?)) },
    Host { name: "Python, `code-executor.wasm`", driver: |sidecar| caller(python_bare, sidecar) },
    Host { name: "Python, `code-executor-http.wasm`", driver: |sidecar| caller(Caller::python, sidecar) },
    Host { name: "Node, `code-executor.wasm`", driver: |sidecar| caller(node_bare, sidecar) },
    Host { name: "Node, `code-executor-http.wasm`", driver: |sidecar| caller(node_composed, sidecar) },
];

/// The hosts that `make hosts` installs.
pub const LARGE_HOSTS: [Host; 5] = [
    Host { name: "jco with JSPI, Node 26", driver: |sidecar| concurrent(|url| script("jspi", url), sidecar) },
    Host {
        name: "jco, Node 26, `code-executor-async.wasm`",
        driver: |sidecar| concurrent(|url| script("async-node", url), sidecar),
    },
    Host {
        name: "jco with JSPI, Chromium",
        driver: |sidecar| concurrent(|url| script("browser", url), sidecar),
    },
    Host { name: "wasmCloud `wash`", driver: |sidecar| http(wash, sidecar) },
    Host { name: "Wassette", driver: |sidecar| concurrent(|url| script("wassette", url), sidecar) },
];

fn caller(start: fn(&str) -> Caller, sidecar: SidecarUrl) -> Result<Arc<dyn Driver>, Failure> {
    Ok(Arc::new(CallerHost::new(start, sidecar)))
}

fn concurrent(start: fn(&str) -> Caller, sidecar: SidecarUrl) -> Result<Arc<dyn Driver>, Failure> {
    Ok(Arc::new(CallerHost::concurrent(start, sidecar)))
}

fn http(start: fn(&str) -> hosts::HttpHost, sidecar: SidecarUrl) -> Result<Arc<dyn Driver>, Failure> {
    Ok(Arc::new(HttpHost::new(start, sidecar)))
}

fn wasmtime_serve(url: &str) -> hosts::HttpHost {
    let mut wasmtime = command("wasmtime", "");
    wasmtime.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0", "--env", &format!("COFFERDAM_URL={url}")]);
    hosts::HttpHost::start(wasmtime.arg(http_caller("http-caller-http")), false)
}

fn cofferdam_host_serve(url: &str) -> hosts::HttpHost {
    let mut host = command("cofferdam-host", url);
    host.args(["serve", "--listen", "127.0.0.1:0", "--env", "COFFERDAM_URL", "--allow-host"]);
    host.arg(url.trim_start_matches("http://")).arg(http_caller("http-caller-http"));
    hosts::HttpHost::start(&host, false)
}

fn wash(url: &str) -> hosts::HttpHost {
    hosts::HttpHost::start(script_command("wash", url).env("COMPONENT", http_caller("http-caller")), true)
}

fn python_bare(url: &str) -> Caller {
    let mut python = command("python", url);
    python.args(["tests/hosts/callers/python.py", "bare", BARE]);
    Caller::start(python)
}

fn node_bare(url: &str) -> Caller {
    node(&transpiled("code-executor"), url)
}

fn node_composed(url: &str) -> Caller {
    node(&transpiled("code-executor-http"), url)
}

fn node(module: &Path, url: &str) -> Caller {
    let mut node = command("node", url);
    node.arg("tests/hosts/callers/node.mjs").arg(module);
    Caller::start(node)
}

fn script(name: &str, url: &str) -> Caller {
    Caller::script(script_command(name, url))
}

fn script_command(name: &str, url: &str) -> Command {
    let mut script = Command::new(root().join("tests/hosts/other").join(name).with_extension("sh"));
    script.current_dir(root()).env("COFFERDAM_URL", url).env_remove("COFFERDAM_TOKEN");
    script
}
