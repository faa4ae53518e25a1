//! The guest with the bridge as its sandbox: what is left to import is the bridge's own.

use anyhow::Result;
use wac_graph::{CompositionGraph, EncodeOptions, types::Package};

const TYPES: &str = concat!("cofferdam:code-executor/types@", env!("CARGO_PKG_VERSION"));
const SANDBOX: &str = concat!("cofferdam:code-executor/sandbox@", env!("CARGO_PKG_VERSION"));
const SANDBOX_STREAM: &str = concat!("cofferdam:code-executor/sandbox-stream@", env!("CARGO_PKG_VERSION"));
const CODE_EXECUTOR: &str = concat!("cofferdam:code-executor/code-executor@", env!("CARGO_PKG_VERSION"));
const CODE_EXECUTOR_STREAM: &str = concat!("cofferdam:code-executor/code-executor-stream@", env!("CARGO_PKG_VERSION"));

/// Hands the guest what the bridge exports. The types are passed and exported too: left out, they would be an import of their
/// own, which a host of WASI only does not have.
pub(crate) fn compose(executor: &[u8], bridge: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut instantiate = |name, component: &[u8]| {
        let package = Package::from_bytes(name, None, component, graph.types_mut())?;
        let package = graph.register_package(package)?;
        anyhow::Ok(graph.instantiate(package))
    };
    let (bridge, executor) =
        (instantiate("cofferdam:http-bridge", bridge)?, instantiate("cofferdam:executor", executor)?);
    for imported in [TYPES, SANDBOX, SANDBOX_STREAM] {
        let exported = graph.alias_instance_export(bridge, imported)?;
        graph.set_instantiation_argument(executor, imported, exported)?;
    }
    for (instance, name) in [(bridge, TYPES), (executor, CODE_EXECUTOR), (executor, CODE_EXECUTOR_STREAM)] {
        let exported = graph.alias_instance_export(instance, name)?;
        graph.export(exported, name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
