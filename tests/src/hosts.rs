//! Hosts that others wrote, which a script sets up.

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

/// The component that needs no host of its own.
pub const COMPOSED: &str = "target/components/code-executor-http.wasm";

/// The folder of the hosts' programs. All tests wait for the first one to set it up.
#[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Command::new(root().join("scripts/hosts.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/hosts.sh failed");
    String::from_utf8(script.stdout).expect("a path").trim_end().into()
});

/// A program, with the hosts and `cofferdam` in its PATH, that starts in the repository and is told of this sidecar.
///
/// # Panics
///
/// Where it is not there, or the hosts cannot be set up.
#[must_use]
#[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
pub fn command(program: impl AsRef<Path>, url: &str) -> Command {
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

/// A Python process with one instance of the composed component, which makes one call after the other. Killed when it is
/// dropped.
#[derive(Debug)]
pub struct Python {
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Python {
    /// One that is told of this sidecar.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
    pub fn start(url: &str) -> Self {
        let mut python = command("python", url);
        python.args(["tests/hosts/caller.py", COMPOSED]).stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = python.spawn().expect("Python");
        let (calls, answers) = child.stdin.take().zip(child.stdout.take()).expect("pipes");
        Self { calls, answers: BufReader::new(answers), child }
    }

    /// Calls a function, and gives its result. Where types tell the cases of a variant apart, this host leaves out its name.
    ///
    /// # Errors
    ///
    /// Where none came: it is on standard error why.
    pub fn call(&mut self, interface: &str, function: &str, argument: &Value) -> io::Result<Value> {
        writeln!(self.calls, "{}", json!([interface, function, argument]))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
