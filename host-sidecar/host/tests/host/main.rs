//! `cofferdam-host` with real components and real sandboxes.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod limits;
mod run;
mod serve;
mod wasi;

use cofferdam_tests::program::{TestDir, root, stderr, stdout};
use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Output},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cofferdam-host");

/// The command `cofferdam-host` in the folder.
fn host(dir: &TestDir, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    dir.command(PROGRAM, args)
}

/// Exit code, standard output and standard error.
fn ended(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), stdout(output), stderr(output))
}

/// One of our components.
fn component(name: &str) -> PathBuf {
    root().join("target/components").join(name).with_extension("wasm")
}

/// Writes a component in the text format into the folder as `guest.wasm`.
fn write_guest(dir: &TestDir, text: &str) {
    dir.write("guest.wasm", wat::parse_str(text).expect("a component"));
}
