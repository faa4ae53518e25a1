//! Turns core modules into components.
//!
//! - `componentize guests WIT ASYNC-WIT MODULES FOLDER` writes `code-executor.wasm`, which imports `sandbox`,
//!   `code-executor-stream.wasm`, which also imports `sandbox-stream`, `code-executor-http.wasm`, which is
//!   composed with the bridge and imports WASI only, `code-executor-tool.wasm`, a tool around the latter, and
//!   `code-executor-async.wasm`, which imports an asynchronous `sandbox`.
//! - `componentize agent FILE COMPONENTS FOLDER NAME` composes an agent, a component or a core module, with these
//!   components, as `wac plug` does: `NAME-bare.wasm` imports `sandbox`, `NAME-http.wasm` imports WASI only. Of a core
//!   module, `NAME.wasm` is the agent alone.

mod compose;
mod describe;

use anyhow::{Context, Result, bail};
use describe::Descriptions;
use std::{env, fs, path::Path};
use wasmparser::Parser;

/// The interface that every component exports.
const EXECUTOR: &str = "code-executor";
/// The interface that the components with streaming export.
const EXECUTOR_STREAM: &str = "code-executor-stream";

fn main() -> Result<()> {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["guests", wit, async_wit, modules, folder] => {
            guests(Path::new(wit), Path::new(async_wit), Path::new(modules), Path::new(folder))
        }
        ["agent", file, components, folder, name] => {
            agent(Path::new(file), Path::new(components), Path::new(folder), name)
        }
        _ => bail!(
            "usage: componentize guests WIT ASYNC-WIT MODULES FOLDER | agent FILE COMPONENTS FOLDER NAME"
        ),
    }
}

/// Composes an agent with the components.
fn agent(file: &Path, components: &Path, folder: &Path, name: &str) -> Result<()> {
    let agent = read(file)?;
    let agent = if Parser::is_component(&agent) {
        agent
    } else {
        let (alone, target) = (component(&agent)?, folder.join(format!("{name}.wasm")));
        if target == file {
            bail!(
                "{} is a core module and would be replaced by its component; choose another NAME",
                file.display()
            );
        }
        write(&target, &alone)?;
        alone
    };
    for (suffix, executor) in [("bare", "code-executor.wasm"), ("http", "code-executor-http.wasm")] {
        let composed = compose::plug(&agent, &read(&components.join(executor))?)?;
        write(&folder.join(format!("{name}-{suffix}.wasm")), &composed)?;
    }
    Ok(())
}

/// Writes our own components.
fn guests(wit: &Path, async_wit: &Path, modules: &Path, folder: &Path) -> Result<()> {
    let encode = |module| component(&read(&modules.join(module))?);
    let (bare, stream) = (encode("code_executor.wasm")?, encode("code_executor_stream.wasm")?);
    let composed = compose::compose(&stream, &encode("http_bridge.wasm")?)?;
    let tool = compose::plug(&encode("code_executor_tool.wasm")?, &composed)?;
    let asynchronous = encode("code_executor_async.wasm")?;
    let (contract, async_contract) = (Descriptions::read(wit)?, Descriptions::read(async_wit)?);
    for (name, component, descriptions, world, interfaces) in [
        ("code-executor", bare, &contract, "executor", &[EXECUTOR][..]),
        ("code-executor-stream", stream, &contract, "executor-stream", &[EXECUTOR, EXECUTOR_STREAM]),
        ("code-executor-http", composed, &contract, "http-bridge", &[EXECUTOR, EXECUTOR_STREAM]),
        ("code-executor-tool", tool, &contract, "tool", &[]),
        ("code-executor-async", asynchronous, &async_contract, "executor", &[EXECUTOR]),
    ] {
        let described = descriptions.add(name, &component, world, interfaces)?;
        write(&folder.join(name).with_extension("wasm"), &described)?;
    }
    Ok(())
}

/// Makes a component of a core module.
fn component(module: &[u8]) -> Result<Vec<u8>> {
    wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, component: &[u8]) -> Result<()> {
    fs::write(file, component).with_context(|| format!("cannot write {}", file.display()))
}
