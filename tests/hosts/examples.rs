//! How the example hosts handle the end of a program, and an overloaded sidecar.

use crate::scripted_server::{OUTCOME, ScriptedServer, response};
use cofferdam_tests::{
    hosts::{command, transpile, transpile_component},
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
};
use std::{
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::Output,
    sync::atomic::{AtomicBool, Ordering},
};

const BARE: &str = "target/components/code-executor.wasm";
const COMPOSED: &str = "target/components/code-executor-http.wasm";
const STREAM: &str = "target/components/code-executor-stream.wasm";
/// The folder of the Node hosts and of the components transpiled for them.
const NODE: &str = "examples/hosts/node/out/ends";

/// The examples and their arguments.
const HOSTS: [(&str, &[&str]); 8] = [
    ("python", &["examples/hosts/python/bare.py", BARE]),
    ("python", &["examples/hosts/python/composed.py", COMPOSED]),
    ("python", &["examples/hosts/python/follow.py", COMPOSED]),
    ("node", &["examples/hosts/node/out/ends/bare.mjs"]),
    ("node", &["examples/hosts/node/out/ends/composed.mjs"]),
    ("target/release/examples/bare", &[BARE]),
    ("target/release/examples/composed", &[COMPOSED]),
    ("target/release/examples/follow", &[STREAM]),
];

fn set_up_node() {
    transpile_component(
        "code-executor",
        &format!("{NODE}/out"),
        &["--map", "cofferdam:code-executor/sandbox=../sandbox.mjs"],
    );
    transpile(&format!("{NODE}/out"), &[]);
    for name in ["bare.mjs", "composed.mjs", "sandbox.mjs"] {
        let from = root().join("examples/hosts/node").join(name);
        fs::copy(from, root().join(NODE).join(name)).expect("a copy");
    }
}

fn run(dir: &TestDir, url: &str, host: (&str, &[&str]), code: &str) -> Output {
    let (program, args) = host;
    let program = if program.contains('/') { root().join(program) } else { program.into() };
    let mut command = command(program, url);
    command.args(args).arg(code).env("COFFERDAM_STATE_DIR", dir.state());
    command.env("XDG_CONFIG_HOME", dir.path().join("config")).output().expect("a host")
}

#[test]
fn a_host_exits_with_the_programs_exit_code() {
    set_up_node();
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let url = format!("http://{}", sidecar.address);
    for host in HOSTS {
        for (code, expected, part) in [
            ("print(6*7)", 0, ""),
            ("print(6*7); raise SystemExit(3)", 3, ""),
            ("print(6*7); 1/0", 1, "ZeroDivisionError"),
            ("print(6*7, flush=True); import os; os.kill(os.getpid(), 9)", 1, "illed"),
        ] {
            let output = run(&dir, &url, host, code);
            assert_eq!(output.status.code(), Some(expected), "{host:?} {code}: {}", stderr(&output));
            assert_eq!(stdout(&output), "42\n", "{host:?} {code}");
            assert!(stderr(&output).contains(part), "{host:?} {code}: {}", stderr(&output));
        }
    }
}

#[test]
fn an_overloaded_sidecar_is_retried_after_its_retry_after() {
    let dir = TestDir::new();
    let is_idle = AtomicBool::new(false);
    let sidecar = ScriptedServer::new(move |stream| {
        let problem = r#"{"code":"overloaded","detail":"enough","retryable":true}"#;
        let headers = "content-type: application/problem+json\r\nretry-after: 0\r\n";
        let response = match is_idle.swap(true, Ordering::Relaxed) {
            false => response(429, headers, problem),
            true => response(200, "content-type: application/json\r\n", OUTCOME),
        };
        // The host may close the connection early.
        let _ = stream.write_all(response.as_bytes());
    });
    let output = run(&dir, &sidecar.url(), HOSTS[0], "print(6*7)");
    assert_eq!((stdout(&output), output.status.code()), ("42\n".into(), Some(0)), "{}", stderr(&output));
    assert_eq!(sidecar.requests().len(), 2);
}

#[test]
fn environment_values_do_not_appear_in_a_command_line() {
    let dir = TestDir::new();
    fs::create_dir(dir.path().join("bin")).expect("a folder");
    // A wrapper that records its command line, as `ps` would show it.
    let real = root().join("target/release/cofferdam");
    dir.write(
        "bin/cofferdam",
        format!("#!/bin/sh\necho \"$@\" >>{}/seen\nexec {} \"$@\"\n", dir.path().display(), real.display()),
    );
    fs::set_permissions(dir.path().join("bin/cofferdam"), fs::Permissions::from_mode(0o755))
        .expect("a script");
    let script = "const { run } = await import('./examples/hosts/node/sandbox.mjs');
        const env = [{ name: 'KEY', value: 'secret\\nof two lines' }, { name: 'EMPTY', value: '' }];
        const code = 'import os; print([os.environ[name] for name in (\\'KEY\\', \\'EMPTY\\')])';
        process.stdout.write(Buffer.from(run({ code, env }).stdout.bytes));";
    let mut node = command("node", "");
    let path = node
        .get_envs()
        .find_map(|(name, value)| (name == "PATH").then_some(value?))
        .expect("a PATH")
        .to_owned();
    let path =
        env::join_paths([dir.path().join("bin")].into_iter().chain(env::split_paths(&path))).expect("a PATH");
    node.args(["--input-type=module", "--eval", script]).env("PATH", path);
    node.env("COFFERDAM_STATE_DIR", dir.state()).env("XDG_CONFIG_HOME", dir.path().join("config"));
    let output = node.output().expect("node");
    assert_eq!(stdout(&output), "['secret\\nof two lines', '']\n", "{}", stderr(&output));
    let seen = fs::read_to_string(dir.path().join("seen")).expect("a command line");
    assert!(seen.starts_with("run --json") && !seen.contains("secret"), "{seen}");
}
