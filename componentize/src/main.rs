//! Makes a component of a core module that wit-bindgen was compiled into, and gives it its root name, which hosts ask
//! for and the compiler does not write: `componentize MODULE COMPONENT`. The name is that of COMPONENT without its
//! extension.

use anyhow::{Context, Result, bail};
use std::{env, ffi::OsStr, fs, path::Path};

fn main() -> Result<()> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [module, component] = args.as_slice() else { bail!("usage: componentize MODULE COMPONENT") };
    let (module, component) = (Path::new(module), Path::new(component));
    let name = component.file_stem().and_then(OsStr::to_str).context("COMPONENT has no name")?;
    let core = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = wit_component::ComponentEncoder::default().validate(true).module(&core)?.encode()?;
    let mut metadata = wasm_metadata::AddMetadata::default();
    metadata.name = wasm_metadata::AddMetadataField::Set(name.to_owned());
    let named = metadata.to_wasm(&encoded)?;
    fs::write(component, named).with_context(|| format!("cannot write {}", component.display()))
}
