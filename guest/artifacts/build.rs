//! Finds the built components in `artifacts/`: in the repository a link to what `make build` has built. A
//! development build succeeds without them; a release build does not.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The folder of the built components, relative to this package.
const FOLDER: &str = "artifacts";

fn main() {
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let empty = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("no-component");
    if let Err(error) = fs::write(&empty, "") {
        println!("cargo::error={} cannot be written: {error}", empty.display());
    }
    for (variable, name) in [
        ("COFFERDAM_COMPONENT", "code-executor.wasm"),
        ("COFFERDAM_STREAM_COMPONENT", "code-executor-stream.wasm"),
        ("COFFERDAM_COMPOSED_COMPONENT", "code-executor-http.wasm"),
        ("COFFERDAM_TOOL_COMPONENT", "code-executor-tool.wasm"),
    ] {
        match find(name) {
            Some(path) => println!("cargo::rustc-env={variable}={}", path.display()),
            None if is_release => {
                println!("cargo::error=target/components/{name} is missing; run `make build`")
            }
            None => println!("cargo::rustc-env={variable}={}", empty.display()),
        }
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(name);
    // While it is missing, cargo runs this program in each build.
    println!("cargo::rerun-if-changed={}", path.display());
    path.canonicalize().ok()
}
