//! Makes the components of the core modules that wit-bindgen was compiled into: `componentize WIT EXECUTOR BRIDGE FOLDER`
//! writes `code-executor.wasm`, which imports the sandbox, and `code-executor-http.wasm`, which has the bridge for it.

mod compose;
mod describe;

use anyhow::{Context, Result, bail};
use describe::Descriptions;
use std::{env, fs, path::Path};

fn main() -> Result<()> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [wit, executor, bridge, folder] = args.as_slice() else {
        bail!("usage: componentize WIT EXECUTOR BRIDGE FOLDER")
    };
    let folder = Path::new(folder);
    let (executor, bridge) = (encode(Path::new(executor))?, encode(Path::new(bridge))?);
    let composed = compose::compose(&executor, &bridge)?;
    let descriptions = Descriptions::read(Path::new(wit))?;
    for (name, component, world) in
        [("code-executor", executor, "executor"), ("code-executor-http", composed, "http-bridge")]
    {
        let path = folder.join(name).with_extension("wasm");
        let described = descriptions.add(name, &component, world)?;
        fs::write(&path, described).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn encode(module: &Path) -> Result<Vec<u8>> {
    let core = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    wit_component::ComponentEncoder::default().validate(true).module(&core)?.encode()
}
