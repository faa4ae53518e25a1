//! The third-party clients, which a script installs.

use cofferdam_tests::program::{TestDir, root};
use std::{
    env,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

/// The paths that the script prints: Python with the official client, the inspector, Node, and the
/// conformance suite for it. All tests wait for the first one to run it.
static CLIENTS: LazyLock<[PathBuf; 4]> = LazyLock::new(|| {
    let script = Command::new(root().join("scripts/mcp.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/mcp.sh failed");
    let paths: Vec<PathBuf> =
        String::from_utf8(script.stdout).expect("paths").lines().map(Into::into).collect();
    paths.try_into().expect("four paths")
});

/// The revisions of the protocol: one with sessions, one without.
pub(crate) const MODES: [&str; 2] = ["legacy", "2026-07-28"];

/// How a client connects to the server.
#[derive(Debug, Clone)]
pub(crate) enum Transport {
    /// It starts a server with these settings.
    Stdio(Vec<(&'static str, &'static str)>),
    /// At this address, with this token.
    Http(String, Option<&'static str>),
}

/// Python with the official client.
pub(crate) fn python() -> Command {
    Command::new(&CLIENTS[0])
}

/// The official client, which runs scenarios of `client.py` in a mode of the protocol.
pub(crate) fn client(dir: &TestDir, transport: &Transport, mode: &str, scenarios: &[&str]) -> Command {
    let mut command = python();
    command.arg(root().join("tests/mcp/client.py")).args(["--mode", mode]);
    match transport {
        Transport::Http(address, token) => {
            command.args(["--url", &format!("http://{address}/mcp")]);
            command.args(token.iter().flat_map(|token| ["--token", *token]));
        }
        Transport::Stdio(settings) => {
            command.arg("--command").arg(program()).arg("mcp").arg("--env").args(environment(dir));
            command.args(settings.iter().map(|(name, value)| format!("{name}={value}")));
        }
    }
    command.arg("--scenarios").args(scenarios).current_dir(dir.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs scenarios and asserts that they succeed.
pub(crate) fn assert_scenarios(dir: &TestDir, transport: &Transport, mode: &str, scenarios: &[&str]) {
    let output = client(dir, transport, mode, scenarios).output().expect("Python");
    assert_success(&output, &format!("{transport:?} {mode}"));
}

pub(crate) fn assert_success(output: &Output, what: &str) {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{what}: {}\n{stdout}\n{stderr}", output.status);
}

/// The inspector's command line.
pub(crate) fn inspector(dir: &TestDir) -> Command {
    let mut command = Command::new(&CLIENTS[1]);
    command.arg("--cli").env("HOME", dir.path());
    command.current_dir(dir.path()).stdin(Stdio::null());
    command
}

/// The conformance suite.
pub(crate) fn conformance(dir: &TestDir) -> Command {
    let [.., node, suite] = &*CLIENTS;
    let mut command = Command::new(node);
    command.arg(suite).env("HOME", dir.path()).current_dir(dir.path()).stdin(Stdio::null());
    command
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    root().join("target/release/cofferdam")
}

/// The environment of the program in a test. Clients pass on only the variables that they are given.
pub(crate) fn environment(dir: &TestDir) -> [String; 3] {
    let state = format!("COFFERDAM_STATE_DIR={}", dir.state().display());
    let settings = format!("XDG_CONFIG_HOME={}", dir.path().join("config").display());
    // gVisor is found there, whatever HOME the client has.
    let home = || env::var("HOME").map(|home| format!("{home}/.cache"));
    let cache = env::var("XDG_CACHE_HOME").or_else(|_| home()).expect("a cache folder");
    [state, settings, format!("XDG_CACHE_HOME={cache}")]
}
