//! Transpiles the components for Node.

use cofferdam_tests::{hosts::command, program::root};

/// Transpiles the composed component for Node, with these options, into a folder of that name.
pub(crate) fn transpile(out: &str, options: &[&str]) {
    transpile_component("code-executor-http", out, options);
}

/// Transpiles the component of this name.
pub(crate) fn transpile_component(name: &str, out: &str, options: &[&str]) {
    let component = &*format!("target/components/{name}.wasm");
    let jco = root().join("examples/hosts/node/node_modules/.bin/jco");
    let mut command = command("node", "");
    command.arg(jco).args(["transpile", component, "--out-dir", out]).args(options);
    let output = command.output().expect("jco");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
