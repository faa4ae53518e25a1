//! Finds the built runner: in a package, the copy in `artifacts/`; in the repository, what `make build` has
//! built. A development build succeeds without it; a release build does not.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Folders of a built runner, relative to this package. The first that has one is used.
const FOLDERS: [&str; 2] = ["artifacts", "../../target/runner"];
const NAME: &str = "cofferdam-runner";

fn main() {
    // Includes `artifacts/`, which need not exist.
    println!("cargo::rerun-if-changed={}", env!("CARGO_MANIFEST_DIR"));
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    match find() {
        Some(path) => println!("cargo::rustc-env=COFFERDAM_RUNNER={}", path.display()),
        None if is_release => println!("cargo::error=target/runner/{NAME} is missing; run `make build`"),
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
    let paths = FOLDERS.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(NAME));
    let found = paths.iter().find_map(|path| path.canonicalize().ok());
    // While there is none, cargo runs this program in each build.
    let [.., built] = &paths;
    println!("cargo::rerun-if-changed={}", found.as_ref().unwrap_or(built).display());
    found
}
