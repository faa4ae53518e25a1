//! Third-party hosts of the component, which `scripts/hosts.sh` installs.

use crate::program::root;
use serde_json::{Value, json};
use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
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

/// A Python process with one instance of the composed component, which executes calls one by one. Killed when
/// dropped.
#[derive(Debug)]
pub struct Python {
    calls: ChildStdin,
    results: BufReader<ChildStdout>,
    child: Child,
}

impl Python {
    /// Starts a process that uses the sidecar at `url`.
    ///
    /// # Panics
    ///
    /// The process cannot be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
    pub fn start(url: &str) -> Self {
        let mut python = command("python", url);
        python.args(["tests/hosts/caller.py", COMPOSED]).stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = python.spawn().expect("Python");
        let (calls, results) = child.stdin.take().zip(child.stdout.take()).expect("pipes");
        Self { calls, results: BufReader::new(results), child }
    }

    /// Calls a function and returns its result. This host omits the name of a variant's case if the payload's
    /// type identifies it.
    ///
    /// # Errors
    ///
    /// The call returned nothing; the process has written the cause to standard error.
    pub fn call(&mut self, interface: &str, function: &str, argument: &Value) -> io::Result<Value> {
        writeln!(self.calls, "{}", json!([interface, function, argument]))?;
        let mut result = String::new();
        self.results.read_line(&mut result)?;
        Ok(serde_json::from_str(&result)?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
