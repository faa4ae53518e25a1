//! Makes the components of the core modules that wit-bindgen was compiled into: `componentize WIT MODULES FOLDER` writes
//! `code-executor.wasm`, which imports the sandbox, `code-executor-stream.wasm`, which imports the stream of it too, and
//! `code-executor-http.wasm`, which has the bridge for both.

mod compose;
mod describe;

use anyhow::{Context, Result, bail};
use describe::Descriptions;
use std::{env, fs, path::Path};

/// The interface that each component exports, and the one that only those export that can follow a run.
const EXECUTE: &str = "code-executor";
const FOLLOW: &str = "code-executor-stream";

fn main() -> Result<()> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [wit, modules, folder] = args.as_slice() else { bail!("usage: componentize WIT MODULES FOLDER") };
    let encode = |module| encode(&Path::new(modules).join(module));
    let (bare, stream) = (encode("code_executor.wasm")?, encode("code_executor_stream.wasm")?);
    let composed = compose::compose(&stream, &encode("http_bridge.wasm")?)?;
    let descriptions = Descriptions::read(Path::new(wit))?;
    for (name, component, world, interfaces) in [
        ("code-executor", bare, "executor", &[EXECUTE][..]),
        ("code-executor-stream", stream, "executor-stream", &[EXECUTE, FOLLOW]),
        ("code-executor-http", composed, "http-bridge", &[EXECUTE, FOLLOW]),
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
