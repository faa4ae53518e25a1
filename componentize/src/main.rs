//! Turns core modules into the guest components.
//!
//! `componentize WIT MODULES FOLDER` writes `code-executor.wasm`, which imports `sandbox`,
//! `code-executor-stream.wasm`, which also imports `sandbox-stream`, and `code-executor-http.wasm`, which is
//! composed with the bridge and imports WASI only.

mod compose;
mod describe;

use anyhow::{Context, Result, bail};
use describe::Descriptions;
use std::{env, fs, path::Path};

/// The interface that every component exports.
const EXECUTOR: &str = "code-executor";
/// The interface that the components with streaming export.
const EXECUTOR_STREAM: &str = "code-executor-stream";

fn main() -> Result<()> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [wit, modules, folder] = args.as_slice() else { bail!("usage: componentize WIT MODULES FOLDER") };
    let encode = |module| encode(&Path::new(modules).join(module));
    let (bare, stream) = (encode("code_executor.wasm")?, encode("code_executor_stream.wasm")?);
    let composed = compose::compose(&stream, &encode("http_bridge.wasm")?)?;
    let descriptions = Descriptions::read(Path::new(wit))?;
    for (name, component, world, interfaces) in [
        ("code-executor", bare, "executor", &[EXECUTOR][..]),
        ("code-executor-stream", stream, "executor-stream", &[EXECUTOR, EXECUTOR_STREAM]),
        ("code-executor-http", composed, "http-bridge", &[EXECUTOR, EXECUTOR_STREAM]),
    ] {
        let path = Path::new(folder).join(name).with_extension("wasm");
        let described = descriptions.add(name, &component, world, interfaces)?;
        fs::write(&path, described).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn encode(module: &Path) -> Result<Vec<u8>> {
    let core = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    wit_component::ComponentEncoder::default().validate(true).module(&core)?.encode()
}
