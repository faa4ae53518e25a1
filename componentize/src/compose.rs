//! Composes the guest with the bridge, which implements the guest's imports.

use anyhow::Result;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, types::Package};

const TYPES: &str = concat!("cofferdam:code-executor/types@", env!("CARGO_PKG_VERSION"));
const SANDBOX: &str = concat!("cofferdam:code-executor/sandbox@", env!("CARGO_PKG_VERSION"));
const SANDBOX_STREAM: &str = concat!("cofferdam:code-executor/sandbox-stream@", env!("CARGO_PKG_VERSION"));
const CODE_EXECUTOR: &str = concat!("cofferdam:code-executor/code-executor@", env!("CARGO_PKG_VERSION"));
const CODE_EXECUTOR_STREAM: &str =
    concat!("cofferdam:code-executor/code-executor-stream@", env!("CARGO_PKG_VERSION"));

/// Connects the imports of a component to the exports of an executor, as `wac plug` does. The executor stays inside: the
/// component exports only its own.
pub(crate) fn plug(component: &[u8], executor: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let executor = register(&mut graph, "cofferdam:executor", executor)?;
    let socket = register(&mut graph, "cofferdam:socket", component)?;
    wac_graph::plug(&mut graph, vec![executor], socket)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, component: &[u8]) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}

/// Connects the guest's imports to the bridge's exports. The types are connected and exported too: otherwise
/// the component would import them, and a host that supplies only WASI does not have them.
pub(crate) fn compose(executor: &[u8], bridge: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut instantiate = |name, component: &[u8]| {
        let package = register(&mut graph, name, component)?;
        anyhow::Ok(graph.instantiate(package))
    };
    let (bridge, executor) =
        (instantiate("cofferdam:http-bridge", bridge)?, instantiate("cofferdam:executor", executor)?);
    for name in [TYPES, SANDBOX, SANDBOX_STREAM] {
        let exported = graph.alias_instance_export(bridge, name)?;
        graph.set_instantiation_argument(executor, name, exported)?;
    }
    for (instance, name) in [(bridge, TYPES), (executor, CODE_EXECUTOR), (executor, CODE_EXECUTOR_STREAM)] {
        let exported = graph.alias_instance_export(instance, name)?;
        graph.export(exported, name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
