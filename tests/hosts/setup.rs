//! The hosts themselves, which a script sets up.

use cofferdam_tests::program::root;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// The folder of the hosts' programs. All tests wait for the first one to set it up.
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Command::new(root().join("scripts/hosts.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/hosts.sh failed");
    String::from_utf8(script.stdout).expect("a path").trim_end().into()
});

/// A program, with the hosts and `cofferdam` in its PATH, that starts in the repository and is told of this sidecar.
pub(crate) fn command(program: impl AsRef<Path>, url: &str) -> Command {
    let ours = [PROGRAMS.clone(), root().join("target/release")];
    let path = env::var_os("PATH").unwrap_or_default();
    let path: OsString = env::join_paths(ours.into_iter().chain(env::split_paths(&path))).expect("a PATH");
    // Not by its name alone: that would be looked for in our own PATH.
    let program = program.as_ref();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    let mut command = Command::new(found.expect("the program is there"));
    command.current_dir(root()).env("PATH", path).env("COFFERDAM_URL", url).env_remove("COFFERDAM_TOKEN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Transpiles the composed component for Node, with these options, into a folder of that name.
pub(crate) fn transpile(out: &str, options: &[&str]) {
    let component = "target/components/code-executor-http.wasm";
    let jco = root().join("examples/hosts/node/node_modules/.bin/jco");
    let mut command = command("node", "");
    command.arg(jco).args(["transpile", component, "--out-dir", out]).args(options);
    let output = command.output().expect("jco");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
