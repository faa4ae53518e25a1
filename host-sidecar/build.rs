//! Embeds what the Makefile builds first with other targets: the components and the runner.

use std::path::Path;

fn main() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    for (variable, artifact) in [
        ("COFFERDAM_COMPONENT", "components/code-executor.wasm"),
        ("COFFERDAM_STREAM_COMPONENT", "components/code-executor-stream.wasm"),
        ("COFFERDAM_COMPOSED_COMPONENT", "components/code-executor-http.wasm"),
        ("COFFERDAM_RUNNER", "runner/cofferdam-runner"),
    ] {
        let path = target.join(artifact);
        println!("cargo::rerun-if-changed={}", path.display());
        match path.canonicalize() {
            Ok(path) => println!("cargo::rustc-env={variable}={}", path.display()),
            Err(_) => println!("cargo::error=target/{artifact} is not there yet; run `make build`"),
        }
    }
}
