//! Finds the built runner in `artifacts/`: in the repository a link to what `make build` has built. A
//! development build succeeds without it; a release build does not.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The built runner, relative to this package.
const RUNNER: &str = "artifacts/cofferdam-runner";

fn main() {
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    match find() {
        Some(path) => println!("cargo::rustc-env=COFFERDAM_RUNNER={}", path.display()),
        None if is_release => {
            println!("cargo::error=target/runner/cofferdam-runner is missing; run `make build`")
        }
        None => {
            let empty = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("no-runner");
            match fs::write(&empty, "") {
                Ok(()) => println!("cargo::rustc-env=COFFERDAM_RUNNER={}", empty.display()),
                Err(error) => println!("cargo::error={} cannot be written: {error}", empty.display()),
            }
        }
    }
}

fn find() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RUNNER);
    // While it is missing, cargo runs this program in each build.
    println!("cargo::rerun-if-changed={}", path.display());
    path.canonicalize().ok()
}
