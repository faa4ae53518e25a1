//! `docs/hosts.md`: its commands are executed, and its table lists the hosts that work.

use cofferdam_tests::{
    hosts::command,
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
};
use std::{fs, process::Output};

const PAGE: &str = "docs/hosts.md";
/// The address of the sidecar in the page.
const ADDRESS: &str = "127.0.0.1:8787";
/// The mark of each host's commands, its name, the file that pins its version, and the text before the
/// version in it.
const HOSTS: [(&str, &str, &str, &str); 5] = [
    ("cli", "wasmtime CLI", "examples/hosts/python/requirements.txt", "\nwasmtime-bin=="),
    ("python", "Python, `wasmtime`", "examples/hosts/python/requirements.txt", "\nwasmtime=="),
    ("node", "Node, `jco`", "examples/hosts/node/package.json", "jco\": \""),
    ("rust", "Rust, `wasmtime`", "host-sidecar/component/Cargo.toml", "\nwasmtime = { version = \""),
    ("own", "`cofferdam-host`, `wasmtime`", "host-sidecar/host/Cargo.toml", "\nwasmtime = { version = \""),
];
const ARTIFACTS: [&str; 2] = ["bare", "composed"];

/// Commands of the page that are marked with a host and an artifact.
struct Commands<'a> {
    host: &'a str,
    artifact: &'a str,
    script: &'a str,
}

impl<'a> Commands<'a> {
    fn parse(block: &'a str) -> Option<Self> {
        let (mark, rest) = block.split_once('\n')?;
        let (host, artifact) = mark.split_once(' ')?;
        Some(Self { host, artifact, script: rest.split("\n```").next()? })
    }
}

fn commands(page: &str) -> Vec<Commands<'_>> {
    let blocks = page.split("\n```sh ").skip(1);
    blocks.map(|block| Commands::parse(block).expect("a host, an artifact and commands")).collect()
}

fn run(commands: &Commands<'_>, dir: &TestDir, sidecar: &Sidecar) -> Output {
    let mut bash = command("bash", &format!("http://{}", sidecar.address));
    let script = commands.script.replace(ADDRESS, &sidecar.address);
    bash.args(["-euo", "pipefail", "-c", &script]).env("COFFERDAM_STATE_DIR", dir.state());
    bash.env("XDG_CONFIG_HOME", dir.path().join("config")).output().expect("bash")
}

fn pinned(file: &str, before: &str) -> String {
    let file = fs::read_to_string(root().join(file)).expect("a file of pins");
    let (_, version) = file.split_once(before).expect("a pin");
    version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

#[test]
fn each_command_in_hosts_md_works_and_is_in_its_table() {
    let page = fs::read_to_string(root().join(PAGE)).expect("the page");
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut works = vec![];
    for commands in commands(&page) {
        let Commands { host, artifact, script } = &commands;
        let output = run(&commands, &dir, &sidecar);
        let printed = stdout(&output);
        assert!(
            output.status.success() && printed.contains("42"),
            "{script}\n{printed}\n{}",
            stderr(&output)
        );
        works.push((*host, *artifact));
    }
    let mut table = "| host | `code-executor.wasm` | `code-executor-http.wasm` |\n|---|---|---|\n".to_owned();
    for (mark, name, file, before) in HOSTS {
        let cells = ARTIFACTS
            .map(|artifact| if works.contains(&(mark, artifact)) { "yes" } else { "no" })
            .join(" | ");
        table += &format!("| {name} {} | {cells} |\n", pinned(file, before));
    }
    assert!(page.contains(&format!("\n\n{table}\n")), "the table of {PAGE} should be:\n\n{table}");
}

#[test]
fn the_wasmtime_cli_does_not_provide_the_sandbox_import() {
    let mut wasmtime = command("wasmtime", "");
    wasmtime.args(["run", "-S", "http", "--invoke", "execute({code: \"print(6*7)\"})"]);
    let output = wasmtime.arg("target/components/code-executor.wasm").output().expect("wasmtime");
    assert!(!output.status.success());
    assert!(stderr(&output).contains("cofferdam:code-executor/sandbox"), "{}", stderr(&output));
}
