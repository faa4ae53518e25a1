//! Finds the runner that `make build` has built. A build for development does without it; a release must have it.

use std::{env, fs, path::Path};

fn main() {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/runner/cofferdam-runner");
    println!("cargo::rerun-if-changed={}", built.display());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    match built.canonicalize() {
        Ok(path) => println!("cargo::rustc-env=COFFERDAM_RUNNER={}", path.display()),
        Err(_) if is_release => println!("cargo::error=target/runner/cofferdam-runner is missing; run `make build`"),
        Err(_) => {
            let empty = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("no-runner");
            match fs::write(&empty, "") {
                Ok(()) => println!("cargo::rustc-env=COFFERDAM_RUNNER={}", empty.display()),
                Err(error) => println!("cargo::error={} cannot be written: {error}", empty.display()),
            }
        }
    }
}
