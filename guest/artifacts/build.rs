//! Finds the built components: in a package, the copies in `artifacts/`; in the repository, what `make build`
//! has built. A development build succeeds without them; a release build does not.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Folders of built components, relative to this package. The first that has a component is used.
const FOLDERS: [&str; 2] = ["artifacts", "../../target/components"];

fn main() {
    // Includes `artifacts/`, which need not exist.
    println!("cargo::rerun-if-changed={}", env!("CARGO_MANIFEST_DIR"));
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
    let paths = FOLDERS.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name));
    let found = paths.iter().find_map(|path| path.canonicalize().ok());
    // While there is none, cargo runs this program in each build.
    let [.., built] = &paths;
    println!("cargo::rerun-if-changed={}", found.as_ref().unwrap_or(built).display());
    found
}
