//! Finds the components that `make build` has built. A build for development does without them; a release must have them.

use std::{env, fs, path::Path};

fn main() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/components");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let empty = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("no-component");
    if let Err(error) = fs::write(&empty, "") {
        println!("cargo::error={} cannot be written: {error}", empty.display());
    }
    for (variable, name) in [
        ("COFFERDAM_COMPONENT", "code-executor.wasm"),
        ("COFFERDAM_STREAM_COMPONENT", "code-executor-stream.wasm"),
        ("COFFERDAM_COMPOSED_COMPONENT", "code-executor-http.wasm"),
    ] {
        let built = target.join(name);
        println!("cargo::rerun-if-changed={}", built.display());
        match built.canonicalize() {
            Ok(path) => println!("cargo::rustc-env={variable}={}", path.display()),
            Err(_) if is_release => println!("cargo::error=target/components/{name} is missing; run `make build`"),
            Err(_) => println!("cargo::rustc-env={variable}={}", empty.display()),
        }
    }
}
