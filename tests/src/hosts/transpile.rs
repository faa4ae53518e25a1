//! Components for Node, translated by jco.

use super::command;
use crate::program::root;
use std::{path::PathBuf, sync::LazyLock};

const CALLERS: &str = "examples/hosts/node/out/callers";

/// The folder of the modules for `tests/hosts/callers/node.mjs`.
static MODULES: LazyLock<PathBuf> = LazyLock::new(|| {
    transpile_component(
        "code-executor",
        CALLERS,
        &["--map", "cofferdam:code-executor/sandbox=../../sandbox.mjs"],
    );
    transpile(CALLERS, &[]);
    root().join(CALLERS)
});

/// The module of the component of this name, for `tests/hosts/callers/node.mjs`.
#[must_use]
pub fn transpiled(name: &str) -> PathBuf {
    MODULES.join(name).with_extension("js")
}

/// Translates the composed component into this folder.
///
/// # Panics
///
/// jco fails.
pub fn transpile(out: &str, options: &[&str]) {
    transpile_component("code-executor-http", out, options);
}

/// Translates the component of this name.
///
/// # Panics
///
/// jco fails.
#[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
pub fn transpile_component(name: &str, out: &str, options: &[&str]) {
    let component = &*format!("target/components/{name}.wasm");
    let jco = root().join("examples/hosts/node/node_modules/.bin/jco");
    let mut command = command("node", "");
    command.arg(jco).args(["transpile", component, "--out-dir", out]).args(options);
    let output = command.output().expect("jco");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
