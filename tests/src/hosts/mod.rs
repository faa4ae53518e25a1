//! Third-party hosts of the component, which `scripts/hosts.sh` installs.

mod caller;
mod http;
mod transpile;

pub use caller::Caller;
pub use http::HttpHost;
pub use transpile::{transpile, transpile_component, transpiled};

use crate::program::root;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// The component whose host supplies the sandbox.
pub const BARE: &str = "target/components/code-executor.wasm";
/// The composed component, which runs in any host with WASI HTTP.
pub const COMPOSED: &str = "target/components/code-executor-http.wasm";

/// The folder of the hosts' programs. The first test installs them; the others wait.
#[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let script =
        Command::new(root().join("scripts/hosts.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/hosts.sh failed");
    String::from_utf8(script.stdout).expect("a path").trim_end().into()
});

/// The folder of the example agent in Rust, which `scripts/example-agent.sh` builds and composes.
#[expect(clippy::expect_used, reason = "a test without its agent has failed")]
static AGENTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let status = Command::new(root().join("scripts/example-agent.sh")).status().expect("bash");
    assert!(status.success(), "scripts/example-agent.sh failed");
    root().join("target/agents")
});

/// The folder of the component `http-caller`, which `scripts/http-caller.sh` builds and composes.
#[expect(clippy::expect_used, reason = "a test without its component has failed")]
static HTTP_CALLERS: LazyLock<PathBuf> = LazyLock::new(|| {
    let status = Command::new(root().join("scripts/http-caller.sh")).status().expect("bash");
    assert!(status.success(), "scripts/http-caller.sh failed");
    root().join("target/agents")
});

/// The file of the component `http-caller`, alone or composed.
#[must_use]
pub fn http_caller(name: &str) -> PathBuf {
    HTTP_CALLERS.join(name).with_extension("wasm")
}

/// The file of a composed example agent, such as `rust-bare`.
#[must_use]
pub fn agent(name: &str) -> PathBuf {
    AGENTS.join(name).with_extension("wasm")
}

/// A command in the repository's root, with the hosts and `cofferdam` in `PATH` and the sidecar's URL in
/// `COFFERDAM_URL`.
///
/// # Panics
///
/// The program is not in `PATH`, or the hosts cannot be installed.
#[must_use]
#[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
pub fn command(program: impl AsRef<Path>, url: &str) -> Command {
    let added = [PROGRAMS.clone(), root().join("target/release")];
    let path = env::var_os("PATH").unwrap_or_default();
    let path: OsString = env::join_paths(added.into_iter().chain(env::split_paths(&path))).expect("a PATH");
    // `Command` would search this process's own PATH for a bare name.
    let program = program.as_ref();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    let mut command = Command::new(found.expect("the program is there"));
    command.current_dir(root()).env("PATH", path).env("COFFERDAM_URL", url).env_remove("COFFERDAM_TOKEN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
